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
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from syncer import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parent
_CORPUS: Final = (sys.executable, "-m", "benchmarks.corpus")
_SERVER: Final = (sys.executable, "-m", "benchmarks.server")
_SYNCER: Final = (sys.executable, "-m", "syncer")
_IGNORED: Final = ("CLICOLOR_FORCE", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
_HEAVY: Final = ("deepdiff", "httpx", "jsonschema", "jsonschema_rs", "rich", "yaml")

_WALL: Final = 0.75
_MEMORY: Final = 1.2
_VERSION: Final = 5
_VALIDATE: Final = 12
_BEYOND_PAGES: Final = 2
_LAST_PAGES: Final = 3


class WrongError(Exception):
    """What was measured didn't do what it should: its time means nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One process: how long it took from start to end, and the most memory it held."""

    seconds: float
    megabytes: float
    output: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what was measured, beside what was aimed at."""

    what: str
    floor: str
    ours: str
    ratio: str
    aim: str
    is_met: bool


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

    def seconds(self) -> tuple[float, float]:
        """The medians of both."""
        return median(one.seconds for one in self.first), median(one.seconds for one in self.second)

    def megabytes(self) -> tuple[float, float]:
        """The medians of both."""
        return median(one.megabytes for one in self.first), median(one.megabytes for one in self.second)


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
    return Sample(seconds, used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10), text)


def alternate(
    first: Sequence[str], second: Sequence[str], folder: Path, variables: Mapping[str, str] | None, rounds: int
) -> Pairs:
    """Both in turn, after a first round that only warms the caches."""
    pairs = Pairs()
    for _ in range(rounds + 1):
        pairs.first.append(sample(first, folder))
        pairs.second.append(sample(second, folder, variables))
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


def compare_plans(place: Place, count: int, changes: int, rounds: int) -> tuple[list[Row], float]:
    """Time and memory of a plan by both; and the product's seconds."""
    pairs = alternate(place.lean, (*_SYNCER, "plan"), place.folder, place.variables, rounds)
    for shown in (*pairs.first, *pairs.second):
        expect(f"Plan: 0 to add, {changes} to change, 0 to destroy." in shown.output, "the plan is wrong", shown)
    (floor, ours), (floor_mb, ours_mb) = pairs.seconds(), pairs.megabytes()
    wall, memory = ours / floor, ours_mb / floor_mb
    title = f"plan of {count:,}, {changes:,} changed"
    return [
        Row(f"{title}: wall", f"{floor:.2f} s", f"{ours:.2f} s", f"{wall:.2f}", f"≤ {_WALL}", wall <= _WALL),
        Row(
            f"{title}: peak memory",
            f"{floor_mb:.0f} MB",
            f"{ours_mb:.0f} MB",
            f"{memory:.2f}",
            f"≤ {_MEMORY}",
            memory <= _MEMORY,
        ),
    ], ours


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
        floor, ours = pairs.seconds()
        limit = f"≤ {aim}" if aim == _VERSION else f"< {aim}"
        is_met = ours / floor <= aim if aim == _VERSION else ours / floor < aim
        rows.append(
            Row(f"{what}: wall", f"{floor * 1e3:.0f} ms", f"{ours * 1e3:.0f} ms", f"{ours / floor:.1f}", limit, is_met)
        )
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
    what = f"syncer's wall a definition, {small:,} → {large:,}"
    return [Row(what, f"{first:.2f} ms", f"{last:.2f} ms", f"{last / first:.2f}", "≤ 1", last <= first)]


def table(rows: Sequence[Row]) -> str:
    """The rows as a markdown table."""
    head = "| measured | floor | syncer | ratio | aim | met |\n|---|---:|---:|---:|---|---|\n"
    return head + "\n".join(
        f"| {row.what} | {row.floor} | {row.ours} | {row.ratio} | {row.aim} | {'yes' if row.is_met else 'NO'} |"
        for row in rows
    )


def measure(sizes: Sequence[int], rounds: int, changed: float, page: int) -> Iterator[Row]:
    """Every row of the table. Raises WrongError."""
    seconds: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="syncer-benchmark-") as made:
        settle(Path(made))
        for count in sizes:
            folder = Path(made) / str(count)
            # In a process of its own: this one's memory counts in that of those it starts, so it has to stay small.
            sample((*_CORPUS, str(folder), str(count)), _ROOT)
            changes = -(-count // round(1 / changed)) if changed else 0
            with serving(count, changed, page) as url:
                place = Place(folder, url)
                rows, seconds[count] = compare_plans(place, count, changes, rounds)
                yield from rows
                yield from count_requests(place, count, changes, page)
        yield from growth(seconds)
        one = Path(made) / "one"
        sample((*_CORPUS, str(one), "1"), _ROOT)
        yield from start_up(one, 3 * rounds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. The exit code is 1 if something did the wrong thing; a missed aim is only shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000], help="numbers of definitions")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each, the median of which counts")
    parser.add_argument("--changed", type=float, default=0.01, help="the share of models that differ")
    parser.add_argument("--page", type=int, default=100, help="rows that the server gives at once")
    flags = parser.parse_args(arguments)
    rows: list[Row] = []
    try:
        for row in measure(flags.sizes, flags.rounds, flags.changed, flags.page):
            print(f"{row.what}: {row.ours} {row.ratio}", file=sys.stderr, flush=True)
            rows.append(row)
    except WrongError as wrong:
        print(f"benchmarks: {wrong}", file=sys.stderr)
        return 1
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
