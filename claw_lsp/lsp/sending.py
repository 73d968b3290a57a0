"""One edit on its way to the editor and back: sent, answered or not, and judged by the text."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from claw_lsp.core.merge import minimal_edits
from claw_lsp.core.position import LineIndex
from claw_lsp.facts.fault import ClientSilent, HostError, StaleDocument, ToolError
from claw_lsp.facts.text import TextEdit
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.echo import Dropped, Echo, Fate, Landed, Misplaced, Sent, Untouched, happens
from claw_lsp.lsp.editor import Editor, Patience
from claw_lsp.lsp.powers import Powers
from claw_lsp.lsp.unsaved import Unsaved
from claw_lsp.lsp.uris import uri_of
from claw_lsp.ports.files import Workspace

LARGE = 100_000
"""Texts of more characters are compared in a thread."""


@dataclass(frozen=True, slots=True)
class Line:
    """Everything an edit goes through on its way."""

    editor: Editor
    buffers: Buffers
    powers: Powers
    disk: Workspace
    patience: Patience
    unsaved: Unsaved


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the client said of the edit. `silent`: it said nothing, and may still make it."""

    applied: bool
    reason: str = ""
    silent: bool = False


async def send(line: Line, path: str, before: str, after: str, label: str) -> Landed | Dropped | Misplaced:
    """Send the edit that makes `before` into `after`, and say what became of it.

    Raises ToolError when the editor did not make it though nobody typed: it refused, was silent or did something else.
    """
    if len(before) + len(after) > LARGE:
        edits = await asyncio.to_thread(minimal_edits, before, after)
    else:
        edits = minimal_edits(before, after)
    refuse_lone_surrogates(path, edits)
    below = await _disk_text(line, path) if line.buffers.get(path) is None else None
    buffer = line.buffers.get(path)
    # Nothing may be awaited between this comparison and the request: a client without versions has no other guard.
    if buffer is not None and buffer.text != before:
        return Dropped()
    guarded = buffer is None or (line.powers.document_changes and buffer.version != line.powers.unchecked_version)
    if not guarded:
        # One piece is either in the text or not; of several, some might be on one side of what is typed meanwhile.
        edits = (_spanning(before, after, edits),)
    if line.powers.implied_line_end:
        edits = ending_well(before, edits)
    sent = Sent(before, after, edits, line.buffers.encoding, guarded)
    with Echo(line.buffers, path, sent) as echo:
        answer = await _asked(line, _params(line, path, sent, label), echo)
        await _listen(line, path, echo, answer, below)
        if buffer is None and answer.applied and not echo.heard.is_set():
            line.unsaved.hidden[path] = after
            return Landed()
        fate = echo.fate(said_applied=answer.applied)
        now = line.buffers.get(path)
        if isinstance(fate, Untouched) and buffer and now and now.version != buffer.version:
            fate = Dropped()
        return _judged(line, path, fate, answer)


def refuse_lone_surrogates(path: str, edits: tuple[TextEdit, ...]) -> None:
    """Raises ToolError: half a character can neither be sent nor saved (R18)."""
    for edit in edits:
        lone = next((it for it in edit.new if "\ud800" <= it <= "\udfff"), None)
        if lone is not None:
            raise ToolError(
                f"The new text for {path} holds half a character (\\u{ord(lone):04x}, a lone surrogate), which no file "
                "can hold. Nothing was changed; write the whole character."
            )


def _spanning(before: str, after: str, edits: tuple[TextEdit, ...]) -> TextEdit:
    """One edit from the beginning of the first to the end of the last."""
    start, end = edits[0].start, edits[-1].end
    return TextEdit(start, end, after[start : len(after) - (len(before) - end)])


def ending_well(before: str, edits: tuple[TextEdit, ...]) -> tuple[TextEdit, ...]:
    """The same edits for editors that imply the last line end (Neovim 0.11.4): a line that is added at the end of the
    text begins there with the line end before it, else an empty line would follow it."""
    last = edits[-1]
    if last.start != len(before) or not last.new.endswith(("\n", "\r")):
        return edits
    new = last.new.removesuffix("\n").removesuffix("\r")
    if not before.endswith(("\n", "\r")):
        return edits if before else (*edits[:-1], TextEdit(0, 0, new))
    start = len(before.removesuffix("\n").removesuffix("\r")) if before.endswith("\r\n") else len(before) - 1
    return (*edits[:-1], TextEdit(start, start, before[start:] + new))


def _params(line: Line, path: str, sent: Sent, label: str) -> to_lsp.Json:
    buffer = line.buffers.get(path)
    index = buffer.index if buffer else LineIndex(sent.before)
    uri = buffer.uri if buffer else uri_of(path)
    edits = to_lsp.text_edits(index, sent.edits, sent.encoding)
    if line.powers.document_changes:
        edit = to_lsp.versioned_edit(uri, buffer.version if buffer else None, edits)
    else:
        edit = to_lsp.plain_edit(uri, edits)
    return {"label": label.encode("utf-8", "replace").decode(), "edit": edit}


async def _asked(line: Line, params: to_lsp.Json, echo: Echo) -> _Answer:
    """The client's answer; once the text shows the edit, a client that never answers is not waited for."""
    asking = asyncio.ensure_future(line.editor.ask("workspace/applyEdit", params, timeout=line.patience.answer))
    landing = asyncio.ensure_future(echo.landed.wait())
    try:
        await asyncio.wait({asking, landing}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            await asyncio.wait({asking}, timeout=line.patience.grace)
        return _answer(await asking) if asking.done() else _Answer(applied=True)
    except ClientSilent as error:
        return _Answer(applied=False, reason=str(error), silent=True)
    except HostError as error:
        return _Answer(applied=False, reason=str(error))
    finally:
        asking.cancel()
        landing.cancel()
        await asyncio.gather(asking, landing, return_exceptions=True)


def _answer(result: Any) -> _Answer:
    """What an ApplyWorkspaceEditResult says, as JSON or structured; anything else says no."""
    if isinstance(result, Mapping):
        said = cast("Mapping[str, Any]", result)
        return _Answer(said.get("applied") is True, str(said.get("failureReason") or ""))
    applied = getattr(result, "applied", None)
    return _Answer(applied is True, str(getattr(result, "failure_reason", None) or ""))


async def _listen(line: Line, path: str, echo: Echo, answer: _Answer, below: str | None) -> None:
    """Wait until the text must have told what became of the edit."""
    if echo.landed.is_set():
        return
    if not answer.applied:
        await happens(echo.heard, line.powers.echo_delay)
        return
    if line.buffers.get(path) is None and not await happens(echo.heard, line.powers.echo_delay):
        await _await_opening(line, path, echo, below)
        if not echo.heard.is_set():
            return
    # Where the client's word counts the echo is still to come, and an edit given up too early would be made twice.
    patience = line.patience.echo if line.powers.honest or not echo.heard.is_set() else line.powers.echo_delay
    deadline = asyncio.get_running_loop().time() + patience
    while isinstance(echo.fate(said_applied=True), Untouched | Dropped):
        echo.news.clear()
        if not await happens(echo.news, deadline - asyncio.get_running_loop().time()):
            return


async def _await_opening(line: Line, path: str, echo: Echo, below: str | None) -> None:
    """A file that was not open is opened by most clients, and written at once by some; `below` is what it held."""
    deadline = asyncio.get_running_loop().time() + line.patience.opening
    while not echo.heard.is_set() and asyncio.get_running_loop().time() < deadline:
        text = await _disk_text(line, path)
        if text is not None and text != below:
            echo.note(text)
        await happens(echo.heard, line.patience.look)


async def _disk_text(line: Line, path: str) -> str | None:
    try:
        return (await line.disk.read(path)).text
    except ToolError:
        return None


def _judged(line: Line, path: str, fate: Fate, answer: _Answer) -> Landed | Dropped | Misplaced:
    match fate:
        case Untouched() if answer.applied:
            raise ToolError(
                f"The editor said that it edited {path}, but its text did not change. Read it again before you go on; "
                "perhaps the person must bring the file to the front, or it is read-only."
            )
        case Untouched():
            because = f" ({answer.reason})" if answer.reason else ""
            raise ToolError(
                f"The editor refused to edit {path}{because}. Nothing was changed, and nothing was written to disk."
            )
        case Dropped() if answer.silent or (answer.applied and line.powers.honest):
            raise StaleDocument(
                f"{path} was changed while the editor was to edit it, and whether it did cannot be told from its text. "
                "Read it again before you go on."
            )
        case Landed() | Dropped() | Misplaced():
            return fate
