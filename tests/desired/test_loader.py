"""The loader: disk and YAML in, Documents and located problems out."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from parsers import Reworded, Shallow

from syncer.desired.loader import Loaded, load, load_files
from syncer.desired.loader.parse import MAX_PROBLEMS, parse
from syncer.desired.loader.positions import YamlMarks, excerpt, place
from syncer.desired.loader.scalars import Refused, resolve
from syncer.desired.loader.syntax_errors import explained
from syncer.model import Origin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syncer.model import Problem

MODEL = "name: Active users\nconnector_id: 1\n"

Write = Any


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write files below a repository, by path, and give its root."""

    def writer(**files: str | bytes) -> Path:
        (tmp_path / "models").mkdir(exist_ok=True)
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return writer


def only(loaded: Loaded) -> Problem:
    """The one problem there is."""
    assert len(loaded.problems) == 1, loaded.problems
    return loaded.problems[0]


def data(text: str) -> Any:
    """What a YAML text says, if nothing is wrong with it."""
    value, troubles = parse(text.encode(), {})
    assert troubles == []
    return value


def rules(text: str | bytes) -> list[str]:
    """The rules that a YAML text breaks, in order."""
    return [trouble.rule for trouble in parse(text if isinstance(text, bytes) else text.encode(), {})[1]]


# -- finding files -----------------------------------------------------------------------------------------------


def test_documents_come_by_address(write: Write) -> None:
    """A document's address is its path below the models folder without the ending; documents are sorted by it."""
    root = write(**{"models/b.yaml": MODEL, "models/a/z.yaml": MODEL, "models/a/README.md": "x", "models/.x.yaml": "["})

    loaded = load(root)

    assert [(one.address, one.path) for one in loaded.documents] == [
        ("a/z", "models/a/z.yaml"),
        ("b", "models/b.yaml"),
    ]
    assert loaded.documents[0].data == {"name": "Active users", "connector_id": 1}
    assert loaded.problems == ()


def test_a_broken_file_does_not_hide_the_others(write: Write) -> None:
    """Every readable file yields a document, and every problem is in the one run."""
    loaded = load(
        write(**{"models/a.yaml": "a: [", "models/b.yaml": MODEL, "models/c.yaml": "- x", "models/d.yml": ""})
    )

    assert [one.address for one in loaded.documents] == ["b"]
    assert [(problem.rule, str(problem.origin)) for problem in loaded.problems] == [
        ("syntax", "models/a.yaml:1:5"),
        ("not-a-mapping", "models/c.yaml:1:1"),
        ("wrong-ending", "models/d.yml"),
    ]


def test_finding_nothing_is_a_problem(tmp_path: Path) -> None:
    """No folder and no file are problems that say what was looked for, and where from."""
    missing = only(load(tmp_path))
    (tmp_path / "models").mkdir()
    empty = only(load(tmp_path))

    assert missing.rule == "no-models-folder"
    assert str(tmp_path) in missing.message
    assert "models" in missing.message
    assert (empty.rule, empty.origin) == ("no-files", Origin("models"))


@pytest.mark.parametrize("models", ["models", "models/", "./models"])
def test_the_models_folder_may_be_written_in_any_way(write: Write, models: str) -> None:
    """A trailing slash or a leading dot changes no address."""
    assert [one.path for one in load(write(**{"models/a.yaml": MODEL}), models).documents] == ["models/a.yaml"]


def test_the_repository_itself_may_be_the_models_folder(write: Write) -> None:
    """With `models = "."` addresses are paths from the root."""
    assert [one.address for one in load(write(**{"models/a.yaml": MODEL}), ".").documents] == ["models/a"]


@pytest.mark.parametrize("models", ["..", "/", "mo\0dels"])
def test_a_models_folder_elsewhere_is_refused(write: Write, models: str) -> None:
    """A setting can't make the tool read outside the repository."""
    assert only(load(write(**{"models/a.yaml": MODEL}), models)).rule in {"outside-root", "no-models-folder"}


def test_named_files_are_checked_alone(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """`validate FILE...` reads those files, or folders, once each, and says which are no model files."""
    root = write(
        **{
            "models/a.yaml": MODEL,
            "models/b/c.yaml": MODEL,
            "models/d.yaml": MODEL,
            "x.yaml": MODEL,
            "models/e/f.yaml": MODEL.partition("query:")[0] + "environments: {prod: {query_file: ../../sql/q.sql}}\n",
            "models/q.txt": "",
            "sql/q.sql": "SELECT 1",
            "sql/nobodys.sql": "",
        }
    )
    monkeypatch.chdir(root)

    named = ["models/a.yaml", root / "models/a.yaml", "models/b", "x.yaml", "models/q.txt"]
    loaded = load_files(root, "models", named)

    assert [one.address for one in loaded.documents] == ["a", "b/c"]
    assert [(problem.rule, problem.origin.path) for problem in loaded.problems] == [
        ("wrong-ending", "models/q.txt"),
        ("outside-models", "x.yaml"),
    ]
    # An SQL file means those that name it, and what is wrong with it.
    named = ["sql/q.sql", "models/a.yaml", "sql/nobodys.sql"]
    assert [one.address for one in load_files(root, "models", named).documents] == ["a", "e/f"]
    assert load_files(root, "models", ["sql/nobodys.sql"]) == Loaded(())
    assert only(load_files(root, "models", ["sql/none.sql"])).rule == "unreadable"
    (root / "sql" / "q.sql").write_bytes(b"\xff")
    assert {one.rule for one in load_files(root, "models", ["sql/q.sql"]).problems} == {"bad-encoding"}
    assert only(load_files(root, "models", ["models/none.yaml"])).rule == "unreadable"
    assert only(load_files(root, "models", [])).rule == "no-files"
    assert only(load_files(root, "models", ["a\0b"])).rule == "outside-models"


# -- files that are none -----------------------------------------------------------------------------------------


def test_symlinks_stay_inside(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A symlink inside the repository is read; one that leads out, back up, or nowhere is a problem."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.yaml").write_text(MODEL)
    root = write(**{"models/a.yaml": MODEL, "other/b.yaml": MODEL})
    (root / "models/in.yaml").symlink_to(root / "other/b.yaml")
    (root / "models/folder").symlink_to(root / "other")
    (root / "models/out.yaml").symlink_to(outside / "secret.yaml")
    (root / "models/out").symlink_to(outside)
    (root / "models/up").symlink_to(root / "models")
    (root / "models/gone.yaml").symlink_to(root / "nowhere.yaml")
    (root / "models/README").symlink_to(outside / "README")

    loaded = load(root)

    assert [one.address for one in loaded.documents] == ["a", "folder/b", "in"]
    assert [(problem.rule, problem.origin.path) for problem in loaded.problems] == [
        ("unreadable", "models/gone.yaml"),
        ("outside-root", "models/out"),
        ("outside-root", "models/out.yaml"),
        ("outside-root", "models/up"),
    ]


def test_a_folder_or_a_pipe_is_never_opened(write: Write) -> None:
    """A folder or a pipe that bears a model file's name is a problem, and nothing waits for it."""
    root = write(**{"models/a.yaml": MODEL, "models/b.yaml/c.yaml": MODEL})
    os.mkfifo(root / "models/pipe.yaml")
    os.mkfifo(root / "models/q.sql")
    (root / "models/d.yaml").write_text("query_file: q.sql\n")

    loaded = load(root)

    assert [(problem.rule, problem.origin.path) for problem in loaded.problems] == [
        ("not-a-file", "models/b.yaml"),
        ("not-a-file", "models/d.yaml"),
        ("not-a-file", "models/pipe.yaml"),
    ]


def test_a_pipe_under_a_named_path_is_not_opened(write: Write) -> None:
    """What was opened is judged, whatever the name promised."""
    root = write()
    os.mkfifo(root / "models/pipe.yaml")

    assert only(load_files(root, "models", [root / "models/pipe.yaml"])).rule == "not-a-file"


@pytest.mark.parametrize(
    "name", [b"a\nb.yaml", b"a\x1b[31mb.yaml", b"\xff.yaml", "a\u202eb.yaml".encode(), b"a\\b.yaml"]
)
def test_names_that_cannot_be_shown_are_refused(write: Write, name: bytes) -> None:
    """No name of a file can break a terminal, a report, or the run."""
    root = write(**{"models/a.yaml": MODEL})
    (root / os.fsdecode(b"models/" + name)).write_text(MODEL)

    loaded = load(root)

    assert [one.address for one in loaded.documents] == ["a"]
    assert only(loaded).rule == "bad-file-name"
    assert only(loaded).origin.path.isprintable()


def test_a_folder_with_such_a_name_is_refused_too(write: Write) -> None:
    """The files below it would have addresses that can't be shown."""
    root = write(**{"models/a.yaml": MODEL, "models/x\ny/b.yaml": MODEL})

    assert only(load(root)).rule == "bad-file-name"


def test_a_file_without_permission_is_a_problem(write: Write) -> None:
    """A file that can't be read is named with the reason; whoever runs the tests as root can read it."""
    root = write(**{"models/a.yaml": MODEL, "models/b.yaml": MODEL})
    (root / "models/a.yaml").chmod(0)

    loaded = load(root)

    assert [problem.rule for problem in loaded.problems] == ([] if os.geteuid() == 0 else ["unreadable"])


def test_a_large_file_is_read_no_further(write: Write) -> None:
    """One byte more than a mebibyte is too much, for definitions and for queries; a mebibyte is not."""
    root = write(
        **{
            "models/a.yaml": MODEL + "#" * ((1 << 20) - len(MODEL)),
            "models/b.yaml": MODEL + "#" * ((1 << 20) - len(MODEL) + 1),
            "models/c.yaml": "query_file: big.sql\n",
            "models/big.sql": "x" * ((1 << 20) + 1),
        }
    )

    loaded = load(root)

    assert [one.address for one in loaded.documents] == ["a", "c"]
    assert [(problem.rule, str(problem.origin)) for problem in loaded.problems] == [
        ("too-large", "models/b.yaml"),
        ("too-large", "models/c.yaml:1:13"),
    ]


def test_named_paths_are_judged_like_found_ones(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file named on the command line gets no more trust than one that was found."""
    outside = tmp_path_factory.mktemp("outside") / "a.yaml"
    outside.write_text(MODEL)
    root = write(**{"models/a\nb.yaml": MODEL})
    (root / "models/out.yaml").symlink_to(outside)

    assert only(load_files(root, "models", [root / "models/out.yaml"])).rule == "outside-root"
    assert only(load_files(root, "models", [root / "models/a\nb.yaml"])).rule == "bad-file-name"
    assert only(load_files(root, "nowhere", [root / "models/out.yaml"])).rule == "no-models-folder"


def test_trouble_of_the_disk_is_a_problem(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that can't be listed, and a file that breaks off, are told with the system's reason."""
    root = write(**{"models/a.yaml": MODEL})

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", fail)
        folder = only(load(root))
    with monkeypatch.context() as patch:
        patch.setattr(os, "read", fail)
        file = only(load(root))

    assert (folder.rule, folder.origin.path) == ("unreadable", "models")
    assert (file.rule, file.origin.path) == ("unreadable", "models/a.yaml")
    assert "Input/output error" in file.message


# -- text --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "where", "said"),
    [
        (MODEL.encode("utf-16"), "1:1", "UTF-16"),
        (MODEL.encode("utf-16-le"), "1:2", "UTF-16"),
        (MODEL.encode() + b"x: \xe4\n", "3:4", "UTF-8"),
        (MODEL.encode() + b"x: \x1b[31m\n", "3:4", "U+001B"),
        (MODEL.encode() + b"x: a\0b\n", "3:5", "U+0000"),
    ],
)
def test_what_is_not_utf_8_text_is_located(write: Write, raw: bytes, where: str, said: str) -> None:
    """Another encoding or a control character is named, at its very character, and shown harmlessly."""
    problem = only(load(write(**{"models/a.yaml": raw})))

    assert (problem.rule, str(problem.origin)) == ("bad-encoding", f"models/a.yaml:{where}")
    assert said in problem.message
    assert problem.excerpt.isprintable()


def test_a_byte_order_mark_and_any_line_ends_are_fine(write: Write) -> None:
    """Files that Windows editors write say the same, at the same lines."""
    root = write(
        **{
            "models/a.yaml": b"\xef\xbb\xbf" + MODEL.encode(),
            "models/b.yaml": MODEL.replace("\n", "\r\n"),
            "models/c.yaml": MODEL.replace("\n", "\r"),
        }
    )

    documents = load(root).documents

    assert [one.data for one in documents] == [data(MODEL)] * 3
    assert {one.marks.position(("connector_id",)) for one in documents} == {(2, 15)}


@pytest.mark.parametrize(
    ("text", "rule", "where", "said"),
    [
        ("a:\n\tb: 1\n", "tab-indentation", (2, 1), "tab"),
        ("a:\n  b: 1\n \tc: 2\n", "tab-indentation", (3, 2), "tab"),
        ("a: |\n\tx\n", "tab-indentation", (2, 1), "tab"),
        ("a: 'x\nb: 1\n", "syntax", (1, 4), "quote"),
        ("a: b: c\n", "syntax", (1, 5), "second `key:`"),
        ("a: [1, 2\nb: 3\n", "syntax", (2, 2), "`[` is not closed"),
        ("a: {b: 1\nc: 2\n", "syntax", (2, 2), "`{` is not closed"),
        ("a: @x\n", "syntax", (1, 4), "`@`"),
        ("a: 'it's'\n", "syntax", (1, 8), "a key is expected"),
        ("a: - b\n", "syntax", (1, 4), "list"),
        ("a: 1\nb c\n", "syntax", (2, 1), "no `:`"),
        ("a: 1\nb c\nd: 1\n", "syntax", (2, 1), "no `:`"),
        ("b c\n\n# why\na: 1\n", "syntax", (1, 1), "no `:`"),
        ("a:\n  b\n  c: 1\n", "syntax", (2, 3), "no `:`"),
        (" a: 1\nb: 1\n", "syntax", (1, 2), "the file's first key is indented"),
        ("# why\n\n   a: 1\nb: 1\n", "syntax", (3, 4), "the file's first key is indented"),
        ("a: {{ b }}\n", "syntax", (1, 5), "this is a template"),
        ("a: {{ b }}-c\n", "syntax", (1, 5), "this is a template"),
        ("a: x\nb: {% if c %}d{% endif %}\n", "syntax", (2, 4), "this is a template"),
        ('a: "\\d"\n', "syntax", (1, 5), "escape"),
        ('a: "\\ud83d\\ude00"\n', "syntax", (1, 7), "surrogates"),
        ("a: &\n", "syntax", (1, 5), "anchor"),
        ("a: ]\n", "syntax", (1, 4), "value is expected"),
        ("<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n", "syntax", (1, 1), "merge conflict"),
        ("%YAML 3.0\n---\na: 1\n", "syntax", (1, 1), "version"),
        ("a: 1\n---\nb: 2\n", "several-documents", (2, 1), "second"),
        ("# nothing\n", "empty-file", (1, 1), "nothing"),
        ("", "empty-file", (1, 1), "nothing"),
        ("--- ~\n", "empty-file", (1, 1), "nothing"),
        ("text\n", "not-a-mapping", (1, 1), "single value"),
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", (3, 1), "first is in line 1"),
        ("a: {b: 1, b: 2}\n", "duplicate-key", (1, 11), "first is in line 1"),
        ("a: &x 1\n<<: {b: 1}\n<<: {c: 1}\n", "duplicate-key", (3, 1), "first is in line 2"),
        ("1: a\n", "key-not-text", (1, 1), "text"),
        ("? [a]\n: b\n", "key-not-text", (1, 3), "text"),
        ("{[a]: b}\n", "key-not-text", (1, 2), "text"),
        ("a: !foo b\n", "unknown-tag", (1, 4), "!foo"),
        ("a: !!python/object/apply:os.system [ls]\n", "unknown-tag", (1, 4), "!!python/object/apply:os.system"),
        ("a: !!int x\n", "unknown-tag", (1, 4), "!!int"),
        ("a: *x\n", "bad-alias", (1, 4), "no anchor"),
        ("a: &x [*x]\n", "bad-alias", (1, 8), "no end"),
        ("a: &x 1\nb: &x 2\n", "bad-alias", (2, 4), "twice"),
        ("a:\n  <<: 5\n", "bad-merge", (2, 3), "mapping"),
        ("a: .inf\n", "not-a-json-number", (1, 4), "JSON"),
        ("a: 1.0e+400\n", "not-a-json-number", (1, 4), "JSON"),
        (f"a: {'9' * 5000}\n", "not-a-json-number", (1, 4), "JSON"),
        ("a: " + "[" * 98 + "]" * 98 + "\n", "too-deep", (1, 101), "98"),
        ("a: [" + "x, " * 20_001 + "]\n", "too-large", (1, 4), "20,000"),
    ],
)
def test_what_is_wrong_with_yaml_is_said_in_words(
    write: Write, text: str, rule: str, where: tuple[int, int], said: str
) -> None:
    """Each kind of broken file has its rule, its very place, words for people, and what to do."""
    problem = only(load(write(**{"models/a.yaml": text})))

    assert (problem.rule, (problem.origin.line, problem.origin.column)) == (rule, where)
    assert said in problem.message
    assert problem.hint
    assert "while scanning" not in problem.message + problem.hint
    # None of this is read out of the parser's own words.
    assert parse(text.encode(), {}, Reworded) == parse(text.encode(), {})


def test_a_mistake_that_nobody_foresaw_has_a_message_and_a_hint() -> None:
    """What the parser says of it is shown, for it's better than nothing."""
    mark = yaml.Mark("", 0, 0, 0, None, 0)
    unforeseen = explained(yaml.MarkedYAMLError(problem="a new one", problem_mark=mark), "a")

    assert "a new one" in unforeseen.message
    assert unforeseen.hint
    assert explained(yaml.YAMLError("x"), "a").hint


def test_a_parser_may_have_a_bound_of_its_own() -> None:
    """A file that is nested too deep for the parser is nested too deep for us, at the same place."""
    raw = b"[" * 5000

    assert parse(raw, {}, Shallow)[1] == parse(raw, {})[1]
    assert [(trouble.rule, trouble.offset) for trouble in parse(raw, {}, Shallow)[1]] == [("too-deep", 98)]


def test_a_file_with_slips_can_still_be_checked(write: Write) -> None:
    """A duplicate, an odd key or an ambiguous value doesn't keep the rest of the file from being checked."""
    loaded = load(write(**{"models/a.yaml": "name: no\nname: x\n1: a\nid: !foo 2\n"}))

    assert [problem.rule for problem in loaded.problems] == [
        "ambiguous-scalar", "duplicate-key", "key-not-text", "unknown-tag"
    ]  # fmt: skip
    assert loaded.documents[0].data == {"name": "no", "1": "a", "id": "2"}


def test_problems_of_one_file_have_an_end() -> None:
    """After a hundred the list ends, and says so."""
    found = rules("\n".join(f"k{number}: yes" for number in range(1000)))

    assert found == ["ambiguous-scalar"] * MAX_PROBLEMS + ["more-problems"]


# -- values ------------------------------------------------------------------------------------------------------

SAME = {
    "": None, "~": None, "null": None, "NULL": None, "true": True, "False": False,
    "0": 0, "-0": 0, "+12": 12, "-3": -3, "0x1F": 31, "1.5": 1.5, ".5": 0.5, "5.": 5.0, "-1.5": -1.5, "012.5": 12.5,
    "6.0e+2": 600.0, "1.5E-3": 0.0015, "nul": "nul", "a": "a", "1.2.3": "1.2.3", "2026-01-01": "2026-01-01",
    "1:30": "1:30", "0o8": "0o8", "0b2": "0b2", "-": "-", ".": ".", "+": "+", "_1": "_1", "0xg": "0xg", "e3": "e3",
    "yess": "yess", "y": "y", "N": "N", "tRUE": "tRUE", "-.5.": "-.5.", "12a": "12a", "1e": "1e", "=x": "=x", "<": "<",
}  # fmt: skip

AMBIGUOUS = [
    "yes", "Yes", "YES", "no", "on", "Off", "012", "-012", "00", "0o12", "09", "1_000", "1_", "0b1", "-0x1F",
    "0x1_F", "1e3", "1.0e3", "1E+3", "+.5", "-.5", ".5e3", "1_0.5", "=", "<<",
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SAME.items())
def test_plain_scalars_mean_what_both_yamls_say(text: str, value: object) -> None:
    """What YAML 1.1 and 1.2 agree on is read so, to the type; dates and times are text."""
    found = resolve(text)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_what_readers_disagree_on_is_refused(text: str) -> None:
    """A plain scalar that YAML 1.1 and 1.2 read differently has no value; in quotes it's text."""
    assert resolve(text) is Refused.AMBIGUOUS
    assert rules(f"a: {text}\n") == ["ambiguous-scalar"]
    assert data(f"a: '{text}'\n") == {"a": text}


@pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1.0e+999", "1" * 401, "0x" + "f" * 400])
def test_numbers_that_json_lacks_are_refused(text: str) -> None:
    """Infinity, no-number, and numbers of hundreds of digits can't be sent."""
    assert resolve(text) is Refused.NOT_JSON


def test_core_tags_are_read() -> None:
    """The tags of YAML's own types say what a value is; `!` says text."""
    assert data("{a: !!str 5, b: !!int 5, c: !!float 5, d: !!null '', e: !!bool true, f: ! 5, g: !!map {}, h: !!seq []}") == {
        "a": "5", "b": 5, "c": 5, "d": None, "e": True, "f": "5", "g": {}, "h": []
    }  # fmt: skip


def test_aliases_and_merges_are_filled_in() -> None:
    """`*name` stands for what it names; `<<` fills in the keys that a mapping lacks, the first source first."""
    text = """
        a: &a {x: 1, y: 1}
        b: &b {y: 2, z: 2}
        c: {<<: [*a, *b], x: 0}
        d: *a
        e: {<<: *b, '<<': 5}
    """

    assert data(text) == {
        "a": {"x": 1, "y": 1},
        "b": {"y": 2, "z": 2},
        "c": {"x": 0, "y": 1, "z": 2},
        "d": {"x": 1, "y": 1},
        "e": {"y": 2, "z": 2, "<<": 5},
    }
    assert data("a: &k name\n*k : 1\n") == {"a": "name", "name": 1}


def test_aliases_have_a_bound_in_size_and_number() -> None:
    """Neither aliases of aliases nor one long text a thousand times can fill the memory."""
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    texts = f"t: &t {'x' * 10_000}\nall: [{', '.join(['*t'] * 100)}]\n"

    assert rules(f"a0: &a0 [x]\n{levels}") == ["alias-bomb"]
    assert rules(texts) == ["alias-bomb"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(
        [*SAME, *AMBIGUOUS, "a: b", "- x", "#", "'", '"', "\n", "\t", " x", "x ", "|", ">", "&a", "*a", "!t", "%"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), JSON, min_size=1, max_size=4)


@given(MAPPINGS)
def test_what_yaml_writes_is_read_back(value: dict[str, Any]) -> None:
    """Data that PyYAML writes loads to the same data, or is refused as ambiguous: never to other data."""
    found, troubles = parse(yaml.safe_dump(value).encode(), {})

    assert {trouble.rule for trouble in troubles} <= {"ambiguous-scalar"}
    assert troubles or found == value


@given(MAPPINGS)
def test_json_is_yaml(value: dict[str, Any]) -> None:
    """Data written as JSON loads to the same data, and every key stands where the marks say, to the character."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    for character in "\x7f\x85\u2028\u2029\ufeff\ufffe\uffff" + "".join(map(chr, range(0x80, 0xA0))):
        text = text.replace(character, f"\\u{ord(character):04x}")
    raw = text.encode()
    found, troubles = parse(raw, {})

    # Numbers like 1e+16 have no dot.
    assert {trouble.rule for trouble in troubles} <= {"ambiguous-scalar"}
    assert troubles or found == value
    lines = text.split("\n")
    for key in value if found is not None else ():
        row, column = YamlMarks(raw).position((key,), key=True)
        assert json.JSONDecoder().raw_decode(lines[row - 1], column - 1)[0] == key


def test_both_parsers_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML comes without libyaml, the pure parser says the same."""
    text = "a: &a {x: 1, y: [1.5, ~, 'q', \"w\\n\"]}\nb: |\n  one\n  two\nc: >-\n  one\n  two\nd: {<<: *a, x: 2}\n"
    broken = "a: 1\na: no\n1: .inf\nb: !foo x\n"

    assert parse(text.encode(), {}, yaml.SafeLoader) == parse(text.encode(), {}) == (data(text), [])
    assert parse(broken.encode(), {}, yaml.SafeLoader) == parse(broken.encode(), {})


def test_the_pure_parser_is_not_deeper() -> None:
    """The bound on depth doesn't depend on libyaml."""
    assert [trouble.rule for trouble in parse(b"[" * 5000, {}, yaml.SafeLoader)[1]] == ["too-deep"]


# -- places ------------------------------------------------------------------------------------------------------


def test_marks_find_keys_and_values() -> None:
    """A position is that of the value, or of its key; of the nearest parent where there is none."""
    marks = YamlMarks(
        b"# a comment\nname: \xc3\xa9 x\nconfiguration:\n  base: &b {k: 1}\n  list:\n    - a\n    - {<<: *b, z: 2}\n"
    )

    assert marks.position(("name",)) == (2, 7)
    assert marks.position(("name",), key=True) == (2, 1)
    assert marks.position(("configuration",)) == (4, 3)
    assert marks.position(("configuration",), key=True) == (3, 1)
    assert marks.position(("configuration", "list", 1, "z")) == (7, 19)
    assert marks.position(("configuration", "list", 1, "k")) == (4, 16)
    assert marks.position(("configuration", "list", 9)) == (6, 5)
    assert marks.position(("configuration", "nothing"), key=True) == (3, 1)
    assert marks.position(()) == (2, 1)
    assert marks.line(2) == "name: é x"
    assert marks.line(99) == ""
    assert YamlMarks(b"{<<: 5, a: 1}").position(("a",)) == (1, 12)


@given(st.binary(max_size=60), st.integers(0, 80))
def test_places_are_inside_the_file(raw: bytes, index: int) -> None:
    """Whatever the text and the index, line and column are those of a character, or of a line's end."""
    line, column = place(raw, index)
    lines = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")

    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1


@pytest.mark.parametrize(
    ("text", "number", "shown"),
    [
        ("api_key: hunter2\n", 1, "api_key: (sensitive value)"),
        ('{"db_password": "hunter2", "a": 1}\n', 1, '{"db_password": (sensitive value)'),
        ("token:\n  - hunter2\n", 2, "  (sensitive value)"),
        ("api_key: |\n  hunter2\n  hunter3\n", 3, "  (sensitive value)"),
        ("api_key:\n\n  a:\n    b: hunter2\n", 4, "    (sensitive value)"),
        ("a: {password:\nhunter2}\n", 2, "(sensitive value)"),
        ("x: AKIAIOSFODNN7EXAMPLE y\n", 1, "x: (sensitive value) y"),
        ("api_key: {env: SYNCER_SECRET_OPENAI}  # note\n", 1, "api_key: {env: SYNCER_SECRET_OPENAI}  # note"),
        ("api_key:\n  env: SYNCER_SECRET_OPENAI\n", 2, "  env: SYNCER_SECRET_OPENAI"),
        ("api_key:\n  env: hunter2\n", 2, "  (sensitive value)"),
        ("max_tokens: 5\n", 1, "max_tokens: 5"),
        ("tokn: hunter2\n", 1, "tokn: (sensitive value)"),
        ("  embedding_pasword: hunter2\n", 1, "  embedding_pasword: (sensitive value)"),
        ("apiky: hunter2\n", 1, "apiky: (sensitive value)"),
        ("pass: hunter2\n", 1, "pass: (sensitive value)"),
        ("scret:\n  - hunter2\n", 2, "  (sensitive value)"),
        ("token_count: 5\n", 1, "token_count: 5"),
        ("compass: 5\n", 1, "compass: 5"),
        ("a: x\x1b[31m\u202e\n", 1, "a: x\ufffd[31m\ufffd"),
        ("a: " + "x" * 5000, 1, "a: " + "x" * 997),
    ],
)
def test_an_excerpt_shows_no_secret(text: str, number: int, shown: str) -> None:
    """The line of a problem is shown without what stands under a secret's key, whatever the style."""
    assert excerpt(text.encode(), number) == shown


# -- SQL files ---------------------------------------------------------------------------------------------------


def test_query_files_are_read_where_they_are_named(write: Write) -> None:
    r"""A query file is relative to its definition, at the top and in environments; line ends become `\\n`."""
    root = write(
        **{
            "models/a/m.yaml": "query_file: ../sql/q.sql\nenvironments: {prod: {query_file: p.sql}, dev: {query_file: p.sql}}\n",
            "models/sql/q.sql": b"\xef\xbb\xbfSELECT 1\r\nFROM x\rWHERE y\n",
            "models/a/p.sql": "SELECT 2",
        }
    )

    (document,) = load(root).documents

    assert {name: (file.path, file.text) for name, file in document.files.items()} == {
        "../sql/q.sql": ("models/sql/q.sql", "SELECT 1\nFROM x\nWHERE y\n"),
        "p.sql": ("models/a/p.sql", "SELECT 2"),
    }


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("none.sql", "query-file-missing"),
        ("sql\\q.sql", "query-file-missing"),
        ("'  '", "query-file-missing"),
        ('"a\\0b"', "query-file-missing"),
        ('"a\\nb"', "query-file-missing"),
        ("'" + "x" * 5000 + "'", "query-file-missing"),
        ("a.yaml/q.sql", "query-file-missing"),
        ("folder", "not-a-file"),
        ("/etc/hostname", "query-file-outside"),
        ("../../x.sql", "query-file-outside"),
        ("C:\\x.sql", "query-file-outside"),
        ("C:x.sql", "query-file-outside"),
        ("\\\\server\\x.sql", "query-file-outside"),
        ("link.sql", "query-file-outside"),
        ("../.git/config", "query-file-outside"),
        ("../.env", "query-file-outside"),
    ],
)
def test_a_query_file_stays_inside(
    write: Write, tmp_path_factory: pytest.TempPathFactory, name: str, rule: str
) -> None:
    """A query is a reviewed file of the repository: nothing else is opened, and the problem is at `query_file`."""
    outside = tmp_path_factory.mktemp("outside") / "q.sql"
    outside.write_text("SELECT 1")
    root = write(
        **{"models/a.yaml": f"query_file: {name}\n", "models/folder/x": "", ".git/config": "token", ".env": "x"}
    )
    (root / "models/link.sql").symlink_to(outside)

    problem = only(load(root))

    assert (problem.rule, str(problem.origin)) == (rule, "models/a.yaml:1:13")
    assert problem.hint


def test_a_query_file_that_is_not_text_is_located_in_itself(write: Write) -> None:
    """The problem's place and line are those of the SQL file."""
    problem = only(load(write(**{"models/a.yaml": "query_file: q.sql\n", "models/q.sql": b"SELECT 1\n-- \xff x\n"})))

    assert (problem.rule, str(problem.origin), problem.excerpt) == ("bad-encoding", "models/q.sql:2:4", "-- \ufffd x")
