"""Notebooks: read as cells, edited cell by cell, every other byte left alone."""

import base64
import json
from pathlib import Path

import pytest

from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.facts.fault import StaleDocument, ToolError
from claw_lsp.testing.memory_workspace import Desk
from claw_lsp.tools.notebook_edit import NotebookEditTool
from claw_lsp.tools.read import ReadTool

READ, EDIT = ReadTool(DiskWorkspace()), NotebookEditTool()

PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360000000000500010d0a2db40000000049454e44ae426082"
    )
).decode()

CODE = {
    "cell_type": "code",
    "execution_count": 3,
    "id": "c0de",
    "metadata": {"tags": ["x"]},
    "outputs": [
        {"name": "stdout", "output_type": "stream", "text": ["1\n", "2\n"]},
        {
            "data": {"image/png": PIXEL, "text/plain": ["<Figure>"]},
            "metadata": {},
            "output_type": "display_data",
        },
        {"ename": "ValueError", "evalue": "no", "output_type": "error", "traceback": ["\x1b[31mValueError\x1b[0m: no"]},
        {"data": {"text/html": "<b>"}, "metadata": {}, "output_type": "display_data"},
    ],
    "source": ["a = 1\n", "print(a)"],
}
WORDS = {"cell_type": "markdown", "id": "m4rk", "metadata": {}, "source": ["# Größe"]}
LAST = {"cell_type": "code", "execution_count": None, "id": "l4st", "metadata": {}, "outputs": [], "source": "b"}


def notebook(*cells: object, minor: int = 5) -> dict[str, object]:
    return {"cells": list(cells), "metadata": {"kernelspec": {"name": "py"}}, "nbformat": 4, "nbformat_minor": minor}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path.resolve())


async def put(desk: Desk, text: str) -> Path:
    path = desk.folder / "n.ipynb"
    path.write_bytes(text.encode())
    await desk.run(READ, file_path="n.ipynb")
    return path


async def test_a_notebook_is_read_as_cells_with_ids_outputs_and_pictures(desk: Desk) -> None:
    (desk.folder / "n.ipynb").write_text(json.dumps(notebook(WORDS, CODE)))
    result = await desk.run(READ, file_path="n.ipynb")
    words, image = result.content
    assert words["text"] == (
        f"{desk.folder}/n.ipynb: notebook, 2 cells\n"
        "=== cell m4rk · markdown ===\n# Größe\n"
        "=== cell c0de · code · run 3 ===\na = 1\nprint(a)\n"
        "--- output ---\n1\n2\n"
        "--- output ---\n<Figure>\n[image 1 below: 1 × 1 pixels]\n"
        "--- output ---\nValueError: no\n"
        "--- output ---\n[text/html: not shown]"
    )
    assert image["source"]["media_type"] == "image/png"
    assert list(desk.seen) == [f"{desk.folder}/n.ipynb"]
    raw = await desk.run(READ, file_path="n.ipynb", offset=1)
    assert str(raw.content).startswith('1\t{"cells": ')


@pytest.mark.parametrize("indent", [1, 4, "\t", None])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
async def test_replacing_a_cell_changes_its_source_and_clears_its_outputs_and_nothing_else(
    desk: Desk, indent: int | str | None, ends: str
) -> None:
    before = notebook(WORDS, CODE, LAST)
    text = json.dumps(before, indent=indent, ensure_ascii=True) + "\n"
    path = await put(desk, text.replace("\n", ends))
    plan = await desk.plan(EDIT, notebook_path="n.ipynb", cell_id="c0de", new_source="ä = 2\n\nprint(ä)\n")
    assert plan.title == "Edit n.ipynb"
    await desk.perform(EDIT, plan)
    source = ["ä = 2\n", "\n", "print(ä)\n"]
    after = notebook(WORDS, CODE | {"source": source, "outputs": [], "execution_count": None}, LAST)
    expected = json.dumps(after, indent=indent, ensure_ascii=True) + "\n"
    assert path.read_bytes().decode() == expected.replace("\\u00e4", "ä").replace("\n", ends)


async def test_odd_formatting_outside_the_cell_survives(desk: Desk) -> None:
    text = '{ "nbformat":4,\n  "cells" : [ {"source":"x",  "cell_type":"markdown"} ,\n\n {"cell_type":"markdown","source":"y"}],"z":1e3}'
    path = await put(desk, text)
    await desk.run(EDIT, notebook_path="n.ipynb", cell_id="cell-2", new_source="Y\nZ")
    assert path.read_text() == text.replace('"y"', '"Y\\nZ"')
    await desk.run(EDIT, notebook_path="n.ipynb", cell_id="1", edit_mode="delete")
    assert path.read_text() == '{ "nbformat":4,\n  "cells" : [ {"cell_type":"markdown","source":"Y\\nZ"}],"z":1e3}'
    await desk.run(EDIT, notebook_path="n.ipynb", cell_id="1", edit_mode="delete")
    assert path.read_text() == '{ "nbformat":4,\n  "cells" : [],"z":1e3}'


async def test_cells_are_inserted_in_the_notebooks_own_format(desk: Desk) -> None:
    path = await put(desk, json.dumps(notebook(WORDS), indent=1) + "\n")
    await desk.run(EDIT, notebook_path="n.ipynb", cell_id="m4rk", edit_mode="insert", new_source="a\nb")
    await desk.run(EDIT, notebook_path="n.ipynb", edit_mode="insert", cell_type="markdown", new_source="top")
    text = path.read_text()
    top, words, code = json.loads(text)["cells"]
    assert (
        text
        == json.dumps(json.loads(text), indent=1, ensure_ascii=False).replace("ö", "\\u00f6").replace("ß", "\\u00df")
        + "\n"
    )
    assert words == WORDS
    assert (top["cell_type"], top["source"], "outputs" in top) == ("markdown", ["top"], False)
    assert code == {
        "cell_type": "code",
        "execution_count": None,
        "id": code["id"],
        "metadata": {},
        "outputs": [],
        "source": ["a\n", "b"],
    }
    assert len({top["id"], code["id"], "m4rk"}) == 3


async def test_an_old_notebook_without_ids_gets_none(desk: Desk) -> None:
    path = await put(desk, json.dumps(notebook(minor=2), indent=1))
    await desk.run(EDIT, notebook_path="n.ipynb", edit_mode="insert", new_source="a")
    (cell,) = json.loads(path.read_text())["cells"]
    assert "id" not in cell


async def test_deleting_takes_one_cell_and_one_comma(desk: Desk) -> None:
    for cell_id, left in (("m4rk", [CODE, LAST]), ("c0de", [WORDS, LAST]), ("l4st", [WORDS, CODE])):
        path = await put(desk, json.dumps(notebook(WORDS, CODE, LAST), indent=1))
        await desk.run(EDIT, notebook_path="n.ipynb", cell_id=cell_id, edit_mode="delete")
        assert path.read_text() == json.dumps(notebook(*left), indent=1)


async def test_a_cell_can_change_its_type(desk: Desk) -> None:
    path = await put(desk, json.dumps(notebook(WORDS, CODE), indent=1))
    await desk.run(EDIT, notebook_path="n.ipynb", cell_id="c0de", cell_type="markdown", new_source="words")
    words, changed = json.loads(path.read_text())["cells"]
    assert words == WORDS
    assert changed == {"cell_type": "markdown", "id": "c0de", "metadata": {"tags": ["x"]}, "source": ["words"]}


async def test_what_cannot_be_done_to_a_notebook_is_told(desk: Desk) -> None:
    path = await put(desk, json.dumps(notebook(WORDS, CODE)))
    for given, message in (
        ({"cell_id": "nope", "new_source": "x"}, "no cell 'nope'. Its cells are: m4rk, c0de"),
        ({"new_source": "x"}, "cell_id is needed to replace"),
        ({"edit_mode": "delete"}, "cell_id is needed to delete"),
        ({"cell_id": "m4rk", "new_source": "# Größe"}, "nothing to change"),
        ({"cell_id": "m4rk", "new_source": "\ud800"}, "lone surrogate"),
    ):
        with pytest.raises(ToolError, match=message):
            await desk.plan(EDIT, notebook_path="n.ipynb", **given)
    path.write_text(json.dumps(notebook(CODE)))
    with pytest.raises(StaleDocument, match="changed since it was read"):
        await desk.plan(EDIT, notebook_path="n.ipynb", cell_id="c0de", new_source="x")
    with pytest.raises(ToolError, match="is no notebook"):
        await desk.plan(EDIT, notebook_path="a.py", cell_id="c0de", new_source="x")
    for text, message in (("{", "no valid notebook"), ('{"cells": 3}', "no list of cells"), ("[]", "no list of cells")):
        (desk.folder / "bad.ipynb").write_text(text)
        with pytest.raises(ToolError, match=message):
            await desk.run(READ, file_path="bad.ipynb")
