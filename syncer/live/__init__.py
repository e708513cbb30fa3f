"""Live state: the REST API, what is asked of it and how, and what its answers mean.

api           models, connectors and syncs: the Reader and the Writer of a run
paging        a list read completely, page by page, or not at all
session       one request: credentials, retries, errors
rate_limit    how fast requests may go
payloads      the API's JSON into models and back, and the API's habits
newest_page   what the newest page of models proves
error_bodies  an answer's error in words
connectivity  what `syncer doctor` tries: name, connection, certificate, API

Only `payloads` and `newest_page` are pure.
"""
