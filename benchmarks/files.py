"""What files cost: a base beside the plan without, live edits taken into files, and queries of the worst kind.

python -m benchmarks.files prints a table; read its ratios, not its seconds, and never compare two runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import run
from benchmarks.corpus import definition, to_yaml
from syncer import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SYNCER: Final = (sys.executable, "-m", "syncer")
_PLAN: Final = (*_SYNCER, "plan", "--max-change-percent", "100", "--summary")
_GIT: Final = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "benchmark" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
_CHANGED: Final = 0.01
_BASE: Final = 1.3
_DRIFT: Final = 1.7
"""In plans of the same models: a third of what it was when this file was made."""


def commit(folder: Path) -> None:
    """Commit whatever stands in a folder."""
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message=a change")):
        subprocess.run(("git", *command), cwd=folder, env={**os.environ, **_GIT}, check=True)  # noqa: S607 - whichever git is there


def heavy(number: int) -> str:
    """A query of the kind that parsers take longest for: many calls in calls. No two are alike."""
    return "".join([f"SELECT {number} AS n", "\n  , f(f(f(f(f(f(f(f(1))))))))" * 300, "\nFROM t\n"])


def made(folder: Path, count: int, *, is_heavy: bool = False) -> None:
    """Definitions in two commits, the last of which changes one in a hundred; or every query, to one that is heavy."""
    run.sample((sys.executable, "-m", "benchmarks.corpus", str(folder), str(count)), Path(__file__).parents[1])
    commit(folder)
    for number in range(0, count, 1 if is_heavy else round(1 / _CHANGED)):
        value = definition(number)
        if is_heavy:
            value["query"] = heavy(number)
        else:
            value["description"] += " Checked."
        name = f"{value['primary_key']}_{number}.yaml"
        (folder / "models" / value["configuration"]["owner"]["team"] / name).write_text(to_yaml(value), "utf-8")
    commit(folder)


def base(folder: Path, count: int, rounds: int) -> run.Row:
    """A plan with a base, beside the same plan without."""
    with run.serving(count, _CHANGED, 100) as url:
        pairs = run.alternate(_PLAN, (*_PLAN, "--base", "HEAD~1"), folder, run.Place(folder, url).variables, rounds)
    for shown in (*pairs.first, *pairs.second):
        run.expect("to change, 0 to destroy" in shown.output, "the plan is wrong", shown)
    return pairs.row(f"plan --base HEAD~1 of {count:,}: CPU, beside plan", "s", lambda one: one.cpu, _BASE)


def drift(folder: Path, count: int, rounds: int) -> run.Row:
    """Live edits of every model taken into the files, beside a plan of them."""
    with run.serving(count, 1, 100) as url:
        pairs = run.alternate(_PLAN, (*_SYNCER, "import", "--drift"), folder, run.Place(folder, url).variables, rounds)
    for shown in pairs.second:
        run.expect(f"Drift: {count} files to change" in shown.output, "the drift is wrong", shown)
    return pairs.row(f"import --drift of {count:,}, all changed: CPU, beside plan", "s", lambda one: one.cpu, _DRIFT)


def worst(folder: Path, count: int) -> run.Row:
    """A plan of queries of the worst kind: it ends, and names each model whose query it didn't look at."""
    with run.serving(count, 0, 100) as url:
        command = (*_SYNCER, "plan", "--json", "--max-change-percent", "100")
        shown = run.sample(command, folder, run.Place(folder, url).variables)
    queries = [text for number in range(count) for text in (definition(number)["query"], heavy(number))]
    is_beyond = sql.effort(queries, "postgresql") > sql.MAX_PIECES
    named = sum("columns-not-checked" in line for line in shown.output.splitlines())
    run.expect((named > 0) == is_beyond, "the queries that weren't looked at aren't named", shown)
    what = f"plan of {count:,}, all queries of the worst kind: CPU"
    return run.Row(what, "", f"{shown.cpu:.0f} s", "", f"ends, and names the rest: {named:,}", is_met=True)


def measure(count: int, rounds: int) -> Iterator[run.Row]:
    """Every row of the table. Raises WrongError."""
    with tempfile.TemporaryDirectory(prefix="syncer-benchmark-") as place:
        run.settle(Path(place))
        folder = Path(place) / "definitions"
        made(folder, count)
        yield base(folder, count, rounds)
        yield drift(folder, count, rounds)
        if sql.is_available():
            queries = Path(place) / "queries"
            made(queries, count, is_heavy=True)
            yield worst(queries, count)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. The exit code is 1 if something did the wrong thing; a missed aim is only shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000, help="number of definitions")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each, the median of which counts")
    flags = parser.parse_args(arguments)
    return run.print_table(measure(flags.size, flags.rounds))


if __name__ == "__main__":
    sys.exit(main())
