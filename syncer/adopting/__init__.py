"""Live state into git: models that nobody declares yet, and edits that were made outside git. Pure.

selection  which live models somebody asks for
names      addresses of new files, variables for secrets
new_files  a live model as a new definition
drift      live values into the files that are there
"""
