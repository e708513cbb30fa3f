"""The plan: the value in the middle, between desired and live state.

diff        what counts as a difference         policy     what may be applied: the verdict
planner     what a change is, and the plan      effects    what a change means for the syncs, in words
provenance  what the base tells of a plan       planfile   a plan as a file, out and in
saved       what refuses a saved plan, and how it's made whole again

Only `planfile` reads and writes files.
"""
