"""What the settings files said when they were last without a fault, file by file: that stays in force until they are mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from claw_lsp.adapters.settings.gate import Gate


@dataclass(frozen=True, slots=True)
class Good:
    """What a file said, and the text it was read from; `values` are the last good ones of settings, by dotted names."""

    text: str
    data: Mapping[str, Any]
    values: Mapping[str, Any]

    @property
    def said(self) -> Mapping[str, Any]:
        """What it said, its bad values replaced by good ones from before."""
        return {**self.data, **self.values}


@dataclass(slots=True)
class LastGood:
    """As long as the process lives. Read and written by several threads, each a whole value at once. Changes of files pass the
    `gate`."""

    gate: Gate = field(default_factory=Gate)
    _by_path: dict[str, Good] = field(default_factory=dict[str, Good])

    def of(self, path: str) -> Good | None:
        return self._by_path.get(path)

    def keep(self, path: str, good: Good) -> None:
        self._by_path[path] = good

    def forget(self, path: str) -> None:
        """The file is gone, and says nothing any more."""
        self._by_path.pop(path, None)
