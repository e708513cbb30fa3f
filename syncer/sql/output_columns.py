"""The columns that a query returns, as far as its text tells: all of them with their names, or None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syncer.sql.identifiers import folded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlglot import exp

_MAX_OUTPUTS: Final = 2_000
"""A chain of `SELECT *, *` doubles with each link."""

_POSTGRES: Final = frozenset({"postgres", "redshift"})
_NUMBERED: Final = frozenset({*_POSTGRES, "bigquery", "athena", "presto"})
"""Where a column without a name gets one that doesn't depend on the expression's text: `f0_`, `_col0`, `?column?`."""
_NESTED: Final = frozenset({"bigquery", "databricks"})


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """One column of the rows: its name as it's written, the name as the database keeps it, and what it's made of."""

    name: str
    key: str
    expression: exp.Expression


_Known = dict[str, "tuple[Output, ...] | None"]


def outputs(query: exp.Expression, dialect: str) -> tuple[Output, ...] | None:
    """The output columns in order; None if the text doesn't tell one of them."""
    found = _Reader(dialect).query(query, {})
    return found if found is not None and all(output.name for output in found) else None


def has_text_for_name(dialect: str) -> bool:
    """Whether a column without a name is called by its expression's text, white space and all."""
    return dialect not in _NUMBERED


def spellings(outputs_after: Sequence[Output], outputs_before: Sequence[Output]) -> Mapping[str, str]:
    """How to call an output, by its key: as it's written (rather after than before), but never two by one name."""
    spelling: dict[str, str] = {}
    taken: dict[str, str] = {}
    for output in (*outputs_after, *outputs_before):
        is_free = taken.setdefault(output.name, output.key) == output.key
        spelling.setdefault(output.key, output.name if is_free else output.key)
    return spelling


class _Reader:
    """One look at one query, in one dialect."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def query(self, query: exp.Expression, known: _Known) -> tuple[Output, ...] | None:
        """The outputs of a query, where `known` has those of the CTEs around it; one without a name is called nothing.

        None if it isn't even known how many there are.
        """
        from sqlglot import exp  # noqa: PLC0415

        while True:
            if _arg(query, "with"):
                known = self._with(_arg(query, "with"), known)
            if isinstance(query, exp.SetOperation):
                # Matched by name or in some other way, the first branch doesn't tell.
                if any(query.args.get(key) for key in ("by_name", "side", "kind", "on")):
                    return None
            elif not isinstance(query, exp.Subquery) or query.args.get("pivots"):
                break
            query = query.this
        return self._select(query, known) if isinstance(query, exp.Select) else None

    def _with(self, clause: exp.Expression, known: _Known) -> _Known:
        inner = dict(known)
        is_plain = _given(clause) <= {"expressions", "recursive"}
        for cte in clause.expressions:
            name = self._key(cte.args["alias"].this)
            # In a recursive one it's the first branch that tells, and it can't name itself.
            inner.pop(name, None)
            if clause.args.get("recursive"):
                inner[name] = None
            # SEARCH and CYCLE add columns.
            is_plain_cte = is_plain and _given(cte) <= {"this", "alias", "materialized", "scalar"}
            inner[name] = self._under(cte, self.query(cte.this, inner)) if is_plain_cte else None
        return inner

    def _select(self, select: exp.Select, known: _Known) -> tuple[Output, ...] | None:
        # SELECT AS STRUCT, MATCH_RECOGNIZE, EXCLUDE behind the list and whatever comes: only what is known tells.
        if not select.expressions or not _given(select) <= _PLAIN:
            return None
        found: list[Output] = []
        for projection in select.expressions:
            inner = self._projection(projection, select, known)
            if inner is None or len(found) + len(inner) > _MAX_OUTPUTS:
                return None
            found += inner
        return tuple(found)

    def _projection(self, projection: exp.Expression, select: exp.Select, known: _Known) -> tuple[Output, ...] | None:
        from sqlglot import exp  # noqa: PLC0415

        if isinstance(projection, exp.Star):
            return self._star(projection, select, known)
        if isinstance(projection, exp.Aliases) or projection.is_star:
            return None
        inner = projection.unalias()
        if isinstance(inner, exp.Columns) or inner.name.casefold() == "untuple":
            # One alias for many columns.
            return None
        if isinstance(projection, exp.Alias):
            return (self._output(projection.args["alias"], projection.this),)
        name = self._implied(projection)
        return (Output("", "", projection) if name is None else self._output(name, projection),)

    def _implied(self, projection: exp.Expression) -> exp.Expression | None:
        """The name that a column has without an alias."""
        from sqlglot import exp  # noqa: PLC0415

        if isinstance(projection, exp.Column):
            if self._dialect == "clickhouse" and projection.args.get("table"):
                # Its name may be the whole path.
                return None
            column: exp.Expression = projection.this
            return column
        if isinstance(projection, exp.Dot) and self._dialect in _NESTED:
            name: exp.Expression = projection.expression
            return name
        if self._dialect in _POSTGRES:
            if type(projection) is exp.Cast and isinstance(projection.this, exp.Column):
                return self._implied(projection.this)
            if isinstance(projection, exp.Count | exp.Sum | exp.Avg | exp.Min | exp.Max):
                return exp.to_identifier(type(projection).__name__.lower())
        return None

    def _star(self, star: exp.Expression, select: exp.Select, known: _Known) -> tuple[Output, ...] | None:
        """What `*` stands for, where it stands for one CTE or one query in brackets."""
        source = _arg(select, "from")
        said = {key: value for key, value in star.args.items() if value}
        left_out = said.pop("except_", None) or said.pop("except", None) or []
        if said or source is None or select.args.get("joins") or select.args.get("laterals"):
            return None
        found = self._source(source.this, known)
        if found is None:
            return None
        left_out = left_out if isinstance(left_out, list) else [left_out]
        dropped = {column.name.casefold() for column in left_out}
        return tuple(output for output in found if output.name.casefold() not in dropped)

    def _source(self, source: exp.Expression, known: _Known) -> tuple[Output, ...] | None:
        from sqlglot import exp  # noqa: PLC0415

        if any(source.args.get(key) for key in ("pivots", "joins", "laterals")):
            return None
        if isinstance(source, exp.Subquery):
            return self._under(source, self.query(source, known))
        if isinstance(source, exp.Values):
            first = source.expressions[0] if source.expressions else None
            return self._under(source, None, len(first.expressions)) if isinstance(first, exp.Tuple) else None
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier) and not source.args.get("db"):
            return self._under(source, known.get(self._key(source.this)))
        return None

    def _under(
        self, node: exp.Expression, found: tuple[Output, ...] | None, width: int = 0
    ) -> tuple[Output, ...] | None:
        """The outputs under the names that an alias gives them, if it gives one to each: `AS t (a, b)`."""
        alias = node.args.get("alias")
        names = (alias.args.get("columns") or []) if alias is not None else []
        if not names:
            return found
        if len(names) != (len(found) if found is not None else width):
            return None
        expressions = [output.expression for output in found] if found is not None else names
        return tuple(self._output(name, expression) for name, expression in zip(names, expressions, strict=True))

    def _output(self, name: exp.Expression, expression: exp.Expression) -> Output:
        return Output(name.name, self._key(name), expression)

    def _key(self, name: exp.Expression) -> str:
        return name.name if name.args.get("quoted") else folded(name.name, self._dialect)


_PLAIN: Final = frozenset(
    {
        *(
            "with",
            "with_",
            "expressions",
            "hint",
            "distinct",
            "from",
            "from_",
            "joins",
            "laterals",
            "where",
            "prewhere",
        ),
        *(
            "group",
            "having",
            "qualify",
            "windows",
            "cluster",
            "distribute",
            "sort",
            "order",
            "limit",
            "offset",
            "sample",
        ),
        *("settings", "format", "options", "locks", "connect"),
    }
)
"""What of a SELECT leaves its columns as they are listed."""


def _given(node: exp.Expression) -> set[str]:
    return {key for key, value in node.args.items() if value}


def _arg(node: exp.Expression, key: str) -> Any:  # noqa: ANN401 - as sqlglot gives it
    """An argument whose key is a word of Python: later versions of sqlglot end it in an underscore."""
    return node.args.get(f"{key}_") or node.args.get(key)
