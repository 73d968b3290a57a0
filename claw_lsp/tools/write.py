"""The Write tool: a whole file."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.text import Document, TextEdit
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.paths import named
from claw_lsp.tools.splice import rewriting
from claw_lsp.tools.writing import make, plan_edits, refuse_surrogates


class WriteInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    file_path: str = Field(description="Absolute, or relative to the working directory")
    content: str = Field(description="The whole text of the file")


class WriteTool:
    """Creates a file, or replaces the whole text of one.

    A file that exists must have been read and be unchanged since; for a change to a part of it use Edit. Missing folders are created. Line ends and encoding of an existing file are kept. An existing file's text changes in the editor's buffer; the result says whether it was saved."""  # noqa: E501

    name: ClassVar[str] = "Write"
    input: ClassVar[type[BaseModel]] = WriteInput
    side_by_side: ClassVar[bool] = False

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = WriteInput.model_validate(call.input)
        refuse_surrogates("content", wanted.content)
        where = await named(wanted.file_path, scene, workspace)
        edits = partial(_edits, wanted)
        return await plan_edits(call, where, scene, workspace, edits, created=wanted.content)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        return await make(plan, workspace)


def _edits(wanted: WriteInput, document: Document) -> tuple[TextEdit, ...]:
    """The edits to the document. Raises ToolError where it has this text already."""
    edits = rewriting(document.text, wanted.content)
    if not edits:
        raise ToolError(f"{document.path} already has exactly this text: there is nothing to write.")
    return edits
