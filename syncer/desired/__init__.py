"""Desired state: what git says, from the files on the disk to definitions with one environment's values.

loader         files → documents, every value with its place
validate       documents → problems: the schema and the rules
resolve        documents → definitions with one environment's values and secrets
said           what one definition says in one environment, and where each value stands
binding        which live model each definition means
similar_names  live models whose name somebody may have mistyped
connectors     the connectors that files name
git            commits: the one that is checked out, and the base

`loader` and `git` read files and run git; the others are pure.
"""
