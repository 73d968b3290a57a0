"""The Glob tool: files by name."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.core.policy.matching import kept_back
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Search, Workspace
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.paths import below, named, shown, still_there

MOST = 200
_WILD = re.compile(r"[*?\[{]")


class GlobInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pattern: str = Field(min_length=1, description="Such as **/*.py or src/**/*.{ts,tsx}")
    path: str | None = Field(None, description="Folder to look in; the working directory if left out")


class GlobTool:
    """Lists files whose path matches a pattern, newest first.

    A pattern without a slash matches names in every folder below. Files that git ignores are left out; new files that are open in the editor and not saved yet are listed too."""  # noqa: E501

    name: ClassVar[str] = "Glob"
    input: ClassVar[type[BaseModel]] = GlobInput
    side_by_side: ClassVar[bool] = True

    def __init__(self, search: Search) -> None:
        self._search = search

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = GlobInput.model_validate(call.input)
        folder, pattern = rooted(wanted.pattern, wanted.path or scene.cwd)
        where = await named(folder, scene, workspace)
        title = f"Glob {pattern} in {await shown(where, scene, workspace)}"
        return Plan(call, Reach.READ, title, paths=(where,), payload=pattern)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        where, pattern = await still_there(plan, workspace), str(plan.payload)
        kept = kept_back(scene.rules, self.name, scene.ground)
        listed = [it for it in await self._search.files(where.path, pattern, None) if not kept(it.path)]
        newest = sorted(listed, key=lambda file: (-file.modified, file.path))
        known = {file.path for file in listed}
        open_here = [document.path for document in workspace.open_documents() if document.path not in known]
        buffers = [path for path in open_here if not kept(path)]
        unsaved = [path for path in buffers if await self._fits(path, where.path, pattern)]
        paths = [below(path, scene.cwd) or path for path in (*unsaved, *(file.path for file in newest))]
        return Result(content=_told(paths), summary=counted(len(paths), "file"))

    async def _fits(self, path: str, folder: str, pattern: str) -> bool:
        relative = below(path, folder)
        return relative is not None and await self._search.fits(relative, pattern, None)


def rooted(pattern: str, path: str) -> tuple[str, str]:
    """The folder to search and the pattern below it: what a pattern names before its first wildcard can lead out."""
    if pattern.startswith("!"):
        raise ToolError("A pattern says which files to list; it cannot begin with an exclamation mark.")
    parts = pattern.removeprefix("./").split("/")
    n_plain = next((n for n, part in enumerate(parts) if _WILD.search(part)), len(parts) - 1)
    plain, rest = parts[:n_plain], parts[n_plain:]
    if ".." in rest:
        raise ToolError("A pattern cannot go up with .. after a wildcard: put the folder into path.")
    if pattern.startswith(("/", "~/")):
        return "/".join(plain) or "/", "/".join(rest)
    if ".." in plain:
        return "/".join((path, *plain)), "/".join(rest)
    return path, "/".join(parts)


def _told(paths: list[str]) -> str:
    if not paths:
        return "No files match."
    lines = [path.encode("utf-8", "replace").decode() for path in paths[:MOST]]
    if len(paths) > MOST:
        lines.append(f"[The newest {MOST} of {len(paths)} files. Narrow the pattern or the path for the others.]")
    return "\n".join(lines)
