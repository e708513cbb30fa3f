"""Which model an invalid definition means, and how it guards that: the base's guards count all the same. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from syncer.desired.validate.finding import own_values
from syncer.model import NO_INHERITANCE, Inheritance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.model import Document, Section

_LISTS: Final = ("ignore_changes", "allow")


def guard_of(document: Document) -> Document | None:
    """The document with nothing but `name`, `id` and `lifecycle`, as far as they make sense; None for nobody's."""
    may_inherit = document.inherited is not NO_INHERITANCE
    data = _guard(document.data, may_inherit=may_inherit)
    data["environments"] = {
        name: _guard(own, may_inherit=may_inherit) for name, own in own_values(document.data).items()
    }
    if isinstance(only := document.data.get("only"), list):
        data["only"] = only
    is_meant = any({"name", "id"} & values.keys() for values in (data, *data["environments"].values()))
    if not is_meant:
        return None
    inherited = _guarded(document.inherited)
    return replace(document, data={"name": "", **data}, files={}, inherited=inherited)


def _guarded(inherited: Inheritance) -> Inheritance:
    """The lifecycles that a document inherits, and nothing else."""

    def section(one: Section) -> Section:
        return replace(
            one, data={key: value for key, value in _guard(one.data, may_inherit=True).items() if key == "lifecycle"}
        )

    common = inherited.common
    defaults = common.defaults and section(common.defaults)
    environments = {name: section(one) for name, one in common.environments.items()}
    sections = tuple(section(one) for one in inherited.sections)
    return Inheritance(sections, replace(common, defaults=defaults, environments=environments))


def _guard(values: Mapping[str, Any], *, may_inherit: bool) -> dict[str, Any]:
    name, model_id, lifecycle = (values.get(key) for key in ("name", "id", "lifecycle"))
    found: dict[str, Any] = {}
    if isinstance(name, str) and name:
        found["name"] = name
    if type(model_id) is int and model_id > 0:
        found["id"] = model_id
    if isinstance(lifecycle, dict):
        lists = {key: given for key in _LISTS if isinstance(given := lifecycle.get(key), list)}
        texts = {key: [one for one in given if isinstance(one, str)] for key, given in lists.items()}
        # What a lifecycle doesn't say a default may say.
        protect = {} if may_inherit and "protect" not in lifecycle else {"protect": lifecycle.get("protect") is True}
        found["lifecycle"] = {**protect, **texts}
    return found
