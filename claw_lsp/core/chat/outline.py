"""What a chat document is made of, read from its text alone: turns, their tool entries, code fences, quotes.

Invariant: all spans lie inside the text; turns follow each other, and what belongs to a turn lies inside it, in order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from claw_lsp.core.chat import marks
from claw_lsp.core.escape import one_line

Span = tuple[int, int]
"""Where something begins, and where its last character that is no blank ends."""

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """The line of one tool call: `sign` is ✓, ✗, … or refused."""

    span: Span
    sign: str
    title: str


@dataclass(frozen=True, slots=True)
class Turn:
    """From one heading of the person's to the next. `name` is the beginning of what they wrote, "" for an empty block.

    `heading` is the heading's line. `answer` is None until there is one; `closing` is its last line, with what it cost;
    `last_words` stand between its last tool entry and that line, None where nothing does.
    """

    span: Span
    heading: Span
    prompt: Span
    name: str
    answer: Span | None = None
    closing: Span | None = None
    entries: tuple[ToolEntry, ...] = ()
    last_words: Span | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """`fences` are code blocks with their fences, `quotes` block quotes, `lists` tool entries that stand together; all of
    them in order."""

    turns: tuple[Turn, ...] = ()
    fences: tuple[Span, ...] = ()
    quotes: tuple[Span, ...] = ()
    lists: tuple[Span, ...] = ()


def outline(text: str) -> Outline:
    """The outline of a chat document; one without headings has none."""
    found = marks.every(text)
    begins = [n for n, it in enumerate(found) if it["word"] == "you"]
    ends = [*begins[1:], len(found)][: len(begins)]
    turns: list[Turn] = []
    parts: list[_Parts] = []
    for first, last in zip(begins, ends, strict=True):
        end = _line_start(text, found[last].start()) if last < len(found) else len(text)
        turn, of_turn = _turn(text, found[first:last], end)
        turns.append(turn)
        parts.append(of_turn)
    return Outline(
        tuple(turns),
        tuple(it for part in parts for it in part.fences),
        tuple(it for part in parts for it in part.quotes),
        tuple(it for part in parts for it in part.lists),
    )


def in_prompt(text: str, offset: int) -> Span | None:
    """The person's block that holds this place, whatever they wrote in it yet; None inside an answer or a heading."""
    found = marks.every(text)
    before = [it for it in found if it.start() <= offset]
    if found and not before:
        return None
    end = next((_line_start(text, it.start()) for it in found if it.start() > offset), len(text))
    last = before[-1] if before else None
    # Where the heading was deleted, what stands at the document's end is the person's.
    behind = last is not None and (last["word"] == "end" or all(it["word"] == "chat" for it in before))
    person = last is None or last["word"] == "you" or (behind and end == len(text))
    begin = last.end() if last else 0
    return (begin, end) if person and begin <= offset <= end else None


def _turn(text: str, found: list[re.Match[str]], end: int) -> tuple[Turn, _Parts]:
    start = _line_start(text, found[0].start())
    heading = (start, found[0].end())
    reply = next((it for it in found if it["word"] in ("answer", "reply")), None)
    above = _line_start(text, reply.start()) if reply else end
    prompt = _trimmed(text, found[0].end(), above)
    parts = _Parts()
    _scan(text, found[0].end(), above, parts)
    if reply is None:
        turn = Turn((start, max(heading[1], prompt[1])), heading, prompt, name_of(text, prompt))
        return turn, parts
    # What the person wrote is no tool entry of ours, whatever it looks like.
    parts.entries.clear()
    parts.lists.clear()
    answer = _trimmed(text, above, end)
    _scan(text, reply.end(), answer[1], parts)
    last = next((it for it in reversed(found) if it["word"] == "end" and it.start() > reply.start()), None)
    closing = (_line_start(text, last.start()), last.end()) if last else None
    entries = tuple(parts.entries)
    begin = entries[-1].span[1] if entries else reply.end()
    words = _trimmed(text, begin, max(begin, closing[0] if closing else answer[1]))
    spoken = words if words[1] > words[0] else None
    span = (start, answer[1])
    return Turn(span, heading, prompt, name_of(text, prompt), answer, closing, entries, spoken), parts


class _Parts:
    """What was found in one turn so far."""

    def __init__(self) -> None:
        self.entries: list[ToolEntry] = []
        self.fences: list[Span] = []
        self.quotes: list[Span] = []
        self.lists: list[Span] = []


def _scan(text: str, start: int, end: int, parts: _Parts) -> None:
    """Note the fences, quotes and tool entries of a stretch; a fence that stays open ends with the stretch."""
    fence, opened = "", 0
    for line in _LINE.finditer(text, start, end):
        whole = line[0].rstrip()
        stop = line.start() + len(whole)
        mark = line["fence"]
        if fence:
            if mark and mark.startswith(fence) and not line["info"].strip():
                parts.fences.append((opened, stop))
                fence = ""
        elif mark and not (mark[0] == "`" and "`" in line["info"]):
            fence, opened = mark, line.start()
        elif line["sign"]:
            title = _TICKS.match(line["title"])
            parts.entries.append(ToolEntry((line.start(), stop), line["sign"], title["title"].strip() if title else ""))
            _grow(parts.lists, text, line.start(), stop)
        else:
            _grow(parts.quotes, text, line.start(), stop)
    if fence and end > opened:
        parts.fences.append(_trimmed(text, opened, end))


def _grow(spans: list[Span], text: str, start: int, stop: int) -> None:
    """Add a line: to the last span, if it ends on the line before."""
    if spans and text[spans[-1][1] : start].strip(" \t") in ("\n", "\r\n"):
        spans[-1] = (spans[-1][0], stop)
    else:
        spans.append((start, stop))


def name_of(text: str, span: Span) -> str:
    """The beginning of what stands there, on one line."""
    return one_line(text[span[0] : min(span[1], span[0] + 4 * LONGEST_NAME)].split("\n")[0], LONGEST_NAME)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _trimmed(text: str, start: int, end: int) -> Span:
    words = text[start:end]
    first = start + len(words) - len(words.lstrip())
    return (first, first + len(words.strip())) if words.strip() else (start, start)


_LINE = re.compile(
    r"^(?: {0,3}(?P<fence>`{3,}|~{3,})(?P<info>[^\r\n]*)|- (?P<sign>✓|✗|…|refused) (?P<title>`[^\r\n]*)|> ?[^\r\n]*)",
    re.MULTILINE,
)
_TICKS = re.compile(r"(?P<ticks>`+)(?P<title>.+?)(?P=ticks)(?!`)")
