"""Mutation testing of the core: each mutant is one small fault, and the tests of its own room have to find it.

    pip install --editable '.[test,mutation]'
    python tests/mutants.py --seed 11 --count 300

Cosmic Ray parses, says where a fault can be put, and puts it there. This file adds what it lacks: a seeded sample that is
spread by lines, the tests of a room for each mutant, and four kinds of fault. A mutant's name is made from its room, its
line and its kind. So a sample stays the same when files move or change elsewhere, and `--only NAME` runs a mutant again.

Mutants live in copies of the tree; the checkout is never written to. It needs `fork`, thus Linux or macOS.
"""

from __future__ import annotations

import argparse
import compileall
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from functools import cache, cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).parents[1]

ROOMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # room: (what is mutated, what has to find it)
    "resolve": (
        tuple(f"syncer/desired/{name}.py" for name in ("resolve", "binding", "connectors", "similar_names")),
        ("tests/desired/test_resolve.py",),
    ),
    "validate": (("syncer/desired/validate",), ("tests/desired/test_validate.py",)),
    "payloads": (("syncer/live/payloads.py", "syncer/normalization.py"), ("tests/live/test_payloads.py",)),
    "client": (
        tuple(f"syncer/live/{name}.py" for name in ("api", "paging", "session", "rate_limit")),
        ("tests/live/test_client.py",),
    ),
    "planner": (("syncer/plan/planner.py",), ("tests/plan/test_planner.py",)),
    "diff": (("syncer/plan/diff.py",), ("tests/plan/test_diff.py",)),
    "policy": (
        tuple(f"syncer/plan/{name}.py" for name in ("policy", "limits", "feasibility", "lost_columns")),
        ("tests/plan/test_policy.py",),
    ),
    "causes": (
        tuple(
            f"syncer/plan/{name}.py"
            for name in ("causes", "base_definitions", "guards", "renames", "removed_definitions")
        ),
        ("tests/plan/test_causes.py",),
    ),
    "saved_plan": (("syncer/plan/saved_plan.py",), ("tests/plan/test_saved_plan.py",)),
    "planfile": (("syncer/plan/planfile.py",), ("tests/plan/test_planfile.py",)),
    "effects": (("syncer/plan/effect_sentences.py",), ("tests/plan/test_downstream.py",)),
    "model_states": (("syncer/plan/model_states.py",), ("tests/cli/test_list.py",)),
    "applier": (
        tuple(f"syncer/applying/{name}.py" for name in ("applier", "update", "creation", "outcome")),
        ("tests/applying/test_applier.py",),
    ),
    "rollback": (("syncer/applying/rollback.py",), ("tests/applying/test_rollback.py",)),
    "adopting": (("syncer/adopting",), ("tests/adopting/test_import.py",)),
    "posting": (
        tuple(f"syncer/review/{name}.py" for name in ("posting", "marker", "digest_status")),
        ("tests/review/test_posting.py",),
    ),
}

# The names are Cosmic Ray's.
COMPARISONS = "Eq_NotEq NotEq_Eq Is_IsNot IsNot_Is Lt_LtE LtE_Lt Gt_GtE GtE_Gt Lt_GtE Gt_LtE"
OPERATORS = {
    "comparison": [f"ReplaceComparisonOperator_{pair}" for pair in COMPARISONS.split()],
    "boolean": [
        *("ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
        "ReplaceUnaryOperator_Delete_Not",
    ],
    "constant": ["NumberReplacer"],
    "branch": ["AddNot", "ZeroIterationForLoop", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak"],
}
# Imported once, so that a mutant costs its tests and little else.
HEAVY = "pytest hypothesis httpx jsonschema jsonschema_rs deepdiff yaml ruamel.yaml rich werkzeug sqlglot platformdirs"
OUTCOMES = {"passed": "survived", "failed": "killed", "timeout": "timeout"}
PLAIN = ("-p", "no:cov")
MEASURED = ("--cov=syncer", "--cov-context=test", "--cov-report=")
PYTEST = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain", "--hypothesis-profile=mutants")


def membership(node: Any) -> str | None:
    """`in` for `not in`, and the other way round."""
    if node.type == "comp_op" and node.get_code(include_prefix=False).split() == ["not", "in"]:
        return "in"
    return "not in" if node.type == "keyword" and node.value == "in" and node.parent.type == "comparison" else None


def condition(node: Any) -> str | None:
    """The opposite of what `elif`, or `if` in a comprehension, asks."""
    before = node.get_previous_sibling() if node.parent is not None else None
    word = getattr(before, "value", None)
    asks = word == "elif" or (word == "if" and node.parent.type == "comp_if")
    return f"not ({node.get_code(include_prefix=False)})" if asks else None


def returned(node: Any) -> str | None:
    """None, instead of what is returned."""
    return "return None" if node.type == "return_stmt" and node.children[1].get_code().strip() != "None" else None


def called(node: Any) -> str | None:
    """Nothing, instead of a call that stands alone."""
    alone = node.parent is not None and node.parent.type == "simple_stmt" and node.type in {"atom_expr", "power"}
    return "pass" if alone and node.children[-1].get_code().startswith("(") else None


def text(node: Any) -> str | None:
    """Another key or name. What has a blank in it is for people: goldens see to that."""
    if node.type != "string" or " " in node.value:
        return None
    return 'b"mutant"' if node.string_prefix.lower().startswith("b") else '"mutant"'


REWRITES: dict[str, tuple[Callable[[Any], str | None], ...]] = {
    "comparison": (membership,),
    "branch": (condition,),
    "return": (returned,),
    "call": (called,),
    "constant": (text,),
}


class Rewriter:
    """A fault of our own, in the form of Cosmic Ray's operators."""

    def __init__(self, rewrite: Callable[[Any], str | None]) -> None:
        self._rewrite = rewrite

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Where it can be put: at this node, or nowhere."""
        if self._rewrite(node) is not None:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, _index: int) -> Any:
        """The node with the fault."""
        from cosmic_ray.ast import get_ast  # noqa: PLC0415 - not there without the extra

        return get_ast(node.get_first_leaf().prefix + str(self._rewrite(node)))


@dataclass(frozen=True, eq=False)
class Mutant:
    """One fault in one line."""

    name: str
    room: str
    kind: str
    path: Path
    line: int
    operator: Any
    occurrence: int
    body: range | None
    """The lines of the function that it's in; None outside of any."""

    @cached_property
    def source(self) -> str:
        """The file with the fault."""
        from cosmic_ray.mutating import mutate_code  # noqa: PLC0415 - not there without the extra

        return str(mutate_code(self.path.read_text(encoding="utf-8"), self.operator, self.occurrence))

    @property
    def difference(self) -> str:
        """The lines that the fault changes."""
        lines = unified_diff(
            self.path.read_text(encoding="utf-8").split("\n"), self.source.split("\n"), n=0, lineterm=""
        )
        return "\n".join(f"    {line[0]} {line[1:].strip()}" for line in list(lines)[2:] if line[0] in "+-")

    @property
    def is_a_fault(self) -> bool:
        """Whether it changes the file, and leaves it Python."""
        with suppress(SyntaxError):
            compile(self.source, "mutant", "exec")
            return bool(self.difference)
        return False


def behaves(node: Any) -> bool:
    """Whether a node does anything when tests run: annotations are mypy's, decorators and `strict=` guard the author."""
    if node.type == "if_stmt" and "TYPE_CHECKING" in node.children[1].get_code():
        return False
    while (parent := node.parent) is not None:
        if (
            parent.type in {"decorator", "tfpdef"}
            or (parent.type == "annassign" and node is parent.children[1])
            or (parent.type == "funcdef" and node is parent.annotation)
            or (parent.type == "argument" and parent.children[0].get_code().strip() == "strict")
            or (parent.type == "expr_stmt" and parent.children[0].get_code().strip() == "__all__")
            or (parent.type == "if_stmt" and "TYPE_CHECKING" in parent.children[1].get_code())
        ):
            return False
        node = parent
    return True


def body_around(node: Any) -> range | None:
    """The lines of the outermost function around a node, but for its head; None if there is none."""
    function = None
    while (node := node.parent) is not None:
        function = node if node.type == "funcdef" else function
    if function is None:
        return None
    return range(function.children[-1].get_first_leaf().get_next_leaf().start_pos[0], function.end_pos[0] + 1)


def mutants(room: str, path: Path) -> Iterator[Mutant]:
    """Every mutant of a file."""
    from cosmic_ray.ast import ast_nodes, get_ast  # noqa: PLC0415 - not there without the extra
    from cosmic_ray.plugins import get_operator  # noqa: PLC0415

    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    operators = [(kind, name, get_operator(f"core/{name}")()) for kind, names in OPERATORS.items() for name in names]
    operators += [
        (kind, rewrite.__name__, Rewriter(rewrite)) for kind, rewrites in REWRITES.items() for rewrite in rewrites
    ]
    nodes = list(ast_nodes(get_ast(source)))
    seen: Counter[tuple[str, str]] = Counter()
    for kind, operator_name, operator in operators:
        places = [(node, start) for node in nodes for start, _end in operator.mutation_positions(node)]
        for occurrence, (node, (line, _column)) in enumerate(places):
            if behaves(node):
                before = lines[line - 1]
                seen[operator_name, before] += 1
                parts = (room, path.stem, operator_name, before.strip(), str(seen[operator_name, before]))
                name = sha256("\0".join(parts).encode()).hexdigest()[:10]
                yield Mutant(name, room, kind, path, line, operator, occurrence, body_around(node))


def sample(seed: int, count: int, rooms: Sequence[str]) -> list[Mutant]:
    """So many mutants, one a line; the seed draws the lines first and then one fault of each."""

    def draw(mutant: Mutant) -> str:
        return sha256(f"{seed}\0{mutant.name}".encode()).hexdigest()

    lines: dict[tuple[Path, int], list[Mutant]] = defaultdict(list)
    for room in rooms:
        for place in ROOMS[room][0]:
            found = ROOT / place
            for path in sorted(found.rglob("*.py")) if found.is_dir() else [found]:
                for mutant in mutants(room, path):
                    lines[mutant.path, mutant.line].append(mutant)
    # A line isn't likelier to be drawn because many faults fit into it.
    drawn = sorted(lines.values(), key=lambda found: sha256(min(map(draw, found)).encode()).hexdigest())
    faults = (next((fault for fault in sorted(found, key=draw) if fault.is_a_fault), None) for found in drawn)
    return list(islice((fault for fault in faults if fault), count))


def copy(target: Path) -> None:
    """The checkout's files, as they are now."""
    listed = ("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    compileall.compile_dir(target, quiet=2)


def pytest_in(tree: Path, arguments: Sequence[str]) -> None:
    """Run tests of a tree in this process, which ends with them."""
    import pytest  # noqa: PLC0415 - imported before the fork
    from hypothesis import Phase, settings  # noqa: PLC0415

    # The tests' own profile, but for shrinking: that a mutant is killed is all that anybody asks.
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutants", deadline=None, derandomize=True, phases=phases)
    os.setsid()
    os.chdir(tree)
    log = os.open(tree / "pytest.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for variable in ("HOME", "XDG_STATE_HOME", "TMPDIR"):
        (tree / ".home").mkdir(exist_ok=True)
        os.environ[variable] = str(tree / ".home")
    os.environ["PYTHONPATH"] = str(tree)
    sys.path[:] = [str(tree), *(entry for entry in sys.path if Path(entry) != Path(__file__).parent)]
    os._exit(pytest.main([*PYTEST, *arguments]))


def run(tree: Path, arguments: Sequence[str], limit: float | None = None) -> str:
    """What became of tests: "passed", "failed" or "timeout"."""
    process = multiprocessing.get_context("fork").Process(target=pytest_in, args=(tree, arguments))
    process.start()
    process.join(limit)
    late = process.exitcode is None
    with suppress(ProcessLookupError):  # what the tests started ends with them
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.join()
    return "timeout" if late else "failed" if process.exitcode else "passed"


def measured(tree: Path, room: str) -> tuple[Path, float]:
    """Which test runs which line of a room, as coverage tells, and the seconds that it took. The tests have to pass."""
    began = time.monotonic()
    os.environ["COVERAGE_FILE"] = str(tree / f".coverage.{room}")
    if run(tree, [*MEASURED, *ROOMS[room][1]]) != "passed":
        raise RuntimeError(f"the tests of {room} fail without a mutant:\n{(tree / 'pytest.log').read_text()}")
    return tree / f".coverage.{room}", time.monotonic() - began


@cache
def reached(coverage: Path) -> tuple[dict[str, dict[int, list[str]]], Counter[str]]:
    """Which tests run each line of each file, and how many lines each test runs."""
    from coverage import CoverageData  # noqa: PLC0415 - not there without the extra

    data = CoverageData(str(coverage))
    data.read()
    tests = {
        path: {line: [one.partition("|")[0].partition("[")[0] for one in found] for line, found in lines.items()}
        for path in data.measured_files()
        if (lines := data.contexts_by_lineno(path))
    }
    return tests, Counter(test for lines in tests.values() for found in lines.values() for test in found if test)


def tests_of(mutant: Mutant, tree: Path, coverage: Path) -> list[str]:
    """The tests of its room that run the function around it, those that run little first.

    All of them where an import runs it, or another process.
    """
    tests, size = reached(coverage)
    lines = tests.get(str(tree / mutant.path.relative_to(ROOT)), {})
    found = {test for line in mutant.body or () for test in lines.get(line, ())}
    everywhere = mutant.body is None or "" in found
    some = sorted(size if everywhere else found, key=lambda test: (size[test], test))
    # A test of values alone runs no line: it's among all of them.
    return [*some, *ROOMS[mutant.room][1]] if everywhere else some


class Worker:
    """A process with a tree of its own."""

    tree: Path

    @classmethod
    def begin(cls, template: Path) -> None:
        """Copy the tree."""
        cls.tree = template.with_name(f"{template.name}-{os.getpid()}")
        shutil.copytree(template, cls.tree)
        sys.dont_write_bytecode = True  # a mutant's would be taken for the next one's
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

    @classmethod
    def measure(cls, room: str) -> tuple[Path, Path, float]:
        """Where the tests of a room ran, which lines they ran, and the seconds that it took."""
        return cls.tree, *measured(cls.tree, room)

    @classmethod
    def test(cls, tests: Sequence[str], path: str, source: str, limit: float) -> str:
        """What became of a mutant: "killed", "survived" or "timeout"."""
        file = cls.tree / path
        original, times = file.read_bytes(), file.stat()
        file.write_text(source, encoding="utf-8")
        try:
            return OUTCOMES[run(cls.tree, [*PLAIN, *tests], limit)]
        finally:
            file.write_bytes(original)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_all(chosen: Sequence[Mutant], workers: int) -> Iterator[tuple[Mutant, str]]:
    """Each mutant and what became of it, as they end."""
    for name in HEAVY.split():
        __import__(name)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        template = Path(folder, "tree")
        copy(template)
        with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), Worker.begin, (template,)) as pool:
            rooms = list(dict.fromkeys(mutant.room for mutant in chosen))
            measures = dict(zip(rooms, pool.map(Worker.measure, rooms), strict=True))
            waiting = {}
            for mutant in chosen:
                tree, coverage, seconds = measures[mutant.room]
                if tests := tests_of(mutant, tree, coverage):
                    path = str(mutant.path.relative_to(ROOT))
                    waiting[pool.submit(Worker.test, tests, path, mutant.source, 60 + 2 * seconds)] = mutant
                else:
                    yield mutant, "survived"
            for future in as_completed(waiting):
                yield waiting[future], future.result()


def main() -> None:
    """Draw a sample, test it, and print each mutant and a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--room", choices=ROOMS, action="append", help="only this room (may be repeated)")
    parser.add_argument("--only", metavar="NAME", nargs="+", help="only these mutants of the sample")
    parser.add_argument("--workers", type=int, default=1)
    flags = parser.parse_args()
    chosen = sample(flags.seed, flags.count, flags.room or list(ROOMS))
    if flags.only:
        chosen = [mutant for mutant in chosen if mutant.name in flags.only]
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, outcome in test_all(chosen, flags.workers):
        table[mutant.room][outcome] += 1
        place = f"{mutant.path.relative_to(ROOT)}:{mutant.line}"
        print(f"{outcome:8} {mutant.name} {mutant.kind:10} {place}\n{mutant.difference}", flush=True)
    print(f"\n$ python tests/mutants.py {' '.join(sys.argv[1:])}\n\n| room | mutants | killed | survived | timeout |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for room, row in [*sorted(table.items()), ("all", sum(table.values(), Counter()))]:
        print(f"| {room} | {row.total()} | {row['killed']} | {row['survived']} | {row['timeout']} |")


if __name__ == "__main__":
    main()
