"""Every rule as a value: what it's called, how bad it is, why it exists, and an example of each side.

The examples are run as tests: the wrong one breaks its rule and no other, the right one breaks none. `docs/rules.md` is
made from this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syncer.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = "models/example.yaml"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `wrong` and `right` are the files of an example, by path; none where no text can show it."""

    id: str
    title: str
    why: str
    wrong: Mapping[str, str]
    right: Mapping[str, str]
    severity: Severity = Severity.ERROR


_SQL: Final = (
    "name: Active users\nconnector_id: 1\nquery_type: raw_sql\nprimary_key: user_id\nquery: SELECT user_id FROM users\n"
)
_ENDPOINT: Final = (
    "name: Churn score\nconnector_id: 3\nquery_type: ai_ml\nprimary_key: id\nconfiguration:\n  harvesters: []\n"
)
_CHUNKS: Final = "  chunk_config: {chunk_size: 1000, chunk_overlap: 200}\n"
_DOCS: Final = (
    "name: Help centre\nconnector_id: 4\nquery_type: unstructured\nconfiguration:\n"
    "  embedding_config:\n    model: text-embedding-3-small\n    api_key: {env: SYNCER_SECRET_OPENAI}\n" + _CHUNKS
)
_DYNAMIC: Final = (
    "name: Orders\nconnector_id: 1\nquery_type: dynamic_sql\nprimary_key: id\n"
    "configuration:\n  harvesters: []\n  json_schema: {}\n"
)
_RANKED: Final = "(SELECT user_id, row_number() OVER (ORDER BY seen) AS n FROM users) AS ranked"
_PARAMETER: Final = "query: SELECT id FROM orders WHERE region = ':region'\n"
_TABLE: Final = (
    "name: Accounts\nconnector_id: 1\nquery_type: table_selector\nprimary_key: id\nquery: SELECT * FROM crm.accounts\n"
)


def _one(text: str) -> dict[str, str]:
    return {_NAME: text}


def _instead(text: str, old: str, new: str) -> dict[str, str]:
    return _one(text.replace(old, new))


def _in_file(query: str) -> dict[str, str]:
    model = _SQL.replace("query: SELECT user_id FROM users", "query_file: users.sql")
    return {_NAME: model, "models/users.sql": query}


_NOWHERE: Final[Mapping[str, str]] = {}
_WARNING: Final = Severity.WARNING

RULES: Final = (
    # -- files ---------------------------------------------------------------------------------------------------
    Rule(
        "no-models-folder",
        "The models folder is missing",
        "In the wrong folder syncer would find no file, and would report that everything is in order.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "no-files",
        "There is no model file",
        "An empty models folder may be a mistake. So syncer reports it, and never takes it for a plan without changes.",
        {"models/README.md": "no model here yet\n"},
        _one(_SQL),
    ),
    Rule(
        "outside-models",
        "A file named on the command line is not a model file",
        "The address of a model is its path below the models folder, so a file elsewhere has none.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "wrong-ending",
        "A YAML file doesn't end in .yaml",
        "syncer reads only .yaml files. It would skip one that ends in .yml without a message.",
        {_NAME: _SQL, "models/other.yml": _SQL},
        {_NAME: _SQL, "models/other.yaml": _SQL.replace("Active", "Other")},
    ),
    Rule(
        "bad-file-name",
        "A file's name can't be shown",
        "Control characters in a name break terminals and reports, and a backslash is a folder on Windows.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "not-a-file",
        "A folder, a pipe or a device has a model file's name",
        "Opening it could wait forever.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "unreadable",
        "A file can't be read",
        "A file that is left out could be the important one.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "outside-root",
        "A symlink leads out of the repository",
        "A reviewed file must not pull in what nobody reviewed; a link back to a folder above it has no end.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "linked-models",
        "The models folder is a symlink, or stands behind one",
        "A commit holds only the link, so syncer could compare no base. And syncer never writes through a link.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "submodule",
        "A folder of definitions is a git submodule",
        "Its files are in another repository. While that isn't checked out the folder is empty, and its models would "
        "be missing from a plan.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "too-large",
        "A file is larger than 1 MiB, or holds more than 20,000 values",
        "No real model is so large. syncer reads no further, so that no file can exhaust the memory of a build.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "bad-encoding",
        "A file isn't UTF-8 text",
        "Guessing an encoding changes text silently. Control characters are no YAML at all.",
        _instead(_SQL, "Active", "\udcc4ctive"),
        _instead(_SQL, "Active", "Äctive"),
    ),
    Rule(
        "empty-file",
        "A file has no content",
        "It counts as a mistake, and not as a model without fields.",
        _one("# later\n"),
        _one(_SQL),
    ),
    # -- YAML ----------------------------------------------------------------------------------------------------
    Rule(
        "syntax",
        "A file isn't YAML",
        "Nothing can be read from it.",
        _instead(_SQL, "Active users", "Active: users"),
        _instead(_SQL, "Active users", '"Active: users"'),
    ),
    Rule(
        "tab-indentation",
        "There is a tab in the indentation",
        "YAML allows no tabs there, because their width differs from editor to editor.",
        _one(_SQL + "lifecycle:\n\tprotect: true\n"),
        _one(_SQL + "lifecycle:\n  protect: true\n"),
    ),
    Rule(
        "several-documents",
        "A file holds several YAML documents",
        "A model's address is its file's path, so one file is one model.",
        _one(_SQL + "---\n" + _SQL),
        _one("---\n" + _SQL),
    ),
    Rule(
        "not-a-mapping",
        "A file doesn't hold keys and values",
        "A model is a mapping of fields.",
        _one("- name: Active users\n"),
        _one(_SQL),
    ),
    Rule(
        "duplicate-key",
        "A key is in one mapping twice",
        "YAML forbids it, and most readers take the last one silently.",
        _one(_SQL + "primary_key: email\n"),
        _one(_SQL),
    ),
    Rule(
        "key-not-text",
        "A key isn't text",
        "JSON, which the server takes, has only text for keys.",
        _one(_SQL + "configuration:\n  1: one\n"),
        _one(_SQL + 'configuration:\n  "1": one\n'),
    ),
    Rule(
        "ambiguous-scalar",
        "A value without quotes means different things to different readers",
        "YAML 1.1 reads no as false and 012 as ten, YAML 1.2 reads text and twelve; editors and tools use either.",
        _instead(_SQL, "Active users", "no"),
        _instead(_SQL, "Active users", '"no"'),
    ),
    Rule(
        "not-a-json-number",
        "JSON can't hold a number",
        "JSON has no infinity and no not-a-number; the server stores null for 1e400.",
        _one(_SQL + "configuration:\n  most: .inf\n"),
        _one(_SQL + "configuration:\n  most: 1000000\n"),
    ),
    Rule(
        "unknown-tag",
        "A YAML tag is used",
        "Tags make other readers build objects or run code; a model file holds plain values.",
        _instead(_SQL, "Active users", "!upper Active users"),
        _instead(_SQL, "Active users", '"!upper Active users"'),
    ),
    Rule(
        "bad-alias",
        "An alias means nothing, itself, or two things",
        "It can't be replaced by what it stands for.",
        _instead(_SQL, "Active users", "*users"),
        _instead(_SQL, "Active users", '"*users"'),
    ),
    Rule(
        "bad-merge",
        "`<<` is given something that isn't a mapping",
        "`<<` fills in the keys of another mapping.",
        _one(_SQL + "configuration:\n  <<: more\n  a: 1\n"),
        _one(_SQL + "configuration:\n  base: &base {b: 2}\n  sync: {<<: *base, a: 1}\n"),
    ),
    Rule(
        "alias-bomb",
        "Aliases expand beyond reason",
        "A few lines of aliases of aliases become gigabytes when they are written out.",
        _one(
            _SQL
            + "configuration:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 7))
        ),
        _one(_SQL + "configuration:\n  a: &a [x, x]\n  b: *a\n"),
    ),
    Rule(
        "too-deep",
        "A file is nested too deep",
        "The server refuses JSON that is nested more than 100 deep.",
        _one(_SQL + "configuration:\n  a: " + "[" * 100 + "]" * 100 + "\n"),
        _one(_SQL + "configuration:\n  a: " + "[" * 20 + "]" * 20 + "\n"),
    ),
    Rule(
        "more-problems",
        "A file has more problems than are shown",
        "A hundred problems are likely to have one cause.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "query-file-missing",
        "The file with the query can't be read",
        "Without it there is no query to compare or to send.",
        _instead(_SQL, "query: SELECT user_id FROM users", "query_file: user.sql"),
        {
            **_instead(_SQL, "query: SELECT user_id FROM users", "query_file: users.sql"),
            "models/users.sql": "SELECT user_id\nFROM users\n",
        },
    ),
    Rule(
        "query-file-outside",
        "The file with the query is not one of the repository",
        "A plan shows the query: a path out of the repository, or to a hidden file, would show what nobody reviewed.",
        _instead(_SQL, "query: SELECT user_id FROM users", "query_file: ../../other/users.sql"),
        {
            **_instead(_SQL, "query: SELECT user_id FROM users", "query_file: ../sql/users.sql"),
            "sql/users.sql": "SELECT user_id FROM users\n",
        },
    ),
    # -- fields --------------------------------------------------------------------------------------------------
    Rule(
        "unknown-key",
        "A key is unknown",
        "The server ignores unknown keys and answers 200: a mistyped one would never be noticed.",
        _one(_SQL + "descripton: Users\n"),
        _one(_SQL + "description: Users\n"),
    ),
    Rule(
        "wrong-type",
        "A value is of the wrong kind",
        'The server refuses most of these, and silently changes the rest (a description of 5 becomes "5").',
        _instead(_SQL, "connector_id: 1", 'connector_id: "1"'),
        _one(_SQL),
    ),
    Rule(
        "wrong-value",
        "A value is out of its range",
        "The server would refuse it, or mean something else.",
        _instead(_SQL, "connector_id: 1", "connector_id: 0"),
        _one(_SQL),
    ),
    Rule(
        "missing-field",
        "A field that every model needs is missing",
        "Every PUT needs name, query_type and a connector, by name or number. They may come from the environments. "
        "All but the name may also come from defaults.",
        _instead(_SQL, "connector_id: 1\n", ""),
        _instead(_SQL, "connector_id: 1\n", "environments: {prod: {connector_id: 1}, staging: {connector_id: 2}}\n"),
    ),
    Rule(
        "bad-name",
        "A name is blank, or has several lines",
        "The server refuses a blank name. A name with line breaks is hard to find in a list.",
        _instead(_SQL, "Active users", '"Active\\nusers"'),
        _one(_SQL),
    ),
    Rule(
        "unknown-query-type",
        "A query type doesn't exist",
        "The server knows eight, in lower case.",
        _instead(_SQL, "raw_sql", "rawsql"),
        _one(_SQL),
    ),
    Rule(
        "unknown-environment",
        "An environment isn't in the settings",
        "The values under a mistyped environment would never be used.",
        _one(_SQL + "environments: {production: {connector_id: 2}}\n"),
        _one(_SQL + "environments: {prod: {connector_id: 2}}\n"),
    ),
    Rule(
        "outside-only",
        "A file has values for an environment that `only` doesn't name",
        "They are not used while the model doesn't live there.",
        _one(_SQL + "only: [prod]\nenvironments: {staging: {connector_id: 2}}\n"),
        _one(_SQL + "only: [prod]\nenvironments: {prod: {connector_id: 2}}\n"),
        _WARNING,
    ),
    Rule(
        "unused-connector",
        "The settings map a connector that no file names",
        "A mistyped name would map nothing. Then files would read from another connector than intended.",
        _NOWHERE,
        _NOWHERE,
        _WARNING,
    ),
    Rule(
        "two-queries",
        "query and query_file are both given",
        "Only one of them can be the query.",
        {**_one(_SQL + "query_file: users.sql\n"), "models/users.sql": "SELECT user_id FROM users\n"},
        _one(_SQL),
    ),
    Rule(
        "two-connectors",
        "connector and connector_id are both given",
        "Only one of them can say where the model reads from.",
        _one(_SQL + "connector: warehouse\n"),
        _instead(_SQL, "connector_id: 1", "connector: warehouse"),
    ),
    Rule(
        "missing-primary-key",
        "The primary key is missing or blank",
        "The server stores a model without one, and its syncs may skip every row. Only unstructured models need none.",
        _instead(_SQL, "primary_key: user_id\n", ""),
        _one(_SQL),
    ),
    Rule(
        "missing-query",
        "The query is missing or blank",
        "The server refuses raw_sql, dbt, soql and table_selector models without a query (422).",
        _instead(_SQL, "query: SELECT user_id FROM users\n", ""),
        _one(_SQL),
    ),
    Rule(
        "dynamic-sql-query",
        "A dynamic_sql model has no query",
        "The server stores it, and every call of the model then fails.",
        _one(_DYNAMIC),
        _one(_DYNAMIC + _PARAMETER),
        _WARNING,
    ),
    Rule(
        "query-type-needs",
        "The configuration lacks what the query type needs",
        "The server refuses it (422) without saying which key is wrong.",
        _instead(_DOCS, _CHUNKS, ""),
        _one(_DOCS),
    ),
    Rule(
        "ignored-field",
        "ignore_changes names no field",
        "If the name is mistyped, the field is changed all the same.",
        _one(_SQL + "lifecycle: {ignore_changes: [desc]}\n"),
        _one(_SQL + "lifecycle: {ignore_changes: [description]}\n"),
    ),
    # -- queries -------------------------------------------------------------------------------------------------
    Rule(
        "merge-conflict",
        "A merge conflict is left in the query",
        "The server stores any text: the next run of each sync would fail on it.",
        _in_file("SELECT user_id\n<<<<<<< HEAD\nFROM users\n=======\nFROM app.users\n>>>>>>> moved\n"),
        _in_file("SELECT user_id\nFROM app.users\n"),
    ),
    Rule(
        "lfs-pointer",
        "A model file, or the file with its query, is a Git LFS pointer",
        "Git LFS keeps the text elsewhere. Where it isn't fetched, the pointer would be sent in its place.",
        _in_file(
            "version https://git-lfs.github.com/spec/v1\n"
            "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
        ),
        _in_file("SELECT user_id\nFROM app.users\n"),
    ),
    Rule(
        "template",
        "The query has a template in it",
        "The server renders no templates, not even in dbt models: the database gets the text as it's written, and "
        "refuses it. Templates in texts, quoted names and comments are not reported.",
        _in_file("SELECT user_id\nFROM {{ ref('users') }}\n"),
        _in_file("SELECT user_id, '{{ name }}' AS greeting\nFROM app.users\n"),
    ),
    Rule(
        "empty-query",
        "The query has only comments or semicolons",
        "The server stores it, because it isn't blank. But there is nothing to run, so every run fails.",
        _in_file("-- SELECT user_id FROM users\n"),
        _in_file("-- all of them\nSELECT user_id FROM users\n"),
    ),
    Rule(
        "unreadable-query",
        "No database can read the query",
        "A word may be mistyped, or a bracket missing. Then every run fails. With the extra `sql`, `validate` "
        "reports a query that none of a dozen dialects can read. A plan does so for the queries that change.",
        _in_file("SELECT user_id\nFRM users\nWHERE is_active\n"),
        _in_file("SELECT user_id\nFROM users\nWHERE is_active\n"),
        _WARNING,
    ),
    Rule(
        "limit-at-line-end",
        "A line of the query ends in LIMIT or OFFSET",
        "The server refuses it on every update, for every query type: in sub-queries, comments and column names too.",
        _instead(_SQL, "FROM users", "FROM users LIMIT 10"),
        _one(_SQL),
    ),
    Rule(
        "inner-limit",
        "The query has a LIMIT inside",
        "The server saves it. A sync then refuses any query with LIMIT and a number in it, so every run fails.",
        _instead(_SQL, "FROM users", "FROM (SELECT * FROM users LIMIT 10) AS some"),
        _instead(_SQL, "FROM users", f"FROM {_RANKED} WHERE n <= 10"),
        _WARNING,
    ),
    Rule(
        "semicolon",
        "The query has a semicolon",
        "A sync puts the query inside another one, where a semicolon is an error.",
        _instead(_SQL, "FROM users", "FROM users;"),
        _instead(_SQL, "FROM users", "FROM users WHERE note <> ';'"),
        _WARNING,
    ),
    Rule(
        "table-selector-query",
        "A table_selector query isn't SELECT * FROM a table",
        "The UI finds the table by splitting the query at FROM, and shows nonsense for anything else.",
        _instead(_TABLE, "crm.accounts", "crm.accounts WHERE active"),
        _one(_TABLE),
        _WARNING,
    ),
    # -- values --------------------------------------------------------------------------------------------------
    Rule(
        "null-in-list",
        "A list has a null in it",
        "The server drops nulls out of lists, so the model would differ after every apply.",
        _one(_SQL + "configuration:\n  columns: [id, null]\n"),
        _one(_SQL + "configuration:\n  columns: [id]\n"),
    ),
    Rule(
        "empty-configuration",
        "The configuration is empty",
        "The server refuses {} and null, and can't clear a configuration once it has one.",
        _one(_SQL + "configuration: {}\n"),
        _one(_SQL),
    ),
    Rule(
        "configuration-key",
        "A key of the configuration looks like a slip",
        "The server stores any key, and uses only those that it knows.",
        _one(_DOCS + "  harvester: []\n"),
        _one(_DOCS + "  harvesters: []\n"),
        _WARNING,
    ),
    Rule(
        "ai-ml-json-schema",
        "An ai_ml model has a json_schema",
        "The server always shows the one of the connector's catalog, so this one would differ after every apply.",
        _one(_ENDPOINT + "  json_schema: {}\n"),
        _one(_ENDPOINT),
    ),
    Rule(
        "nul-character",
        "A text has a NUL character in it",
        "The server's database can't store it, and the server answers 400.",
        _instead(_SQL, "Active users", '"Active\\0users"'),
        _one(_SQL),
    ),
    Rule(
        "lone-surrogate",
        "A text has half a character in it",
        "It can't be written as UTF-8. libyaml calls it broken syntax; only the pure parser lets it through to here.",
        _NOWHERE,
        _NOWHERE,
    ),
    Rule(
        "secret-in-git",
        "A secret is in clear text",
        "Everybody who can read the repository, now or later, has the secret. It must be changed where it was issued.",
        _instead(_DOCS, "{env: SYNCER_SECRET_OPENAI}", "not-a-real-key"),
        _one(_DOCS),
    ),
    Rule(
        "secret-variable",
        "A secret names a variable that files may not ask for",
        "Only variables whose names begin with SYNCER_SECRET_ are looked up, and only under a secret's key: "
        "a file must not be able to send the tool's own credentials somewhere.",
        _instead(_DOCS, "SYNCER_SECRET_OPENAI", "SYNCER_TOKEN"),
        _one(_DOCS),
    ),
    Rule(
        "masked-value",
        "A value is the server's mask",
        "The hosted service shows secrets as asterisks. Sent back, the asterisks would become the secret.",
        _instead(_DOCS, "{env: SYNCER_SECRET_OPENAI}", '"*************"'),
        _one(_DOCS),
    ),
    # -- identity ------------------------------------------------------------------------------------------------
    Rule(
        "duplicate-id",
        "Two files mean one live model, by id",
        "Each would undo what the other does.",
        {
            "models/a.yaml": _SQL + "environments: {prod: {id: 42}}\n",
            "models/b.yaml": _SQL.replace("Active", "Other") + "environments: {prod: {id: 42}}\n",
        },
        {
            "models/a.yaml": _SQL + "environments: {prod: {id: 42}}\n",
            "models/b.yaml": _SQL.replace("Active", "Other") + "environments: {prod: {id: 43}}\n",
        },
    ),
    Rule(
        "duplicate-name",
        "Two files mean one live model, by name",
        "A file without an id means the only live model of its name.",
        {"models/a.yaml": _SQL, "models/b.yaml": _SQL},
        {
            "models/a.yaml": _SQL + "environments: {prod: {id: 1}, staging: {id: 3}}\n",
            "models/b.yaml": _SQL + "environments: {prod: {id: 2}, staging: {id: 4}}\n",
        },
    ),
    Rule(
        "shared-id",
        "The file has an id at the top, but the settings have several environments",
        "An id belongs to one workspace. In another one the same number is another model, which an apply would rename "
        "and rewrite. So it belongs below its environment. It may be at the top while there is one environment.",
        _one(_SQL + "id: 42\n"),
        _one(_SQL + "environments: {prod: {id: 42}, staging: {id: 12}}\n"),
    ),
)
"""Every rule, in the order of the documentation."""
