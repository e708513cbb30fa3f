"""The order of rows with the same `updated_at`, as the real database gives it for `ORDER BY … LIMIT …`.

Models are sorted by `updated_at` alone. For a page the database keeps the newest `offset + limit` rows in a heap and
reads them from it. Rows with equal keys leave the heap in an order that depends on its size, so on the page number.
Reading page by page then repeats some rows and never shows others: with 220 equal rows, ten a page, 9 are lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def newest_first(times: Sequence[str], bound: int) -> list[int]:
    """Return the positions of the `bound` newest times (at least), newest first."""
    # The database uses the heap only when there are more than twice as many rows as wanted.
    if len(times) <= 2 * bound:
        return sorted(range(len(times)), key=times.__getitem__, reverse=True)
    heap = _Heap(times)
    for row in range(2 * bound + 1):
        if len(heap.rows) < bound:
            heap.push(row)
        elif heap.is_newer_than_top(row):
            heap.push(row)
            heap.pop()
    for row in range(2 * bound + 1, len(times)):
        if heap.is_newer_than_top(row):
            heap.sift_down(row)
    return heap.drain()


class _Heap:
    """A heap of rows with the oldest on top. Equal rows do not change places."""

    def __init__(self, times: Sequence[str]) -> None:
        self.rows: list[int] = []
        self._times = times

    def is_newer_than_top(self, row: int) -> bool:
        return self._times[row] > self._times[self.rows[0]]

    def push(self, row: int) -> None:
        self.rows.append(row)
        hole = len(self.rows) - 1
        while hole and self._times[row] < self._times[self.rows[(hole - 1) // 2]]:
            self.rows[hole] = self.rows[(hole - 1) // 2]
            hole = (hole - 1) // 2
        self.rows[hole] = row

    def pop(self) -> int:
        top, last = self.rows[0], self.rows.pop()
        if self.rows:
            self.sift_down(last)
        return top

    def sift_down(self, row: int) -> None:
        """Replace the top by a row."""
        hole, size = 0, len(self.rows)
        while (child := 2 * hole + 1) < size:
            if child + 1 < size and self._times[self.rows[child]] > self._times[self.rows[child + 1]]:
                child += 1
            if self._times[row] <= self._times[self.rows[child]]:
                break
            self.rows[hole] = self.rows[child]
            hole = child
        self.rows[hole] = row

    def drain(self) -> list[int]:
        oldest_first = [self.pop() for _ in range(len(self.rows))]
        return oldest_first[::-1]
