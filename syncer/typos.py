"""Whether one word is another one, mistyped."""

from __future__ import annotations


def is_slip(word: str, other: str) -> bool:
    """Whether one slip at most makes one word of the other: a letter more, less, another, or two letters swapped."""
    if abs(len(word) - len(other)) > 1:
        return False
    start = next((at for at, (one, two) in enumerate(zip(word, other, strict=False)) if one != two), None)
    if start is None:
        return True
    rest, left = word[start:], other[start:]
    is_another, is_more, is_less = rest[1:] == left[1:], rest[1:] == left, rest == left[1:]
    is_swapped = rest[:2] == left[1::-1] and rest[2:] == left[2:]
    return is_another or is_more or is_less or is_swapped
