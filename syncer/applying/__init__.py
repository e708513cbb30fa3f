"""A plan carried out, remembered and taken back.

applier      carries out exactly one plan: the order, the limit, a look at the end
update       one update, and what became of it
creation     one creation, and what became of it
outcome      what became of a change, in words, and the report
writer       what an apply asks of the API
past_run     an apply as it's remembered
run_records  what each apply replaced: one file a run
rollback     which changes of a run are taken back, and which are left alone

Only `run_records` reads and writes files.
"""
