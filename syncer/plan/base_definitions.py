"""What the base's definitions said of a model that may have been moved or renamed since. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncer.model import DesiredModel, DesiredState, LiveModel


class BaseDefinitions:
    """The definitions of the base, found by id, else by address, else (the file was moved) by a unique name."""

    def __init__(self, base: DesiredState) -> None:
        self._by_address = {model.address: model for model in base.models}
        self._with_id: dict[int, list[DesiredModel]] = {}
        for model in base.models:
            if model.id is not None:
                self._with_id.setdefault(model.id, []).append(model)
        self._by_id = {model_id: models[-1] for model_id, models in self._with_id.items()}
        self._named: dict[str, list[DesiredModel]] = {}
        for model in base.models:
            self._named.setdefault(model.name, []).append(model)
        self._by_name = {name: models[0] for name, models in self._named.items() if len(models) == 1}

    def of(self, desired: DesiredModel) -> DesiredModel | None:
        """The definition of the same model at the base, if there was one."""
        if desired.id is not None and (found := self._by_id.get(desired.id)):
            return found
        found = self._by_address.get(desired.address)
        if found is None or (desired.id is not None and found.id is not None):
            # Nothing stood there, or another model: two files may have changed places.
            found = self._by_name.get(desired.name)
        return found if found is not None and (found.id is None or desired.id is None) else None

    def has_elsewhere(self, desired: DesiredModel) -> bool:
        """Whether a definition of its name was pinned to another model."""
        return any(model.id not in {None, desired.id} for model in self._named.get(desired.name, ()))

    def all_of(self, desired: DesiredModel, live: LiveModel) -> tuple[DesiredModel, ...]:
        """Every definition of the base that meant this one's file or its live model, whatever it's called now."""
        found = [self.of(desired), *self._with_id.get(live.id, ())]
        found += [model for model in self._named.get(live.name, ()) if model.id is None]
        return tuple({model.address: model for model in found if model is not None}.values())
