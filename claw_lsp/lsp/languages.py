"""The editor's other language servers, asked through a shim (`claw/languageFeature`). Fills the port `Languages`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from claw_lsp.core.policy.paths import inside, secret
from claw_lsp.facts.fault import HostError
from claw_lsp.facts.language import Diagnostic
from claw_lsp.lsp.buffers import Changed, Closed, Happening
from claw_lsp.lsp.client import Client, part
from claw_lsp.lsp.uris import path_of, uri_of
from claw_lsp.ports.languages import Languages, Symbol, Symbols

logger = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds that others may take: nobody waits for a server that is still reading a large project."""
MOST, MOST_SYMBOLS = 500, 100
"""How much of a long answer is looked at, and how many symbols are told."""
SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}
_KINDS = (
    "symbol file module namespace package class method property field constructor enum interface function variable "
    "constant string number boolean array object key null member struct event operator type"
).split()
"""LSP's SymbolKind as words, by number."""


class EditorLanguages:
    """Nothing is asked of a client that did not declare it, and what does not fit is left out. Of one that cannot be asked
    what it sent along with requests for code actions is known, until the text changes."""

    def __init__(self, editor: Client, *, declared: bool) -> None:
        self._editor = editor
        self._declared = declared
        self._sent: dict[str, dict[Diagnostic, None]] = {}

    def sent(self, path: str, given: object) -> None:
        """Diagnostics that the client sent by itself."""
        if not self._declared and (found := diagnostics_in(given)):
            known = self._sent.setdefault(path, {})
            known.update(dict.fromkeys(found[: MOST - len(known)]))

    def happened(self, it: Happening) -> None:
        if isinstance(it, Changed | Closed):
            self._sent.pop(it.path, None)

    async def symbols(self, query: str) -> tuple[Symbol, ...]:
        found = await self.feature("workspace/symbol", {"query": query})
        return tuple(it for one in _objects(found) if (it := _symbol(one)))

    async def diagnostics(self, path: str) -> tuple[Diagnostic, ...]:
        if not self._declared:
            return _from_the_top(self._sent.get(path, ()))
        found = await self.feature("textDocument/diagnostic", {"textDocument": {"uri": uri_of(path)}})
        return diagnostics_in(part(found, "items"))

    async def all_diagnostics(self) -> Mapping[str, tuple[Diagnostic, ...]]:
        if not self._declared:
            return {path: _from_the_top(it) for path, it in self._sent.items()}
        found = await self.feature("workspace/diagnostic", {})
        by_path: dict[str, tuple[Diagnostic, ...]] = {}
        for report in _objects(part(found, "items")):
            complaints = diagnostics_in(report.get("items"))
            if complaints and isinstance(report.get("uri"), str):
                path = path_of(report["uri"])
                by_path[path] = (*by_path.get(path, ()), *complaints)
        return by_path

    async def feature(self, method: str, params: dict[str, Any]) -> Any:
        """The result of an LSP method as the others give it; None where nobody can."""
        if not self._declared:
            return None
        asked = {"method": method, "params": params}
        try:
            return await self._editor.ask("claw/languageFeature", asked, timeout=PATIENCE, withdraws=True)
        except HostError as error:
            logger.info("The other language servers do not tell: %s", error)
            return None


class AskedSymbols:
    """Fills `Symbols` from the other language servers; from `written` where they name nothing."""

    def __init__(self, languages: Languages, written: Symbols) -> None:
        self._languages = languages
        self._written = written

    async def find(self, query: str, folders: tuple[str, ...]) -> tuple[Symbol, ...]:
        named = await self._languages.symbols(query) if query.strip() else ()
        found = tuple(it for it in named if inside(it.path, folders) and not secret(it.path))
        return found[:MOST_SYMBOLS] or await self._written.find(query, folders)


def diagnostics_in(given: object) -> tuple[Diagnostic, ...]:
    """A client's diagnostics as far as they have the shape, from the top; ours are nobody else's business."""
    return _from_the_top(it for one in _objects(given) if one.get("source") != "claw" and (it := _diagnostic(one)))


def _from_the_top(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(found, key=lambda it: it.first_line))


def _objects(given: object) -> Iterator[dict[str, Any]]:
    """The objects of a list, as far as it is one."""
    for one in cast("list[object]", given)[:MOST] if isinstance(given, list | tuple) else ():
        if isinstance(one, dict):
            yield cast("dict[str, Any]", one)


def _diagnostic(given: dict[str, Any]) -> Diagnostic | None:
    try:
        lines = given["range"]["start"]["line"], given["range"]["end"]["line"]
        severity = SEVERITIES.get(given.get("severity", 1), "error")
        return Diagnostic(
            int(lines[0]) + 1, int(lines[1]) + 1, severity, str(given["message"]), str(given.get("source") or "")
        )
    except (KeyError, TypeError, ValueError):
        return None


def _symbol(given: dict[str, Any]) -> Symbol | None:
    try:
        place, kind, name = given["location"], given.get("kind"), given["name"]
        line = int(place["range"]["start"]["line"]) if "range" in place else 0
        word = _KINDS[kind] if isinstance(kind, int) and 0 < kind < len(_KINDS) else _KINDS[0]
        if not (isinstance(name, str) and isinstance(place["uri"], str)) or line < 0:
            return None
        return Symbol(name, word, path_of(place["uri"]), line + 1, str(given.get("containerName") or ""))
    except (KeyError, TypeError, ValueError):
        return None
