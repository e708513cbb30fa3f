"""What the documented limit costs: a hundred requests a minute, enforced by the server, and syncer with its defaults.

python -m benchmarks.rate_limit [--cases apply-50 …] prints a table. It takes half an hour, nearly all of it waiting.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.run import _CORPUS, _ROOT, _SYNCER, Place, WrongError, expect, sample, serving, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LIMIT: Final = 100
_SLACK: Final = 1.15
_BESIDE: Final = 10
"""Seconds for everything but the waiting."""


@dataclass(frozen=True, slots=True)
class Case:
    """A command, and the world that it's run in: so many models, of which some differ and some aren't live yet."""

    command: str
    count: int
    changed: int = 0
    missing: int = 0

    @property
    def promise(self) -> str:
        """What the output says if all is done."""
        if self.command == "plan":
            return f"Plan: {self.missing} to add, {self.changed} to change"
        return f"Apply complete! Resources: {self.missing} added, {self.changed} changed"


CASES: Final = {
    "apply-50": Case("apply", 1_000, changed=50),
    "apply-200": Case("apply", 1_000, changed=200),
    "create-50": Case("apply", 1_000, missing=50),
    "plan-10000": Case("plan", 10_000, changed=100),
}


def measured(name: str, window: str, parallelism: int, limit: int) -> str:
    """A line of the table. Raises WrongError if not all is done."""
    case = CASES[name]
    with tempfile.TemporaryDirectory(prefix="syncer-benchmark-") as made:
        folder = Path(made)
        sample((*_CORPUS, str(folder), str(case.count)), _ROOT)
        settings = (
            f"create = true\n[environments.default]\nparallelism = {parallelism}\nrequests_per_minute = {limit}\n"
        )
        (folder / "syncer.toml").write_text(settings, "utf-8")
        more = ["--missing", str(case.missing), "--limit", str(limit), "--window", window]
        with serving(case.count, case.changed / case.count, 100, *more) as url:
            place = Place(folder, url)
            flags = ("--summary", *(("--auto-approve",) if case.command == "apply" else ()))
            shown = sample((*_SYNCER, case.command, *flags), folder, place.variables)
            counts = place.counts()
        expect(case.promise in shown.output, f"{name} is wrong", shown)
    requests = sum(counts.values())
    bound = _SLACK * ((requests - 1) // limit) * 60 + _BESIDE
    refused, is_met = counts.get("refused", 0), "yes" if shown.seconds <= bound else "NO"
    cells = name, window, parallelism, requests, refused, f"{shown.seconds:.0f} s", f"≤ {bound:.0f} s", is_met
    return f"| {' | '.join(map(str, cells))} |"


def measure(cases: Sequence[str], windows: Sequence[str], parallelisms: Sequence[int], limit: int) -> Iterator[str]:
    """The lines of the table, one after the other. Raises WrongError."""
    with tempfile.TemporaryDirectory(prefix="syncer-benchmark-") as made:
        settle(Path(made))
        for name in cases:
            for window in windows:
                for parallelism in parallelisms:
                    yield measured(name, window, parallelism, limit)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. The exit code is 1 if something was not done; a missed aim is only shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), help="what is measured")
    parser.add_argument("--windows", nargs="+", choices=["sliding", "fixed"], default=["sliding", "fixed"])
    parser.add_argument("--parallelism", type=int, nargs="+", default=[1, 4], help="models at a time")
    parser.add_argument("--limit", type=int, default=_LIMIT, help="requests a minute")
    flags = parser.parse_args(arguments)
    print(
        "| case | window | parallelism | requests | refused | wall | aim | met |\n|---|---|---:|---:|---:|---:|---|---|"
    )
    try:
        for line in measure(flags.cases, flags.windows, flags.parallelism, flags.limit):
            print(line, flush=True)
    except WrongError as wrong:
        print(f"benchmarks: {wrong}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
