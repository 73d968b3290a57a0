"""A pending question as it stands in the chat document, until its call goes on."""

from __future__ import annotations

import re

from claw_lsp.core.chat import marks
from claw_lsp.core.chat.writer import code
from claw_lsp.core.escape import one_line, visible
from claw_lsp.facts.question import Question

MOST_LINES = 40
LONGEST_LINE = 200


def asking(key: str, question: Question) -> str:
    """Who asks what, the choices, and how to answer, as a block quote."""
    title = code(question.title)
    lines = [f"**Claw asks:** {title} {marks.mark(key, 'question')}", ""]
    lines += _detail(question.detail)
    choices = " · ".join(f"{code(it.title)} (`{it.key}`)" for it in question.choices)
    lines += [f"Choices: {choices}", ""]
    lines.append(f"Answer with a code action in this document, or with `claw.answer` for question {code(question.id)}.")
    return "\n\n" + "\n".join(f"> {it}".rstrip() for it in lines)


def _detail(detail: str) -> list[str]:
    """The detail as code that nothing in it can end; a long one is cut, and says so."""
    lines = visible(detail.replace("\r\n", "\n").strip("\n")).split("\n") if detail.strip() else []
    if not lines:
        return []
    shown = [one_line(it, LONGEST_LINE) if len(it) > LONGEST_LINE else it for it in lines[:MOST_LINES]]
    longest = max((len(it) for it in re.findall(r"`+", "\n".join(shown))), default=0)
    fence = "`" * max(3, longest + 1)
    cut = [f"(cut: {len(lines)} lines in all)"] if len(lines) > MOST_LINES else []
    return [fence, *(it.replace("<!-- claw:", "<\\!-- claw:") for it in shown), fence, *cut, ""]
