"""Documents, schema and rules → Problems: every problem of every file, in one pass. Pure.

checks         every document as it stands, and once for each environment
rules          every rule as a value: why, and examples
schema         the JSON Schema's verdict in words
values         texts and lists that the server changes or can't store
secrets        secrets in clear text, masks and references
configuration  keys of a configuration that look mistyped
queries        what the server, a sync or a database says against a query
duplicates     two files for one live model
finding        what a check found, before it has a place
invalid_files  what a file that isn't valid still guards

A file is checked as it stands, and then once for each environment, with that environment's values filled in: what is
required is required only then.
"""

from syncer.desired.validate.checks import MAX_PROBLEMS, SHARED_ID, as_errors, check, unreadable
from syncer.desired.validate.invalid_files import guard_of
from syncer.desired.validate.rules import RULES, Rule
from syncer.desired.validate.schema import misfit

__all__ = [
    "MAX_PROBLEMS",
    "RULES",
    "SHARED_ID",
    "Rule",
    "as_errors",
    "check",
    "guard_of",
    "misfit",
    "unreadable",
]
