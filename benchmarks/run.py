"""The benchmark: the lean script and syncer, one after the other in one run, and the ratios between them.

python benchmarks/run.py prints a table; read its ratios, not its seconds, and never compare two runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from syncer import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parent
_CORPUS: Final = (sys.executable, "-m", "benchmarks.corpus")
_SERVER: Final = (sys.executable, "-m", "benchmarks.server")
_SYNCER: Final = (sys.executable, "-m", "syncer")
_HIDING_SQL: Final = "import sys; sys.modules['sqlglot'] = None; from syncer.cli import main; sys.exit(main())"
"""The same where nothing can import sqlglot: as without the extra `sql`, but for the folder in which it lies."""
_WITHOUT_SQL: Final = (sys.executable, "-c", _HIDING_SQL)
_IGNORED: Final = ("CI", "CLICOLOR_FORCE", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
_HEAVY: Final = ("deepdiff", "httpx", "jsonschema", "jsonschema_rs", "rich", "yaml")

_VERSION: Final = 3.5
_VALIDATE: Final = 8
_BEYOND_PAGES: Final = 2
_LAST_PAGES: Final = 3


class WrongError(Exception):
    """What was measured didn't do what it should: its time means nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """One plan to measure: its size, the share of models that differ, the extra `sql`, and what is aimed at."""

    count: int
    changed: float
    has_sql: bool
    cpu: float | None = None
    memory: float | None = None

    @property
    def changes(self) -> int:
        """How many models differ."""
        return -(-self.count // round(1 / self.changed)) if self.changed else 0

    @property
    def title(self) -> str:
        """The case as the table names it."""
        return f"plan of {self.count:,}, {self.changes:,} changed{', with sql' if self.has_sql else ''}"


_CASES: Final = (
    Case(1_000, 0.01, has_sql=False, cpu=0.60, memory=1.0),
    Case(1_000, 0.01, has_sql=True, cpu=0.75),
    Case(1_000, 1.0, has_sql=False, cpu=0.80),
    Case(1_000, 1.0, has_sql=True, cpu=2.0),
    Case(10_000, 0.01, has_sql=False, cpu=0.50, memory=0.85),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One process: how long it took from start to end, its processor time, and the most memory it held."""

    seconds: float
    cpu: float
    megabytes: float
    output: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what was measured, beside what was aimed at; without an aim nobody can meet it."""

    what: str
    floor: str
    ours: str
    ratio: str
    aim: str = "-"
    is_met: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where both work: a folder of definitions, and the API that has them."""

    folder: Path
    url: str

    @property
    def lean(self) -> tuple[str, ...]:
        """The lean script's plan."""
        models, schema, url = self.folder / "models", self.folder / "schema.json", f"{self.url}/api/v1"
        script = str(_HERE / "lean.py")
        return sys.executable, script, "--models", str(models), "--schema", str(schema), "--url", url

    @property
    def variables(self) -> dict[str, str]:
        """What syncer is told of it."""
        return {"SYNCER_API_URL": self.url, "SYNCER_TOKEN": "benchmark", "SYNCER_WORKSPACE_ID": "1"}

    def counts(self) -> dict[str, int]:
        """What the server was asked since the last `reset`."""
        with urllib.request.urlopen(f"{self.url}/counts") as answer:  # noqa: S310 - our own server on loopback
            counts: dict[str, int] = json.load(answer)
        return counts

    def reset(self) -> None:
        """Put the live models and the counts back to the start."""
        urllib.request.urlopen(f"{self.url}/reset", data=b"").close()  # noqa: S310 - our own server on loopback


@dataclass(slots=True)
class Pairs:
    """Samples of two commands, taken in turn, so that what slows the machine for a while slows both."""

    first: list[Sample] = field(default_factory=list)
    second: list[Sample] = field(default_factory=list)

    def row(self, what: str, unit: str, measure: Callable[[Sample], float], aim: float | None = None) -> Row:
        """The medians of both, and the median of the ratios pair by pair."""
        floors, ours = [measure(one) for one in self.first], [measure(one) for one in self.second]
        ratio = median(our / floor for floor, our in zip(floors, ours, strict=True))
        floor, our = (f"{median(of):.2f} {unit}" for of in (floors, ours))
        if aim is None:
            return Row(what, floor, our, f"{ratio:.2f}")
        return Row(what, floor, our, f"{ratio:.2f}", f"≤ {aim}", ratio <= aim)


def sample(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> Sample:
    """Run a command to its end. Raises WrongError if it fails."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if process.returncode:
        raise WrongError(f"{' '.join(command)} exited with {process.returncode}:\n{text[-2000:]}")
    # Linux counts in kilobytes, macOS in bytes.
    megabytes = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return Sample(seconds, used.ru_utime + used.ru_stime, megabytes, text)


def alternate(
    first: Sequence[str], second: Sequence[str], folder: Path, variables: Mapping[str, str] | None, rounds: int
) -> Pairs:
    """Both in turn, after a first round that only warms the caches; it counts if it's the only one."""
    pairs = Pairs()
    for _ in range(rounds + 1):
        pairs.first.append(sample(first, folder, variables))
        pairs.second.append(sample(second, folder, variables))
    if rounds:
        del pairs.first[0], pairs.second[0]
    return pairs


def settle(made: Path) -> None:
    """Take out of the environment what would change the figures of everything that is started from here.

    What is kept, is kept in the folder `made`: neither this machine's user nor the next round finds any of it.
    """
    for name in tuple(os.environ):
        if name in _IGNORED or name.startswith("SYNCER_"):
            del os.environ[name]
    os.environ["NO_PROXY"] = "*"
    # As for an installed package, bytecode is cached; but not in a checkout that somebody else reads.
    os.environ["PYTHONPYCACHEPREFIX"] = str(made / "bytecode")
    os.environ["SYNCER_STATE_DIR"] = str(made / "state")


@contextmanager
def serving(count: int, changed: float, page: int, *more: str) -> Iterator[str]:
    """The benchmark's server, with more of its flags, as long as the `with` lasts."""
    command = [*_SERVER, str(count), "--changed", str(changed), "--page", str(page), *more]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = process.stdout.readline() if process.stdout else ""
            if not ready.startswith("READY "):
                raise WrongError("the server did not start")
            yield ready.split()[1]
        finally:
            process.terminate()


def expect(condition: object, what: str, shown: Sample) -> None:
    """Raise WrongError with the end of the output unless the condition holds."""
    if not condition:
        raise WrongError(f"{what}; the output ends with:\n{shown.output[-2000:]}")


def compare_plans(place: Place, case: Case, rounds: int) -> tuple[list[Row], float]:
    """Time and memory of a plan by both; and the processor's seconds that the product takes."""
    # That so many models change is meant.
    plan = (*(_SYNCER if case.has_sql else _WITHOUT_SQL), "plan", "--max-change-percent", "100")
    pairs = alternate(place.lean, plan, place.folder, place.variables, rounds)
    for shown in (*pairs.first, *pairs.second):
        expect(f"Plan: 0 to add, {case.changes} to change, 0 to destroy." in shown.output, "the plan is wrong", shown)
    first = alternate(place.lean, plan, place.folder, {**place.variables, "CI": "true"}, rounds)
    rows = [
        first.row(f"{case.title}, nothing parsed before: CPU", "s", lambda one: one.cpu),
        first.row(f"{case.title}, nothing parsed before: peak memory", "MB", lambda one: one.megabytes),
        pairs.row(f"{case.title}: CPU", "s", lambda one: one.cpu, case.cpu),
        pairs.row(f"{case.title}: wall", "s", lambda one: one.seconds),
        pairs.row(f"{case.title}: peak memory", "MB", lambda one: one.megabytes, case.memory),
    ]
    return rows, median(one.cpu for one in pairs.second)


def count_requests(place: Place, count: int, changes: int, page: int) -> list[Row]:
    """What plan and apply ask the server; and that a plan after the apply is empty."""
    pages = -(-count // page)

    def requests(*command: str, promise: str) -> dict[str, int]:
        before = place.counts()
        shown = sample((*_SYNCER, *command), place.folder, place.variables)
        expect(promise in shown.output, f"{command[0]} is wrong", shown)
        return {name: number - before.get(name, 0) for name, number in place.counts().items()}

    place.reset()
    plan = requests("plan", promise=f"{changes} to change")
    apply = requests("apply", "--auto-approve", promise=f"{changes} changed")
    again = requests("plan", promise="No changes")
    place.reset()
    rows = []
    # Only where something changes it's asked what that feeds: a page of syncs, and, for the columns, of connectors.
    beside = 2 if sql.is_available() else 1
    # An apply ends with a look at what it wrote, if three pages hold it.
    last = written if (written := -(-changes // page)) <= _LAST_PAGES else 1
    for name, counts, each, others in (
        ("plan", plan, 0, beside),
        ("apply", apply, changes, beside + last),
        ("plan after it", again, 0, 0),
    ):
        total = sum(counts.values())
        least = pages + others + 2 * each
        is_met = total <= least + _BEYOND_PAGES and counts.get("put", 0) == each and counts.get("get", 0) == each
        formula = f"{pages + others} pages" + (f" + {each:,} GET + {each:,} PUT" if each else "")
        aim = f"≤ {formula} + {_BEYOND_PAGES}"
        rows.append(Row(f"{name} of {count:,}: requests", f"{least:,}", f"{total:,}", "", aim, is_met))
    return rows


def start_up(folder: Path, rounds: int) -> list[Row]:
    """What it costs to start: `--version`, and `validate` of one file."""
    nothing = (sys.executable, "-c", "pass")
    rows = []
    for what, command, aim in (
        ("syncer --version", ("--version",), _VERSION),
        ("syncer validate, one file", ("validate",), _VALIDATE),
    ):
        pairs = alternate(nothing, (*_SYNCER, *command), folder, None, rounds)
        rows.append(pairs.row(f"{what}: CPU", "s", lambda one: one.cpu, aim))
        rows.append(pairs.row(f"{what}: wall", "s", lambda one: one.seconds))
    return [*rows, imported(folder)]


def imported(folder: Path) -> Row:
    """Which of the slow packages `--version` imports."""
    code = (
        "import sys\nfrom syncer.cli import main\n"
        "try:\n    main(['--version'])\nexcept SystemExit:\n    pass\nprint('', *sys.modules, sep='\\n')"
    )
    loaded = set(sample((sys.executable, "-c", code), folder).output.split()) & set(_HEAVY)
    what = f"imported by --version, of {', '.join(_HEAVY)}"
    return Row(what, "", ", ".join(sorted(loaded)) or "none", "", "none", not loaded)


def growth(seconds: Mapping[int, float]) -> list[Row]:
    """How the cost of one definition grows from the smallest corpus to the largest."""
    small, large = min(seconds), max(seconds)
    if small == large:
        return []
    first, last = (seconds[count] / count * 1e3 for count in (small, large))
    what = f"syncer's CPU a definition, {small:,} → {large:,}"
    return [Row(what, f"{first:.2f} ms", f"{last:.2f} ms", f"{last / first:.2f}", "≤ 1", last <= first)]


_MET: Final = {True: "yes", False: "NO", None: "-"}


def print_table(rows: Iterable[Row]) -> int:
    """Print each row when it's measured, and the table at the end. The exit code: 1 if something was wrong."""
    done: list[Row] = []
    try:
        for row in rows:
            print(f"{row.what}: {row.ours} {row.ratio}", file=sys.stderr, flush=True)
            done.append(row)
    except WrongError as wrong:
        print(f"benchmarks: {wrong}", file=sys.stderr)
        return 1
    print(table(done))
    return 0


def table(rows: Sequence[Row]) -> str:
    """The rows as a markdown table."""
    head = "| measured | floor | syncer | ratio | aim | met |\n|---|---:|---:|---:|---|---|\n"
    return head + "\n".join(
        f"| {row.what} | {row.floor} | {row.ours} | {row.ratio} | {row.aim} | {_MET[row.is_met]} |" for row in rows
    )


def measure(cases: Sequence[Case], rounds: int, page: int) -> Iterator[Row]:
    """Every row of the table. Raises WrongError."""
    seconds: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="syncer-benchmark-") as made:
        settle(Path(made))
        # One server answers for the cases that differ in the extra alone.
        for (count, changed), alike in groupby(cases, key=lambda case: (case.count, case.changed)):
            folder = Path(made) / str(count)
            # In a process of its own: this one's memory counts in that of those it starts, so it has to stay small.
            sample((*_CORPUS, str(folder), str(count)), _ROOT)
            with serving(count, changed, page) as url:
                place = Place(folder, url)
                for case in alike:
                    rows, cpu = compare_plans(place, case, rounds)
                    seconds.setdefault(count, cpu)
                    yield from rows
                if changed < 1:
                    yield from count_requests(place, count, case.changes, page)
        yield from growth(seconds)
        one = Path(made) / "one"
        sample((*_CORPUS, str(one), "1"), _ROOT)
        yield from start_up(one, 3 * rounds)


def chosen(sizes: Sequence[int] | None, changed: float | None) -> list[Case]:
    """The cases that have aims; or, where flags say what to measure, those, with the aims of such as have them."""
    if not sizes and changed is None:
        return [*_CASES]
    aimed = {(case.count, case.changed, case.has_sql): case for case in _CASES}
    share = 0.01 if changed is None else changed
    return [
        aimed.get((count, share, has_sql), Case(count, share, has_sql=has_sql))
        for count in sizes or (1_000,)
        for has_sql in (False, True)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. The exit code is 1 if something did the wrong thing; a missed aim is only shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", help="other numbers of definitions than those with aims")
    parser.add_argument("--changed", type=float, help="another share of models that differ; 0.01 with --sizes alone")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each, the median of which counts")
    parser.add_argument("--page", type=int, default=100, help="rows that the server gives at once")
    flags = parser.parse_args(arguments)
    cases = chosen(flags.sizes, flags.changed)
    if not sql.is_available():
        print("benchmarks: the extra sql isn't installed, so nothing is measured with it", file=sys.stderr)
        cases = [case for case in cases if not case.has_sql]
    return print_table(measure(cases, flags.rounds, flags.page))


if __name__ == "__main__":
    sys.exit(main())
