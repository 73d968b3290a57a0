"""Where the agent's own notes are kept, and which of them it may read."""

from __future__ import annotations

import re

from claw_lsp.core.policy.paths import inside
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.settings import Settings


def slug(folder: str) -> str:
    """The folder's path as one name: everything but letters and digits becomes a dash; long ones keep their end."""
    return re.sub(r"[^A-Za-z0-9]", "-", folder)[-200:] or "-"


def everywhere(claw_home: str) -> str:
    """The folder of the notes that hold wherever the person works."""
    return f"{claw_home.rstrip('/')}/memory"


def here(folder: str, claw_home: str, chosen: str | None) -> str:
    """The folder of the notes about one workspace, by the session's home folder; `chosen` is what the settings say."""
    return chosen or f"{claw_home.rstrip('/')}/projects/{slug(folder)}/memory"


def folders(folder: str, home: str, claw_home: str, chosen: str | None) -> tuple[str, ...]:
    """Every folder whose notes hold here, the most general first. Those of Claude Code about this workspace are among them,
    unless one folder is set for both."""
    theirs = () if chosen else (f"{home.rstrip('/')}/.claude/projects/{slug(folder)}/memory",)
    return (everywhere(claw_home), *theirs, here(folder, claw_home, chosen))


def readable(ground: Ground) -> tuple[str, ...]:
    """The folders of these notes where a session stands: what lies there the agent wrote itself, and reads unasked."""
    if not ground.remembers or not ground.claw_home:
        return ()
    return folders((*ground.roots, ground.cwd)[0], ground.home, ground.claw_home, ground.notes)


def is_memory(path: str, home: str, claw_home: str, settings: Settings) -> bool:
    """Whether a file holds notes, or may come to, of this workspace or another: it is changed by proposals only, each of which
    waits for the person's yes."""
    if inside(path, (everywhere(claw_home), *filter(None, [settings.memory_directory]))):
        return True
    projects = (f"{claw_home.rstrip('/')}/projects/", f"{home.rstrip('/')}/.claude/projects/")
    return any(path.startswith(it) and path[len(it) :].split("/")[1:2] == ["memory"] for it in projects)
