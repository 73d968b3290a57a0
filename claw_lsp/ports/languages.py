"""What is known of the code by the language servers around us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from claw_lsp.facts.language import Diagnostic


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something in the code that has a name. `kind` is LSP's SymbolKind in a lower-case word; lines count from 1."""

    name: str
    kind: str
    path: str
    line: int
    container: str = ""


class Symbols(Protocol):
    """What the code of a workspace defines, by name."""

    async def find(self, query: str, folders: tuple[str, ...]) -> tuple[Symbol, ...]:
        """What is defined below these folders under a name that contains the query, the best fit first; nothing for an
        empty one. Bounded in number and time: what could not be looked at in time is left out."""
        ...


class Languages(Protocol):
    """What the editor's other language servers know. They are nobody's to rely on: where no editor can be asked, or it does
    not answer in time, or with what makes no sense, the answer is nothing. Never raises."""

    async def symbols(self, query: str) -> tuple[Symbol, ...]:
        """The symbols of the workspace that fit, best first, at most a few hundred."""
        ...

    async def diagnostics(self, path: str) -> tuple[Diagnostic, ...]:
        """What is complained about in one file, by everybody but us, from the top."""
        ...

    async def all_diagnostics(self) -> Mapping[str, tuple[Diagnostic, ...]]:
        """The same of every file that has some, by path."""
        ...
