"""The port `Workspace` where an editor is attached: its open buffers over the disk, changed only through the editor."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from weakref import WeakValueDictionary

from claw_lsp.core.merge import merged, regained
from claw_lsp.facts.fault import NoSuchFile, StaleDocument, ToolError
from claw_lsp.facts.plan import PlannedPath
from claw_lsp.facts.text import Applied, Change, Document
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.echo import Dropped, Landed, Misplaced, same
from claw_lsp.lsp.editor import Editor, Patience
from claw_lsp.lsp.newborn import born, cleared_away
from claw_lsp.lsp.powers import Powers
from claw_lsp.lsp.sending import LARGE, Line, refuse_lone_surrogates, send
from claw_lsp.lsp.unsaved import Unsaved
from claw_lsp.lsp.uris import filelike
from claw_lsp.ports.files import Workspace

UNSAFE = (
    "The editor's changes came out of order, so this text may lag behind what it shows; edits wait for a whole one."
)


class EditorWorkspace:
    """Fills `Workspace`. Different documents are edited side by side, one document by one edit at a time.

    Invariant: a document the editor holds open with unsaved text is never written to on disk.
    """

    def __init__(
        self, editor: Editor, buffers: Buffers, powers: Powers, disk: Workspace, patience: Patience | None = None
    ) -> None:
        patience = patience or Patience()
        self._buffers = buffers
        self._powers = powers
        self._disk = disk
        self._attempts = patience.attempts
        self._unsaved = Unsaved(editor, buffers, powers, disk, patience)
        self._line = Line(editor, buffers, powers, disk, patience, self._unsaved)
        self._overtaken: dict[str, str] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, path: str) -> Document:
        buffer = self._buffers.get(path)
        if buffer is None:
            return await self._read_closed(path)
        below = await self._below(path)
        buffer = self._buffers.get(path) or buffer
        if below is not None and self._overtaken.get(path) == buffer.text:
            return below
        dirty = below is None or not same(below.text, buffer.text)
        encoding = below.encoding if below else "utf-8"
        target = below.target if below else ""
        return Document(path, buffer.text, buffer.version, encoding, dirty, "" if buffer.safe else UNSAFE, target)

    async def read_bytes(self, path: str, limit: int) -> bytes:
        self._refuse_foreign(path)
        return await self._disk.read_bytes(path, limit)

    def open_documents(self) -> tuple[Document, ...]:
        return tuple(Document(it.path, it.text, it.version, dirty=it.dirty) for it in self._buffers.all())

    async def locate(self, path: str) -> PlannedPath:
        if not filelike(path):
            return PlannedPath(path, path)
        return await self._disk.locate(path)

    async def apply(self, change: Change, label: str) -> Applied:
        refuse_lone_surrogates(change.path, change.edits)
        async with self._alone(change.path):
            is_open = self._buffers.get(change.path) is not None
            if not is_open:
                self._refuse_foreign(change.path)
            if not self._powers.apply_edit:
                return await self._write(change, label)
            if change.document is None and not is_open and change.path not in self._unsaved.hidden:
                return await self._create(change, label)
            return await self._edit(change, label)

    def editing(self, path: str) -> bool:
        """Whether an edit of this file is on its way."""
        lock = self._locks.get(path)
        return lock is not None and lock.locked()

    def unsaved(self) -> tuple[str, ...]:
        return self._unsaved.paths()

    @property
    def can_save(self) -> bool:
        return self._powers.saves != "never"

    async def save(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        return await self._unsaved.save(paths)

    # ---- reading --------------------------------------------------------------------------------------------------

    async def _read_closed(self, path: str) -> Document:
        self._refuse_foreign(path)
        document = await self._disk.read(path)
        hidden = self._unsaved.hidden.get(path)
        return document if hidden is None else replace(document, text=hidden, dirty=True)

    async def _below(self, path: str) -> Document | None:
        """What the disk holds under an open buffer; None where it holds nothing that is a text."""
        if not filelike(path):
            return None
        try:
            document = await self._disk.read(path)
        except ToolError:
            document = None
        self._buffers.on_disk(path, document.text if document else None)
        return document

    async def _now(self, path: str) -> str:
        """The text to edit. Raises ToolError while the editor's text is not known for sure."""
        buffer = self._buffers.get(path)
        if buffer is None:
            return (await self._read_closed(path)).text
        if not buffer.safe:
            raise ToolError(
                f"The editor's messages about {path} came out of order, so its text here may not be the real one. "
                "Nothing was changed; ask the person to close the file and open it again."
            )
        return buffer.text

    def _refuse_foreign(self, path: str) -> None:
        if not filelike(path):
            raise ToolError(f"{path} is not open in the editor and is no file on this machine. Use an absolute path.")

    # ---- editing --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _alone(self, path: str) -> AsyncGenerator[None]:
        lock = self._locks.setdefault(path, asyncio.Lock())
        async with lock:
            yield

    async def _create(self, change: Change, label: str) -> Applied:
        newborn = await born(change.path, self._disk, label)
        if not change.after:
            return Applied(await self._disk.read(change.path), saved=True)
        done = False
        try:
            applied = await self._edit(replace(change, document=Document(change.path, "")), label)
            done = True
            return applied
        finally:
            if not done:
                await cleared_away(newborn)

    async def _edit(self, change: Change, label: str) -> Applied:
        """Send the edit until the text shows it; every time merged anew over what the person typed."""
        base, wanted = change.before, change.after
        taken_back = moved = repairing = False
        for _ in range(self._attempts):
            try:
                now = await self._now(change.path)
            except NoSuchFile as error:
                raise StaleDocument(f"{change.path} was deleted since it was read. Nothing was changed.") from error
            after = regained(base, wanted, now) if repairing else await _over(now, base, wanted)
            if after is None:
                raise StaleDocument(_conflict(change.path))
            moved = moved or not same(now, change.before)
            fate = Landed() if after == now else await send(self._line, change.path, now, after, label)
            match fate:
                case Landed() if taken_back:
                    raise StaleDocument(
                        f"The person typed in {change.path} while the editor made your edit in the same place. What they "
                        "typed was put back; read the file again and see what is left to do."
                    )
                case Landed():
                    return await self._landed(change.path, moved=moved)
                case Dropped():
                    continue
                case Misplaced(meant, became):
                    # The client put the edit into a text it was not made for, perhaps over what was just typed there:
                    # the next edit mends that, whatever stands in its way, and takes ours back where it cannot stay.
                    right = await _over(meant, base, wanted)
                    taken_back = taken_back or right is None
                    base, wanted, repairing = became, meant if right is None else right, True
        raise StaleDocument(
            f"{change.path} kept changing while it was edited, so the edit was given up. Read it again and try once more."
        )

    async def _landed(self, path: str, *, moved: bool) -> Applied:
        buffer = self._buffers.get(path)
        if buffer is None:
            hidden = path in self._unsaved.hidden
            document = await self._read_closed(path)
            if hidden:
                self._unsaved.add(path)
            return Applied(document, saved=not hidden, merged=moved)
        saved = buffer.disk == buffer.text
        if not saved:
            self._unsaved.add(path)
        document = await self.read(path)
        return Applied(document, saved=saved, merged=moved)

    # ---- clients that cannot edit (R19) ---------------------------------------------------------------------------

    async def _write(self, change: Change, label: str) -> Applied:
        """Write to disk; the editor loads it when it likes, and until then its buffer is overtaken by the file."""
        below = await self._below(change.path)
        buffer = self._buffers.get(change.path)
        if buffer is not None and self._overtaken.get(change.path) != buffer.text:
            if below is None or not same(below.text, buffer.text):
                raise ToolError(
                    f"This editor cannot be asked to edit, and {change.path} has unsaved text in it. Nothing was "
                    "changed; ask the person to save the file, then try again."
                )
            self._overtaken[change.path] = buffer.text
        applied = await self._disk.apply(change, label)
        said = f"This editor cannot be asked to edit: {change.path} was written to disk, past the editor."
        return replace(applied, notice=f"{applied.notice} {said}".strip())


async def _over(now: str, base: str, wanted: str) -> str | None:
    """What was wanted of `base`, done to `now`; None where it cannot be merged."""
    if now == base:
        return wanted
    base, wanted = _styled(base, now), _styled(wanted, now)
    if now.endswith(_ENDS) and not base.endswith(_ENDS):
        base, wanted = base + now[-1], wanted if wanted.endswith(_ENDS) else wanted + now[-1]
    if now == base:
        return wanted
    if len(now) + len(base) > LARGE:
        return await asyncio.to_thread(merged, base, wanted, now)
    return merged(base, wanted, now)


def _conflict(path: str) -> str:
    return (
        f"{path} changed since it was read, in the same place. The person's text was kept and yours was not put in; "
        "read it again."
    )


def _styled(text: str, like: str) -> str:
    """The text with the line ends of a text that has only one kind of them: some editors know no other (R37)."""
    kinds = set(_LINE_END.findall(like))
    if len(kinds) != 1 or set(_LINE_END.findall(text)) <= kinds:
        return text
    return _LINE_END.sub(lambda _: next(iter(kinds)), text)


_ENDS = ("\n", "\r")
_LINE_END = re.compile(r"\r\n?|\n")
