"""Live state into git: models that nobody declares yet, and edits that were made outside git.

importer  which live models become files, and which live values go into files
writing   files out: whole, never through a link

Only `writing` touches files.
"""
