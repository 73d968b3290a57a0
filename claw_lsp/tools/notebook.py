"""Notebooks as text: where each cell stands in the JSON, so that a change touches nothing else. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from claw_lsp.facts.fault import ToolError

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its number from 1, its id ("" in old notebooks), what it holds, and its place in the text."""

    number: int
    id: str
    value: dict[str, Any]
    start: int
    end: int

    @property
    def type(self) -> str:
        return str(self.value.get("cell_type", "code"))

    @property
    def source(self) -> str:
        return joined(self.value.get("source", ""))


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook's text and what is in it; `cells_start` and `cells_end` are where the list of cells stands."""

    text: str
    value: dict[str, Any]
    cells: tuple[Cell, ...]
    cells_start: int
    cells_end: int

    @property
    def has_ids(self) -> bool:
        version = (self.value.get("nbformat", 4), self.value.get("nbformat_minor", 0))
        return version >= (4, 5)

    @property
    def indent(self) -> str | None:
        """What one level is indented by; None when all stands in one line."""
        found = re.match(r"\s*\{\r?\n([ \t]+)", self.text)
        return found[1] if found else None


def notebook_of(path: str, text: str) -> Notebook:
    """The notebook in this text. Raises ToolError when it is none."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ToolError(f"{path} is no valid notebook ({error}). Read it with offset 1 to see its text.") from error
    if not isinstance(value, dict) or not isinstance(cast(dict[str, Any], value).get("cells"), list):
        raise ToolError(f"{path} is no notebook of format 4: it has no list of cells. Read it with offset 1.")
    start, end = member(text, _skip(text, 0), "cells") or (0, 0)
    cells = tuple(
        Cell(number, str(cell.get("id", "")), cell, at, to)
        for number, (cell, at, to) in enumerate(_elements(text, start), 1)
    )
    return Notebook(text, cast(dict[str, Any], value), cells, start, end)


def cell_named(notebook: Notebook, cell_id: str, path: str) -> Cell:
    """The cell with this id, or "cell-N" by number from 1. Raises ToolError that lists the ids there are."""
    for cell in notebook.cells:
        if cell_id and cell.id == cell_id:
            return cell
    found = re.fullmatch(r"(?:cell-)?(\d+)", cell_id)
    if found and 1 <= int(found[1]) <= len(notebook.cells):
        return notebook.cells[int(found[1]) - 1]
    ids = ", ".join(cell.id or f"cell-{cell.number}" for cell in notebook.cells[:30])
    raise ToolError(f"{path} has no cell {cell_id!r}. Its cells are: {ids or 'none'}.")


def member(text: str, at: int, name: str) -> tuple[int, int] | None:
    """Where the value of a key of the object at this offset stands; the last one, if the key is there twice."""
    place = None
    for key, start, end in _members(text, at):
        if key == name:
            place = (start, end)
    return place


def joined(source: object) -> str:
    """A cell's text: notebooks keep it as a string or as a list of lines."""
    if isinstance(source, list):
        return "".join(str(line) for line in cast(list[object], source))
    return str(source)


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield key, start, end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _elements(text: str, at: int) -> Iterator[tuple[dict[str, Any], int, int]]:
    at = _skip(text, at + 1)
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        yield cast(dict[str, Any], value) if isinstance(value, dict) else {}, at, end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
