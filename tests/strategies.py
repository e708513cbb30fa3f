"""Hypothesis strategies: JSON values, fields of models, and whole worlds of live models with the files that declare them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builders import RAW_SQL, document, live
from hypothesis import strategies as st

from syncer.secrets import is_secret_key

if TYPE_CHECKING:
    from syncer.model import Document, LiveModel

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT | st.floats(-1e6, 1e6, allow_nan=False)


def _is_something(value: Any) -> bool:
    """No null: the server drops those in lists, and validation refuses them there."""
    return value is not None


KEYS = st.sampled_from(["a", "__p", "b", "chunk_size", "harvesters", "api_key", "x.y", "0"])

JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner.filter(_is_something), max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
CONFIGURATIONS = st.dictionaries(KEYS, JSON, min_size=1, max_size=4)

LINE_ENDS = st.sampled_from(["", "\n", "\n\n", "\r\n", "\r\n\r\n"])

_LINES = st.lists(st.sampled_from(["  , b", "FROM t", "", "WHERE x = 1", "-- é"]), max_size=8)
SQL = _LINES.map(lambda lines: "\n".join(["SELECT a", *lines]))

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "description": st.builds(str.__add__, TEXT, LINE_ENDS),
        "primary_key": st.sampled_from(["user_id", "id"]),
        "query": st.builds(str.__add__, SQL, LINE_ENDS),
        "connector_id": st.integers(1, 3),
        "configuration": CONFIGURATIONS,
    },
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Document], list[LiveModel]]:
    """Live models of one workspace, and valid documents for some of them: by id or, where that is safe, by name."""
    count = draw(st.integers(1, 5))
    models, documents = [], []
    for number in range(1, count + 1):
        attributes: dict[str, Any] = {**draw(FIELDS), "name": f"model {number}"}
        models.append(live(number, **attributes))
        if draw(st.booleans()):
            wanted = draw(FIELDS)
            pin = {"id": number} if draw(st.booleans()) else {}
            allow = {"lifecycle": {"allow": ["primary_key", "connector_id", "query_type", "lost_column"]}}
            documents.append(document(f"m{number}", **{**RAW_SQL, **wanted, "name": f"model {number}", **pin, **allow}))
    return documents, models


def referenced(value: Any) -> Any:
    """A configuration as a good file has it: what stands under a secret's key is named, not said."""
    if isinstance(value, list):
        return [referenced(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {"env": f"SYNCER_SECRET_{'AB'[len(repr(inner)) % 2]}"} if is_secret_key(key) else referenced(inner)
        for key, inner in value.items()
    }
