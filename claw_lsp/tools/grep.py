"""The Grep tool: what is written in files, as their buffers have it."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.core.policy.matching import kept_back
from claw_lsp.core.policy.paths import secret
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import NoSuchFile
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.search import Found, FoundFile, Query
from claw_lsp.facts.text import Document
from claw_lsp.ports.files import Search, Workspace
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.grep_lines import Entries, entries_of
from claw_lsp.tools.paths import below, named, shown, still_there

HEAD = 250
CHARACTERS = 40_000


class GrepInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pattern: str = Field(min_length=1, description="Regular expression, no look-around")
    path: str | None = Field(None, description="File or folder; the working directory if left out")
    glob: str | None = Field(None, description="Only these files, such as *.{ts,tsx}")
    type: str | None = Field(None, description="Only this type, such as py")
    output_mode: Literal["files_with_matches", "content", "count"] = "files_with_matches"
    ignore_case: bool = Field(False, alias="-i")
    numbers: bool = Field(True, alias="-n")
    only_matching: bool = Field(False, alias="-o")
    after: int = Field(0, alias="-A", ge=0)
    before: int = Field(0, alias="-B", ge=0)
    around: int = Field(0, alias="-C", ge=0)
    context: int = Field(0, ge=0, description="Same as -C")
    head_limit: int = Field(HEAD, ge=0, description="Entries shown; 0 for all")
    offset: int = Field(0, ge=0, description="Entries skipped")
    multiline: bool = Field(False, description="The pattern may span lines")


class GrepTool:
    """Searches the contents of files with a regular expression.

    Files that are open in the editor are searched as their buffers are, unsaved changes included. Files that git ignores are left out, and secret files (keys, .env) unless path is that very file. output_mode content shows the lines; -A, -B, -C, -n and -o work with it."""  # noqa: E501

    name: ClassVar[str] = "Grep"
    input: ClassVar[type[BaseModel]] = GrepInput
    side_by_side: ClassVar[bool] = True

    def __init__(self, search: Search) -> None:
        self._search = search

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = GrepInput.model_validate(call.input)
        where = await named(wanted.path or scene.cwd, scene, workspace)
        title = f"Grep {wanted.pattern!r} in {await shown(where, scene, workspace)}"
        return Plan(call, Reach.READ, title, paths=(where,))

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = GrepInput.model_validate(plan.call.input)
        where = await still_there(plan, workspace)
        found = await self._search_all(_query(wanted), where, workspace)
        kept = kept_back(scene.rules, self.name, scene.ground)
        open_files = [it for it in found.files if it.path == where.path or not (secret(it.path) or kept(it.path))]
        entries = entries_of(
            sorted(open_files, key=lambda file: file.path),
            mode=wanted.output_mode,
            numbers=wanted.numbers,
            only_matching=wanted.only_matching,
            shown=lambda path: below(path, scene.cwd) or path,
        )
        content = _told(wanted, entries, found.cut, len(found.files) - len(open_files))
        return Result(
            content=content,
            summary=f"{counted(entries.n_matches, 'match')} in {counted(len(open_files), 'file')}",
        )

    async def _search_all(self, query: Query, where: PlannedPath, workspace: Workspace) -> Found:
        """What is found on disk, and in the buffers in place of their files."""
        buffers = [it for it in workspace.open_documents() if below(it.path, where.path) is not None]
        try:
            disk = await self._search.matches(query, where.path)
        except NoSuchFile:
            if not any(document.path == where.path for document in buffers):
                raise
            disk = Found(())
        targets = [await workspace.locate(document.path) for document in buffers if document.path.startswith("/")]
        hidden = {document.path for document in buffers} | {place.target for place in targets}
        in_buffers = await asyncio.gather(*(self._in_buffer(query, document, where) for document in buffers))
        on_disk = (file for file in disk.files if file.path not in hidden)
        return Found((*on_disk, *(file for file in in_buffers if file.lines)), disk.cut)

    async def _in_buffer(self, query: Query, document: Document, where: PlannedPath) -> FoundFile:
        relative = below(document.path, where.path)
        if relative not in (None, ".") and not await self._search.fits(str(relative), query.glob, query.type):
            return FoundFile(document.path, ())
        return FoundFile(document.path, await self._search.matches_in(query, document.text))


def _query(wanted: GrepInput) -> Query:
    around = wanted.around or wanted.context
    content = wanted.output_mode == "content" and not wanted.only_matching
    return Query(
        pattern=wanted.pattern,
        glob=wanted.glob,
        type=wanted.type,
        ignore_case=wanted.ignore_case,
        multiline=wanted.multiline,
        before=(wanted.before or around) if content else 0,
        after=(wanted.after or around) if content else 0,
        first_only=wanted.output_mode == "files_with_matches",
    )


def _told(wanted: GrepInput, entries: Entries, cut: str, n_hidden: int) -> str:
    limit = wanted.head_limit or len(entries.lines)
    chosen = entries.lines[wanted.offset : wanted.offset + limit]
    n_shown, n_characters = 0, 0
    for line in chosen:
        n_characters += len(line) + 1
        if n_characters > CHARACTERS:
            break
        n_shown += 1
    notes = chosen[:n_shown] or ["No matches." if not entries.lines else "No matches after that offset."]
    end = wanted.offset + n_shown
    if n_shown and end < len(entries.lines):
        notes.append(f"[Entries {wanted.offset + 1} to {end} of {len(entries.lines)}. Next offset: {end}]")
    if n_hidden:
        notes.append(
            f"[Matches in {counted(n_hidden, 'secret or denied file')} are not shown; name the file in path to search it.]"
        )
    return "\n".join([*notes, f"[{cut}]"] if cut else notes)
