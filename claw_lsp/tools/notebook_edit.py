"""The NotebookEdit tool: one cell of a notebook, the rest of the file's bytes untouched."""

from __future__ import annotations

import json
import secrets
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.text import Document, TextEdit
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.tools import Tell
from claw_lsp.tools.notebook import Cell, Notebook, cell_named, member, notebook_of
from claw_lsp.tools.paths import named
from claw_lsp.tools.splice import dominant_end
from claw_lsp.tools.writing import make, plan_edits, refuse_surrogates


class NotebookEditInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    notebook_path: str = Field(description="The .ipynb file")
    cell_id: str | None = Field(None, description="Id of the cell as Read shows it; for insert, the cell before")
    new_source: str = Field("", description="The cell's whole new text; not needed to delete")
    cell_type: Literal["code", "markdown"] | None = Field(None, description="Of a new or changed cell")
    edit_mode: Literal["replace", "insert", "delete"] = Field("replace", description="replace if left out")


class NotebookEditTool:
    """Replaces, inserts or deletes one cell of a Jupyter notebook.

    Read the notebook first; its cells are named by the ids Read shows. insert puts the new cell after cell_id, or at the beginning without one. Replacing a code cell clears its outputs."""  # noqa: E501

    name: ClassVar[str] = "NotebookEdit"
    input: ClassVar[type[BaseModel]] = NotebookEditInput
    side_by_side: ClassVar[bool] = False

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan:
        wanted = NotebookEditInput.model_validate(call.input)
        refuse_surrogates("new_source", wanted.new_source)
        where = await named(wanted.notebook_path, scene, workspace)
        if not where.path.endswith(".ipynb"):
            raise ToolError(f"{where.path} is no notebook (.ipynb). Use Edit for other files.")

        def edits(document: Document) -> tuple[TextEdit, ...]:
            return cell_edits(notebook_of(where.path, document.text), wanted, where.path)

        return await plan_edits(call, where, scene, workspace, edits, created=None)

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        return await make(plan, workspace)


def cell_edits(notebook: Notebook, wanted: NotebookEditInput, path: str) -> tuple[TextEdit, ...]:
    """The edits to the notebook's JSON. Raises ToolError for a cell that is not there, or no change."""
    if wanted.edit_mode == "insert":
        before = cell_named(notebook, wanted.cell_id, path) if wanted.cell_id else None
        return (_insertion(notebook, before, _new_cell(notebook, wanted)),)
    if wanted.cell_id is None:
        raise ToolError(f"cell_id is needed to {wanted.edit_mode} a cell; Read shows the ids.")
    cell = cell_named(notebook, wanted.cell_id, path)
    if wanted.edit_mode == "delete":
        return (_deletion(notebook, cell),)
    if wanted.cell_type not in (None, cell.type):
        changed = _new_cell(notebook, wanted) | {
            key: cell.value[key] for key in ("id", "metadata") if key in cell.value
        }
        return (TextEdit(cell.start, cell.end, _written(notebook, _in_order(changed), cell.start)),)
    if wanted.new_source == cell.source:
        raise ToolError("new_source is what the cell holds already: there is nothing to change.")
    return _replacement(notebook, cell, wanted.new_source)


def _replacement(notebook: Notebook, cell: Cell, source: str) -> tuple[TextEdit, ...]:
    """New text for a cell; outputs and the count of a code cell belong to the old text and go."""
    whole = isinstance(cell.value.get("source"), str)
    values: dict[str, Any] = {"source": source if whole else source.splitlines(keepends=True)}
    if cell.type == "code" and cell.value.get("outputs"):
        values["outputs"] = []
    if cell.type == "code" and cell.value.get("execution_count") is not None:
        values["execution_count"] = None
    edits: list[TextEdit] = []
    for key, value in values.items():
        place = member(notebook.text, cell.start, key)
        if place is None:
            raise ToolError(f"The cell has no {key!r}: the notebook is damaged. Mend its JSON with Edit.")
        edits.append(TextEdit(*place, _written(notebook, value, place[0])))
    return tuple(sorted(edits, key=lambda edit: edit.start))


def _insertion(notebook: Notebook, before: Cell | None, cell: dict[str, Any]) -> TextEdit:
    if not notebook.cells:
        return TextEdit(notebook.cells_start, notebook.cells_end, _written(notebook, [cell], notebook.cells_start))
    neighbour = before or notebook.cells[0]
    text = _written(notebook, cell, neighbour.start)
    gap = _gap_before(notebook, neighbour)
    if before is None:
        return TextEdit(neighbour.start, neighbour.start, f"{text},{gap}")
    return TextEdit(before.end, before.end, f",{gap}{text}")


def _deletion(notebook: Notebook, cell: Cell) -> TextEdit:
    if len(notebook.cells) == 1:
        return TextEdit(notebook.cells_start, notebook.cells_end, "[]")
    if cell.number == 1:
        return TextEdit(cell.start, notebook.cells[1].start, "")
    return TextEdit(notebook.cells[cell.number - 2].end, cell.end, "")


def _gap_before(notebook: Notebook, cell: Cell) -> str:
    """The white space between two cells: what stands before this one."""
    lead = notebook.text[: cell.start]
    return lead[len(lead.rstrip(" \t\r\n")) :]


def _new_cell(notebook: Notebook, wanted: NotebookEditInput) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": wanted.cell_type or "code", "metadata": {}}
    if notebook.has_ids:
        cell["id"] = secrets.token_hex(4)
    if cell["cell_type"] == "code":
        cell |= {"execution_count": None, "outputs": []}
    return _in_order(cell | {"source": wanted.new_source.splitlines(keepends=True)})


def _in_order(cell: dict[str, Any]) -> dict[str, Any]:
    """Keys sorted, as notebooks are written everywhere."""
    return dict(sorted(cell.items()))


def _written(notebook: Notebook, value: object, at: int) -> str:
    """JSON in the notebook's own indentation, to stand at this offset."""
    indent = notebook.indent
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if indent is None:
        return text
    line = notebook.text[:at].rpartition("\n")[2]
    lead = line[: len(line) - len(line.lstrip(" \t"))]
    return text.replace("\n", dominant_end(notebook.text) + lead)
