"""The Edit tool: exact text for exact text."""

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
from claw_lsp.tools.splice import apart, line_at, occurrences, replacing, why_not_found
from claw_lsp.tools.writing import make, plan_edits, refuse_surrogates


class EditInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    file_path: str = Field(description="Absolute, or relative to the working directory")
    old_string: str = Field(description='The text to replace; "" only to create a file')
    new_string: str = Field(description="What stands there afterwards")
    replace_all: bool = Field(False, description="Replace every occurrence")


class EditTool:
    """Replaces exact text in a file.

    The file must have been read, and be unchanged since. old_string must match the text character for character (without the line numbers Read shows) and occur exactly once: add surrounding lines to make it unique, or set replace_all. The edit lands in the editor's buffer, where the person sees it and can undo it; the result says whether the file was saved. If the person typed meanwhile, the edit is merged, or refused and you read again."""  # noqa: E501

    name: ClassVar[str] = "Edit"
    input: ClassVar[type[BaseModel]] = EditInput
    side_by_side: ClassVar[bool] = False

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = EditInput.model_validate(call.input)
        refuse_surrogates("new_string", wanted.new_string)
        if wanted.old_string == wanted.new_string:
            raise ToolError("old_string and new_string are the same: there is nothing to change.")
        where = await named(wanted.file_path, scene, workspace)
        created = None if wanted.old_string else wanted.new_string
        return await plan_edits(call, where, scene, workspace, partial(_edits, wanted), created=created)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        return await make(plan, workspace)


def _edits(wanted: EditInput, document: Document) -> tuple[TextEdit, ...]:
    """The edits to the document. Raises ToolError unless old_string is there once, or `replace_all` is set."""
    text, old = document.text, wanted.old_string
    if not old:
        if text:
            raise ToolError(
                f"{document.path} exists and is not empty; an empty old_string only creates files. Use Write."
            )
        return (TextEdit(0, 0, wanted.new_string),)
    places = occurrences(text, old)
    if not places:
        why = why_not_found(text, old)
        raise ToolError(
            f"old_string was not found in {document.path} (expected once, found 0 times). "
            f"{why or 'Read the file and copy the text exactly as it is there.'}"
        )
    if len(places) > 1 and not wanted.replace_all:
        lines = ", ".join(str(line_at(text, start)) for start, _ in places[:10])
        raise ToolError(
            f"old_string was found {len(places)} times in {document.path} (at lines {lines}{', …' if len(places) > 10 else ''}), "
            "expected once. Add surrounding lines so that it is unique, or set replace_all."
        )
    edits = replacing(text, apart(places), wanted.new_string)
    if not edits:
        raise ToolError(f"{document.path} already reads like that: there is nothing to change.")
    return edits
