"""What saved plans and runs' records cost: show, history, and the memory of a large apply.

python -m benchmarks.records prints a table; read its ratios, not its seconds. It takes about ten minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.run import (
    _CORPUS,
    _ROOT,
    _SYNCER,
    Place,
    Row,
    alternate,
    expect,
    print_table,
    sample,
    serving,
    settle,
)
from syncer import package_files
from syncer.applying import run_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SHOW: Final = 0.2
_HISTORY: Final = 0.2
_MEGABYTES: Final = 300
_ALL: Final = ("--summary", "--max-change-percent", "100")
_PLAN: Final = (*_SYNCER, "plan", *_ALL, "--out", "plan.json")
_SHOWN: Final = (*_SYNCER, "show", "plan.json")
_LIST: Final = (*_SYNCER, "history")
_APPLY: Final = (*_SYNCER, "apply", "--auto-approve", *_ALL)


def large_apply(place: Place, count: int) -> Row:
    """The most memory that an apply of all models holds, beside what the lean script needs to plan them."""
    floor, ours = sample(place.lean, place.folder).megabytes, sample(_APPLY, place.folder, place.variables)
    expect(f"0 added, {count} changed" in ours.output, "the apply is wrong", ours)
    megabytes, what = ours.megabytes, f"apply of {count:,} changes: peak memory"
    is_met = megabytes <= _MEGABYTES
    aim = f"≤ {_MEGABYTES} MB"
    return Row(what, f"{floor:.0f} MB", f"{megabytes:.0f} MB", f"{megabytes / floor:.2f}", aim, is_met)


def shown_plan(place: Place, count: int, rounds: int) -> Row:
    """What showing a saved plan costs, beside making it."""
    pairs = alternate(_PLAN, _SHOWN, place.folder, place.variables, rounds)
    for shown in (*pairs.first, *pairs.second):
        expect(f"{count} to change" in shown.output, "the plan, or what is shown of it, is wrong", shown)
    return pairs.row(f"show of {count:,} changes, beside planning them: CPU", "s", lambda one: one.cpu, _SHOW)


def history(place: Place, count: int, many: int, rounds: int) -> Row:
    """What a list of runs costs, beside one of no run."""
    nothing = [sample(_LIST, place.folder, place.variables) for _ in range(rounds + 1)]
    sample(_APPLY, place.folder, place.variables)
    _repeat(next((place.folder.parent / "state").glob("*/runs")), many)
    listed = [sample(_LIST, place.folder, place.variables) for _ in range(rounds + 1)]
    for shown in listed:
        expect(shown.output.count(f"{count} changed") == many, "the history is wrong", shown)
    floor, ours = (median(one.cpu for one in samples[1:]) for samples in (nothing, listed))
    what = f"history of {many} runs of {count:,} changes, beside that of none: CPU"
    return Row(what, f"{floor:.2f} s", f"{ours:.2f} s", f"{ours / floor:.2f}", f"≤ {_HISTORY} s", ours <= _HISTORY)


def _repeat(folder: Path, many: int) -> None:
    """Make more runs of the one that is kept, as if it had been carried out so often."""
    (name,) = run_records.names(folder)
    record = run_records.read(folder, name, package_files.schema("run"))
    for number in range(1, many):
        run = replace(record.run, name=f"20260101-{number:06}-0000")
        run_records.write(folder, run, record.endings, BytesIO(record.plan.encode()))


@contextmanager
def placed(count: int) -> Iterator[Place]:
    """So many definitions, each of which differs from its live model, and nothing that any run kept."""
    with tempfile.TemporaryDirectory(prefix="syncer-benchmark-") as made:
        settle(Path(made))
        folder = Path(made) / str(count)
        sample((*_CORPUS, str(folder), str(count)), _ROOT)
        with serving(count, 1.0, 100) as url:
            yield Place(folder, url)


def measure(count: int, large: int, many: int, rounds: int) -> Iterator[Row]:
    """Every row of the table. Raises WrongError."""
    # Memory first: this process's own counts in that of those it starts, so it has to stay small.
    with placed(large) as place:
        yield large_apply(place, large)
    with placed(count) as place:
        yield shown_plan(place, count, rounds)
        yield history(place, count, many, rounds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. The exit code is 1 if something did the wrong thing; a missed aim is only shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=1_000, help="changes of the saved plan, and of each run")
    parser.add_argument("--large", type=int, default=10_000, help="changes of the apply whose memory is measured")
    parser.add_argument("--runs", type=int, default=20, help="how many runs are listed")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each, the median of which counts")
    flags = parser.parse_args(arguments)
    return print_table(measure(flags.changes, flags.large, flags.runs, flags.rounds))


if __name__ == "__main__":
    sys.exit(main())
