"""The benchmark does what it says it measures. Nothing is timed here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import mutants
import pytest

ROOT = Path(__file__).parents[1]


_FIGURES = ("CPU", "wall", "peak memory")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One of the benchmark's scripts, from the root of the project."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def table() -> dict[str, list[str]]:
    """The table of a small run: what was measured → floor, syncer, ratio, aim, met."""
    done = run("benchmarks/run.py", "--sizes", "20", "--rounds", "1", "--page", "7", "--changed", "0.1")

    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    return {what: cells for what, *cells in rows}


@pytest.mark.parametrize(
    ("what", "least", "most"),
    [
        ("plan of 20: requests", "5", 5 + 2),
        ("apply of 20: requests", "10", 5 + 2 * 2 + 1 + 2),
        ("plan after it of 20: requests", "3", 3 + 2),
    ],
)
def test_requests_are_few(table: dict[str, list[str]], what: str, least: str, most: int) -> None:
    """Requests are the pages, one GET and one PUT a changed model, and at most 2; a second plan sees no changes.

    Pages are those of models, and, where something changes, one of syncs and one of connectors; an apply reads the
    newest once more.
    """
    floor, ours, _, _, met = table[what]

    assert (floor, met) == (least, "yes")
    assert int(ours) <= most


def test_the_limit_is_kept_and_all_is_done() -> None:
    """A limit that no run of the suite has to wait for: nothing is refused, and every change is done."""
    done = run("-m", "benchmarks.rate_limit", "--cases", "apply-50", "--windows", "fixed", "--parallelism", "4", "--limit", "500")  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert re.search(r"\| apply-50 \| fixed \| 4 \| 1[12]\d \| 0 \|", done.stdout), done.stdout


def test_files_are_measured() -> None:
    """Each row of the table stands there, and what it measured did what it should."""
    done = run("-m", "benchmarks.files", "--size", "2", "--rounds", "0")

    assert done.returncode == 0, done.stderr
    whats = [line.split(":")[0] for line in done.stdout.splitlines()[2:]]
    assert whats == [
        "| plan --base HEAD~1 of 2",
        "| import --drift of 2, all changed",
        "| plan of 2, all queries of the worst kind",
    ]


def test_version_imports_nothing_slow(table: dict[str, list[str]]) -> None:
    """`syncer --version` imports none of the packages that take long to import."""
    row = next(cells for what, cells in table.items() if what.startswith("imported by --version"))

    assert row == ["", "none", "", "none", "yes"]


def test_both_plans_are_timed(table: dict[str, list[str]]) -> None:
    """The lean script and syncer see the same changes (or the run fails), and their ratio stands in the table."""
    for what in (f"plan of 20, 2 changed{sql}: {figure}" for sql in ("", ", with sql") for figure in _FIGURES):
        floor, ours, ratio, _, _ = table[what]

        assert float(floor.split()[0]) > 0
        assert float(ours.split()[0]) > 0
        assert float(ratio) > 0


def test_a_wrong_plan_is_no_result(tmp_path: Path) -> None:
    """A plan that the lean script can't make ends it with an error, so that nobody reads its time."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "wrong.yaml").write_text("name: 1\n", "utf-8")
    (tmp_path / "schema.json").write_text('{"properties": {"name": {"type": "string"}}}', "utf-8")
    done = run(
        "benchmarks/lean.py",
        "--models",
        str(models),
        "--schema",
        str(tmp_path / "schema.json"),
        "--url",
        "http://127.0.0.1:9",
    )

    assert done.returncode == 1
    assert "1 is not of type 'string'" in done.stderr


def test_definitions_are_of_real_size(tmp_path: Path) -> None:
    """A definition has 1 to 3 KB, each is another, and syncer finds nothing wrong with any."""
    assert run("-m", "benchmarks.corpus", str(tmp_path), "70").returncode == 0
    files = sorted((tmp_path / "models").rglob("*.yaml"))
    checked = subprocess.run(
        [sys.executable, "-m", "syncer", "validate", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert checked.stdout == "70 definitions checked: no problems.\n"
    assert len({file.read_bytes() for file in files}) == 70
    assert all(1_000 <= file.stat().st_size <= 3_000 for file in files)


def test_the_rooms_that_mutants_are_put_into_are_there() -> None:
    """No run of CI puts any, so whoever moves a file hears of it here."""
    named = {name for sources, tests in mutants.ROOMS.values() for name in (*sources, *tests)}

    assert [name for name in sorted(named) if not (mutants.ROOT / name).exists()] == []
