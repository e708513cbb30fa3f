"""Validation: documents, schema and rules in, every problem out, located and in words."""

# ruff: noqa: S608 - no database ever sees these

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from builders import document
from honest_queries import QUERIES
from hypothesis import given
from hypothesis import strategies as st

from syncer import sql
from syncer.desired.loader import load
from syncer.desired.validate import MAX_PROBLEMS, RULES, as_errors, check, guard_of, unreadable
from syncer.desired.validate.finding import described, label, nearest, quoted
from syncer.desired.validate.queries import limits_at_line_end
from syncer.desired.validate.schema import FILE_KEYS, SILENT, WORDS
from syncer.desired.validate.values import Glance, has_signs
from syncer.model import QUERY_TYPES, Severity
from syncer.render.rules_page import ALL_RULES, SECTIONS, rules_markdown
from syncer.sandbox import contracts, validation
from syncer.secrets import CREDENTIAL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from syncer.model import Problem

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas" / "model.schema.json").read_text("utf-8"))
VECTORS = Path(__file__).parents[1] / "conformance" / "vectors.jsonl"

SQL = "name: Active users\nconnector_id: 1\nquery_type: raw_sql\nprimary_key: user_id\nquery: SELECT 1 FROM users\n"
PLAIN = ("raw_sql", "dbt", "soql", "table_selector")
NO_QUERY = SQL.replace("query: SELECT 1 FROM users\n", "")
DOCS = """
name: Help centre
connector_id: 4
query_type: unstructured
configuration:
  embedding_config: {model: text-embedding-3-small, api_key: {env: SYNCER_SECRET_OPENAI}}
  chunk_config: {chunk_size: 1000, chunk_overlap: 200}
"""


class Checker:
    """Load and check files as `syncer validate` does."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, text: str, environments: Collection[str] = ("prod",), **files: str) -> list[Problem]:
        """Every problem of `models/a.yaml` and other files, by path."""
        return self.files({"models/a.yaml": text, **files}, environments)

    def files(
        self,
        files: Mapping[str, str],
        environments: Collection[str] = ("prod", "staging"),
        *,
        reads_sql: bool = False,
    ) -> list[Problem]:
        """Every problem of some files."""
        (self.root / "models").mkdir(exist_ok=True)
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
        loaded = load(self.root)
        found = check(loaded.documents, SCHEMA, environments, reads_sql=reads_sql, sections=loaded.sections)
        return [*loaded.problems, *found]


@pytest.fixture
def checked(tmp_path: Path) -> Checker:
    """A checker with a repository of its own."""
    return Checker(tmp_path)


def told(problems: list[Problem]) -> list[tuple[str, str]]:
    """Rule and place of each problem."""
    return [(problem.rule, str(problem.origin).removeprefix("models/")) for problem in problems]


def only(problems: list[Problem]) -> Problem:
    """The one problem there is."""
    assert len(problems) == 1, problems
    return problems[0]


# -- the rules as values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.wrong], ids=lambda rule: rule.id)
def test_the_wrong_example_breaks_its_rule_alone(checked: Checker, rule: Any) -> None:
    """Each rule's documentation shows a file that breaks exactly this rule, as severely as it says."""
    problems = checked.files(rule.wrong, reads_sql=True)

    assert {(problem.rule, problem.severity) for problem in problems} == {(rule.id, rule.severity)}
    assert all(problem.hint for problem in problems)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.right], ids=lambda rule: rule.id)
def test_the_right_example_breaks_no_rule(checked: Checker, rule: Any) -> None:
    """Each rule's documentation shows a file that breaks none."""
    assert checked.files(rule.right, reads_sql=True) == []


def test_only_what_no_text_can_show_is_without_an_example() -> None:
    """Rules about folders, links and permissions have no example; the tests of the loader break each of them."""
    assert {rule.id for rule in RULES if not rule.wrong} == {
        "no-models-folder", "outside-models", "bad-file-name", "not-a-file", "unreadable", "outside-root",
        "too-large", "more-problems", "lone-surrogate", "linked-models", "submodule",
        "unused-connector",
    }  # fmt: skip


def _told_rules() -> set[str]:
    """The ids that stand in the code as the rule of a problem."""
    places = {"problem": 0, "Finding": 0, "Refusal": 0, "leave": 1, "Problem": 1, "Trouble": 1}
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "syncer").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    constants = {
        node.target.id: node.value.value
        for node in nodes
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    found = set()
    for call in (node for node in nodes if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in places and len(call.args) > places[name]:
            rule = call.args[places[name]]
            found.add(rule.value if isinstance(rule, ast.Constant) else constants.get(getattr(rule, "id", "")))
    return {str(one) for one in found if one is not None}


def test_every_rule_is_documented() -> None:
    """The page has each rule of validate, plan and apply once, and no problem in the code names another one."""
    text = rules_markdown()

    assert text == (ROOT / "docs" / "rules.md").read_text("utf-8")
    assert len(ALL_RULES) == sum(len(rules) for _, _, rules in SECTIONS)
    assert _told_rules() - {*ALL_RULES} == set()
    for rule in ALL_RULES.values():
        assert f"| [{rule.id}](#{rule.id}) | {rule.severity.value} | {rule.title} |" in text
        assert f"\n## {rule.id}\n" in text
        assert rule.why in text
    assert max(map(len, text.splitlines())) < 300


def test_warnings_can_be_made_errors(checked: Checker) -> None:
    """`--strict` changes the severity and nothing else."""
    warning = only(checked(SQL.replace("FROM users", "FROM users;")))

    (error,) = as_errors([warning])

    assert warning.severity is Severity.WARNING
    assert (error.severity, error.rule, error.origin) == (Severity.ERROR, warning.rule, warning.origin)


# -- the schema --------------------------------------------------------------------------------------------------


def subschemas(schema: Any, *, is_map: bool = False) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema. `is_map` says that the keys are names, not keywords."""
    if isinstance(schema, list):
        for inner in schema:
            yield from subschemas(inner)
    elif isinstance(schema, dict):
        if not is_map:
            yield schema
        for key, inner in schema.items():
            names = key in {"properties", "$defs"} and not is_map
            if is_map or key not in {"enum", "const", "required", "examples", "default", "type"}:
                yield from subschemas(inner, is_map=names)


def test_the_schema_is_one() -> None:
    """It's valid draft 2020-12, and nothing about it needs the network."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"].startswith("urn:")
    references = [one["$ref"] for one in subschemas(SCHEMA) if "$ref" in one]
    assert all(reference.startswith("#/") for reference in references)


def test_every_keyword_has_its_words() -> None:
    """There is no keyword in the schema whose violation would be told in jsonschema's words."""
    annotations = {"$schema", "$id", "$defs", "title", "description", "examples", "default"}
    used = {key for schema in subschemas(SCHEMA) for key in schema}

    assert used - annotations - SILENT == set(WORDS)


def test_every_property_is_described() -> None:
    """Editors show a short text for every key."""
    for schema in subschemas(SCHEMA):
        for name, inner in schema.get("properties", {}).items():
            if name != "query_type" or "description" in inner:
                # An `if` asks for a query type and describes nothing; the branches it leads to refer to descriptions.
                assert "description" in inner or set(inner) == {"$ref"}, name


def test_the_schema_knows_every_query_type() -> None:
    """The schema and the code list the same eight."""
    assert tuple(SCHEMA["properties"]["query_type"]["enum"]) == QUERY_TYPES


def test_the_shipped_models_are_valid() -> None:
    """There is one example of each query type; all fit the schema that editors use, and break no rule."""
    loaded = load(ROOT)

    assert [*loaded.problems, *check(loaded.documents, SCHEMA, ("prod",))] == []
    assert {one.data["query_type"] for one in loaded.documents} == set(QUERY_TYPES)
    assert {one.data["name"] for one in loaded.documents} == {
        "Active users", "Revenue daily", "Sales contacts", "Accounts", "Churn score", "Orders by region",
        "Help centre articles", "Product search",
    }  # fmt: skip
    for one in loaded.documents:
        jsonschema.validate(one.data, SCHEMA)
        first = (ROOT / one.path).read_text("utf-8").partition("\n")[0]
        schema = (ROOT / one.path).parent / first.partition("$schema=")[2]
        assert schema.resolve() == (ROOT / "schemas" / "model.schema.json").resolve()


def test_jsonschema_is_loaded_only_to_explain(tmp_path: Path) -> None:
    """A valid file is checked without the slow import."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.yaml").write_text(SQL)
    code = (
        "import json, pathlib, sys; from syncer.desired.loader import load; from syncer.desired.validate import check;"
        f"schema = json.loads(pathlib.Path({str(ROOT / 'schemas/model.schema.json')!r}).read_text('utf-8'));"
        f"assert check(load(pathlib.Path({str(tmp_path)!r})).documents, schema, ['prod']) == ();"
        "assert 'jsonschema' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("text", "rule", "where", "said", "hint"),
    [
        (SQL + "querry: x\n", "unknown-key", "6:1", "unknown key querry", "did you mean query?"),
        (SQL + "Name: x\n", "unknown-key", "6:1", "unknown key Name", "did you mean name?"),
        (SQL.replace("name:", "Nmae:"), "unknown-key", "1:1", "unknown key Nmae", "did you mean name?"),
        (SQL.replace("connector_id", "connectr"), "unknown-key", "2:1", "unknown key connectr", "did you mean connector?"),
        (SQL.replace("primary_key", "primarykey"), "unknown-key", "4:1", "unknown key primarykey", "did you mean primary_key?"),
        (SQL.replace("query:", "querry:"), "unknown-key", "5:1", "unknown key querry", "did you mean query?"),
        (SQL.replace("raw_sql", "sql"), "unknown-query-type", "3:13", '"sql"', "did you mean raw_sql?"),
        (SQL.replace("raw_sql", "vector"), "unknown-query-type", "3:13", '"vector"', "did you mean vector_search?"),
        (SQL + "zzz: x\n", "unknown-key", "6:1", "unknown key zzz", "known here are name, description"),
        (SQL + "lifecycle: {protct: true}\n", "unknown-key", "6:13", "lifecycle.protct", "did you mean protect?"),
        (SQL.replace("raw_sql", "RAW_SQL"), "unknown-query-type", "3:13", '"RAW_SQL"', "did you mean raw_sql?"),
        (SQL.replace("raw_sql", "vector search"), "unknown-query-type", "3:13", "", "did you mean vector_search?"),
        (SQL.replace("raw_sql", "[raw_sql]"), "unknown-query-type", "3:13", "a list", "one of raw_sql, dbt"),
        (SQL.replace(": 1\n", ': "1"\n'), "wrong-type", "2:15", 'a whole number from 1 to 2147483647; found the text "1"', "remove the quotes"),
        (SQL.replace(": 1\n", ": 1.0\n"), "wrong-type", "2:15", "found 1.0", "write 1"),
        (SQL.replace(": 1\n", ": true\n"), "wrong-type", "2:15", "found true", ""),
        (SQL.replace(": 1\n", ":\n"), "wrong-type", "2:14", "found nothing (null)", "add connector: "),
        (SQL.replace(": 1\n", ": 2147483648\n"), "wrong-value", "2:15", "found the number 2147483648", "URL"),
        (SQL.replace(": 1\n", f": {10**30}\n"), "wrong-value", "2:15", "found the number 1000", "URL"),
        (SQL.replace("user_id", "5"), "wrong-type", "4:14", "found the number 5", "quotes"),
        (SQL.replace("connector_id: 1", "connector: ' '"), "wrong-value", "2:12", "found blank text", "correct it"),
        (SQL + "description: [a]\n", "wrong-type", "6:14", "description must be text; found a list", ""),
        (SQL + "id: 9223372036854775808\n", "wrong-value", "6:5", "a whole number from 1 on", "URL"),
        (SQL + "id: 0\n", "wrong-value", "6:5", "found the number 0", "URL"),
        (SQL + "configuration: [1]\n", "wrong-type", "6:16", "found a list", "its keys below it"),
        (SQL + "configuration:\n", "empty-configuration", "6:1", "neither {} nor null", "remove the line"),
        (SQL + "lifecycle: {protect: 1}\n", "wrong-type", "6:22", "lifecycle.protect must be true or false", ""),
        (SQL + 'lifecycle: {protect: "true"}\n', "wrong-type", "6:22", "true or false", "without quotes"),
        (SQL + "lifecycle: {allow: primary_key}\n", "wrong-type", "6:20", "a list of", "[a, b]"),
        (SQL + "lifecycle: {allow: [primary_ky]}\n", "wrong-value", "6:21", "lifecycle.allow[0]", "did you mean primary_key?"),
        (SQL + "lifecycle: {ignore_changes: [configuration.a, names]}\n", "ignored-field", "6:47", "names", "did you mean name?"),
        (SQL + "lifecycle: {ignore_changes: [confguration.embedding_config.api_key]}\n", "ignored-field", "6:30", "confguration.embedding_config.api_key", "did you mean configuration?"),
        (SQL + 'lifecycle: {ignore_changes: ["name\\n"]}\n', "wrong-value", "6:30", "doesn't fit the schema", "syncer schema"),
        (SQL + "environments: [prod]\n", "wrong-type", "6:15", "a mapping of environment names; found a list", ""),
        (SQL + "environments: {prod: }\n", "wrong-type", "6:22", "(environment prod)", ""),
        (SQL + "environments: {prdo: {id: 1}}\n", "unknown-environment", "6:16", '"prdo"', "did you mean prod?"),
        (SQL + "environments: {production: {id: 1}}\n", "unknown-environment", "6:16", "", "did you mean prod?"),
        (SQL + "environments: {eu: {id: 1}}\n", "unknown-environment", "6:16", "", "the settings have prod, sandbox"),
        (SQL + "environments: {prod: {idd: 1}}\n", "unknown-key", "6:23", "unknown key idd (environment prod)", "did you mean id?"),
        (SQL.replace("Active users", '"\\u00a0"'), "bad-name", "1:7", "found blank text", "one line"),
        (SQL.replace("Active users", "5"), "wrong-type", "1:7", "found the number 5", "quotes"),
        (SQL.replace("user_id", '" "'), "missing-primary-key", "4:14", "found blank text", "add primary_key"),
        (SQL.replace("user_id", "null"), "missing-primary-key", "4:14", "found nothing (null)", "add primary_key"),
        (NO_QUERY + "query: ' '\n", "missing-query", "5:8", "found blank text", "query_file"),
        (NO_QUERY + "query:\n", "missing-query", "5:7", "found nothing (null)", "query_file"),
        (SQL.replace("raw_sql", "ai_ml"), "query-type-needs", "1:1", "missing configuration", "what the query type needs"),
        (DOCS.replace("chunk_overlap", "chunk_overlp"), "query-type-needs", "7:3", "needs chunk_overlap", "where it says chunk_overlp?"),
        (DOCS.replace("1000", "10.0"), "wrong-type", "7:30", "found 10.0", "write 10"),
        (DOCS.replace("1000", '"10"'), "wrong-type", "7:30", "from 1 on", "remove the quotes: chunk_size: 10"),
        (DOCS.replace("1000", "0"), "wrong-value", "7:30", "from 1 on; found the number 0", "correct"),
        (DOCS.replace("text-embedding-3-small", "''"), "wrong-value", "6:29", "found blank text", "correct"),
        (DOCS.replace("{env: SYNCER_SECRET_OPENAI}", "[]"), "wrong-type", "6:62", "(sensitive value)", "{env: SYNCER_SECRET_NAME}"),
        (DOCS.replace("{env: SYNCER_SECRET_OPENAI}", "5"), "secret-in-git", "6:62", "clear text", "SYNCER_SECRET_NAME"),
    ],
)  # fmt: skip
def test_violations_are_told_in_words(checked: Checker, text: str, rule: str, where: str, said: str, hint: str) -> None:
    """Every slip has its rule, its place, what is expected and what was found, and the nearest right word."""
    problem = only(checked(text))

    assert told([problem]) == [(rule, f"a.yaml:{where}")]
    assert said in problem.message
    assert hint in problem.hint


def test_what_a_slip_may_mean_is_what_a_file_may_say() -> None:
    """Else a key that the schema learns would be taken for a slip of another one."""
    assert {*FILE_KEYS} == {*SCHEMA["properties"]}


def test_all_problems_are_told_at_once(checked: Checker) -> None:
    """One run shows every problem of a file, by place, and none twice."""
    text = "nmae: x\nconnector_id: 0\nquery_type: raw_sq\nprimary_key: 5\nlifecycle: {allow: [x], protect: 1}\n"

    assert told(checked(text)) == [
        ("unknown-key", "a.yaml:1:1"),
        ("wrong-value", "a.yaml:2:15"),
        ("unknown-query-type", "a.yaml:3:13"),
        ("wrong-type", "a.yaml:4:14"),
        ("wrong-value", "a.yaml:5:21"),
        ("wrong-type", "a.yaml:5:34"),
    ]


def test_one_wrong_file_does_not_hide_another(checked: Checker) -> None:
    """Every file is checked, whatever is wrong with the one before."""
    problems = checked.files(
        {"models/a.yaml": SQL + "a: 1\n", "models/b.yaml": SQL.replace("Active", "Other") + "b: 1\n"}
    )

    assert told(problems) == [("unknown-key", "a.yaml:6:1"), ("unknown-key", "b.yaml:6:1")]


# -- environments ------------------------------------------------------------------------------------------------


def test_what_is_required_may_come_from_the_environments(checked: Checker) -> None:
    """A field that each environment gives is missing nowhere; one that some lack is missing there, by name."""
    text = NO_QUERY.replace("connector_id: 1\n", "") + (
        "environments:\n  prod: {connector_id: 1, query: SELECT 1}\n  staging: {query: SELECT 2}\n"
    )

    problem = only(checked(text, ("prod", "staging")))

    assert told([problem]) == [("missing-field", "a.yaml:6:3")]
    assert problem.message == "missing connector_id (environment staging)"


def test_a_problem_of_every_environment_names_none(checked: Checker) -> None:
    """What is wrong everywhere is told once."""
    problem = only(checked(NO_QUERY, ("prod", "staging")))

    assert problem.message == "missing query, a query that is not blank"


def test_a_problem_of_the_environments_that_a_file_does_not_mention_names_them(checked: Checker) -> None:
    """The message lists the environments that lack something."""
    problem = only(checked(NO_QUERY + "environments: {dev: {query: SELECT 1}}\n", ("prod", "dev", "eu")))

    assert problem.message == "missing query, a query that is not blank (environment eu, prod)"


def test_the_sandbox_counts_when_it_is_meant(checked: Checker) -> None:
    """The sandbox is known to every file, and checked if a file or the caller mentions it, or nothing else exists."""
    only_prod = NO_QUERY + "environments: {prod: {query: SELECT 1}}\n"

    assert checked(only_prod) == []
    assert "(environment sandbox)" in only(checked(only_prod, ("prod", "sandbox"))).message
    mentioned = NO_QUERY + "environments: {prod: {query: SELECT 1}, sandbox: {}}\n"
    assert "(environment sandbox)" in only(checked(mentioned)).message
    assert told(checked(NO_QUERY, ())) == [("missing-query", "a.yaml:1:1")]


def test_query_types_may_differ_by_environment(checked: Checker) -> None:
    """The configuration is judged by the query type of the environment that uses it."""
    text = SQL + "environments:\n  prod:\n    query_type: ai_ml\n    configuration: {harvesters: 5}\n"

    problem = only(checked(text))

    assert told([problem]) == [("wrong-type", "a.yaml:9:33")]
    assert problem.message == "configuration.harvesters must be a list; found the number 5 (environment prod)"


def test_rivals_are_told_at_both(checked: Checker) -> None:
    """Two files that mean one live model are a problem at both, in the environments where they do."""
    other = SQL.replace("Active", "Other")
    ids = checked.files(
        {
            "models/a.yaml": SQL + "environments: {prod: {id: 1}, staging: {id: 2}}\n",
            "models/b.yaml": other + "environments: {prod: {id: 1}, staging: {id: 3}}\n",
        }
    )
    names = checked.files({"models/a.yaml": SQL, "models/b.yaml": SQL + "environments: {prod: {id: 5}}\n"})

    assert told(ids) == [("duplicate-id", "a.yaml:6:27"), ("duplicate-id", "b.yaml:6:27")]
    assert ids[0].message == "the id 1 is declared by models/b.yaml too (environment prod)"
    assert told(names) == [("duplicate-name", "a.yaml:1:7"), ("duplicate-name", "b.yaml:1:7")]
    assert names[0].message == 'the name "Active users" is declared by models/b.yaml too (environment staging)'


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("", "`environments: {prod: {id: 42}}`"),
        ("environments: {}\n", "`  prod: {id: 42}` below `environments:`"),
        ("environments: {prod: {id: 1}}\n", "`  staging: {id: 42}` below `environments:`"),
        ("environments: {prod: {description: d}}\n", "`id: 42` in prod below `environments:`"),
        ("environments: {prod: {id: 1}, staging: {id: 2}}\n", "remove the line, because each environment has an id of its own"),
    ],
)  # fmt: skip
def test_an_id_that_several_environments_read_goes_below_one(checked: Checker, more: str, line: str) -> None:
    """Each problem has the edits of all files, to be pasted; where one workspace is all there is, it may stand there."""
    problems = checked.files({"models/a.yaml": SQL + "id: 42\n" + more})
    assert told(problems) == [("shared-id", "a.yaml:6:1")]
    assert problems[0].message == "an id stands at the top, and there are several environments: prod, staging"
    assert problems[0].hint == (
        "an id belongs to one workspace: move each under the environment whose model it is, for instance:\n"
        f"models/a.yaml: {line}"
    )
    alone = SQL + "id: 42\nenvironments: {prod: {description: d}}\n"
    assert checked(alone) == checked(alone, ("prod", "sandbox")) == []


@pytest.mark.parametrize(
    ("number", "said"), [(2**63 - 1, 2**63 - 1), (2**63, "…"), (1, 1), (0, "…"), (True, "…"), ("5", "…")]
)
def test_an_id_that_is_none_is_not_pasted(number: Any, said: Any) -> None:
    """Nobody is told to write what the next run refuses."""
    problems = check([document(id=number)], SCHEMA, ["prod", "staging"])

    (hint,) = (one.hint for one in problems if one.rule == "shared-id")
    assert hint.endswith(f": `environments: {{prod: {{id: {said}}}}}`")


def test_many_edits_are_counted() -> None:
    """Twenty lines are as much as anybody pastes."""
    files = [document(f"m{number:02}", name=f"m{number}", id=number) for number in range(1, 23)]
    hints = {one.hint for one in check(files, SCHEMA, ["prod", "staging"])}
    (lines,) = (hint.split("\n") for hint in hints)

    assert (len(lines), lines[-1]) == (22, "and likewise in 2 more")
    assert lines[20].startswith("models/m20.yaml: ")


def test_many_rivals_are_counted(checked: Checker) -> None:
    """A message names three rivals and counts the rest."""
    problems = checked.files({f"models/{letter}.yaml": SQL for letter in "abcdef"})

    assert len(problems) == 6
    assert problems[0].message.endswith("models/b.yaml, models/c.yaml, models/d.yaml and 2 more too")


# -- queries -----------------------------------------------------------------------------------------------------

PIECES = st.sampled_from([
    "limit", "OFFSET", "limits", "_", " ", "  ", "\n", "\t", "\r", "\f", "\v", ";", "1", "10", "x", "--", "(", "é", "\xa0",
    "\u2028", "٣", "off\u017fet", "l\u0131m\u0131t", "o\ufb00Set", "O\ufb00\u017fet", "\xb2", "\u2461", "\u24d0",
    "\u0301", "\u203f", "\u200d", "L\u0130MIT", "OFFSE\u1d40", "\uff2c\uff29\uff2d\uff29\uff34", "\x85",
])  # fmt: skip


def is_refused(query: str) -> bool:
    """Whether the validator says that the server refuses the query for its LIMIT."""
    return any(True for _ in limits_at_line_end(query))


def is_refused_there(query: str) -> bool:
    """Whether the sandbox refuses it, which stands for the server."""
    refused = contracts.model_update({"id": "1", "model": {"query": query}}) != {}
    created = {"name": "x", "connector_id": 1, "query_type": "raw_sql", "primary_key": "id", "query": f"x {query}"}
    assert (contracts.model_create({"model": created}) != {}) == refused
    return refused


@given(st.lists(PIECES, max_size=12).map("".join))
def test_the_limit_rule_is_the_servers(query: str) -> None:
    """The validator and the sandbox, which don't know each other, refuse the same texts."""
    assert is_refused(query) == is_refused_there(f" {query}")


def recorded() -> list[tuple[str, bool]]:
    """The queries that were sent to a real server to learn its rule, and whether it refused each."""
    cases = []
    for line in VECTORS.read_text("utf-8").splitlines():
        case = json.loads(line)
        step = case["steps"][0]
        if case["note"].startswith("LIMIT/OFFSET rule") and step["request"]["method"] == "PUT":
            cases.append((step["request"]["body"]["model"]["query"], step["response"]["status"] == 400))
    return cases


def test_the_limit_rule_is_what_a_server_said() -> None:
    """Each recorded query is refused exactly if the server refused it: by the validator, and by the sandbox."""
    cases = recorded()
    limits = json.loads((VECTORS.parent / "limits.json").read_text("utf-8"))
    cases += [(query, told == "refused") for told, queries in limits.items() for query in queries]

    assert len(cases) > 300
    assert [(query, is_refused(query)) for query, _ in cases] == cases
    assert [(query, is_refused_there(query)) for query, _ in cases] == cases


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("SELECT 1 LIMIT 10", "5:17"),
        ("'SELECT 1 LIMIT 10'", "5:18"),
        ('"SELECT 1\\nLIMIT 10;"', "5:19"),
        ("|\n  SELECT 1\n  LIMIT 10\n", "7:3"),
        ("|2-\n\n  SELECT (\n    SELECT 1\n    limit 5\n  ) -- a\n", "9:5"),
        (">\n  SELECT 1\n  FROM x\n  LIMIT 10\n", "8:3"),
        ("\n  SELECT 1\n  OFFSET 5", "7:3"),
        ('"SELECT 1 \\x4cIMIT 10"', "5:8"),
    ],
)
def test_a_limit_is_located_at_its_line(checked: Checker, query: str, where: str) -> None:
    """Whatever the style of the text, the problem is at the very word; at the query if its letters are escaped."""
    assert told(checked(NO_QUERY + f"query: {query}\n")) == [("limit-at-line-end", f"a.yaml:{where}")]


def test_problems_of_an_sql_file_are_located_in_it(checked: Checker) -> None:
    """The place and the line shown are those of the SQL file."""
    problems = checked(NO_QUERY + "query_file: q.sql\n", **{"models/q.sql": "SELECT ';'\n  FROM x;\n  -- no limit\n"})

    assert told(problems) == [("semicolon", "q.sql:2:9"), ("limit-at-line-end", "q.sql:3:9")]
    assert problems[1].excerpt == "  -- no limit"
    assert told(checked(NO_QUERY + "query_file: q.sql\n", **{"models/q.sql": " \n"})) == [
        ("missing-query", "a.yaml:5:13")
    ]


@pytest.mark.parametrize(
    ("query", "rules"),
    [
        ("SELECT (SELECT 1 LIMIT 10) x", ["inner-limit"]),
        ("SELECT credit_limit 5 FROM x", ["inner-limit"]),
        ("SELECT LIMIT ALL, limit :n, limit(5) x", []),
        ("SELECT 1;", ["semicolon"]),
        ("SELECT 1; SELECT 2 x", ["semicolon"]),
        ("SELECT '; -- ' x", []),
        ('SELECT "a;b", `c;d` x', []),
        ("SELECT 1 -- a; b", []),
        ("SELECT /* a; ** b */ 1", []),
        ("SELECT 'it''s; fine' x", []),
        ("SELECT 1 LIMIT 10;", ["limit-at-line-end"]),
        ("SELECT 1 LIMIT 5\nFROM (SELECT 1 LIMIT 6) x;", ["limit-at-line-end", "inner-limit", "semicolon"]),
        ("SELECT (SELECT 1 LIMIT 5) x LIMIT 10;", ["inner-limit", "limit-at-line-end"]),
    ],
)
def test_what_a_sync_stumbles_over_is_a_warning(checked: Checker, query: str, rules: list[str]) -> None:
    """What can be saved and then fails every run is told; what only looks so is not."""
    problems = checked(NO_QUERY + f"query: {json.dumps(query)}\n")

    assert [problem.rule for problem in problems] == rules
    assert all(problem.is_error == (problem.rule == "limit-at-line-end") for problem in problems)


@pytest.mark.parametrize(
    ("query", "rules"),
    [
        ("SELECT $$a;b$$ x", []),
        (r"SELECT 'it\'s; fine' x", []),
        ("SELECT /* a /* b */ ; */ 1", ["semicolon"]),
        (r"SELECT 'a\'; SELECT 'b' x", ["semicolon"]),
    ],
)
def test_a_semicolon_is_judged_as_databases_do(checked: Checker, query: str, rules: list[str]) -> None:
    """Texts in dollars and after a backslash are texts; a `;` that one of them takes for an end is told."""
    assert [problem.rule for problem in checked(NO_QUERY + f"query: {json.dumps(query)}\n")] == rules


_WORDS_ANYWHERE = "reword it: the server looks for the words anywhere, whatever they mean there"
_NUMBERED = "row_number() OVER (ORDER BY …) AS n inside, and WHERE n <= 10 around it"
_ROW_NUMBER = f"say it without LIMIT and a number: {_NUMBERED}"
_ELEMENTS = (
    "leave LIMIT out and take the elements that you mean: ARRAY_AGG(…)[SAFE_OFFSET(0)] is the first, "
    "UNNEST(…) WITH OFFSET AS n and WHERE n < 10 the first ten"
)


@pytest.mark.parametrize(
    ("query", "where", "hint"),
    [
        ("SELECT (SELECT 1 LIMIT 10) x", '"LIMIT 10" as a clause', _ROW_NUMBER),
        ("SELECT x -- limit 5 did not do\nFROM t", '"limit 5" in a comment', _WORDS_ANYWHERE),
        ("SELECT 'limit 5 a day' x", '"limit 5" in a text', _WORDS_ANYWHERE),
        (
            "SELECT credit_limit 5 x",
            '"limit 5" where a name ends so',
            "put something between the name and the number, or quote the name",
        ),
        ("SELECT array_agg(x ORDER BY y LIMIT 1) x", '"LIMIT 1" as a clause', _ELEMENTS),
        ("SELECT array(SELECT x FROM t LIMIT 1) x", '"LIMIT 1" as a clause', _ROW_NUMBER),
        (
            "SELECT 'limit 5 x",
            '"limit 5" in it',
            f"if it's a clause, {_ROW_NUMBER}; otherwise reword it",
        ),
    ],
)
def test_an_inner_limit_is_told_as_what_it_is(checked: Checker, query: str, where: str, hint: str) -> None:
    """The server looks for the words anywhere; what helps depends on whether they are a clause, a text or a name."""
    problem = only(checked(NO_QUERY + f"query: {json.dumps(query + ' ')}\n"))

    assert problem.rule == "inner-limit"
    assert problem.message == f"the query has {where}: it can be saved, and every run of a sync then fails"
    assert problem.hint == hint


_REMOVE = "remove it: a sync pages through the rows by itself"
_EITHER = (
    "remove it if it limits the rows: a sync pages through them by itself. Otherwise let the line end in something else"
)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("SELECT 1 FROM t\nLIMIT 10", f"{_REMOVE}. To mean some alone, number them: {_NUMBERED}"),
        ("SELECT 1 FROM t LIMIT ALL OFFSET 5;", f"{_REMOVE}. To mean some alone, number them: {_NUMBERED}"),
        ("SELECT 1 FROM (\nSELECT 1 FROM t\nLIMIT 10\n) x", f"say it without LIMIT: {_NUMBERED}"),
        ("WITH a AS (\nSELECT 1 FROM t LIMIT 10\n) SELECT 1 FROM a", f"say it without LIMIT: {_NUMBERED}"),
        ("SELECT ARRAY_AGG(x ORDER BY y\nLIMIT 1\n)[OFFSET(0)] FROM `a.b`", _ELEMENTS),
        ("SELECT string_agg(DISTINCT x, ', ' LIMIT 3\n) FROM t", _ELEMENTS),
        (
            "SELECT x FROM t, UNNEST(xs) AS x WITH OFFSET\nWHERE x > 1",
            "name it on the same line: WITH OFFSET AS position",
        ),
        ("SELECT 1 -- no limit\nFROM t", "reword the comment, or end it in a full stop"),
        ("SELECT 1 /* by\n offset\n */ FROM t", "reword the comment, or end it in a full stop"),
        (
            "SELECT 'over the limit\n' AS x",
            "let the line of the text end in something else, for example by splitting it: 'limit' || '…'",
        ),
        (
            "SELECT\n  a,\n  t.limit\nFROM t",
            "put on the same line what comes next (the comma, an alias, FROM), or quote the name",
        ),
        (
            "SELECT\n  limit\nFROM t",
            "put on the same line what comes next (the comma, an alias, FROM), or quote the name",
        ),
        (
            'SELECT "a limit\n" FROM t',
            _EITHER,
        ),
    ],
)
def test_what_helps_against_a_limit_fits_its_place(checked: Checker, query: str, hint: str) -> None:
    """The hint is one that helps just there, in every dialect that the text can be of."""
    [problem, *rest] = checked(NO_QUERY + f"query: {json.dumps(query)}\n")

    assert [problem.rule, *{one.rule for one in rest} - {"inner-limit", "semicolon"}] == ["limit-at-line-end"]
    assert problem.hint == hint


def test_what_helps_against_a_limit_fits_the_query_type(checked: Checker) -> None:
    """Where no sync pages through the rows, a bracket on the same line is all it takes; SOQL has no row_number()."""
    query = 'query: "SELECT id FROM (SELECT id FROM t LIMIT 10\\n) x"\n'
    dynamic = NO_QUERY.replace("raw_sql", "dynamic_sql") + "configuration: {harvesters: [], json_schema: {}}\n"
    [problem] = checked(dynamic + query)
    assert problem.hint == "write what comes next on the same line: LIMIT 10)"

    [problem] = checked(NO_QUERY.replace("raw_sql", "soql") + "query: SELECT Id FROM Contact LIMIT 10\n")
    assert problem.hint == _REMOVE


def test_queries_are_read_the_same_without_the_extra(checked: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is a text, a comment or a clause is known without sqlglot, too."""
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    problems = checked(NO_QUERY + "query: SELECT $$a;b$$, ';', (SELECT 1 LIMIT 10) x;\n")

    assert not sql.is_available()
    assert [(problem.rule, problem.message.split(":")[0]) for problem in problems] == [
        ("inner-limit", 'the query has "LIMIT 10" as a clause'),
        ("semicolon", "the query has a `;` in it"),
    ]


OURS = "SELECT id\n<<<<<<< HEAD\nFROM users\n=======\nFROM app.users\n>>>>>>> moved\n"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'4d' * 32}\nsize 12345\n"


@pytest.mark.parametrize(
    ("query", "rule", "where"),
    [
        (OURS, "merge-conflict", "2:1"),
        ("<<<<<<< HEAD\nSELECT 1\n||||||| 4a5\nSELECT 2\n=======\nSELECT 3\n>>>>>>> x\n", "merge-conflict", "1:1"),
        ("SELECT id\n=======\nFROM users\n", "merge-conflict", "2:1"),
        ("SELECT id\nFROM users\n  >>>>>>> it's theirs\n", "merge-conflict", "3:3"),
        ("SELECT id\n||||||| merged\nFROM users\n", "merge-conflict", "2:1"),
        ("/*\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n*/\nSELECT id FROM users\n", "merge-conflict", "2:1"),
        (POINTER, "lfs-pointer", "1:1"),
        ("SELECT id\nFROM {{ ref('users') }}\n", "template", "2:6"),
        ("SELECT id FROM {{source('a', 'b')}}", "template", "1:16"),
        ("{% set x = 1 %}\nSELECT id FROM users\n", "template", "1:1"),
        ("{# it's Jinja's #}\nSELECT id FROM users\n", "template", "1:1"),
        ("SELECT 'a' AS a, {{ b\nFROM users", "template", "1:18"),
        ("SELECT {{ f({'a': 1}) }} AS a FROM users", "template", "1:8"),
        ("SELECT '{{ a }}' AS a, \"{{ b }}\" AS b, {{ c }} AS c FROM t", "template", "1:40"),
        ("SELECT 'it''s' AS a -- {{ b }}\nFROM {{ c }}", "template", "2:6"),
        ("-- SELECT 1\n", "empty-query", "1:1"),
        ("/* later */ -- it's not here\n;\n", "empty-query", "1:1"),
        ("# todo", "empty-query", "1:1"),
        ("// todo: isn't done", "empty-query", "1:1"),
        ("--todo", "empty-query", "1:1"),
        (" ;\n; ", "empty-query", "1:1"),
        ("\ufeff-- nothing", "empty-query", "1:1"),
        ("\u200b", "empty-query", "1:1"),
    ],
)
@pytest.mark.parametrize("is_installed", [True, False])
def test_what_nobody_can_read_is_an_error(
    checked: Checker,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    rule: str,
    where: str,
    is_installed: bool,  # noqa: FBT001 - a table
) -> None:
    """With the extra and without it: one error at its place in the SQL file, whatever the query type, with a hint."""
    if not is_installed:
        monkeypatch.setitem(sys.modules, "sqlglot", None)
    model = NO_QUERY + "query_file: q.sql\n"
    dynamic = model.replace("raw_sql", "dynamic_sql") + "configuration: {harvesters: [], json_schema: {}}\n"
    for text in (model, model.replace("raw_sql", "dbt"), model.replace("raw_sql", "soql"), dynamic):
        problem = only(checked.files({"models/a.yaml": text, "models/q.sql": query}, ("prod",), reads_sql=True))

        assert (problem.rule, str(problem.origin), problem.is_error) == (rule, f"models/q.sql:{where}", True)
        assert problem.hint
    inline = only(checked(NO_QUERY + f"query: {json.dumps(query)}\n"))
    assert (inline.rule, inline.is_error) == (rule, True)


def test_a_conflict_within_a_yaml_block_is_found(checked: Checker) -> None:
    """Indented with the block, git's marks are lines of the query; at the margin they're no YAML."""
    block = "query: |\n" + "".join(f"  {line}\n" for line in OURS.splitlines())

    assert told(checked(NO_QUERY + block)) == [("merge-conflict", "a.yaml:7:3")]
    assert all(problem.is_error for problem in checked(NO_QUERY + block.replace("  <<<", "<<<")))


def test_other_query_types_may_say_anything(checked: Checker) -> None:
    """What an unstructured model has for a query is run by no database: only what is no text of anybody's is told."""
    assert checked(DOCS + "query: -- {{ nothing }}\n") == []
    assert told(checked(DOCS + "query_file: q.sql\n", **{"models/q.sql": POINTER})) == [("lfs-pointer", "q.sql:1:1")]


@pytest.mark.parametrize("is_installed", [True, False])
def test_nothing_is_said_against_an_honest_query(
    checked: Checker,
    monkeypatch: pytest.MonkeyPatch,
    is_installed: bool,  # noqa: FBT001 - a table
) -> None:
    """Of more than a hundred queries of eleven databases, with all that looks like something else in some other."""
    if not is_installed:
        monkeypatch.setitem(sys.modules, "sqlglot", None)
    model = NO_QUERY.replace("Active users", "Model {0}") + "query_file: q{0}.sql\n"
    files = {f"models/{number}.yaml": model.format(number) for number in range(len(QUERIES))}
    files |= {f"models/q{number}.sql": query for number, query in enumerate(QUERIES)}

    assert len(set(QUERIES)) > 100
    assert [(problem.excerpt, problem.rule) for problem in checked.files(files, reads_sql=True)] == []


@pytest.mark.parametrize(
    ("query", "where", "said"),
    [
        ("SELEC id FRM x", "1:1", 'can read the query: it stops at "SELEC"'),
        ("SELECT id\nFRM x", "2:5", 'can read the query: it stops at "x"'),
        ("SELECT (id FROM x", "1:12", 'can read the query: it stops at "FROM"'),
        ("SELECT id) FROM x", "1:10", 'can read the query: it stops at ")"'),
        ("SELECT id FROM x WHERE", "1:18", 'can read the query: it stops at "WHERE"'),
        ("SELECT 'id FROM x", "1:1", 'can read the query: it stops at "SELECT"'),
        ("SELECT id FROM `x` JION y ON a = b", "1:25", 'can read the query: it stops at "y"'),
        ("hello", "1:1", 'can read the query: it stops at "hello"'),
        ("SELECT", "1:1", 'can read the query: it stops at "SELECT"'),
        ("SELECT id FROM x GROUP BY", "1:18", 'can read the query: it stops at "GROUP"'),
        ("SELECT id FROM x JOIN y ON", "1:25", 'can read the query: it stops at "ON"'),
        ("SELECT id FROM x WHERE id IN -- y", "1:27", 'can read the query: it stops at "IN"'),
        ("SELECT id,, a FROM x", "1:11", 'can read the query: it stops at ","'),
        ("SELECT max(, a) FROM x", "1:12", 'can read the query: it stops at ","'),
        ("<html><body>404</body></html>", "1:1", 'can read the query: it stops at "<"'),
        ("DELETE FROM t", "1:1", "a statement of its own (DELETE), and no query: no rows come of it"),
        ("-- now\n update t SET a = 1", "2:2", "a statement of its own (UPDATE), and no query: no rows come of it"),
        ("WITH a AS (SELECT 1 AS x)\nDELETE FROM t", "2:1", "a statement of its own (DELETE)"),
        ("CREATE TABLE t (a int)", "1:1", "a statement of its own (CREATE)"),
    ],
)
def test_what_no_dialect_can_read_is_a_warning(
    checked: Checker, monkeypatch: pytest.MonkeyPatch, query: str, where: str, said: str
) -> None:
    """With the extra it's told where the query stops to be one; without it, and where nobody asks, nothing is claimed."""
    files = {"models/a.yaml": NO_QUERY + "query_file: q.sql\n", "models/q.sql": query}
    problem = only(checked.files(files, ("prod",), reads_sql=True))

    assert (problem.rule, str(problem.origin), problem.is_error) == ("unreadable-query", f"models/q.sql:{where}", False)
    assert said in problem.message
    assert checked.files(files, ("prod",)) == []
    assert checked.files({**files, "models/a.yaml": files["models/a.yaml"].replace("raw_sql", "soql")}, ("prod",)) == []
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    assert checked.files(files, ("prod",), reads_sql=True) == []


def test_parsers_read_so_much_in_one_run(checked: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left over isn't claimed to be wrong; a parameter may be any piece of a query."""
    files = {f"models/{letter}.yaml": f"{SQL.replace('Active', letter)}".replace("SELECT", "SELEC") for letter in "abc"}
    assert len(checked.files(files, reads_sql=True)) == 3
    monkeypatch.setattr("syncer.desired.validate.queries.MAX_PARSED", 50)
    assert len(checked.files(files, reads_sql=True)) == 1

    text = NO_QUERY.replace("raw_sql", "dynamic_sql") + "configuration: {harvesters: [], json_schema: {}}\n"
    dynamic = {"models/a.yaml": text + "query: SELECT id FROM t ORDER BY id :direction :more\n"}
    (checked.root / "models/b.yaml").unlink()
    (checked.root / "models/c.yaml").unlink()
    assert checked.files(dynamic, reads_sql=True) == []
    dynamic["models/a.yaml"] = text + "query: SELECT id FRM t ORDR BY id\n"
    monkeypatch.undo()
    assert [one.rule for one in checked.files(dynamic, reads_sql=True)] == ["unreadable-query"]
    dynamic["models/a.yaml"] = text + "query: SELECT id FRM t ORDR BY :id\n"
    assert checked.files(dynamic, reads_sql=True) == []


@pytest.mark.parametrize(
    ("query_type", "template", "hint"),
    [
        ("raw_sql", "{# a #}", "remove it, or write it as a comment of SQL: -- …"),
        (
            "raw_sql",
            "{{ ref('users') }}",
            "write the table's own name, or take the query that `dbt compile` makes of it",
        ),
        ("raw_sql", "{{ a }}", "write what it stands for"),
        ("dynamic_sql", "{{ a }}", "write what it stands for; a parameter is written :name"),
    ],
)
def test_what_helps_against_a_template_fits_it(checked: Checker, query_type: str, template: str, hint: str) -> None:
    """A comment, a table, a value, or a parameter."""
    text = NO_QUERY.replace("raw_sql", query_type) + "configuration: {harvesters: [], json_schema: {}}\n"
    problem = only(checked(f'{text}query: "SELECT id FROM {template} WHERE 1"\n'))

    assert (problem.rule, problem.hint) == ("template", hint)


@pytest.mark.parametrize(
    ("query", "is_table"),
    [
        ("SELECT * FROM accounts", True),
        ("select  *  FROM crm.accounts\n", True),
        ('SELECT * FROM "My schema"."My table"', True),
        ("SELECT * FROM [dbo].[My table]", True),
        ("SELECT * from accounts", False),
        ("SELECT id FROM accounts", False),
        ("SELECT * FROM a, b", False),
        ("SELECT * FROM (SELECT 1) x", False),
        ("SELECT * FROM accounts WHERE x", False),
    ],
)
def test_a_table_selector_names_a_table(checked: Checker, query: str, is_table: bool) -> None:  # noqa: FBT001 - a table
    """Only SELECT * FROM and one table is what the UI can take apart."""
    problems = checked(NO_QUERY.replace("raw_sql", "table_selector") + f"query: {json.dumps(query)}\n")

    assert [problem.rule for problem in problems] == ([] if is_table else ["table-selector-query"])


def test_dynamic_queries_are_not_paged(checked: Checker) -> None:
    """A dynamic_sql query may have an inner LIMIT or `;`: no sync pages through it. The server's own rule still holds."""
    text = NO_QUERY.replace("raw_sql", "dynamic_sql") + "configuration: {harvesters: [], json_schema: {}}\nquery: "

    assert checked(text + "SELECT (SELECT 1 LIMIT 5) x;\n") == []
    assert told(checked(text + "SELECT 1 LIMIT 5\n")) == [("limit-at-line-end", "a.yaml:6:17")]


@pytest.mark.parametrize(
    ("query_type", "configuration", "rules"),
    [
        ("unstructured", "{**, harvesters: 5}", []),
        ("unstructured", "{**, harvesters: {a: 1}}", []),
        ("unstructured", "{**, json_schema: {}}", []),
        ("unstructured", "{**, json_schema: []}", ["wrong-type"]),
        ("unstructured", "{**, json_schema: null}", ["wrong-type"]),
        ("unstructured", "{**, json_schema: text}", ["wrong-type"]),
        ("unstructured", "{embedding_config: {}, chunk_config: {}}", ["query-type-needs"] * 4),
        ("vector_search", "{**, harvesters: [], json_schema: {}, chunk_config: {chunk_size: 10.0}}", []),
        ("vector_search", "{**, harvesters: {}, json_schema: {}}", ["wrong-type"]),
        ("vector_search", "{**, harvesters: [], json_schema: []}", ["wrong-type"]),
        ("dynamic_sql", "{harvesters: {}, json_schema: {}}", ["wrong-type"]),
        ("dynamic_sql", "{harvesters: [], json_schema: []}", ["wrong-type"]),
        ("ai_ml", "{harvesters: 5}", ["wrong-type"]),
        ("ai_ml", "{harvesters: [5, a, {b: []}], more: [1]}", []),
        *((kind, "{chunk_config: {chunk_size: 10.0}, harvesters: 5, json_schema: []}", []) for kind in PLAIN),
    ],
)
def test_a_configuration_is_refused_as_the_server_refuses_it(
    checked: Checker, query_type: str, configuration: str, rules: list[str]
) -> None:
    """For each query type what the server's own schema wants, and no more; the sandbox, held to the server, agrees."""
    shared = (
        "embedding_config: {model: m, api_key: {env: SYNCER_SECRET_A}}, chunk_config: {chunk_size: 1, chunk_overlap: 0}"
    )
    if query_type == "vector_search":
        shared = shared.partition(", chunk_config")[0]
    values = configuration.replace("**", shared)
    text = NO_QUERY.replace("raw_sql", query_type) + f"query: SELECT * FROM t\nconfiguration: {values}\n"
    data = yaml.safe_load(text.replace("{env: SYNCER_SECRET_A}", "k"))
    refused = validation.problems({"name": "", **data}, connector_exists=True)

    assert [problem.rule for problem in checked(text)] == rules
    assert ("configuration" in refused) == bool(rules)


# -- values and secrets ------------------------------------------------------------------------------------------

CREDENTIALS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_" + "a1" * 18,
    "github_pat_" + "A1" * 20,
    "glpat-" + "x" * 20,
    "xoxb-1234567890-abc",
    "AIza" + "x" * 35,
    "sk-proj-" + "abc1" * 6,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
]


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize(
    "text",
    [
        SQL + "description: {}\n",
        SQL.replace("SELECT 1", "SELECT '{}'"),
        SQL.replace("Active users", "{}"),
        SQL + "configuration: {headers: ['x {} y']}\n",
        SQL + "environments: {prod: {description: {}}}\n".replace("{}", "'x {}'"),
        SQL + "'{}': x\n",
        SQL.replace("raw_sql", "'{}'"),
    ],
)
def test_credentials_are_found_and_never_shown(checked: Checker, text: str, credential: str) -> None:
    """What looks like a credential is an error wherever it stands, and no problem repeats it."""
    problems = checked(text.replace("{}", credential))

    assert problems
    for problem in problems:
        assert credential not in f"{problem.message} {problem.hint} {problem.excerpt}"
    assert any(problem.rule in {"secret-in-git", "unknown-key"} for problem in problems)


def test_a_credential_in_an_sql_file_is_found(checked: Checker) -> None:
    """The SQL file is searched too, and its line is shown without it."""
    problem = only(checked(NO_QUERY + "query_file: q.sql\n", **{"models/q.sql": f"SELECT 1\n-- {CREDENTIALS[0]} x\n"}))

    assert told([problem]) == [("secret-in-git", "q.sql:2:4")]
    assert problem.excerpt == "-- (sensitive value) x"


@pytest.mark.parametrize(
    "text", ["risk-adjusted-revenue-by-segment-2", "task-12345678901234567890", "sk-learn", "eyJust"]
)
def test_words_that_look_a_little_like_credentials_are_fine(text: str) -> None:
    """Names with dashes are no keys."""
    assert CREDENTIAL.search(text) is None


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_the_quick_look_misses_no_credential(credential: str) -> None:
    """Everything that the rules find is seen by the quick look that spares other documents the search."""
    assert CREDENTIAL.search(credential)
    assert has_signs(credential)
    assert not Glance().is_harmless({"a": [{"b": f"x {credential}"}]})
    assert not Glance().is_harmless({credential: 1})


@pytest.mark.parametrize(
    ("value", "harmless"),
    [
        ({"a": {"b": [1, "x", {"c": "é"}]}}, True),
        ({"a": [None]}, False),
        ({"a": None}, True),
        ({"api_key": "x"}, False),
        ({"a": "x\0"}, False),
        ({"a\0": "x"}, False),
        ({"a": "****"}, False),
        ({"a": "\ud800"}, False),
        ({"a": {"env": "SYNCER_SECRET_X"}}, False),
    ],
)
def test_the_quick_look_lets_only_harmless_values_pass(value: dict[str, Any], harmless: bool) -> None:  # noqa: FBT001
    """It may be wrong in one direction only."""
    glance = Glance()

    assert glance.is_harmless(value) is harmless
    assert glance.is_harmless(value) is harmless


SECRETS = [
    "embedding_config: {api_key: canary-7f3a, model: x}",
    "embedding_config: {model: x, api_key: 'canary-7f3a'}",
    "db: {password: canary-7f3a}",
    "db:\n    password: |\n      one\n      canary-7f3a two\n",
    "db:\n    password:\n      - canary-7f3a\n",
    "credentials: {user: canary-7f3a}",
    "api_key: {env: canary-7f3a}",
    "api_key:\n    env: canary-7f3a",
    "api_key: {env: SYNCER_SECRET_X, other: canary-7f3a}",
    "api_key: canary-7f3a\n  api_key: canary-7f3a",
    "api_key: canary-7f3a\n  colour: no\n  a: [null]",
    "{api_key: canary-7f3a, colour: no, list: [null]}",
]


@pytest.mark.parametrize("configuration", SECRETS)
def test_a_secret_is_an_error_and_never_shown(checked: Checker, configuration: str) -> None:
    """A literal under a secret's key is refused in every style, and stands in no problem of the file."""
    problems = checked(f"{SQL}lifecycle: {{x: 1}}\nconfiguration:\n  {configuration}\n")

    assert {problem.rule for problem in problems} & {"secret-in-git", "secret-variable"}
    assert "canary" not in "".join(f"{one.message}{one.hint}{one.excerpt}" for one in problems)


def test_references_are_looked_up_only_under_a_secrets_key(checked: Checker) -> None:
    """`{env: …}` elsewhere would be stored as it stands, so it's refused; other mappings with `env` are data."""
    assert told(checked(SQL + "configuration: {header: {env: SYNCER_SECRET_X}}\n")) == [
        ("secret-variable", "a.yaml:6:31")
    ]
    assert checked(SQL + "configuration: {header: {env: prod}}\n") == []
    assert checked(SQL + "configuration: {db: {password: {env: SYNCER_SECRET_X}}}\n") == []
    assert checked(SQL + "configuration: {db: {password: ''}}\n") == []
    assert told(checked(SQL + "configuration: {pin_token: 1234}\n")) == [("secret-in-git", "a.yaml:6:28")]


def test_masks_are_refused_anywhere_in_the_configuration(checked: Checker) -> None:
    """Asterisks are what the server shows, never what somebody means; in a description they're text."""
    assert told(checked(SQL + "configuration: {url: '***', password: '*****'}\n")) == [
        ("masked-value", "a.yaml:6:22"),
        ("masked-value", "a.yaml:6:39"),
    ]
    assert checked(SQL + "description: '***'\n") == []


def test_nul_and_nulls_are_found_everywhere(checked: Checker) -> None:
    """In keys, in environments, and in SQL files."""
    text = (
        NO_QUERY
        + 'query_file: q.sql\nconfiguration: {"a\\0b": 1, c: {d: [[null]]}}\nenvironments: {prod: {description: "\\0"}}\n'
    )

    problems = checked(text, **{"models/q.sql": "SELECT\n 1\0\n"})
    assert told(problems) == [
        ("nul-character", "a.yaml:6:17"),
        ("null-in-list", "a.yaml:6:37"),
        ("nul-character", "a.yaml:7:36"),
        ("nul-character", "q.sql:2:3"),
    ]
    assert [one.message.partition(" has ")[0] for one in problems if one.rule == "nul-character"] == [
        "a key",
        "description",
        "the query",
    ]


def test_what_is_given_twice_in_an_environment_is_told_there(checked: Checker) -> None:
    """Also where nothing else is given."""
    problem = only(
        checked(SQL + "environments: {prod: {query: SELECT 1, query_file: q.sql}}\n", **{"models/q.sql": "SELECT 1\n"})
    )

    assert told([problem]) == [("two-queries", "a.yaml:6:40")]
    assert problem.message == "query and query_file are both given here (environment prod)"


def test_keys_that_the_server_keeps_are_no_problem(checked: Checker) -> None:
    """The configuration is open where the server is; only what looks like a slip is told, as a warning."""
    assert checked(SQL + "configuration: {anything: {goes: [1, 2.5, true, null]}}\n".replace(", null", "")) == []
    assert checked(DOCS + "  colour: red\n") == []
    warning = only(checked(DOCS + "  harvestrs: []\n"))
    assert (warning.rule, warning.severity, warning.hint) == (
        "configuration-key",
        Severity.WARNING,
        "did you mean harvesters?",
    )


def test_half_characters_are_refused() -> None:
    """Where the pure parser lets half of a surrogate pair through, it's told, and stops no other check."""
    problems = check([document(name="a\ud800", query=..., configuration={"\udfff": 1})], SCHEMA, ["prod"])

    assert [problem.rule for problem in problems] == ["missing-query", "lone-surrogate", "lone-surrogate"]
    assert all(problem.message.isprintable() for problem in problems)


def test_the_quick_look_does_not_grow_for_ever() -> None:
    """What it remembers of keys has a bound."""
    glance = Glance()

    assert all(glance.is_harmless({f"k{number}": 1}) for number in range(25_000))
    assert len(glance._plain) == 25_000 - 2 * 10_001


@pytest.mark.parametrize(
    ("secret", "word", "is_hidden"), [("xyz", "xyz", True), ("xy", "xy", False), ("a\nwxyz", "wxyz", True)]
)
def test_a_secret_is_hidden_in_every_message(checked: Checker, secret: str, word: str, is_hidden: bool) -> None:  # noqa: FBT001 - a case
    """Where its text stands elsewhere in the file, too; of two characters nobody could say so."""
    shown = "(sensitive value)" if is_hidden else word
    for place in ("api_key: {}", "deep: {{token: [{}]}}", "tokn: {}", "auth: {{env: {}}}"):
        text = SQL + f"configuration:\n  {place.format(json.dumps(secret))}\n{word}: 1\n"
        assert f"unknown key {shown}" in [one.message for one in checked(text)]
    plain = checked(SQL + f"configuration: {{colour: [{word}, true, 5]}}\n{word}: 1\n")
    assert [one.message for one in plain] == [f"unknown key {word}"]


def test_what_looks_like_a_slip_is_told_twenty_times() -> None:
    """Of a configuration with a thousand keys nobody reads more; a key that is there was not meant by another."""
    configuration: dict[str, Any] = {"harvesters": [], **{f"json_shcema{number}": {} for number in range(30)}}
    problems = check([document(query_type="ai_ml", configuration=configuration)], SCHEMA, ["prod"])
    assert [one.rule for one in problems] == ["configuration-key"] * 20

    configuration = {"harvesters": [], "harvestrs": [], "chunk_confg": {}, "jsonschema": {}}
    told = check([document(query_type="ai_ml", configuration=configuration)], SCHEMA, ["prod"])
    assert [(one.message.split()[0], one.hint) for one in told] == [
        ("configuration.chunk_confg", "did you mean chunk_config?"),
        ("configuration.jsonschema", "did you mean json_schema?"),
    ]


# -- files that aren't valid -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ({"name": "A", "query": 5, "id": 7}, {"name": "A", "id": 7}),
        ({"name": 5, "id": 7}, {"name": "", "id": 7}),
        ({"name": "A", "id": "7"}, {"name": "A"}),
        ({"name": "A", "id": True}, {"name": "A"}),
        ({"name": "A", "id": 0}, {"name": "A"}),
        ({"name": "A", "id": 1}, {"name": "A", "id": 1}),
        ({"name": "", "id": -1}, None),
        ({"query": "SELECT 1"}, None),
        ({"name": "A", "lifecycle": {"protect": True}}, {"name": "A", "lifecycle": {"protect": True}}),
        ({"name": "A", "lifecycle": {"protect": "yes"}}, {"name": "A", "lifecycle": {"protect": False}}),
        ({"name": "A", "lifecycle": ["protect"]}, {"name": "A"}),
        (
            {"name": "A", "lifecycle": {"allow": ["x", 5], "ignore_changes": ["y", None], "more": ["z"]}},
            {"name": "A", "lifecycle": {"protect": False, "allow": ["x"], "ignore_changes": ["y"]}},
        ),
        ({"name": "A", "lifecycle": {"allow": "x"}}, {"name": "A", "lifecycle": {"protect": False}}),
        (
            {"environments": {"prod": {"id": 5, "query": "x"}, "eu": 5}},
            {"name": "", "environments": {"prod": {"id": 5}}},
        ),
    ],
)
def test_a_file_that_is_not_valid_still_guards(data: dict[str, Any], kept: dict[str, Any] | None) -> None:
    """What of it makes sense says which model it means and how that is guarded; a file that means none guards none."""
    one = guard_of(replace(document(), data=data))

    assert (one.data if one else None) == (kept and {"environments": {}, **kept})
    assert one is None or one.files == {}


def test_queries_of_one_environment_are_read() -> None:
    """As that environment has them; only those that can be read, and as warnings at their place."""
    environments = {"prod": {"query": "SELEC 1"}, "eu": {"query": "SELECT 1"}}
    found = {name: unreadable([document(environments=environments), document("b")], name) for name in ("prod", "eu")}

    assert [(one.rule, one.severity, one.origin.path) for one in found["prod"]] == [
        ("unreadable-query", Severity.WARNING, "models/active_users.yaml")
    ]
    assert found["eu"] == ()
    assert unreadable([document(query=5), document(query=..., query_file="gone.sql")], "prod") == ()


# -- words -------------------------------------------------------------------------------------------------------


def test_values_are_shown_in_words() -> None:
    """Short, in one line, and never a secret's."""
    values: list[Any] = ["a", " ", True, False, 5, 1.5, None, [], {}]
    assert {described(one) for one in values} == {
        'the text "a"', "blank text", "true", "false", "the number 5", "the number 1.5", "nothing (null)", "a list", "a mapping",
    }  # fmt: skip
    assert described("a", ("db", "password")) == described(5, ("tokn",)) == "(sensitive value)"
    assert described(10**80) == f"the number 1{'0' * 59}"
    assert quoted("x" * 60) == f'"{"x" * 60}"'
    assert quoted("x" * 61) == f'"{"x" * 60}…"'
    assert quoted("a\n\u202eb") == '"a\\n\\u202eb"'


def test_paths_are_named_as_people_write_them() -> None:
    """Without the environment that they stand under."""
    paths = [
        (),
        ("a", "b", 0, "c"),
        ("environments", "prod"),
        ("environments", "prod", "a", 1),
        ("environments",),
        (0, "a"),
    ]
    assert [label(path) for path in paths] == ["this", "a.b[0].c", "this", "a[1]", "environments", "[0].a"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("prod", "production"), ("pro", "production"), ("pr", ""), ("production-eu", "production"), ("Stagng", "staging"),
     ("DEV", "dev"), ("dev2", "dev"), ("de", "dev"), ("my env", "my-env"), ("", ""), (5, ""), (None, ""), ("x", ""),
     ("staging" + "g" * 73, "staging"), ("staging" + "g" * 74, "")],
)  # fmt: skip
def test_the_nearest_word_is_what_was_meant(word: object, meant: str) -> None:
    """Also of an abbreviation of three letters, and of a word with more behind it; of one without end nothing."""
    assert nearest(word, ["production", "staging", "dev", "my-env"]) == meant


def test_a_file_with_endless_problems_is_cut_short(checked: Checker) -> None:
    """Of ten thousand problems a hundred are shown, and the run fails all the same."""
    problems = checked(SQL + "configuration:\n  a: [" + "null, " * 10_000 + "]\n")

    assert len(problems) == MAX_PROBLEMS + 1
    assert {(problem.rule, problem.is_error) for problem in problems} == {
        ("null-in-list", True),
        ("more-problems", True),
    }
