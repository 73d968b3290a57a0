"""What a command is about: its file, selection and diagnostics, from the arguments or from where the person was last."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.briefing import Subject
from claw_lsp.core.policy.paths import inside
from claw_lsp.core.position import LineIndex
from claw_lsp.facts.fault import ToolError
from claw_lsp.lsp.arguments import Range
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.languages import diagnostics_in
from claw_lsp.lsp.uris import path_of
from claw_lsp.ports.files import Workspace


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
        return Subject(words=words, diagnostics=diagnostics_in(diagnostics))
    if selection is not None:
        start = (selection.start.line, selection.start.character)
        end = (selection.end.line, selection.end.character)
    named = path[len(root) :].lstrip("/") if inside(path, (root,)) else path
    buffer = buffers.get(path)
    try:
        document = await workspace.read(path)
    except ToolError:
        return Subject(path=named, words=words, diagnostics=diagnostics_in(diagnostics))
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
        diagnostics=diagnostics_in(diagnostics),
        words=words,
        dirty=document.dirty,
    )
