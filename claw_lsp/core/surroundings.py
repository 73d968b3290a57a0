"""What goes to the model with a prompt by itself: where the person is in the editor, as text for the model and as a line for
them. The text of files is not in it, but for what is selected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from claw_lsp.core.blocks import sound
from claw_lsp.core.briefing import fenced
from claw_lsp.core.state import State
from claw_lsp.core.words import counted
from claw_lsp.facts.language import Diagnostic

HEADING = "What the editor shows at this moment, as data; the person did not write it:"
UNSAVED = " (unsaved changes)"
OFF = "nothing but what you mention"
MOST, MOST_SELECTED = 20, 8_000
"""Names or diagnostics in a list, and characters of a selection; the model can read the rest."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Paths are as people write them. `path` is the file before the person, "" for none; `lines` are the first and the last
    line of their selection (counted from 1), or twice that of the cursor, None where that is not known. `dirty`: it is known to
    differ from its file. `selected` is its
    text, "" where nothing is selected or the model knows the file as it is. `edited` are open files that changed since the
    model read them; `kept_back` sentences about what is not sent."""

    path: str = ""
    dirty: bool = False
    lines: tuple[int, int] | None = None
    selected: str = ""
    is_selection: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()
    edited: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    kept_back: tuple[str, ...] = ()


def told(it: Surroundings) -> str:
    """What the model gets; "" where there is nothing to tell."""
    lines: list[str] = []
    if it.path:
        lines.append(
            f"the file before the person: {it.path}{UNSAVED if it.dirty else ''}{_place(it, 'selected ', 'the cursor at ')}"
        )
    lines += [f"  | {line}" for line in it.selected[:MOST_SELECTED].splitlines()]
    if len(it.selected) > MOST_SELECTED:
        lines.append("  (the selection goes on)")
    if it.diagnostics:
        lines.append("what language servers report of it:")
        lines += _list([_diagnostic(one) for one in it.diagnostics])
    if it.edited:
        lines += ["changed in the editor since you read it:", *_list(it.edited)]
    if it.opened:
        lines += ["open in the editor:", *_list(it.opened)]
    return sound(f"{HEADING}\n{fenced(chr(10).join(lines))}") if lines else ""


def line(it: Surroundings) -> str:
    """The same for the person, in one line; "" where nothing goes along."""
    parts = [it.path + _place(it, "", "")] if it.path else []
    parts += [counted(len(it.diagnostics), "diagnostic")] if it.diagnostics else []
    parts += [f"{len(it.edited)} changed since it was read"] if it.edited else []
    parts += [f"the names of {counted(len(it.opened), 'open file')}"] if it.opened else []
    return " · ".join([*parts, *(f"not sent: {one}" for one in it.kept_back)])


def is_known(text: str, state: State) -> bool:
    """Whether the model was last told exactly this in what it is still sent, so that it need not be told again."""
    contents = (state.pending, *(it["content"] for it in reversed(state.messages) if it["role"] == "user"))
    last = next((it["text"] for blocks in contents for it in reversed(blocks) if _ours(it.get("text"))), None)
    return last == text


def _ours(text: object) -> bool:
    return isinstance(text, str) and text.startswith(HEADING)


def _place(it: Surroundings, selected: str, cursor: str) -> str:
    if it.lines is None:
        return ""
    first, last = it.lines
    if not it.is_selection:
        return f", {cursor}line {first}"
    return f", {selected}line {first}" if first == last else f", {selected}lines {first}-{last}"


def _diagnostic(it: Diagnostic) -> str:
    source = f" ({it.source})" if it.source else ""
    return f"line {it.first_line}: {it.severity}: {' '.join(it.message.split())[:400]}{source}"


def _list(found: Sequence[str]) -> list[str]:
    more = [f"- … and {len(found) - MOST} more"] if len(found) > MOST else []
    return [*(f"- {one}" for one in found[:MOST]), *more]
