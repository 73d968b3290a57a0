"""What a command is about: its file, selection and diagnostics, from the arguments or from where the person was last."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.briefing import Diagnostic, Subject
from claw_lsp.core.policy.paths import inside
from claw_lsp.core.position import LineIndex
from claw_lsp.facts.fault import ToolError
from claw_lsp.lsp.arguments import Range
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.uris import path_of
from claw_lsp.ports import Workspace

SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}


async def subject_of(
    uri: str | None,
    selection: Range | None,
    *,
    buffers: Buffers,
    workspace: Workspace,
    root: str,
    words: str,
    diagnostics: tuple[dict[str, Any], ...] = (),
    falls_back: bool,
) -> Subject:
    """The subject of a turn. With `falls_back`, a command without a file is about the last place seen.

    A file that cannot be read is named and not shown: the model finds out by itself.
    """
    seen = buffers.seen
    if uri is not None:
        path, start, end = path_of(uri), None, None
    elif falls_back and seen is not None:
        path, start, end = seen.path, seen.start, seen.end
    else:
        return Subject(words=words, diagnostics=_diagnostics(diagnostics))
    if selection is not None:
        start = (selection.start.line, selection.start.character)
        end = (selection.end.line, selection.end.character)
    named = path[len(root) :].lstrip("/") if inside(path, (root,)) else path
    buffer = buffers.get(path)
    try:
        document = await workspace.read(path)
    except ToolError:
        return Subject(path=named, words=words, diagnostics=_diagnostics(diagnostics))
    index = LineIndex(document.text)
    first = last = None
    if start is not None and end is not None:
        first, last = sorted((index.offset(*start, buffers.encoding), index.offset(*end, buffers.encoding)))
    return Subject(
        path=named,
        language=buffer.language if buffer else "",
        text=document.text,
        start=first,
        end=last,
        diagnostics=_diagnostics(diagnostics),
        words=words,
        dirty=document.dirty,
    )


def _diagnostics(given: tuple[dict[str, Any], ...]) -> tuple[Diagnostic, ...]:
    """The client's diagnostics as far as they have the shape; ours are not the model's business."""
    return tuple(it for one in given if one.get("source") != "claw" and (it := _diagnostic(one)))


def _diagnostic(given: dict[str, Any]) -> Diagnostic | None:
    try:
        lines = given["range"]["start"]["line"], given["range"]["end"]["line"]
        severity = SEVERITIES.get(given.get("severity", 1), "error")
        return Diagnostic(
            int(lines[0]) + 1, int(lines[1]) + 1, severity, str(given["message"]), str(given.get("source") or "")
        )
    except (KeyError, TypeError, ValueError):
        return None
