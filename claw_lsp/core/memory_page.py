"""The instruction files and notes in force as a document for people: where each lies, how large it is, why it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from claw_lsp.core.chat.writer import code
from claw_lsp.core.words import counted
from claw_lsp.facts.instructions import Instructions, Origin

WHOSE: dict[Origin, str] = {
    "managed": "managed",
    "user": "yours, everywhere",
    "project": "the project's",
    "local": "yours, in this project",
    "memory": "notes",
}


@dataclass(frozen=True, slots=True)
class Remembered:
    """All there is to say. `begins` are the files a session begins with here; `came` those that came in since with files that
    were touched; `unsaved` the paths of those whose buffer counts and not the disk. `notes` are the files that notes go to,
    each with how many changes wait for the person's yes. `notices` say what was left out."""

    begins: tuple[Instructions, ...]
    came: tuple[Instructions, ...]
    notices: tuple[str, ...]
    notes: tuple[tuple[str, int], ...]
    unsaved: frozenset[str] = frozenset()


def written(it: Remembered, shown: Callable[[str], str], link: Callable[[str], str]) -> str:
    """The document. `shown` shortens a path, `link` is where a click on it leads."""
    text = ["# Memory", "", "What the model is told of how to work here, the more general first.", ""]
    text += _files(it.begins, it, shown, link) or ["No file: `/init` writes a first CLAW.md."]
    if it.came:
        text += ["", "## Told since, because a file was touched", "", *_files(it.came, it, shown, link)]
    text += ["", "## Notes of the agent's", ""]
    for path, n in it.notes:
        waits = f": {counted(n, 'change')} to apply or dismiss (`claw.apply`, `claw.dismiss`)" if n else ""
        there = any(one.path == path for one in it.begins)
        text.append(f"- {_named(path, shown, link) if there else code(shown(path)) + ', not there yet'}{waits}")
    if not it.notes:
        text.append("Off (`autoMemoryEnabled`).")
    text += ["", "## Left out", "", *(f"- {line}" for line in it.notices)] if it.notices else []
    return "\n".join(text) + "\n"


def why(it: Instructions) -> str:
    """Whose a file is, and why it holds."""
    said = WHOSE[it.origin]
    if it.by:
        said += f", imported by {it.by}"
    return f"{said}, for {', '.join(it.paths)}" if it.paths else said


def _files(
    files: Sequence[Instructions], all_: Remembered, shown: Callable[[str], str], link: Callable[[str], str]
) -> list[str]:
    lines: list[str] = []
    for it in files:
        size = f"{counted(len(it.text.splitlines()), 'line')}, {counted(len(it.text), 'character')}"
        unsaved = ", as in the editor" if it.path in all_.unsaved else ""
        reason = why(it) if not it.by else why(it).replace(it.by, shown(it.by))
        lines.append(f"- {_named(it.path, shown, link)} ({reason}; {size}{unsaved})")
    return lines


def _named(path: str, shown: Callable[[str], str], link: Callable[[str], str]) -> str:
    return f"[{code(shown(path))}]({link(path)})"
