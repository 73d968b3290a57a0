"""One client's door: what it can do, what it holds open, which turns run for it. It translates; it decides nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import uuid4

from claw_lsp.core import briefing
from claw_lsp.core.briefing import Subject
from claw_lsp.core.chat.writer import unread
from claw_lsp.core.compacting import by_itself
from claw_lsp.core.corrections import corrections
from claw_lsp.core.modes import forbidden
from claw_lsp.core.policy.paths import inside
from claw_lsp.core.rules_page import Listed
from claw_lsp.core.window import Part
from claw_lsp.core.words import counted
from claw_lsp.engine.config_changes import settle
from claw_lsp.engine.eliciting import HookedAsked
from claw_lsp.engine.hooking import Alone
from claw_lsp.engine.house import House
from claw_lsp.engine.opening import Chosen, Home
from claw_lsp.engine.session import Session
from claw_lsp.engine.small_model import SmallModel
from claw_lsp.engine.titles import Titles
from claw_lsp.engine.turn import run_turn
from claw_lsp.engine.watched import Watched
from claw_lsp.facts.event import Entry, Event, Stopped, TurnEnded, UserSpoke
from claw_lsp.facts.fault import BadRequest, ClawError, HostError, LogError, SessionHeld
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.instructions import Around
from claw_lsp.facts.mcp import ServerView
from claw_lsp.facts.question import Question
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.signal import Signal
from claw_lsp.lsp.along import Along, Lookup
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.chat import Chats
from claw_lsp.lsp.client import Client
from claw_lsp.lsp.comments import Comments
from claw_lsp.lsp.earlier import Earlier
from claw_lsp.lsp.events import Events
from claw_lsp.lsp.host import TurnHost
from claw_lsp.lsp.hunks import Hunks
from claw_lsp.lsp.languages import EditorLanguages
from claw_lsp.lsp.line_pages import LinePages
from claw_lsp.lsp.mcp import served
from claw_lsp.lsp.mcp.asked import DoorAsked
from claw_lsp.lsp.mcp.sharing import Sharing
from claw_lsp.lsp.messages import INFO, WARNING, Messages
from claw_lsp.lsp.notices import Notices
from claw_lsp.lsp.powers import Powers
from claw_lsp.lsp.progress import Bar, Progress
from claw_lsp.lsp.questions import Questions
from claw_lsp.lsp.review import Review
from claw_lsp.lsp.runs import TITLES, Again, Run, Runs
from claw_lsp.lsp.settings_files import SettingsFiles
from claw_lsp.lsp.shim import Shim
from claw_lsp.lsp.surroundings import Beside
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.trusting import Trusting
from claw_lsp.lsp.uris import filelike, path_of
from claw_lsp.lsp.views import Views
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.languages import Symbols
from claw_lsp.ports.model import Model

logger = logging.getLogger(__name__)

UNREAD = "[The turn ended before you read what I said last, above. Answer that now.]"
NOTHING_ALONG = Along()

LAST_WORDS = 0.2
"""Seconds for what is still to be shown or recorded when the connection ends."""


@dataclass(slots=True)
class Door:
    """Everything that lives as long as one connection. Built by lsp/server.py once the client introduced itself.

    `folders` are the workspace folders, absolute; `section` is the editor's part of the settings. `model`, `mode` and
    `effort` are what new sessions start with where a command set it, else None.
    """

    house: House
    editor: Client
    powers: Powers
    buffers: Buffers
    workspace: Workspace
    runs: Runs
    questions: Questions
    trusting: Trusting
    progress: Progress
    notices: Notices
    chats: Chats
    views: Views
    rules_pages: LinePages[Listed]
    window_pages: LinePages[Part]
    server_pages: LinePages[ServerView]
    messages: Messages
    review: Review
    earlier: Earlier
    hunks: Hunks
    comments: Comments
    settings_files: SettingsFiles
    watched: Watched
    sharing: Sharing
    shim: Shim
    events: Events
    languages: EditorLanguages
    symbols: Symbols
    titles: Titles
    lookup: Lookup
    around: Beside
    folders: tuple[str, ...] = ()
    section: Mapping[str, Any] = field(default_factory=dict[str, Any])
    model: str | None = None
    effort: str | None = None
    mode: Mode | None = None
    background: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])
    closing: bool = False

    # ---- sessions -------------------------------------------------------------------------------------------------

    def home_for(self, uri: str | None) -> Home:
        """The workspace folder of the document, else the first. With none open it is the document's own folder, or the
        person's home, and no root: nothing there is read unasked."""
        path = path_of(uri) if uri else (self.buffers.seen.path if self.buffers.seen else None)
        named = path if path is not None and filelike(path) else None
        containing = [it for it in self.folders if named and inside(named, (it,))]
        if containing or self.folders:
            folder = max(containing, key=len) if containing else self.folders[0]
            return self._home(folder, (folder, *(it for it in self.folders if it != folder)))
        folder = named.rsplit("/", 1)[0] or "/" if named else self.house.home
        return self._home(folder, ())

    @property
    def homes(self) -> tuple[str, ...]:
        """The folders whose sessions are this workspace's."""
        return self.folders or (self.home_for(None).folder,)

    def _home(self, folder: str, roots: tuple[str, ...]) -> Home:
        return Home(folder, roots, editor=self.powers.client, section=self.section, open_texts=self._open_texts)

    def home_of(self, session: Session) -> Home:
        """Where the session lives, with the editor, its settings and its folders as they are now."""
        state = session.state
        folder = state.roots[0] if state.roots else state.cwd
        within = folder in self.folders
        return self._home(folder, (folder, *(it for it in self.folders if it != folder)) if within else state.roots)

    def _open_texts(self) -> dict[str, str]:
        return {it.path: it.text for it in self.buffers.all()}

    async def settings_in(self, folder: str) -> Settings:
        """The settings in force in a folder now; what is wrong in their files is said once."""
        in_force = await self.house.settings(folder, self.section)
        self.settings_files.tell(in_force.problems)
        return in_force.settings

    async def settings_changed(self, paths: Iterable[str]) -> None:
        """Files of settings changed: what they say counts from the next step of any turn on, if hooks let it."""
        if self.house.gate.guarded:
            await asyncio.gather(*(self.house.settings(folder, self.section) for folder in self.homes))
            await settle(self.house.gate, self.house.sessions, self.watched.wired, partial(self.messages.say, WARNING))
        self.settings_files.count_change()
        problems = [it for folder in self.homes for it in (await self.house.settings(folder, self.section)).problems]
        self.settings_files.found(problems, changed=paths)
        self.events.touched()

    async def settings_of(self, session: Session | None) -> Settings:
        """The settings in force where the session lives; where a new one would live, for None."""
        if session is None:
            return await self.settings_in(self.home_for(None).folder)
        return await self.settings_in(session.state.roots[0] if session.state.roots else session.state.cwd)

    async def session_for(self, session: str | None, uri: str | None, mode: Mode | None, model: str | None) -> Session:
        """The session a command names, as it was left; else a fresh one. A raised mode is asked for, never given.

        Raises BadRequest for a session that cannot be opened, and for a raised mode that the settings forbid."""
        if session is not None:
            return await self._named(self.house.sessions.resume, session)
        home = self.home_for(uri)
        mode = mode or self.mode
        if mode is not None and (refusal := forbidden(mode, await self.settings_in(home.folder))):
            raise BadRequest(refusal)
        chosen = Chosen(mode=None if mode is Mode.BYPASS else mode, model=model or self.model, effort=self.effort)
        started = await self.house.sessions.start(home, chosen)
        self.later(self._tell_left_out(home), "saying which instructions were left out")
        return started

    async def _tell_left_out(self, home: Home) -> None:
        """Say once what of the instructions a session begins with could not be read."""
        around = Around(home.folder, home.roots, await self.settings_in(home.folder), home.open_texts())
        first, *others = (await self.house.guidance.beginning(around)).notices or ("",)
        if first:
            more = f" And {counted(len(others), 'more file')}." if others else ""
            self.messages.warn_once(f"{first}{more} claw.memory shows what is in force.")

    async def resume_or_start(self, session: str, uri: str | None) -> Session:
        """The session as it was left; a fresh one where another process has it open."""
        try:
            return await self.house.sessions.resume(session)
        except SessionHeld:
            return await self.session_for(None, uri, None, None)

    async def last_session(self, session: str | None) -> Session | None:
        """The session a settings command means: the one named, else the last used."""
        if session is not None:
            return await self._named(self.house.sessions.resume, session)
        return self.house.sessions.last

    async def looked_at(self, session: str | None) -> Session | None:
        """As `last_session`, for a command that only looks: the last used stays the last used."""
        if session is not None:
            return await self._named(self.house.sessions.look, session)
        return self.house.sessions.last

    async def _named(self, found: Callable[[str], Awaitable[Session]], session: str) -> Session:
        try:
            return await found(session)
        except LogError as error:
            raise BadRequest(f"session: {error}") from error

    async def write(self, session: Session, event: Event) -> None:
        """A fact from the person, outside a turn's own; shown as soon as it is written."""
        await self.saw(session.id, session.write(event))

    # ---- turns ----------------------------------------------------------------------------------------------------

    async def start(
        self,
        session: Session,
        action: str,
        subject: Subject,
        *,
        request: RequestId | None,
        opens_chat: bool = False,
        text: str | None = None,
        again: Again | None = None,
        beside: Along = NOTHING_ALONG,
        by: Model | None = None,
    ) -> Run:
        """Begin a turn: what the person said is in the log before this answers; the rest happens in the run's own task.
        In a session whose turn still runs it waits for that. `text` is what people are shown, made up if None; `beside` goes
        along with what the words mention. `by` stands in the model's place, and only proposes."""
        title = f"{TITLES.get(action, 'Claw')} {subject.path}".strip()
        if action == "ask":
            title = briefing.title(text or subject.words) or title
        shown = subject.words if action == "ask" else f"{title}\n\n{subject.words}".strip()
        folder = session.state.roots[0] if session.state.roots else session.state.cwd
        settings, sought = await asyncio.gather(self.settings_in(folder), self.trusting.look(folder))
        if self.trusting.asks(sought):
            self.later(self.trusting.ask(sought, session.id), "asking whether a folder is trusted")
        run = Run(id=str(uuid4()), session=session.id, title=title, action=action, again=again)
        along = await self.along(session, subject.words, settings) + beside
        run.along = along.lines
        spoken = UserSpoke(
            run=run.id,
            prompt_id=run.id,
            text=text or shown,
            blocks=(*briefing.action_blocks(self.house.prompts, action, subject), *along.blocks),
            action=action,
            path=subject.path or None,
            max_turns=settings.max_turns,
            max_cost=settings.max_cost,
            compact_at=by_itself(self.house.facts_of(session.state.model, settings), settings),
            **along.told,
        )
        if not self.runs.active(session.id):
            await self._tell_corrections(session)
        begun = [] if self.runs.active(session.id) else session.begin(spoken)
        bar = self.progress.begin(run.id, f"Claw: {run.title}")
        turn = self._turn(run, session, spoken, begun, settings, bar, by, opens_chat=opens_chat)
        return self.runs.start(
            run, turn, partial(self._closing, session, spoken), partial(self._over, session, bar), request
        )

    async def clean_up(self) -> None:
        """Delete sessions that nobody used for long, and those used longest ago where a project keeps too much, unless that
        was done today. What went only for its size is said: nobody chose its time."""
        settings = await self.settings_in(self.home_for(None).folder)
        gone = await self.house.sessions.clean_up(settings.cleanup_days, self.house.clock.now())
        for session in gone:
            logger.info("Session %s was not used for %s days and is deleted", session, settings.cleanup_days)
        trimmed = await self.house.sessions.trim(settings.most_megabytes)
        await self.house.checkpoints.forget((*gone, *trimmed))
        if trimmed:
            kept = f"a project keeps {settings.most_megabytes} MB of them (`maxSessionMegabytes`)"
            self.messages.say(INFO, f"Claw: {counted(len(trimmed), 'old session')} deleted, the oldest: {kept}.")

    async def along(self, session: Session, words: str, settings: Settings) -> Along:
        """What words for this session mention; what is not sent is said where the chat does not show it."""
        along = await self.lookup(words, session.state, settings)
        along += await served.along(self.house.servers, self.home_of(session), settings, words)
        for line in along.lines if not self.chats.is_open(session.id) else ():
            if line.startswith("not sent"):
                self.messages.say(WARNING, f"Claw: {line}")
        return along

    async def _turn(
        self,
        run: Run,
        session: Session,
        spoken: UserSpoke,
        begun: list[Entry],
        settings: Settings,
        bar: Bar,
        by: Model | None,
        *,
        opens_chat: bool,
    ) -> TurnEnded:
        for entry in begun:
            await self.saw(session.id, entry)
        if opens_chat:
            try:
                await self.chats.show(session.id)
            except ClawError as error:
                self.messages.warn_once(str(error))
        self.watched.take(session, settings)
        host = self.host(run, bar)
        asked = HookedAsked(self.asked(session, host), session, self.alone(session, settings))
        hands = self.house.hands(self.workspace, host, settings, self.home_of(session), asked)
        if by is not None:
            proposes = settings.model_copy(update={"review": "before"})
            hands = replace(hands, model=by, settings=proposes, checkpoints=None)
        else:
            newer = self.settings_files.newer(partial(self.settings_of, session))
            hands = replace(hands, newer=newer, shows_replies=True)
        return await run_turn(session, spoken, hands)

    def _closing(self, session: Session, spoken: UserSpoke, run: Run, stopped: Stopped, why: str) -> TurnEnded:
        """The logged end of a run that did not come to its own; see `runs.Closing`."""
        if closed := session.end(run.id, stopped, why):
            self.later(self._show(session.id, closed), "showing the end of a turn")
        if ended := session.ended(run.id):
            return ended
        self.later(self._recorded(session, spoken, stopped, why), "recording a turn that never began")
        return TurnEnded(run=run.id, stopped=stopped, why=why, by_loop=False)

    async def _recorded(self, session: Session, spoken: UserSpoke, stopped: Stopped, why: str) -> None:
        """What the person said is in the log, though its turn was called off while it waited for another."""
        async with session.in_turn:
            entries = [*session.begin(spoken), *session.end(spoken.run, stopped, why)]
        await self._show(session.id, entries)

    async def _show(self, session: str, entries: list[Entry]) -> None:
        for entry in entries:
            await self.saw(session, entry)

    def _over(self, session: Session, bar: Bar, run: Run, ended: TurnEnded) -> None:
        bar.end(self.messages.in_short(ended))
        self.events.touched()
        self.house.sessions.let_go()
        seen = self.chats.is_open(session.id)
        self.later(self.messages.turn_ended(run, session, ended, chat_is_open=seen), "the turn's message")
        if not self.closing:
            self.later(self._titled(session), "looking whether a session wants a title")
        if session.state.unread and not self.closing and not self.runs.active(session.id):
            self.later(self._go_on(session, unread(session.state.unread)), "what the turn did not get to")

    async def _titled(self, session: Session) -> None:
        """See to it that the session gets a title, where one is wanted."""
        settings = await self.settings_of(session)
        if settings.session_titles and not self.closing:
            self.titles.after_turn(session, self.house.small(settings))

    async def _go_on(self, session: Session, words: str) -> None:
        """A turn for what was said to one that ended before the model read it; the words stand in its messages."""
        await self.start(session, "ask", Subject(words=UNREAD), request=None, text=words)

    async def _tell_corrections(self, session: Session) -> None:
        """What the person did about the agent's edits since the last turn is known to the model in this one."""
        self.review.catch_up((session,))
        found = corrections(self.review.book(session.id))
        for fact in found.by_hand:
            await self.write(session, fact)
        if found.note is not None:
            await self.write(session, found.note)

    def host(self, run: Run, bar: Bar) -> TurnHost:
        return TurnHost(
            run=run,
            bar=bar,
            questions=self.questions,
            screens=(self,),
            prepared=self._prepared,
            withdrawn=self.chats.withdrawn,
            turned=self.events.touched,
        )

    def alone(self, session: Session, settings: Settings) -> Alone:
        """What hooks of a session need where no turn of it runs."""
        return self.house.alone(settings, partial(self.saw, session.id))

    def asked(self, session: Session, host: TurnHost) -> DoorAsked:
        """Who answers what an MCP server asks during a call of this turn."""

        async def small() -> SmallModel:
            return self.house.small(await self.settings_of(session))

        return DoorAsked(session.id, host, self.shim, self.views, self.messages, small)

    async def _prepared(self, question: Question) -> Question:
        """The question with its document written, so that it can be read and answered there; the chat shows it too."""
        if question.document:
            path = await self.views.write(question.session, question.document, question.detail)
            question = replace(question, path=path)
        await self.chats.asked(question.session, question)
        return question

    # ---- the screen -----------------------------------------------------------------------------------------------

    async def saw(self, session: str, entry: Entry) -> None:
        for line in entry.event.message.splitlines() if isinstance(entry.event, Hooked) else ():
            self.messages.warn_once(f"Claw: {line}")
        if isinstance(entry.event, Hooked):
            self.watched.look()
        self.review.saw(session, entry)
        await self.chats.saw(session, entry)
        self.events.fact(session, entry)

    async def heard(self, session: str, signal: Signal) -> None:
        await self.chats.heard(session, signal)

    def questions_changed(self) -> None:
        """A question came or went: its diagnostics and lenses follow."""
        self.notices.show(self.questions.pending)
        self.events.touched()
        self._lenses_changed()

    def hunks_changed(self) -> None:
        """Hunks came, went or moved: their diagnostics and lenses follow."""
        before = self.notices.published
        self.notices.show_hunks(self.hunks.diagnostics())
        self.events.hunks(self.hunks.all_listed)
        if self.notices.published != before:
            self._lenses_changed()

    def surroundings_changed(self) -> None:
        """What would go along with a prompt is something else now: lenses of chats say it."""
        self._lenses_changed()

    def comments_changed(self) -> None:
        """Comments that speak to us came, went or were begun: their diagnostics and lenses follow."""
        self.notices.show_comments(self.comments.diagnostics())
        self._lenses_changed()

    def _lenses_changed(self) -> None:
        if self.powers.code_lens_refresh:
            self.later(self._refresh_lenses(), "refreshing lenses")

    async def _refresh_lenses(self) -> None:
        try:
            await self.editor.ask("workspace/codeLens/refresh", {})
        except HostError as error:
            logger.info("The lenses are not shown anew: %s", error)

    def later(self, work: Any, name: str) -> None:
        """Do something that nobody waits for; a failure is logged."""
        task = asyncio.create_task(work, name=name)
        self.background.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self.background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("%s failed", task.get_name(), exc_info=error)

    # ---- the end --------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Interrupt every turn, keep what was said, end every process."""
        self.closing = True
        await self.settings_files.close()
        await self.watched.close()
        await self.titles.close()
        await self.runs.close()
        self.review.close()
        await self.earlier.close()
        if self.background:
            await asyncio.wait(self.background, timeout=LAST_WORDS)
        for task in self.background:
            task.cancel()
        await self.progress.close()
        await self.questions.close()
        await self.sharing.close()
        await self.chats.close()
        await self.house.close()
