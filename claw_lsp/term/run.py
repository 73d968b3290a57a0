"""Front door 2: one turn, shown on a terminal or written as JSON. It has no buffers and writes to the disk."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from claw_lsp.core.book import folded
from claw_lsp.core.briefing import Subject, action_blocks
from claw_lsp.core.compacting import by_itself
from claw_lsp.core.corrections import corrections
from claw_lsp.core.modes import SWITCHED, forbidden
from claw_lsp.core.recover import INTERRUPTED
from claw_lsp.core.words import counted
from claw_lsp.engine import trusting
from claw_lsp.engine.eliciting import HookedAsked
from claw_lsp.engine.house import House
from claw_lsp.engine.opening import Chosen, Home
from claw_lsp.engine.session import Session
from claw_lsp.engine.turn import run_turn
from claw_lsp.facts.call import Call, calls_in
from claw_lsp.facts.checkpoint import Checkpointed, RewindBegun, Rewound
from claw_lsp.facts.dropped import Dropped
from claw_lsp.facts.event import (
    CallFinished,
    CallJudged,
    Compacted,
    CompactionFailed,
    Entry,
    Forked,
    Instructed,
    LimitRaised,
    ModeChanged,
    ModelChanged,
    ModelSpoke,
    Noted,
    Reopened,
    RuleAdded,
    RuleRemoved,
    SessionStarted,
    Steered,
    Stopped,
    Titled,
    TurnEnded,
    Unknown,
    UserSpoke,
)
from claw_lsp.facts.fault import BadRequest, ClawError
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.instructions import Around
from claw_lsp.facts.mcp import Configured
from claw_lsp.facts.offered import ToolsOffered
from claw_lsp.facts.question import ALWAYS, Answer, Question
from claw_lsp.facts.reviewed import ReviewFact
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.signal import Signal
from claw_lsp.ports.files import Workspace
from claw_lsp.term import messages
from claw_lsp.term.asking import Person
from claw_lsp.term.reviewing import Reviewed, diffs_of, review
from claw_lsp.term.screens import Screen

EXIT_CODES: dict[Stopped, int] = {"done": 0, "failed": 1, "limit": 1, "refused": 3, "interrupted": 130}
BROKEN_PIPE = 141
SERVERS = 30.0
"""Seconds for the MCP servers of --mcp-config to come up before the turn begins without them."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asked for. `folder` is absolute; `resume` names a session, `latest` means the folder's last;
    None everywhere else is as the settings say."""

    prompt: str
    folder: str
    model: str | None = None
    mode: Mode | None = None
    resume: str | None = None
    latest: bool = False
    max_turns: int | None = None
    review: bool = False


def run(order: Order, house: House, workspace: Workspace, screen: Screen, person: Person) -> int:
    """Run one turn to its end, whatever ends it; the process's exit code. Raises BadRequest for an impossible order."""
    return asyncio.run(_guarded(lambda door: door.carry_out(order), Door(house, workspace, screen, person)))


class Door:
    """One run: fills the port `Host`, and knows what the `result` message needs."""

    def __init__(self, house: House, workspace: Workspace, screen: Screen, person: Person) -> None:
        self.house = house
        self._workspace = workspace
        self._screen = screen
        self._person = person
        self._began = house.clock.monotonic()
        self._n_replies = 0
        self._calls: dict[str, Call] = {}
        self._denied: list[Call] = []
        self._max_turns: int | None = None
        self._reviewed: Reviewed | None = None
        self._task: asyncio.Task[Any] | None = None
        self.broken = False
        """Nobody reads our output any more: the turn is interrupted, as a signal would have ended the process."""

    # ---- the port Host --------------------------------------------------------------------------------------------

    async def ask(self, question: Question) -> Answer:
        return await self._person.answer(question)

    async def saw(self, entry: Entry) -> None:
        match entry.event:
            case ModelSpoke(blocks=blocks):
                self._n_replies += 1
                self._calls.update((it.id, it) for it in calls_in(blocks))
            case CallJudged(decision="deny", call_id=call_id) if call_id in self._calls:
                self._denied.append(self._calls[call_id])
            case (
                SessionStarted()
                | UserSpoke()
                | CallJudged()
                | CallFinished()
                | RuleAdded()
                | RuleRemoved()
                | ModeChanged()
                | ModelChanged()
                | Noted()
                | Instructed()
                | Hooked()
                | ToolsOffered()
                | ReviewFact()
                | Steered()
                | Forked()
                | Reopened()
                | Titled()
                | LimitRaised()
                | Checkpointed()
                | RewindBegun()
                | Rewound()
                | Compacted()
                | Dropped()
                | CompactionFailed()
                | TurnEnded()
                | Unknown()
            ):
                pass
        self._show(lambda: self._screen.saw(entry))

    async def heard(self, signal: Signal) -> None:
        self._show(lambda: self._screen.heard(signal))

    def _show(self, show: Callable[[], None]) -> None:
        if self.broken:
            return
        try:
            show()
        except BrokenPipeError:
            self.broken = True
            if self._task is not None:
                self._task.cancel()

    # ---- the turn -------------------------------------------------------------------------------------------------

    async def carry_out(self, order: Order) -> int:
        """The turn from its beginning to the `result` message. Cancelling it interrupts the turn, in good order."""
        self._task = asyncio.current_task()
        session: Session | None = None
        try:
            untrusted = await self._trust(order.folder)
            in_force = await self.house.settings(order.folder, {})
            settings = in_force.settings
            _check(order, settings)
            if order.review:
                settings = settings.model_copy(update={"review": "before"})
            servers = await self._servers(order.folder, settings)
            session = await self._session(order, settings)
            told = await self.house.guidance.beginning(Around(order.folder, (order.folder,), settings))
            self._begin(session, (*map(str, (*in_force.problems, *servers.problems)), *told.notices, *untrusted))
            given = frozenset(it.config.name for it in servers.servers if it.config.scope == "session")
            ended = await self._turn(session, order, settings, given)
            await self._review(session)
        except BadRequest:
            raise
        except ClawError as error:
            ended = TurnEnded(run="", stopped="failed", why=str(error), cost=0.0)
        except asyncio.CancelledError:
            ended = (_last_end(session) if session else None) or TurnEnded(
                run="", stopped="interrupted", why=INTERRUPTED, cost=0.0
            )
        self._end(ended, session.id if session else "")
        failed = self._reviewed is not None and bool(self._reviewed.problems)
        return EXIT_CODES["failed"] if failed else EXIT_CODES[ended.stopped]

    async def _trust(self, folder: str) -> tuple[str, ...]:
        """Ask whether the folder is trusted, where its files want something; what is then left out, in a sentence."""
        sought = await self.house.trust.sought(folder)
        if not sought.waiting:
            return ()
        answer = await self._person.answer(trusting.question(sought, ""))
        await trusting.answered(self.house.trust, sought, answer)
        n = counted(len(sought.waiting), "thing")
        left = (
            f"{n} that the files of {folder} ask for do not count: it is not trusted. Answer that on a terminal, once."
        )
        return () if answer.choice == ALWAYS else (left,)

    def _begin(self, session: Session, problems: tuple[str, ...]) -> None:
        started = next(it.event for it in session.entries if isinstance(it.event, SessionStarted))
        self._show(lambda: self._screen.begin(session.state, started))
        for problem in problems:
            self._show(lambda: self._screen.noted(problem))  # noqa: B023 - called before the loop goes on

    async def _turn(self, session: Session, order: Order, settings: Settings, given: frozenset[str]) -> TurnEnded:
        note = (await asyncio.to_thread(lambda: corrections(folded(session.entries)))).note
        if note is not None:
            await self.saw(session.write(note))
        run_id = str(uuid4())
        self._max_turns = order.max_turns or settings.max_turns
        spoken = UserSpoke(
            run=run_id,
            prompt_id=run_id,
            text=order.prompt,
            blocks=action_blocks(self.house.prompts, "ask", Subject(words=order.prompt)),
            max_turns=self._max_turns,
            max_cost=settings.max_cost,
            compact_at=by_itself(self.house.facts_of(session.state.model, settings), settings),
        )
        home = Home(order.folder, session.state.roots)
        asked = HookedAsked(None, session, self.house.alone(settings, self.saw))
        hands = self.house.hands(self._workspace, self, settings, home, asked)
        await self._up(order.folder, given)
        return await run_turn(session, spoken, hands)

    async def _servers(self, folder: str, settings: Settings) -> Configured:
        """The MCP servers of the folder. Raises BadRequest where the command line brings one that cannot be started."""
        found = await self.house.entries.read(folder, settings)
        for it in found.servers:
            if it.config.scope == "session" and it.standing == "failed":
                raise BadRequest(f"--mcp-config: {it.why}")
        return found

    async def _up(self, folder: str, names: frozenset[str]) -> None:
        """Servers that the command line brings are wanted in this one turn: it begins when they are there, or will not come."""
        if not names:
            return
        await self.house.servers.settled(folder, names, SERVERS)
        for it in self.house.servers.views(folder):
            if it.config.name in names and it.standing != "up":
                said = f"The MCP server {it.config.name} is not up ({it.standing}{f': {it.why}' if it.why else ''})."
                self._show(lambda: self._screen.noted(said))  # noqa: B023 - called before the loop goes on

    async def _review(self, session: Session) -> None:
        """Show what waits as a proposal, and ask about it where somebody is there."""
        diffs = await diffs_of(session, self._workspace)
        if not diffs:
            return
        self._show(lambda: self._screen.proposed("".join(diffs.values())))
        self._reviewed = await review(session, self._workspace, self._person, diffs, self.saw)
        if self._reviewed.state == "waiting":
            self._show(lambda: self._screen.noted("Nothing was written: what is proposed waits for a yes."))
        for problem in self._reviewed.problems:
            self._show(lambda: self._screen.noted(problem))  # noqa: B023 - called before the loop goes on

    async def _session(self, order: Order, settings: Settings) -> Session:
        sessions = self.house.sessions
        resumed = order.resume
        if order.latest:
            known = await sessions.list(order.folder)
            if not known:
                raise ClawError(
                    f"There is no session in {order.folder} to continue. Leave --continue out to begin one."
                )
            resumed = known[0].session
        if resumed is None:
            chosen = Chosen(mode=order.mode, model=order.model)
            return await sessions.start(Home(order.folder, (order.folder,)), chosen)
        session = await sessions.resume(resumed)
        if order.mode is not None and order.mode is not session.state.mode:
            session.write(ModeChanged(mode=order.mode))
            session.write(Noted(text=SWITCHED[order.mode]))
        if order.model is not None:
            model = self.house.facts_of(order.model, settings).id
            if model != session.state.model:
                session.write(ModelChanged(model=model, effort=session.state.effort))
        return session

    def _end(self, ended: TurnEnded, session: str) -> None:
        said = messages.result(
            ended,
            session=session,
            seconds=self.house.clock.monotonic() - self._began,
            n_replies=self._n_replies,
            max_turns=self._max_turns,
            denied=tuple(self._denied),
        )
        if self._reviewed is not None:
            said |= {"proposals": self._reviewed.state, "diff": "".join(self._reviewed.diffs.values())}
        self._show(lambda: self._screen.end(said, ended))


def _check(order: Order, settings: Settings) -> None:
    if order.mode is not None and (refusal := forbidden(order.mode, settings)):
        raise BadRequest(f"--permission-{refusal}")


def _last_end(session: Session) -> TurnEnded | None:
    last = session.entries[-1].event
    return last if isinstance(last, TurnEnded) else None


async def _guarded(work: Callable[[Door], Coroutine[Any, Any, int]], door: Door) -> int:
    """Do the work with signals ending it in good order: 128 and the signal's number is the exit code then."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work(door))
    codes: list[int] = []

    def stop(number: int) -> None:
        codes.append(128 + number)
        task.cancel()

    for name in _SIGNALS:
        # Windows has no SIGHUP, and its loops no signal handlers: Ctrl-C arrives there as KeyboardInterrupt.
        with suppress(NotImplementedError, AttributeError):
            loop.add_signal_handler(getattr(signal, name), stop, int(getattr(signal, name)))
    try:
        code = await task
    except asyncio.CancelledError:
        code = EXIT_CODES["interrupted"]
    finally:
        await door.house.close()
    return codes[0] if codes else BROKEN_PIPE if door.broken else code


_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
