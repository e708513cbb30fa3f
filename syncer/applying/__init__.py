"""A plan carried out, remembered and taken back.

applier   carries out exactly one plan, and says what became of each change
runs      what applies replaced: one file a run
undo      what of a run goes back, and what is left alone

Only `runs` reads and writes files.
"""
