"""What Grep found, as the lines of its result. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from claw_lsp.facts.search import FoundFile, FoundLine

WIDTH = 500


@dataclass(frozen=True, slots=True)
class Entries:
    """The lines of a result, and how many lines matched."""

    lines: list[str]
    n_matches: int


def entries_of(
    files: Iterable[FoundFile],
    *,
    mode: Literal["files_with_matches", "content", "count"],
    numbers: bool,
    only_matching: bool,
    shown: Callable[[str], str],
) -> Entries:
    """`shown` turns a path into what the model is shown."""
    lines: list[str] = []
    n_matches = 0
    for file in files:
        n_here = sum(bool(line.parts) or line.number == 0 for line in file.lines)
        n_matches += n_here
        name = shown(file.path)
        match mode:
            case "files_with_matches":
                lines.append(name)
            case "count":
                lines.append(f"{name}:{n_here}")
            case "content":
                lines += _content(name, file.lines, numbers=numbers, only_matching=only_matching)
    return Entries(lines, n_matches)


def _content(name: str, lines: tuple[FoundLine, ...], *, numbers: bool, only_matching: bool) -> Iterator[str]:
    last = None
    with_context = any(not line.parts and line.number for line in lines)
    for line in lines:
        if with_context and last is not None and line.number > last + 1:
            yield "--"
        last = line.number
        mark = ":" if line.parts or not line.number else "-"
        head = f"{name}{mark}{line.number}{mark}" if numbers and line.number else f"{name}{mark}"
        if only_matching and line.parts:
            yield from (head + _cut(part, part) for part in line.parts if part)
        else:
            yield head + _cut(line.text, line.parts[0] if line.parts else "")


def _cut(text: str, part: str) -> str:
    """The line, or the piece of a long line around the match."""
    if len(text) <= WIDTH:
        return text
    start = max(text.find(part) - WIDTH // 4, 0)
    piece = text[start : start + WIDTH]
    lead, tail = "…" if start else "", "…" if start + WIDTH < len(text) else ""
    return f"{lead}{piece}{tail} [line of {len(text)} characters cut]"
