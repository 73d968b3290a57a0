"""A question to the person and their answer. Only an explicit answer is an answer."""

from __future__ import annotations

from dataclasses import dataclass

from claw_lsp.facts.plan import Choice, Plan

DENY, ONCE, SESSION, ALWAYS = "deny", "once", "session", "always"
"""The choices of a permission question, as `claw.answer` names them."""
NEVER, EACH = "never", "each"
"""Always deny, where that was done often enough; and to be asked about each of several calls by itself."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing only a person can decide. `choices[0]` is the harmless one.

    `path` is the file concerned, if one is; `rules` are what *Always allow* would add, if it is offered; `document` is the
    name of a file that shows the detail ("plan.md"), "" where there is none.
    """

    id: str
    session: str
    run: str
    plan: Plan
    title: str
    detail: str
    choices: tuple[Choice, ...]
    path: str | None = None
    rules: tuple[str, ...] = ()
    document: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person chose, by key; `text` are their words for the model, or the answer itself.

    `by` is "person", or "nobody" where no one can answer and the call is refused at once.
    """

    choice: str
    text: str = ""
    by: str = "person"
