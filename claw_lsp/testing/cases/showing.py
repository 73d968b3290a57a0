"""What came of a case, written as the parts of a case file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from claw_lsp.core.render import lines
from claw_lsp.core.surroundings import HEADING
from claw_lsp.facts.call import Block
from claw_lsp.facts.event import CallFinished, Entry
from claw_lsp.facts.request import Request
from claw_lsp.lsp.uris import path_of
from claw_lsp.testing.cases.case import Case, File, escaped, file_part
from claw_lsp.testing.cases.places import Places
from claw_lsp.testing.cases.playing import Outcome
from claw_lsp.testing.cases.story import Json

LONGEST_BLOCK = 30
"""Lines of one block of a prompt that are shown."""

_LEVELS = {1: "error", 2: "warning", 3: "info", 4: "log"}
_OURS = (".claw/chats/", ".claw/.gitignore")
"""Files that claw-lsp keeps in the workspace for itself; a case that is about them asks for the part `chat`."""


def parts(case: Case, outcome: Outcome, places: Places) -> dict[str, str]:
    """Every part that came out, by its header; those that are empty are left out."""
    came = {
        "transcript": transcript(outcome.sessions, places),
        **_files(case, outcome, places),
        "prompt": _prompt(outcome.requests[-1]) if outcome.requests else "",
        "questions": "".join(f"{it}\n" for it in outcome.boxes),
        "messages": _messages(case, outcome),
        "diagnostics": "".join(_diagnostic(it, places) for it in outcome.diagnostics),
        "hunks": "".join(_hunk(it, places) for it in outcome.hunks),
        "chat": _chat(outcome, places),
    }
    return {head: printable(places.plain(text)) for head, text in came.items() if text or "[" in head}


def transcript(sessions: Sequence[Sequence[Entry]], places: Places) -> str:
    """The lines of every session. What differs by machine goes first: lines are cut where they are too long."""
    transcripts: list[str] = []
    for entries in sessions:
        plain = [Entry.model_validate_json(places.plain(it.model_dump_json())) for it in entries]
        transcripts.append("".join(f"{line}\n" for line in lines(_settled(plain))))
    return "another session\n".join(transcripts)


def _settled(entries: list[Entry]) -> list[Entry]:
    """Results that follow each other in the order of their calls: which of several reads ends first is chance."""
    settled: list[Entry] = []
    for entry in entries:
        at = len(settled)
        if isinstance(entry.event, CallFinished):
            while (
                at
                and isinstance(other := settled[at - 1].event, CallFinished)
                and _number(other) > _number(entry.event)
            ):
                at -= 1
        settled.insert(at, entry)
    return settled


def _number(event: CallFinished) -> int:
    return int(event.call_id.removeprefix("c"))


def printable(text: str) -> str:
    """The text with what cannot be seen written out, so that a case file holds nothing invisible."""
    return "".join(it if it in "\n\t" or it.isprintable() else escaped(it) for it in text)


def _files(case: Case, outcome: Outcome, places: Places) -> dict[str, str]:
    """Every file that is not as it was: the buffer where it is open (`[unsaved]`: the disk differs), else the disk."""
    before = {places.path(it.name): it for it in case.files}
    # Checkpoints are still taken behind a turn's end: what goes away meanwhile is no error to os.walk.
    below = (Path(folder, name) for folder, _, names in os.walk(places.root) for name in names)
    found = {str(it) for it in below if it.is_file() and not it.is_symlink()}
    looked_at = sorted({*before, *outcome.buffers, *found})
    return dict(
        part
        for path in looked_at
        if not _private(path, places) and (part := _file(path, before.get(path), outcome, places))
    )


def _private(path: str, places: Places) -> bool:
    name = places.plain(path)
    return path.startswith(f"{places.claw_home}/") or name.startswith(_OURS)


def _file(path: str, before: File | None, outcome: Outcome, places: Places) -> tuple[str, str] | None:
    if before is not None and before.link is not None:
        return None
    name = places.plain(path)
    disk = Path(path).read_bytes() if Path(path).is_file() else None
    buffer = outcome.buffers.get(path)
    marked = ["bom"] if disk is not None and disk.startswith(b"\xef\xbb\xbf") else []
    if buffer is None:
        if disk == (before.disk if before else None):
            return None
        if disk is None:
            return f"{name} [gone]", ""
        return file_part(name, disk.decode("utf-8-sig", "backslashreplace"), ["after", *marked])
    started = before.buffer if before else None
    if buffer == started and disk == (before.disk if before else None):
        return None
    saved = disk is not None and disk.decode("utf-8-sig", "backslashreplace") == buffer
    return file_part(name, buffer, ["after", *marked] if saved else ["after", "unsaved", *marked])


def _prompt(request: Request) -> str:
    """What the model was last sent: every message, its blocks shortened; what differs by machine is left out."""
    shown: list[str] = []
    for message in request.messages:
        shown.append(message["role"])
        for block in message["content"]:
            shown += [f"  {line}" if line else "" for line in _block(block)]
    return "".join(f"{line}\n" for line in shown)


def _block(block: Block) -> list[str]:
    match block["type"]:
        case "text" if block["text"].startswith("Where you are"):
            _, instructions, rest = block["text"].partition("\n\nInstructions for working here")
            return (
                ["(where you are)", *_short(f"Instructions for working here{rest}")]
                if instructions
                else ["(where you are)"]
            )
        case "text" if block["text"].startswith(HEADING):
            *_, shown, _ = block["text"].split("```")
            return [
                f"(the editor shows: {'; '.join(it.strip() for it in shown.strip().splitlines()).replace(':; - ', ': ')})"
            ]
        case "text":
            return _short(block["text"])
        case "tool_use":
            return [f"{block['id']} {block['name']} {json.dumps(block['input'], ensure_ascii=False)}"]
        case "tool_result":
            first, *rest = _short(_said(block["content"]))
            return [f"{block['tool_use_id']} {'fault' if block.get('is_error') else 'done'}: {first}", *rest]
        case kind:
            return [f"({kind})"]


def _said(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(it.get("text", f"({it['type']})") for it in content)


def _short(text: str) -> list[str]:
    found = text.split("\n")
    return found if len(found) <= LONGEST_BLOCK else [*found[: LONGEST_BLOCK - 1], f"… ({len(found)} lines in all)"]


def _messages(case: Case, outcome: Outcome) -> str:
    """What was said by showMessage; the line that ends every turn only where the case has the part."""
    everything = "messages" in case.expected
    return "".join(_message(it) for it in outcome.messages if everything or it["type"] < 3)


def _message(it: Json) -> str:
    return f"{_LEVELS[it['type']]} {_indented(it['message'])}\n"


def _diagnostic(it: Json, places: Places) -> str:
    name = places.plain(path_of(it["uri"]))
    if not it["diagnostics"]:
        return f"{name}: nothing\n"
    return "".join(f"{name}: {_place(one['range'])} {_indented(one['message'])}\n" for one in it["diagnostics"])


def _hunk(it: Json, places: Places) -> str:
    name = places.plain(path_of(it["uri"]))
    return f"{name} {_place(it['range'])} {it['state']}: {it['before']!r} became {it['after']!r}\n"


def _place(given: Json) -> str:
    start, end = given["start"], given["end"]
    return f"{start['line']}:{start['character']}-{end['line']}:{end['character']}"


def _chat(outcome: Outcome, places: Places) -> str:
    """The chat documents, as the editor shows them or as they lie on the disk."""
    paths: Iterable[Path] = sorted((places.workspace / ".claw" / "chats").glob("*.md"))
    return "".join(outcome.buffers.get(str(it), it.read_text("utf-8")) for it in paths)


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
