"""A workspace of open buffers over a real folder, and a scene that remembers what was read: to try single tools."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.core.merge import merged
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import StaleDocument
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.text import Applied, Change, Document
from claw_lsp.ports.tools import Tool


class BufferedWorkspace(DiskWorkspace):
    """The disk, with buffers over it that no one saves. `labels` are those of the changes made to buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.buffers: dict[str, Document] = {}
        self.labels: list[str] = []

    def type(self, path: str, text: str) -> None:
        """The person's buffer now holds this text."""
        old = self.buffers.get(path)
        self.buffers[path] = Document(path, text, version=(old.version or 0) + 1 if old else 1, dirty=True)

    async def read(self, path: str) -> Document:
        return self.buffers[path] if path in self.buffers else await super().read(path)

    def open_documents(self) -> tuple[Document, ...]:
        return tuple(self.buffers.values())

    async def apply(self, change: Change, label: str) -> Applied:
        buffer = self.buffers.get(change.path)
        if buffer is None:
            return await super().apply(change, label)
        text = merged(change.before, change.after, buffer.text)
        if text is None:
            raise StaleDocument(f"{change.path} changed since it was read. Read it again.")
        self.labels.append(label)
        self.buffers[change.path] = replace(buffer, text=text, version=(buffer.version or 0) + 1)
        return Applied(self.buffers[change.path], saved=False, merged=buffer.text != change.before)


@dataclass(slots=True)
class Desk:
    """A folder, its workspace, and what the model has seen of it: plans and performs calls as the engine does."""

    folder: Path
    home: str = "/home/u"
    workspace: BufferedWorkspace = field(default_factory=BufferedWorkspace)
    seen: dict[str, str] = field(default_factory=dict[str, str])
    told: list[str] = field(default_factory=list[str])

    @property
    def scene(self) -> Scene:
        cwd = str(self.folder)
        return Scene("s", "r", cwd, (cwd,), self.home, Mode.DEFAULT, self.seen, (), Settings.model_validate({}))

    async def plan(self, tool: Tool, **given: Any) -> Plan:
        return await tool.plan(Call(id="c1", name=tool.name, input=given), self.scene, self.workspace)

    async def perform(self, tool: Tool, plan: Plan) -> Result:
        result = await tool.perform(plan, self.scene, self.workspace, (), self._tell)
        self.seen |= result.seen
        return result

    async def run(self, tool: Tool, **given: Any) -> Result:
        return await self.perform(tool, await self.plan(tool, **given))

    async def _tell(self, line: str) -> None:
        self.told.append(line)
