"""Which of the agent's edits live in the editor only, and how they get to the disk."""

from __future__ import annotations

import asyncio
import logging

from claw_lsp.facts.fault import HostError, ToolError
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Buffer, Buffers, Closed, Happening, Saved
from claw_lsp.lsp.echo import same
from claw_lsp.lsp.editor import Editor, Patience
from claw_lsp.lsp.powers import Powers
from claw_lsp.lsp.uris import filelike, uri_of
from claw_lsp.ports.files import Workspace

logger = logging.getLogger(__name__)


class Unsaved:
    """Paths whose latest change by the agent is in a buffer only; `hidden` holds the text of those the editor changed
    without telling us that it opened them.

    Invariant: a path leaves when it is saved or closed, or when the disk is seen to hold its text.
    """

    def __init__(self, editor: Editor, buffers: Buffers, powers: Powers, disk: Workspace, patience: Patience) -> None:
        self._editor = editor
        self._buffers = buffers
        self._powers = powers
        self._disk = disk
        self._patience = patience
        self._paths: dict[str, None] = {}
        self.hidden: dict[str, str] = {}
        buffers.watch(self._hear)

    def paths(self) -> tuple[str, ...]:
        return tuple(self._paths)

    def add(self, path: str) -> None:
        self._paths[path] = None

    async def save(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Have these saved; answers those that the disk still lacks. Only didSave or the disk's text counts."""
        lacking = [it for it in paths if not await self.on_disk(it)]
        if not lacking or self._powers.saves == "never":
            return tuple(lacking)
        saved: set[str] = set()
        happened = asyncio.Event()

        def hear(happening: Happening) -> None:
            if isinstance(happening, Saved):
                saved.add(happening.path)
                happened.set()

        end = self._buffers.watch(hear)
        try:
            await self._ask(lacking)
            return await self._confirmed(lacking, saved, happened)
        finally:
            end()

    async def on_disk(self, path: str) -> bool:
        """Whether the file holds what the editor holds."""
        buffer = self._buffers.get(path)
        text = buffer.text if buffer else self.hidden.get(path)
        if text is None:
            self._forget(path)
            return True
        if not filelike(path):
            return False
        try:
            document = await self._disk.read(path)
        except ToolError:
            return False
        self._buffers.on_disk(path, document.text)
        if not same(document.text, text):
            return False
        self._forget(path)
        return True

    async def _confirmed(self, lacking: list[str], saved: set[str], happened: asyncio.Event) -> tuple[str, ...]:
        deadline = asyncio.get_running_loop().time() + self._patience.saving
        while True:
            lacking = [it for it in lacking if it not in saved and not await self.on_disk(it)]
            left = deadline - asyncio.get_running_loop().time()
            if not lacking or left <= 0:
                return tuple(lacking)
            happened.clear()
            try:
                async with asyncio.timeout(min(left, self._patience.look)):
                    await happened.wait()
            except TimeoutError:
                continue

    async def _ask(self, paths: list[str]) -> None:
        try:
            if self._powers.saves == "claw":
                uris = [self._uri(it) for it in paths]
                await self._editor.ask("claw/save", {"uris": uris}, timeout=self._patience.answer)
            else:
                params = await self._refactoring(paths)
                if params is not None:
                    await self._editor.ask("workspace/applyEdit", params, timeout=self._patience.answer)
        except HostError as error:
            logger.info("the editor did not save: %s", error)

    async def _refactoring(self, paths: list[str]) -> to_lsp.Json | None:
        """An edit that changes nothing and is called a refactoring: VS Code saves the files of one that has at least
        two, so a clean buffer keeps a lonely file company. None where there is none."""
        company = await self._clean_besides(paths) if len(paths) == 1 else None
        named = [*paths, *([company] if company else [])]
        buffers = [it for it in map(self._buffers.get, named) if it is not None]
        if len(buffers) < 2:
            return None
        changes = [_nothing(it) for it in buffers]
        return {"label": "Save", "edit": {"documentChanges": changes}, "metadata": {"isRefactoring": True}}

    async def _clean_besides(self, paths: list[str]) -> str | None:
        """An open file whose text is what the disk holds, so that saving it too does no harm; None where none is known."""
        for path in [it.path for it in self._buffers.all() if it.path not in paths and filelike(it.path)]:
            try:
                document = await self._disk.read(path)
            except ToolError:
                continue
            buffer = self._buffers.get(path)
            if buffer is not None and buffer.text == document.text:
                return path
        return None

    def _uri(self, path: str) -> str:
        buffer = self._buffers.get(path)
        return buffer.uri if buffer else uri_of(path)

    def _hear(self, happening: Happening) -> None:
        if isinstance(happening, Saved | Closed):
            self._forget(happening.path)
        elif self._buffers.get(happening.path) is not None:
            self.hidden.pop(happening.path, None)

    def _forget(self, path: str) -> None:
        self._paths.pop(path, None)
        self.hidden.pop(path, None)


def _nothing(buffer: Buffer) -> to_lsp.Json:
    start = {"line": 0, "character": 0}
    edit = {"range": {"start": start, "end": start}, "newText": ""}
    return {"textDocument": {"uri": buffer.uri, "version": buffer.version}, "edits": [edit]}
