"""Questions to the person: one `showMessageRequest` at a time, and a pending state that cannot get lost.

Only an explicit answer is an answer. Null, an unknown title, an error or silence leave the question pending: it stays a
diagnostic with code actions, stands in `claw.questions`, and can be answered by `claw.answer` as long as its run lives.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from claw_lsp.core.escape import visible
from claw_lsp.facts.fault import BadRequest, HostError
from claw_lsp.facts.plan import Choice, Reach
from claw_lsp.facts.question import Answer, Question
from claw_lsp.facts.sandbox import NO_WALLS
from claw_lsp.lsp.client import Client, part

logger = logging.getLogger(__name__)

SHOWN_AGAIN = (120.0, 600.0, 1800.0)
"""Seconds after which a question that got no reaction at all is shown once more; then only its second way is left."""
HELD = 5.0
"""Seconds for which the next question waits for a box that is still open though its question is over."""
LONGEST = 900
"""Characters of a question: VS Code cuts at 1000."""
SHOW, SHOW_DOCUMENT, SHOW_ALL = "Show change", "Show plan", "Show all of it"
ELSEWHERE = "This editor takes only the first answer here; for the others use a code action or claw.answer."
_BLANKS = re.compile(r"[ \t]{9,}")
INFO = 3
"""LSP's MessageType.Info."""


@dataclass(slots=True, eq=False)
class Pending:
    """A question that has no answer yet. `n_shown` counts how often it was put before the person."""

    question: Question
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    n_shown: int = 0


Show = Callable[[Question], Awaitable[None]]
Changed = Callable[[], None]


class Questions:
    """Invariant: at most one `showMessageRequest` is in front of the person; the first of its actions is harmless."""

    def __init__(
        self,
        editor: Client,
        *,
        show: Show,
        changed: Changed,
        answerable: bool,
        side_by_side: bool = False,
        again: tuple[float, ...] = SHOWN_AGAIN,
    ) -> None:
        """`answerable`: more than the first action can be picked; where it cannot, the question says what to do.
        `side_by_side`: a second box does not come over the first one, which takes the keyboard."""
        self._editor = editor
        self._answerable = answerable
        self._side_by_side = side_by_side
        self._show = show
        self._changed = changed
        self._again = again
        self._pending: dict[str, Pending] = {}
        self._queue: list[str] = []
        self._wake = asyncio.Event()
        self._showing: asyncio.Task[None] | None = None
        self._boxes: set[asyncio.Task[Any]] = set()

    @property
    def pending(self) -> tuple[Question, ...]:
        return tuple(it.question for it in self._pending.values())

    async def ask(self, question: Question) -> Answer:
        """Wait for the explicit answer; cancelling withdraws the question, and an answer that comes later is dropped."""
        pending = self._pending[question.id] = Pending(question)
        self._enqueue(question.id)
        self._changed()
        try:
            return await pending.answer
        finally:
            self._pending.pop(question.id, None)
            self._changed()

    def answer(self, id_: str, choice: str, text: str) -> Question:
        """An answer that came another way. Raises BadRequest for an unknown question or choice."""
        pending = self._pending.get(id_)
        if pending is None:
            raise BadRequest(
                f"question: expected the id of a pending question, found {id_!r} (claw.questions lists them)"
            )
        keys = {it.key: it.key for it in pending.question.choices} | {
            it.title: it.key for it in pending.question.choices
        }
        if choice not in keys:
            raise BadRequest(
                f"choice: expected one of {', '.join(it.key for it in pending.question.choices)}, found {choice!r}"
            )
        _settle(pending, Answer(keys[choice], text))
        return pending.question

    async def close(self) -> None:
        """Show nothing more."""
        tasks = [*self._boxes, *([self._showing] if self._showing else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _enqueue(self, id_: str) -> None:
        self._queue.append(id_)
        self._wake.set()
        if self._showing is None:
            self._showing = asyncio.create_task(self._show_in_turn(), name="questions")

    async def _show_in_turn(self) -> None:
        while True:
            while not self._queue:
                self._wake.clear()
                await self._wake.wait()
            pending = self._pending.get(self._queue.pop(0))
            if pending is not None:
                await self._put(pending)

    async def _put(self, pending: Pending) -> None:
        """Put one question before the person until something comes of it, or nothing for long enough."""
        limit = self._again[min(pending.n_shown, len(self._again) - 1)]
        pending.n_shown += 1
        box = asyncio.create_task(self._box(pending), name="question")
        self._boxes.add(box)
        box.add_done_callback(self._boxes.discard)
        # An answer to a box that was given up here still counts while the question is pending: the box is not cancelled.
        await asyncio.wait((box, pending.answer), timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        silent = not box.done() and not pending.answer.done()
        if not silent and not self._side_by_side:
            # Answered another way, or withdrawn: the box cannot be taken back, and the next must not come over it.
            await asyncio.wait((box,), timeout=min(limit, HELD))
        if silent and pending.n_shown < len(self._again):
            self._queue.append(pending.question.id)

    async def _box(self, pending: Pending) -> None:
        title = await self._picked(pending)
        titles = {it.title for it in pending.question.choices}
        while title in (SHOW, SHOW_DOCUMENT, SHOW_ALL) and title not in titles and not pending.answer.done():
            await self._show(pending.question)
            title = await self._picked(pending)
        for choice in pending.question.choices:
            if choice.title == title:
                _settle(pending, Answer(choice.key))

    async def _picked(self, pending: Pending) -> str | None:
        """The title the person picked; None for everything that is no explicit answer."""
        question = pending.question
        actions = [{"title": flat(it.title, 200)} for it in question.choices]
        show = SHOW if not question.document else SHOW_DOCUMENT if question.document.endswith(".md") else SHOW_ALL
        if question.document or question.plan.changes:
            actions.append({"title": show})
        message = wording(question) if self._answerable else f"{wording(question)}\n{ELSEWHERE}"
        params = {"type": INFO, "message": message, "actions": actions}
        try:
            picked = await self._editor.ask("window/showMessageRequest", params, timeout=None)
        except HostError as error:
            logger.info("The question stays pending: %s", error)
            return None
        title: str | None = part(picked, "title")
        return next((it.title for it in question.choices if flat(it.title, 200) == title), title)


def wording(question: Question) -> str:
    """The question on one or two lines, the important part first; a command is shown whole or said to be cut."""
    text = flat(question.title, 300)
    if question.title == question.plan.title and question.plan.reach is not Reach.PERSON:
        command = question.plan.command
        text = f"Claw: {text}?" if command is None else f"Claw wants to run: {flat(command, 500)}"
    links = [flat(f"{it.path} leads to {it.target}", 400) for it in question.plan.paths if it.path != it.target]
    walls = [flat(question.plan.walls.line, 300)] if question.plan.walls != NO_WALLS else []
    return _cut("\n".join([text, *walls, *links]), LONGEST)


def plain(text: str, limit: int) -> str:
    """Text from the model or the repository, made safe to show: no links, no control characters, bounded.

    VS Code makes `[x](command:…)` and bare addresses clickable; a word joiner breaks both without changing how they look.
    """
    shown = visible(text).replace("](", "]\u2060(").replace("://", ":\u2060//").replace("command:", "command\u2060:")
    shown = shown.replace("file:", "file\u2060:")
    return _cut(shown, limit)


def flat(text: str, limit: int) -> str:
    """As `plain`, on one line: VS Code turns a line end into a space, and two commands would look like one. Many blanks are
    counted: what stands behind them would be out of sight."""
    line = " ⏎ ".join(it.strip("\r") for it in text.strip().split("\n"))
    return plain(_BLANKS.sub(lambda it: f" ‹{len(it[0])} blanks› ", line), limit)


def _cut(shown: str, limit: int) -> str:
    return shown if len(shown) <= limit else f"{shown[: limit - 40]}… (cut: {len(shown)} characters in all)"


def choices_of(question: Question) -> list[dict[str, str]]:
    """The choices as `claw.questions` lists them."""
    return [{"choice": it.key, "title": it.title} for it in question.choices]


def harmless(question: Question) -> Choice:
    return question.choices[0]


def _settle(pending: Pending, answer: Answer) -> None:
    if not pending.answer.done():
        pending.answer.set_result(answer)
