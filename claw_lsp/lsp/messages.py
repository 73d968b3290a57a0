"""What is said by `showMessage`: results and faults, one line each, never twice the same warning."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from claw_lsp.core.budget import nearly_spent
from claw_lsp.core.render import dollars, tokens
from claw_lsp.core.words import counted
from claw_lsp.engine.session import Session
from claw_lsp.facts.event import CallFinished, TurnEnded, UserSpoke
from claw_lsp.facts.fault import HostError
from claw_lsp.facts.usage import Usage
from claw_lsp.lsp.client import Client, part
from claw_lsp.lsp.questions import plain
from claw_lsp.lsp.runs import Run

ERROR, WARNING, INFO = 1, 2, 3
"""LSP's MessageType."""


class Messages:
    """`toasts` says that a question beside the text does not take the keyboard, so a button may be offered."""

    def __init__(
        self,
        editor: Client,
        document: Callable[[str], Awaitable[str]],
        open_chat: Callable[[str], Awaitable[object]],
        *,
        toasts: bool,
    ) -> None:
        self._editor = editor
        self._document = document
        self._open_chat = open_chat
        self._toasts = toasts
        self._warned: set[str] = set()

    def say(self, kind: int, text: str) -> None:
        self._editor.notify("window/showMessage", {"type": kind, "message": plain(text, 600)})

    def warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self.say(WARNING, text)

    def in_short(self, ended: TurnEnded) -> str:
        """The end of a turn in a few words, for the progress: how it ended, tokens, dollars."""
        usage = sum(ended.usage.values(), Usage())
        how = ended.stopped if ended.stopped == "done" else f"{ended.stopped}: {ended.why.split('. ')[0]}"
        return f"{plain(how, 120)} · {tokens(usage.prompt_tokens + usage.output_tokens)} tokens · {dollars(ended.cost)}"

    async def turn_ended(self, run: Run, session: Session, ended: TurnEnded, *, chat_is_open: bool) -> None:
        """One line for the person where the chat does not tell them already: faults always, results of a change. What the
        session cost is told once it is most of what it may."""
        if near := nearly_spent(session.state, _most(session)):
            self.warn_once(f"Claw: {near}")
        if ended.stopped == "failed":
            self.say(ERROR, f"Claw: {run.title}: {ended.why}")
        elif ended.stopped != "interrupted" and not chat_is_open:
            path = _short(await self._document(session.id), session.state.roots)
            text = f"Claw: {_first_line(ended) or run.title} ({_changed(session, run.id)}, {dollars(ended.cost)})"
            await self._result(session.id, text, path)

    async def _result(self, session: str, text: str, path: str) -> None:
        if not self._toasts:
            self.say(INFO, f"{plain(text, 500)} Chat: {path}")
            return
        params = {"type": INFO, "message": plain(text, 500), "actions": [{"title": "Open chat"}]}
        try:
            picked = await self._editor.ask("window/showMessageRequest", params, timeout=None)
        except HostError:
            return
        if part(picked, "title") == "Open chat":
            await self._open_chat(session)


def _short(path: str, roots: tuple[str, ...]) -> str:
    """The path from the only root on, so that the line fits a terminal: Neovim stops at one that does not."""
    root = f"{roots[0].rstrip('/')}/" if len(roots) == 1 else ""
    return path.removeprefix(root)


def _first_line(ended: TurnEnded) -> str:
    text = ended.why if ended.stopped == "limit" else ended.text
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]


def _most(session: Session) -> float | None:
    """The dollars that the session may cost, as its last turn was told."""
    spoken = (it.event for it in reversed(session.entries) if isinstance(it.event, UserSpoke))
    return next((it.max_cost for it in spoken), None)


def _changed(session: Session, run: str) -> str:
    """How many files the turn changed or wants to change, in words."""
    changed: set[str] = set()
    proposed: set[str] = set()
    for entry in session.entries:
        event = entry.event
        if isinstance(event, UserSpoke) and event.run == run:
            changed, proposed = set(), set()
        elif isinstance(event, CallFinished):
            changed |= {it.path for it in event.result.edited if not it.proposed}
            proposed |= {it.path for it in event.result.edited if it.proposed}
    told = [f"{counted(len(changed), 'file')} changed"] if changed else []
    told += [f"changes of {counted(len(proposed), 'file')} wait for you to apply them"] if proposed else []
    return ", ".join(told) or "nothing changed"
