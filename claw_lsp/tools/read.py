"""The Read tool: text with line numbers, and what else can be shown to the model."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import NoSuchFile, StaleDocument, ToolError
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.text import Document
from claw_lsp.ports.files import Windows, Workspace
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.patch import numbered
from claw_lsp.tools.paths import missing_beside, named, read_there, shown, still_there
from claw_lsp.tools.read_image import IMAGE_LIMIT, IMAGE_NAMES, image_result
from claw_lsp.tools.read_notebook import notebook_result
from claw_lsp.tools.read_pdf import PDF_LIMIT, pdf_result
from claw_lsp.tools.splice import lines_of
from claw_lsp.tools.writing import off_loop

LINES, WIDTH, CHARACTERS = 2000, 2000, 80_000
"""Lines shown where no limit is given, characters shown of one line, characters of one result."""


class ReadInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    file_path: str = Field(description="Absolute, or relative to the working directory")
    offset: int | None = Field(None, ge=0, description="First line to show, from 1")
    limit: int | None = Field(None, ge=1, description="How many lines to show")
    pages: str | None = Field(None, description='Pages of a PDF, such as "3" or "1-5"; at most 20')


class ReadTool:
    """Reads a file: each line with its number and a tab before it, 2000 lines unless limit says otherwise.

    What the editor holds open is read from its buffer, unsaved changes included, and the result says so. Images (PNG, JPEG, GIF, WebP) are shown to you, PDF files as the text of their pages, notebooks as cells with ids and outputs. Directories are listed with Glob. Read a file before you change it."""  # noqa: E501

    name: ClassVar[str] = "Read"
    input: ClassVar[type[BaseModel]] = ReadInput
    side_by_side: ClassVar[bool] = True

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = ReadInput.model_validate(call.input)
        where = await named(wanted.file_path, scene, workspace)
        title = f"Read {await shown(where, scene, workspace)}"
        return Plan(call, Reach.READ, title, paths=(where,), payload=wanted)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        wanted = plan.payload
        assert isinstance(wanted, ReadInput)
        try:
            return await self._read(plan, wanted, workspace)
        except NoSuchFile as error:
            raise missing_beside(error, scene) from error

    async def _read(self, plan: Plan, wanted: ReadInput, workspace: Workspace) -> Result:
        where = plan.paths[0]
        suffix = PurePath(where.path).suffix.lower()
        if suffix in (*IMAGE_NAMES, ".pdf"):
            await still_there(plan, workspace)
        if suffix in IMAGE_NAMES:
            return image_result(where.path, await workspace.read_bytes(where.path, IMAGE_LIMIT))
        if suffix == ".pdf":
            return await pdf_result(where.path, await workspace.read_bytes(where.path, PDF_LIMIT), wanted.pages)
        if wanted.pages is not None:
            raise ToolError(f"pages is for PDF files; {where.path} is none. Use offset and limit.")
        try:
            document = await read_there(where, workspace)
        except StaleDocument:
            raise
        except ToolError as refusal:
            await still_there(plan, workspace)
            return await self._look(where, wanted, refusal)
        if suffix == ".ipynb" and wanted.offset is None and wanted.limit is None:
            return notebook_result(where.path, document)
        return await off_loop(len(document.text), text_result, where.path, document, wanted)

    async def _look(self, where: PlannedPath, wanted: ReadInput, refusal: ToolError) -> Result:
        """Lines of what is no document: too large, or in an encoding that could not be written back (R29, R31)."""
        first = max(wanted.offset or 1, 1)
        try:
            window = await self._windows.window(where.path, first, wanted.limit or LINES, WIDTH)
        except ToolError:
            raise refusal from None
        if not window.lines and first > 1:
            raise ToolError(f"{where.path} has fewer than {first} lines; use a smaller offset.")
        body, n_shown = _capped(numbered(list(window.lines), first, WIDTH))
        more = window.more or n_shown < len(window.lines)
        notes = [f"[{window.why}]", *body]
        if more:
            notes.append(f"[Lines {first} to {first + n_shown - 1}; the file goes on. Next offset: {first + n_shown}]")
        return Result(content="\n".join(notes), summary=counted(n_shown, "line"))


def text_result(path: str, document: Document, wanted: ReadInput) -> Result:
    """The lines asked for. Raises ToolError for an offset past the end."""
    lines = lines_of(document.text)
    first = max(wanted.offset or 1, 1)
    if first > max(len(lines), 1):
        raise ToolError(f"{path} has {counted(len(lines), 'line')}; offset {first} is past its end.")
    notes: list[str] = []
    if document.notice:
        notes.append(f"[{document.notice}]")
    if document.dirty:
        notes.append("[Open in the editor with unsaved changes; this is the buffer's text.]")
    chosen = lines[first - 1 : first - 1 + (wanted.limit or LINES)]
    body, n_shown = _capped(numbered(chosen, first, WIDTH))
    notes += body or ["[The file is empty.]"]
    last = first + n_shown - 1
    if last < len(lines):
        notes.append(f"[Lines {first} to {last} of {len(lines)}. Next offset: {last + 1}]")
    return Result(content="\n".join(notes), summary=counted(n_shown, "line"), seen={path: document.digest})


def _capped(lines: list[str]) -> tuple[list[str], int]:
    """As many of the lines as fit into one result, one at least, and how many that is."""
    n_characters = 0
    for n, line in enumerate(lines):
        n_characters += len(line) + 1
        if n and n_characters > CHARACTERS:
            return lines[:n], n
    return lines, len(lines)
