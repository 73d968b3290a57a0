"""Hover in a chat document: what a tool was given and answered, what a turn cost, what a mention stands for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from claw_lsp.core.briefing import title
from claw_lsp.core.chat.marks import every, parse
from claw_lsp.core.chat.mentions import Mention, mention_at
from claw_lsp.core.chat.outline import Span, in_prompt
from claw_lsp.core.chat.told import behind, of_call, of_end, told
from claw_lsp.core.chat.writer import code
from claw_lsp.core.policy.paths import inside, secret
from claw_lsp.core.words import counted
from claw_lsp.facts.event import Titled, TurnEnded, UserSpoke
from claw_lsp.facts.fault import LogError
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Buffer, Position
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.language.place import Place, place_of

LARGEST = 2 << 20
"""Bytes of a file whose lines are counted."""
MOST = 8
"""Places of a symbol that are listed."""

Json = dict[str, Any]


class ChatHover:
    """Reads the session's log, and looks at what is mentioned; texts of others come out as code only."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def at(self, buffer: Buffer, position: Position) -> Json | None:
        """The Hover for a place in a chat document; None where there is nothing to say."""
        offset = buffer.index.offset(*position, self._door.buffers.encoding)
        start, end = buffer.index.span(position[0])
        if block := in_prompt(buffer.text, offset):
            return await self._mention(buffer, block, offset)
        text = await self._fact(buffer, buffer.text[start:end], start)
        return self._shown(buffer, start, end, text) if text else None

    async def _fact(self, buffer: Buffer, line: str, start: int) -> str | None:
        found = parse(buffer.text)
        answers = [it.end() for it in every(buffer.text) if it["word"] == "answer" and it.start() < start]
        if not line.startswith(("- ", "_")) or found.session is None or not answers:
            return None
        try:
            entries = await self._door.house.sessions.entries(found.session)
        except LogError:
            return None
        lines = await asyncio.to_thread(told, entries, found.key)
        above = buffer.text[answers[-1] : start].splitlines()
        it = behind(lines, line, len(answers) - 1, sum(1 for one in above if one.strip() == line.strip()))
        if it is None:
            return None
        return of_end(it, it.finished) if isinstance(it.finished, TurnEnded) else of_call(it)

    async def _mention(self, buffer: Buffer, block: Span, offset: int) -> Json | None:
        found = mention_at(buffer.text[slice(*block)], offset - block[0])
        if found is None:
            return None
        it, (start, end) = found
        text = await self._about(it, place_of(self._door, buffer))
        return self._shown(buffer, block[0] + start, block[0] + end, text) if text else None

    async def _about(self, it: Mention, place: Place) -> str | None:
        match it.kind:
            case "path":
                return await self._file(it.name, place)
            case "symbol":
                return await self._symbol(it.name, place)
            case "diagnostics":
                return await self._complaints(it.name, place)
            case "session":
                return await self._session(it.name)
            case "buffers":
                shown = (one.path for one in self._door.buffers.all() if not self._door.chats.is_chat(one.path))
                names = [code(place.below(one)) for one in shown]
                return f"{counted(len(names), 'open file')}: {', '.join(names[:MOST])}" if names else "No file is open."

    async def _symbol(self, name: str, place: Place) -> str:
        last = name.rpartition(".")[2]
        found = await self._door.symbols.find(last, place.roots)
        places = [f"- {it.kind} {code(f'{place.below(it.path)}:{it.line}')}" for it in found if it.name == last]
        return "\n".join(places[:MOST]) or f"Nothing called {code(name)} was found."

    async def _complaints(self, name: str, place: Place) -> str:
        known = await self._door.languages.all_diagnostics()
        if name:
            path = place.absolute(name)
            lines = [f"- {it.severity} {code(f'{it.first_line}: {it.message}')}" for it in known.get(path, ())]
            return "\n".join(lines[:MOST]) or f"Nothing is known to be wrong with {code(name)}."
        total = sum(len(it) for it in known.values())
        return f"{counted(total, 'diagnostic')} in {counted(len(known), 'file')}"

    async def _session(self, id_: str) -> str:
        try:
            events = [it.event for it in await self._door.house.sessions.entries(id_)]
        except LogError:
            return "There is no such session."
        asked = [it.text for it in events if isinstance(it, UserSpoke)]
        titles = [it.title for it in events if isinstance(it, Titled)] or [title(it) for it in asked[:1]]
        return " · ".join([*(code(it) for it in titles[-1:]), counted(len(asked), "turn")])

    async def _file(self, name: str, place: Place) -> str | None:
        if not name.isprintable():
            return None
        where = await self._door.workspace.locate(place.absolute(name))
        opened = self._door.buffers.get(where.path)
        if opened is not None:
            state = ", with changes that are not saved" if opened.dirty else ""
            return f"{code(place.below(where.path))} · {counted(len(opened.text.splitlines()), 'line')}, open in the editor{state}"
        told = await asyncio.to_thread(_size, Path(where.target), counts=inside(where.target, place.roots))
        return f"{code(place.below(where.path))} · {told}" if told else None

    def _shown(self, buffer: Buffer, start: int, end: int, text: str) -> Json:
        kind = "markdown" if self._door.powers.hover_markdown else "plaintext"
        where = to_lsp.text_range(buffer.index, start, end, self._door.buffers.encoding)
        return {"contents": {"kind": kind, "value": text}, "range": where}


def _size(path: Path, *, counts: bool) -> str | None:
    """What a file or folder is; only one that `counts` and holds no secrets is read, and only to count its lines."""
    try:
        if path.is_dir():
            return "a folder"
        if not path.is_file():
            return None
        size = path.stat().st_size
        if secret(str(path)):
            return f"{size:,} bytes; it may hold secrets"
        if not counts or size > LARGEST:
            return f"{size:,} bytes"
        n_lines = len(path.read_bytes().splitlines())
        return f"{counted(n_lines, 'line')}, {size:,} bytes"
    except OSError:
        return None
