"""The files of a session as they were when it first saw them, as far as its log tells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from claw_lsp.facts.call import Call, Result, calls_in
from claw_lsp.facts.event import CallFinished, Entry, ModelSpoke

_NUMBERED = re.compile(r"(\d+)\t(.*)")
_OF = re.compile(r"\[Lines \d+ to \d+ of (\d+)\.")
_UNSAVED = "[Open in the editor with unsaved changes"


@dataclass(frozen=True, slots=True)
class KnownFile:
    """`marks` are those of a case file: whether it is open."""

    name: str
    text: str
    marks: tuple[str, ...]


def files_known(told: Sequence[Entry], cwd: str) -> list[KnownFile]:
    """Files below the working directory. Lines that nobody read are empty; texts that a case file cannot hold are left
    out."""
    found: dict[str, KnownFile | None] = {}
    calls: dict[str, Call] = {}
    for event in (it.event for it in told):
        if isinstance(event, ModelSpoke):
            calls |= {it.id: it for it in calls_in(event.blocks)}
        elif isinstance(event, CallFinished) and not event.result.is_error:
            for path, known in _known(calls.get(event.call_id), event.result, cwd):
                before = found.get(path)
                if path not in found:
                    found[path] = known
                elif before is not None and known is not None and _same_but_for_its_end(before, known):
                    # An edit tells the text exactly; a reading does not tell whether its last line ends.
                    found[path] = KnownFile(before.name, known.text, before.marks)
    return [it for it in found.values() if it is not None and _can_be_held(it.text)]


def _known(call: Call | None, result: Result, cwd: str) -> list[tuple[str, KnownFile | None]]:
    """What a result tells of files; None for one that was not there."""
    found: list[tuple[str, KnownFile | None]] = []
    for it in result.edited:
        path = _inside(it.path, cwd)
        before = it.beneath if it.proposed else it.before
        if path:
            found.append((path, None if it.created else KnownFile(path, before, ("saved 1",))))
    if call is not None and call.name == "Read" and isinstance(result.content, str):
        path = _inside(str(call.input.get("file_path", "")), cwd)
        if path and (text := _read(result.content)) is not None:
            marks = ("open 2",) if _UNSAVED in result.content else ()
            found.append((path, KnownFile(path, text, marks)))
    return found


def _read(content: str) -> str | None:
    """The text in a result of Read; None for what is no numbered text."""
    lines: dict[int, str] = {}
    for line in content.split("\n"):
        if it := _NUMBERED.fullmatch(line):
            lines[int(it[1])] = it[2]
    if not lines:
        return "" if "[The file is empty.]" in content else None
    of = _OF.search(content)
    n_lines = max(int(of[1]) if of else 0, *lines)
    return "".join(f"{lines.get(n, '')}\n" for n in range(1, n_lines + 1))


def _same_but_for_its_end(one: KnownFile, other: KnownFile) -> bool:
    return one.text.rstrip("\n") == other.text.replace("\r\n", "\n").rstrip("\n")


def _inside(path: str, cwd: str) -> str:
    """The path as a case names it; "" for one that leads elsewhere: a case writes no file outside its own folder."""
    name = path.removeprefix(f"{cwd}/")
    safe = not name.startswith(("/", "~")) and ".." not in name.split("/") and name
    return name if safe and "[" not in name and "\n" not in name else ""


def _can_be_held(text: str) -> bool:
    """Whether a part of a case file reads as this text again: `$0` stands for the cursor there, `-- x --` for a part."""
    return "$0" not in text and not re.search(r"^-- .+ --$", text, re.MULTILINE)
