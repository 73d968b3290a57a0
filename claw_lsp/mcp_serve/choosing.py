"""Which editor is meant: of those that have this workspace open, the one with the file, else the one opened last."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from claw_lsp.core.policy.paths import inside
from claw_lsp.facts.fault import ClawError, HostError, ToolError
from claw_lsp.facts.shared import Asked, Here, Wish
from claw_lsp.ports.editors import Editors


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder and the editors around it. `settings` is the file in which a person shares theirs."""

    editors: Editors
    folder: str
    settings: str
    agent: str = ""

    async def ask(self, wish: Wish, name: str, path: str = "", **more: str) -> dict[str, Any]:
        """What the editor says. Raises ToolError with a sentence, also where there is no editor."""
        asked = Asked(wish=wish, agent=self.agent or _THIS, name=name, path=self._absolute(path), **more)
        for editor in await self._fitting(asked):
            try:
                return await self.editors.ask(editor, asked)
            except HostError:
                continue
        raise ToolError(
            f"No editor shares {self.folder}. For that a person has it open in an editor with Claw, and "
            f'`"shareEditor": true` in {self.settings}. Until then there are only the files on disk.'
        )

    def _absolute(self, path: str) -> str:
        return os.path.normpath(f"{self.folder}/{path}" if path and not path.startswith("/") else path) if path else ""

    async def _fitting(self, asked: Asked) -> list[str]:
        """The editors of this workspace, the likeliest first."""
        names = await self.editors.known()
        told = await asyncio.gather(*(self._here(it, asked) for it in names))
        found = [(name, here) for name, here in zip(names, told, strict=True) if here and self._about(here)]
        # Stable: of two that fit alike, the one opened last stays first.
        found.sort(key=lambda it: (asked.path not in it[1].open, not inside(asked.path, it[1].folders)))
        return [name for name, _ in found]

    async def _here(self, editor: str, asked: Asked) -> Here | None:
        try:
            return Here.model_validate(await self.editors.ask(editor, Asked(wish="here", agent=asked.agent)))
        except ClawError:
            return None

    def _about(self, here: Here) -> bool:
        return any(inside(self.folder, (it,)) or inside(it, (self.folder,)) for it in here.folders)


_THIS = str(uuid4())
"""Names this process to editors."""
