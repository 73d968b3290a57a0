"""The answer as it stands in a chat document, without the markers that are not for people."""

from __future__ import annotations

import re


def answer_in(text: str) -> str:
    """What stands between the first heading of an answer and the next prompt, questions and running calls left out."""
    began = _ANSWER.search(text)
    if began is None:
        return ""
    rest = text[began.end() :]
    ends = [found.start() for it in (_PROMPT, _QUESTION, _RUNNING) if (found := it.search(rest))]
    shown = _MARKER.sub("", rest[: min(ends, default=len(rest))]).strip("\n")
    return _EMPHASIS.sub(r"\1", shown)


_ANSWER = re.compile(r"^## Claw <!-- claw:\w+ answer 1 -->\s*", re.MULTILINE)
_PROMPT = re.compile(r"^## You ", re.MULTILINE)
_QUESTION = re.compile(r"^> \*\*Claw asks:", re.MULTILINE)
_RUNNING = re.compile(r"^- … ", re.MULTILINE)
_MARKER = re.compile(r" ?<!-- claw:.*? -->")
_EMPHASIS = re.compile(r"^_(.*)_$", re.MULTILINE)
