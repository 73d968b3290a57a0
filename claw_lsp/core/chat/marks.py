"""The chat document's form: headings with a marker comment, so that nobody's words can be taken for a heading.

A marker is `<!-- claw:KEY WORD ARG -->` at the end of a line. The key is the document's own, so what is pasted from
another chat marks nothing; prompt blocks are numbered, so what is pasted from this one is an older number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HINT = "_Write below the last heading, then send it with the code action “Claw: Send”. /help lists the commands._"


@dataclass(frozen=True, slots=True)
class ChatText:
    """What a chat document says, read from its text alone.

    `key` is "" and `session` None where nothing says so. `number` is that of the prompt block, `heading` the span of its
    heading's line (None when there is none). `words` is what stands in the prompt block, at `start` to `end`, without
    the blanks around it.
    """

    key: str
    session: str | None
    number: int
    heading: tuple[int, int] | None
    start: int
    end: int
    words: str

    @property
    def slash(self) -> tuple[str, str] | None:
        """The name and the rest of a slash command, if the prompt is one."""
        found = _SLASH.fullmatch(self.words)
        return (found[1].lower(), (found[2] or "").strip()) if found else None


def parse(text: str) -> ChatText:
    """Read a chat document. A text without markers is a prompt from its beginning to its end."""
    marks = every(text)
    key = marks[0]["key"] if marks else ""
    session = next((it["arg"] for it in marks if it["word"] == "chat" and it["arg"]), None)
    prompts = [it for it in marks if it["word"] == "you" and (it["arg"] or "").isdigit()]
    number = max((int(it["arg"]) for it in prompts), default=0)
    heading = next((it for it in prompts if int(it["arg"]) == number), None)
    if heading is not None and not _answered(marks, number):
        begin = heading.end()
        span = (text.rfind("\n", 0, heading.start()) + 1, begin)
    else:
        # The last heading was deleted: what follows the last thing we wrote is what the person wrote.
        begin = marks[-1].end() if marks else 0
        span = None
        number += 1
    start, end = _without_blanks(text, begin)
    return ChatText(key, session, number, span, start, end, text[start:end])


def every(text: str) -> list[re.Match[str]]:
    """The document's own markers, in order, each with `key`, `word` and `arg`."""
    found = list(_MARK.finditer(text))
    return [it for it in found if it["key"] == found[0]["key"]]


def title(key: str, session: str | None) -> str:
    return f"# Claw chat {mark(key, 'chat', session or '')}\n\n{HINT}"


def you(key: str, number: int) -> str:
    return f"## You {mark(key, 'you', str(number))}"


def answer(key: str, number: int, *, meanwhile: bool = False) -> str:
    """The heading of an answer; `meanwhile`: of one that goes on with what was said while it was given."""
    return f"## Claw{' goes on' if meanwhile else ''} {mark(key, 'answer', str(number))}"


def reply(key: str, number: int) -> str:
    """The heading of an answer that is no turn's: a slash command's."""
    return f"## Claw {mark(key, 'reply', str(number))}"


def mark(key: str, word: str, arg: str = "") -> str:
    return f"<!-- claw:{key} {word} {arg} -->" if arg else f"<!-- claw:{key} {word} -->"


def opening(key: str, session: str | None = None) -> str:
    """A new chat: a title and an empty prompt block."""
    return f"{title(key, session)}\n\n{you(key, 1)}\n\n"


def before_heading(text: str, key: str, number: int, since: int = 0) -> int | None:
    """Where an answer above the numbered prompt heading ends; None when the heading is not there."""
    found = _heading(text, key, number, since)
    if found is None:
        return None
    at = text.rfind("\n", 0, found.start()) + 1
    for _ in range(2):
        if at >= 1 and text[at - 1] == "\n" and at > since:
            at -= 2 if text[at - 2 : at] == "\r\n" else 1
    return max(at, since)


def after_heading(text: str, key: str, number: int) -> int | None:
    """The end of the numbered prompt heading's line; None when it is not there."""
    found = _heading(text, key, number, 0)
    return found.end() if found else None


def place_of_session(text: str, key: str) -> int | None:
    """Where the session's id is missing in the title's marker; None when there is no such marker."""
    found = next((it for it in _MARK.finditer(text) if (it["key"], it["word"], it["arg"]) == (key, "chat", None)), None)
    return found.end("word") if found else None


def session_in(text: str) -> str | None:
    """The session that the first title marker of a text names."""
    return next((it["arg"] for it in _MARK.finditer(text) if it["word"] == "chat" and it["arg"]), None)


def waiting(text: str, key: str) -> list[int]:
    """The numbers of the prompts above the last that were sent and not taken by the model yet."""
    found = [it for it in _MARK.finditer(text) if it["key"] == key and (it["arg"] or "").isdigit()]
    answered = [n for n, it in enumerate(found) if it["word"] in ("answer", "reply")]
    behind = found[answered[-1] + 1 :] if answered else found
    return [int(it["arg"]) for it in behind if it["word"] == "you"][:-1]


def words_of(text: str, key: str, number: int) -> str:
    """What stands below a numbered prompt heading, up to the next marked heading; "" where it is not there."""
    found = _heading(text, key, number, 0)
    return text[found.end() : _next_line(text, key, found.end())].strip() if found else ""


def answered(text: str, key: str) -> list[tuple[int, int, int]]:
    """The prompts that turns answered, in order: where the heading's line begins, and where the words begin and end.
    A heading of ours that was pasted below one is part of the words."""
    spans: list[tuple[int, int, int]] = []
    headings: dict[str, re.Match[str]] = {}
    for it in _MARK.finditer(text):
        if it["key"] != key or it["word"] not in ("you", "answer", "reply"):
            continue
        if it["word"] == "you":
            headings.setdefault(it["arg"], it)
            continue
        heading = headings.get(it["arg"])
        headings = {}
        if heading is not None and it["word"] == "answer":
            begin, end = heading.end(), text.rfind("\n", 0, it.start()) + 1
            words = text[begin:end]
            start = begin + len(words) - len(words.lstrip())
            spans.append((text.rfind("\n", 0, heading.start()) + 1, start, max(start, begin + len(words.rstrip()))))
    return spans


def progress(text: str, key: str) -> tuple[int, list[str]]:
    """How many turns' answers were closed, and what stands below each answer's heading of one that was not."""
    found = [it for it in _MARK.finditer(text) if it["key"] == key and it["word"] in ("answer", "end")]
    n_ended = sum(1 for it in found if it["word"] == "end")
    last = max((n for n, it in enumerate(found) if it["word"] == "end"), default=-1)
    return n_ended, [text[it.end() : _next_line(text, key, it.end())].rstrip() for it in found[last + 1 :]]


def _next_line(text: str, key: str, since: int) -> int:
    """Where the line with the next marker begins; the end of the text when there is none."""
    below = next((it.start() for it in _MARK.finditer(text, since) if it["key"] == key), None)
    return len(text) if below is None else max(text.rfind("\n", 0, below) + 1, since)


def line_end(text: str) -> str:
    r"""The line end that a text uses first; \n where it has none."""
    at = text.find("\n")
    return "\r\n" if at > 0 and text[at - 1] == "\r" else "\n"


def key_of(session: str) -> str:
    """The key of a document that is written anew for a session."""
    return re.sub(r"[^0-9a-z]", "", session.lower())[:8] or "chat"


def _heading(text: str, key: str, number: int, since: int) -> re.Match[str] | None:
    wanted = (key, "you", str(number))
    return next((it for it in _MARK.finditer(text, since) if (it["key"], it["word"], it["arg"]) == wanted), None)


def _answered(marks: list[re.Match[str]], number: int) -> bool:
    return any(it["word"] in ("answer", "reply") and it["arg"] == str(number) for it in marks)


def _without_blanks(text: str, begin: int) -> tuple[int, int]:
    words = text[begin:]
    start = begin + len(words) - len(words.lstrip())
    return (start, start + len(words.strip())) if words.strip() else (len(text), len(text))


_MARK = re.compile(
    r"<!-- claw:(?P<key>[0-9a-z]{1,32}) (?P<word>[a-z]+)(?: (?P<arg>[0-9A-Za-z_.-]{1,80}))? -->(?=[ \t]*\r?(?:\n|\Z))"
)
_SLASH = re.compile(r"/([A-Za-z][\w:-]*)(?:\s+(.*))?", re.DOTALL)
