"""The plan: the value in the middle, between desired and live state.

planner              what a change is, and the plan
diff                 what counts as a difference
effects              what a change means for the syncs, in words
feasibility          what of a plan can't be carried out
policy               the verdict: what an apply refuses
limits               what the verdict is made under
lost_columns         the guard for columns that a sync or the primary key needs
base_definitions     what the base said of a model
causes               why live differs: this change, drift or conflict
guards               `protect` and `allow` as the base has them
renames              changes that may mean another model
removed_definitions  what git has no more
model_states         how each model stands, for `syncer list`
planfile             a plan as a file, out and in
saved_plan           whether a saved plan may be applied here, and its changes on live state as it is now

Only `planfile` reads and writes files.
"""
