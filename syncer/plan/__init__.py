"""The plan: the value in the middle, between desired and live state.

planner       what a change is, and the plan
diff          what counts as a difference
provenance    what the base tells of a plan
policy        what may be applied: the verdict
effects       what a change means for the syncs, in words
model_states  how each model stands, for `syncer list`
planfile      a plan as a file, out and in
saved_plan    whether a saved plan may be applied here, and its changes on live state as it is now

Only `planfile` reads and writes files.
"""
