"""YAML parsers as other releases may be: with other sentences, and with bounds of their own."""

from __future__ import annotations

from typing import Any, Final

import yaml

from syncer.desired.loader.nodes import YamlLoader

UNHEARD: Final = "unverständlich"


class Reworded(YamlLoader):  # type: ignore[misc, valid-type]
    """Finds the same mistakes at the same places, and says so in words that nobody has heard."""

    def get_event(self) -> Any:
        try:
            return super().get_event()
        except yaml.MarkedYAMLError as error:
            error.context = error.context and "beim Lesen"
            error.problem = UNHEARD
            raise


class Shallow(YamlLoader):  # type: ignore[misc, valid-type]
    """Stops at the thousandth open bracket, before it has told of the first."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._is_too_deep = raw[:1000] == b"[" * 1000 and len(raw) > 1000

    def get_event(self) -> Any:
        if self._is_too_deep:
            mark: Any = yaml.Mark("", 1000, 0, 1000, None, None)  # type: ignore[arg-type]
            raise yaml.scanner.ScannerError(UNHEARD, mark, UNHEARD, mark)
        return super().get_event()
