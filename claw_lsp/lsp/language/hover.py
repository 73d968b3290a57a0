"""Hover in a chat document: what a tool was given and answered, what a turn cost, what a mention stands for."""

from __future__ import annotations

import asyncio
import posixpath
import re
from pathlib import Path
from typing import Any

from claw_lsp.core.chat.marks import every, parse
from claw_lsp.core.chat.outline import in_prompt
from claw_lsp.core.chat.told import behind, of_call, of_end, told
from claw_lsp.core.chat.writer import code
from claw_lsp.core.policy.paths import inside, secret
from claw_lsp.core.words import counted
from claw_lsp.facts.event import TurnEnded
from claw_lsp.facts.fault import LogError
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Buffer, Position
from claw_lsp.lsp.door import Door

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
        if in_prompt(buffer.text, offset):
            return await self._mention(buffer, offset, start, end)
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

    async def _mention(self, buffer: Buffer, offset: int, start: int, end: int) -> Json | None:
        found = next(
            (it for it in _MENTION.finditer(buffer.text, start, end) if it.start() <= offset <= it.end()), None
        )
        if found is None:
            return None
        text = await self._about(found["quoted"] or found["plain"].rstrip(".,;:!?)]}'"), buffer)
        return self._shown(buffer, *found.span(), text) if text else None

    async def _about(self, words: str, buffer: Buffer) -> str | None:
        kind, _, name = words.partition(":")
        if kind == "symbol" and name:
            return await self._symbol(name, buffer)
        if kind == "session" and name:
            return await self._session(name)
        if kind == "diagnostics":
            return await self._complaints(name, buffer)
        if words == "buffers":
            names = [code(it.path) for it in self._door.buffers.all() if not self._door.chats.is_chat(it.path)]
            return f"{counted(len(names), 'open file')}: {', '.join(names[:MOST])}" if names else "No file is open."
        return await self._file(re.sub(r":\d+(-\d+)?\Z", "", words), buffer)

    async def _symbol(self, name: str, buffer: Buffer) -> str:
        found = await self._door.symbols.find(name, self._door.home_for(buffer.uri).roots)
        places = [f"- {it.kind} {code(f'{it.path}:{it.line}')}" for it in found if it.name == name]
        return "\n".join(places[:MOST]) or f"Nothing called {code(name)} was found."

    async def _complaints(self, name: str, buffer: Buffer) -> str:
        known = await self._door.languages.all_diagnostics()
        if name:
            path = posixpath.join(self._door.home_for(buffer.uri).folder, name)
            lines = [f"- {it.severity} {code(f'{it.first_line}: {it.message}')}" for it in known.get(path, ())]
            return "\n".join(lines[:MOST]) or f"Nothing is known to be wrong with {code(name)}."
        total = sum(len(it) for it in known.values())
        return f"{counted(total, 'diagnostic')} in {counted(len(known), 'file')}"

    async def _session(self, id_: str) -> str:
        known = await self._door.house.sessions.list()
        found = next((it for it in known if it.session == id_), None)
        return f"{code(found.title)} · {counted(found.n_turns, 'turn')}" if found else "There is no such session."

    async def _file(self, name: str, buffer: Buffer) -> str | None:
        home = self._door.home_for(buffer.uri)
        place = await self._door.workspace.locate(str(Path(home.folder) / name))
        opened = self._door.buffers.get(place.path)
        if opened is not None:
            state = ", with changes that are not saved" if opened.dirty else ""
            return f"{code(place.path)} · {counted(len(opened.text.splitlines()), 'line')}, open in the editor{state}"
        told = await asyncio.to_thread(_size, Path(place.target), counts=inside(place.target, home.roots))
        return f"{code(place.path)} · {told}" if told else None

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


_MENTION = re.compile(r"""(?<![\w@])@(?:"(?P<quoted>[^"\r\n]+)"|(?P<plain>[^\s"]+))""")
