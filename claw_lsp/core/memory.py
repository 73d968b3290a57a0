"""Where the agent's own notes are kept, and what of them is told when a session begins."""

from __future__ import annotations

import re

from claw_lsp.core.policy.paths import inside
from claw_lsp.facts.settings import Settings

FILE = "MEMORY.md"
"""The file of a memory folder that is told; others beside it are read when they are wanted."""
MOST_LINES, MOST_BYTES = 200, 25_000
"""How much of it is told."""


def slug(folder: str) -> str:
    """The folder's path as one name: everything but letters and digits becomes a dash; long ones keep their end."""
    return re.sub(r"[^A-Za-z0-9]", "-", folder)[-200:] or "-"


def everywhere(claw_home: str) -> str:
    """The folder of the notes that hold wherever the person works."""
    return f"{claw_home.rstrip('/')}/memory"


def here(folder: str, claw_home: str, settings: Settings) -> str:
    """The folder of the notes about one workspace, by the session's home folder."""
    return settings.memory_directory or f"{claw_home.rstrip('/')}/projects/{slug(folder)}/memory"


def folders(folder: str, home: str, claw_home: str, settings: Settings) -> tuple[str, ...]:
    """Every folder whose notes hold here, the most general first. Those of Claude Code about this workspace are among them,
    unless one folder is set for both."""
    theirs = () if settings.memory_directory else (f"{home.rstrip('/')}/.claude/projects/{slug(folder)}/memory",)
    return (everywhere(claw_home), *theirs, here(folder, claw_home, settings))


def is_memory(path: str, home: str, claw_home: str, settings: Settings) -> bool:
    """Whether a file holds notes, or may come to, of this workspace or another: it is changed by proposals only, each of which
    waits for the person's yes."""
    if inside(path, (everywhere(claw_home), *filter(None, [settings.memory_directory]))):
        return True
    projects = (f"{claw_home.rstrip('/')}/projects/", f"{home.rstrip('/')}/.claude/projects/")
    return any(path.startswith(it) and path[len(it) :].split("/")[1:2] == ["memory"] for it in projects)


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
