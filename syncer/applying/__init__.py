"""A plan carried out, remembered and taken back.

applier      carries out exactly one plan, and says what became of each change
run_records  what each apply replaced: one file a run
rollback     which changes of a run are taken back, and which are left alone

Only `run_records` reads and writes files.
"""
