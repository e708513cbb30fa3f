"""Desired state: what git says, from the files on the disk to definitions with one environment's values.

loader    files → documents, every value with its place     resolve   what a file means, and which live model it means
validate  documents → problems: the schema and the rules    git      commits: the one that is checked out, and the base

`loader` and `git` read files and run git; the others are pure.
"""
