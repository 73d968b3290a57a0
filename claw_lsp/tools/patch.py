"""Changes as people and the model read them: a unified diff, and the changed lines with their numbers. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from claw_lsp.facts.text import Change, TextEdit, applied
from claw_lsp.tools.splice import lines_of

_CONTEXT = 3
_LARGE = 1500
"""Changed pieces of more lines are shown as removed and added whole: comparing them line by line takes too long."""


def unified(name: str, change: Change) -> str:
    """The change as a unified diff of the file called `name`."""
    before, after = lines_of(change.before), lines_of(change.after)
    head = [f"--- {f'a/{name}' if change.document else '/dev/null'}", f"+++ b/{name}"]
    body = [line for block in _blocks(change.before, change.edits) for line in _hunk(block, before, after)]
    return "\n".join(head + body) + "\n"


def numbered(lines: list[str], first: int, width: int) -> list[str]:
    """Lines as the model reads them: number, tab, text; what is over `width` is cut, and says so."""
    bare = [line.rstrip("\r\n") for line in lines]
    if any(len(line) > width for line in bare):
        bare = [_cut(line, width) for line in bare]
    return [f"{number}\t{line}" for number, line in enumerate(bare, first)]


def changed_lines(before: str, edits: tuple[TextEdit, ...], most: int = 40) -> str:
    """The text after the edits where it changed, numbered, with some lines around; `most` lines at most."""
    after = lines_of(applied(before, edits))
    shown: list[str] = []
    for block in _blocks(before, edits):
        if shown:
            shown.append("…")
        first, last = max(block.new_start - 2, 0), min(block.new_end + 2, len(after))
        shown += numbered(after[first:last], first + 1, 400)
        if len(shown) > most:
            return "\n".join([*shown[:most], "… (more changed lines not shown)"])
    return "\n".join(shown)


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines `old_start` to `old_end` became lines `new_start` to `new_end`; counted from 0, ends left out."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def _blocks(before: str, edits: tuple[TextEdit, ...]) -> list[_Block]:
    """Where lines changed; edits that are closer than two contexts are one block."""
    starts = _starts(before)
    blocks: list[_Block] = []
    shift = 0
    for start, end, delta in _line_ranges(before, edits, starts):
        if blocks and start - blocks[-1].old_end <= 2 * _CONTEXT:
            block = _Block(blocks[-1].old_start, end, blocks[-1].new_start, end + shift + delta)
            blocks[-1] = block
        else:
            blocks.append(_Block(start, end, start + shift, end + shift + delta))
        shift += delta
    return blocks


def _line_ranges(before: str, edits: tuple[TextEdit, ...], starts: list[int]) -> Iterator[tuple[int, int, int]]:
    """For each run of edits that share lines: the old lines touched, and by how many the text grew there."""
    run: list[TextEdit] = []
    run_end = -1
    for edit in edits:
        first, last = _line_of(starts, edit.start), _line_of(starts, edit.end)
        if run and first > run_end:
            yield _range_of(before, run, starts)
            run = []
        run.append(edit)
        run_end = last
    if run:
        yield _range_of(before, run, starts)


def _range_of(before: str, run: list[TextEdit], starts: list[int]) -> tuple[int, int, int]:
    first, last = _line_of(starts, run[0].start), _line_of(starts, run[-1].end)
    begin = starts[first]
    end = starts[last + 1] if last + 1 < len(starts) else len(before)
    old = before[begin:end]
    new = applied(old, tuple(TextEdit(edit.start - begin, edit.end - begin, edit.new) for edit in run))
    n_old = len(lines_of(old))
    return first, first + n_old, len(lines_of(new)) - n_old


def _starts(text: str) -> list[int]:
    starts = [0]
    for line in lines_of(text):
        starts.append(starts[-1] + len(line))
    if len(starts) > 1 and not text.endswith(("\n", "\r")):
        starts.pop()
    return starts


def _line_of(starts: list[int], offset: int) -> int:
    return bisect_right(starts, offset) - 1


def _hunk(block: _Block, before: list[str], after: list[str]) -> Iterator[str]:
    n_lead = min(_CONTEXT, block.old_start)
    old_start, new_start = block.old_start - n_lead, block.new_start - n_lead
    old_end = min(block.old_end + _CONTEXT, len(before))
    new_end = min(block.new_end + _CONTEXT, len(after))
    old, new = before[old_start:old_end], after[new_start:new_end]
    yield f"@@ -{_span(old_start, len(old))} +{_span(new_start, len(new))} @@"
    for tag, i1, i2, j1, j2 in _opcodes(old, new):
        if tag == "equal":
            yield from (line for text in old[i1:i2] for line in _marked(" ", text))
        else:
            yield from (line for text in old[i1:i2] for line in _marked("-", text))
            yield from (line for text in new[j1:j2] for line in _marked("+", text))


def _opcodes(old: list[str], new: list[str]) -> list[tuple[str, int, int, int, int]]:
    if max(len(old), len(new)) > _LARGE:
        return [("replace", 0, len(old), 0, len(new))]
    return list(SequenceMatcher(None, old, new, autojunk=False).get_opcodes())


def _marked(mark: str, line: str) -> Iterator[str]:
    bare = line.rstrip("\r\n")
    yield mark + bare
    if bare == line:
        yield "\\ No newline at end of file"


def _span(start: int, count: int) -> str:
    first = start + 1 if count else start
    return str(first) if count == 1 else f"{first},{count}"


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[:width]}… [line of {len(line)} characters cut]"
