"""What a chat document answers as any document of a language does. In all other documents we say nothing at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from claw_lsp.core.chat.outline import Outline, outline
from claw_lsp.core.position import LineIndex
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Buffer, Position
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.language import shape
from claw_lsp.lsp.language.completion import NOTHING, ChatCompletion
from claw_lsp.lsp.language.hover import ChatHover
from claw_lsp.lsp.language.links import Links
from claw_lsp.lsp.language.place import place_of
from claw_lsp.lsp.uris import path_of, uri_of

Json = dict[str, Any]

LONG = 50_000
"""Characters from which on a document is read in a thread."""
KEPT = 8
"""Documents whose outline is remembered."""


class ChatLanguage:
    """Every method takes the document as it is now, and answers None where it is no chat; what takes time is awaited."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._completion = ChatCompletion(door)
        self._hover = ChatHover(door)
        self._links = Links()
        self._outlines: dict[str, tuple[str, Outline]] = {}

    async def close(self) -> None:
        await self._completion.close()

    def completion(self, uri: str, at: Position) -> Json | Awaitable[Json]:
        """No item anywhere but in a chat: this server is attached to every document."""
        buffer = self._chat(uri)
        return self._completion.at(buffer, at) if buffer else NOTHING

    def hover(self, uri: str, at: Position) -> Awaitable[Json | None] | None:
        buffer = self._chat(uri)
        return self._hover.at(buffer, at) if buffer else None

    def symbols(self, uri: str) -> Awaitable[list[Json]] | None:
        buffer = self._chat(uri)
        return self._symbols(buffer) if buffer else None

    def folds(self, uri: str) -> Awaitable[list[Json]] | None:
        buffer = self._chat(uri)
        return self._folds(buffer) if buffer else None

    def links(self, uri: str) -> Awaitable[list[Json]] | None:
        buffer = self._chat(uri)
        return self._linked(buffer) if buffer else None

    def _chat(self, uri: str) -> Buffer | None:
        buffer = self._door.buffers.get(path_of(uri))
        return buffer if buffer and self._door.chats.is_chat(buffer.path) else None

    async def _symbols(self, buffer: Buffer) -> list[Json]:
        found = await self._shaped(partial(shape.symbols, encoding=self._door.buffers.encoding), buffer)
        return found if self._door.powers.symbol_tree else shape.flat(found, buffer.uri)

    async def _folds(self, buffer: Buffer) -> list[Json]:
        return await self._shaped(partial(shape.folds, texts=self._door.powers.fold_text), buffer)

    async def _shaped(self, make: Callable[[Outline, LineIndex], list[Json]], buffer: Buffer) -> list[Json]:
        """What `make` makes of a document's outline; for a long one in a thread, with an index of its own."""
        found = await self._outline(buffer)
        if len(buffer.text) <= LONG:
            return make(found, buffer.index)
        return await asyncio.to_thread(make, found, LineIndex(buffer.text))

    async def _linked(self, buffer: Buffer) -> list[Json]:
        found = await self._links.of(buffer.text, await self._outline(buffer), place_of(self._door, buffer))
        return [
            {
                "range": to_lsp.text_range(buffer.index, *it.span, self._door.buffers.encoding),
                "target": uri_of(it.path) + (f"#L{it.line}" if it.line else ""),
            }
            for it in found
        ]

    async def _outline(self, buffer: Buffer) -> Outline:
        """The outline of exactly this text."""
        known = self._outlines.pop(buffer.path, None)
        if known is None or known[0] != buffer.text:
            text = buffer.text
            known = (text, await asyncio.to_thread(outline, text) if len(text) > LONG else outline(text))
        self._outlines[buffer.path] = known
        for path in list(self._outlines)[:-KEPT]:
            del self._outlines[path]
        return known[1]
