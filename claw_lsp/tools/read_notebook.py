"""Notebooks as the model reads them: cells with their ids, text and outputs. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, cast

from claw_lsp.core.words import counted
from claw_lsp.facts.call import Block, Result
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.text import Document
from claw_lsp.tools.notebook import Cell, joined, notebook_of
from claw_lsp.tools.read_image import IMAGE_LIMIT, image_block

_CHARACTERS, _OF_ONE_OUTPUT, _IMAGES = 80_000, 8_000, 4
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def notebook_result(path: str, document: Document) -> Result:
    """All cells, as text and pictures."""
    notebook = notebook_of(path, document.text)
    notes = [f"{path}: notebook, {counted(len(notebook.cells), 'cell')}"]
    if document.dirty:
        notes.append("[Open in the editor with unsaved changes; this is the buffer's text.]")
    images: list[Block] = []
    for cell in notebook.cells:
        notes += _cell_lines(cell, images)
    text = "\n".join(notes)
    if len(text) > _CHARACTERS:
        text = (
            text[:_CHARACTERS] + "\n[Cut here: too much for one result. Read on with offset and limit, as JSON text.]"
        )
    content = ({"type": "text", "text": text}, *images) if images else text
    return Result(content=content, summary=counted(len(notebook.cells), "cell"), seen={path: document.digest})


def _cell_lines(cell: Cell, images: list[Block]) -> Iterator[str]:
    run = cell.value.get("execution_count")
    name = cell.id or f"cell-{cell.number}"
    yield f"=== cell {name} · {cell.type}{f' · run {run}' if run else ''} ==="
    yield cell.source
    outputs = cell.value.get("outputs")
    for output in cast(list[Any], outputs) if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            yield "--- output ---"
            yield _output_text(cast(dict[str, Any], output), images)


def _output_text(output: dict[str, Any], images: list[Block]) -> str:
    if "text" in output:
        return _short(joined(output["text"]))
    if "traceback" in output or "ename" in output:
        trace = "\n".join(str(line) for line in cast(list[Any], output.get("traceback") or []))
        return _short(_ESCAPES.sub("", trace) or f"{output.get('ename')}: {output.get('evalue')}")
    data = output.get("data")
    if not isinstance(data, dict):
        return "[no text]"
    shapes = cast(dict[str, Any], data)
    words = [_short(joined(shapes["text/plain"]))] if "text/plain" in shapes else []
    for kind in ("image/png", "image/jpeg", "image/gif", "image/webp"):
        if kind in shapes:
            words.append(_image(joined(shapes[kind]), images))
    return "\n".join(words) or f"[{', '.join(shapes)}: not shown]"


def _image(encoded: str, images: list[Block]) -> str:
    """Adds the picture to `images`; the words that stand for it in the text."""
    if len(images) >= _IMAGES:
        return "[image not shown: too many in one notebook]"
    if len(encoded) * 3 // 4 > IMAGE_LIMIT:
        return "[image not shown: over 5 MB]"
    try:
        block, width, height = image_block("This output", base64.b64decode(encoded))
    except (ToolError, binascii.Error, ValueError) as error:
        return f"[image not shown: {error}]"
    images.append(block)
    return f"[image {len(images)} below: {width} × {height} pixels]"


def _short(text: str) -> str:
    text = text.rstrip("\n")
    if len(text) <= _OF_ONE_OUTPUT:
        return text
    half = _OF_ONE_OUTPUT // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
