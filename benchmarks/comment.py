"""How long the comment of a pull request takes to render, and how large it is: python benchmarks/comment.py."""

from __future__ import annotations

import statistics
import sys
import time
from typing import Final

from syncer.model import Binding, Bound, DesiredModel, Document, LiveModel, Target
from syncer.plan.planner import Planned, make_plan
from syncer.render import markdown
from syncer.render.links import Links

SIZES: Final = (1, 200, 700, 1_500, 10_000)
_ROUNDS: Final = 3
_REPOSITORY: Final = "https://github.com/acme/models"
_LINKS: Final = Links(f"{_REPOSITORY}/blob/{'a1' * 20}", "https://app.example.com")
_QUERY: Final = "\n".join(["SELECT", *(f"  column_{number}," for number in range(40)), "  day", "FROM finance.orders"])


class _NoMarks:
    """Marks of a file that isn't there."""

    def position(self, path: object, *, key: bool = False) -> tuple[int, int]:  # noqa: ARG002 - see Marks
        """The first line."""
        return 1, 1

    def line(self, number: int) -> str:  # noqa: ARG002 - see Marks
        """Nothing."""
        return ""


def planned(count: int) -> Planned:
    """A plan of so many changed models with queries of 43 lines."""
    bindings = []
    for number in range(count):
        address = f"finance/department/report_{number:05}"
        fields = {"name": address, "connector_id": 1, "query_type": "raw_sql", "primary_key": "day", "query": _QUERY}
        # No two changes are alike: those would be told together.
        wanted = {**fields, "query": _QUERY.replace("column_7,", f"column_{number:05}_7,").replace("day", "day_id")}
        document = Document(address, f"models/{address}.yaml", wanted, _NoMarks())
        bindings.append(Binding(DesiredModel(address, wanted, document, {}), LiveModel(number + 1, fields)))
    return Planned(make_plan(Bound(tuple(bindings)), Target("prod", "https://api.example.com/api/v1", 2)))


def main() -> int:
    """Print the table; 1 if a size misses its aims: 65,000 bytes, every name through 1,500 changes, 2 seconds."""
    print("| changes | bytes | names | seconds, median |\n|---:|---:|---:|---:|")
    is_met = True
    for count in SIZES:
        value = planned(count)
        text, times = "", []
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            text = markdown.render_plan(value, run_url=f"{_REPOSITORY}/actions/runs/1", links=_LINKS)
            times.append(time.perf_counter() - began)
        size, names = len(text.encode()), sum(change.address in text for change in value.plan.changes)
        seconds = statistics.median(times)
        print(f"| {count:,} | {size:,} | {names:,} | {seconds:.2f} |")
        is_met = is_met and size <= markdown.BUDGET and (names == count or count > 1_500) and seconds < 2  # noqa: PLR2004 - the aims
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
