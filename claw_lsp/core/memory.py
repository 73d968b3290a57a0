"""What of the agent's own notes is told when a session begins, and how one more is written."""

from __future__ import annotations

FILE = "MEMORY.md"
"""The file of a memory folder that is told; others beside it are read when they are wanted."""
MOST_LINES, MOST_BYTES = 200, 25_000
"""How much of it is told."""


def beginning(text: str) -> str:
    """What of a memory file is told, cut at a line."""
    lines = text.splitlines(keepends=True)[:MOST_LINES]
    while lines and len("".join(lines).encode("utf-8", "replace")) > MOST_BYTES:
        lines.pop()
    return "".join(lines)


def noted(text: str, note: str) -> str:
    """The text of a memory file with one more note, each a point of a list."""
    point = "- " + "\n  ".join(line.strip() for line in note.strip().splitlines() if line.strip()) + "\n"
    if not text.strip():
        return f"# Notes for later sessions\n\n{point}"
    return f"{text if text.endswith(chr(10)) else text + chr(10)}{point}"
