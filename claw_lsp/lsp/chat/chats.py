"""The table of chat documents: which there are, which session each belongs to, what is shown and sent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from claw_lsp.core.chat import marks, weave
from claw_lsp.core.chat.earlier import Earlier
from claw_lsp.core.chat.marks import ChatText, parse
from claw_lsp.core.chat.scrub import scrubbed
from claw_lsp.core.chat.writer import Writer, rendered
from claw_lsp.core.position import LineIndex
from claw_lsp.facts.event import Entry, ModelSpoke, SessionStarted, TurnEnded, UserSpoke
from claw_lsp.facts.fault import BadRequest, ClawError, HostError, LogError
from claw_lsp.facts.question import Question
from claw_lsp.facts.signal import Signal, TextArrived
from claw_lsp.facts.text import TextEdit
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Changed, Closed, Happening, Opened, Position, Saved
from claw_lsp.lsp.chat import files, offers
from claw_lsp.lsp.chat.desk import Desk
from claw_lsp.lsp.chat.page import Page, first_words
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.uris import path_of, uri_of

logger = logging.getLogger(__name__)

Json = dict[str, Any]


class Chats:
    """Invariant: a path has one page; facts and signals of a session reach every page of it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pages: dict[str, Page] = {}
        self._streamed: dict[str, list[str]] = {}
        self._making: dict[str, asyncio.Lock] = {}
        self._folders: set[str] = {str(Path(desk.claw_home) / "chats")}
        self._background: set[asyncio.Task[Any]] = set()
        self._unwatch = desk.buffers.watch(self._happened)

    # ---- what a session says --------------------------------------------------------------------------------------

    async def saw(self, session: str, entry: Entry) -> None:
        """A fact was written. The end of a turn waits until its text is in the document; one that was interrupted does
        not."""
        pieces = self._streamed.setdefault(session, [])
        if isinstance(entry.event, ModelSpoke | TurnEnded):
            pieces.clear()
        pages = self._of(session)
        for page in pages:
            page.saw(entry)
        if isinstance(entry.event, UserSpoke | TurnEnded):
            self._lenses_changed(pages)
        if isinstance(entry.event, TurnEnded):
            for page in pages if entry.event.stopped != "interrupted" else ():
                await page.flushed()
            self._save([it for it in pages if it.open])

    async def heard(self, session: str, signal: Signal) -> None:
        """Something passed by; text is written soon, and never waited for here."""
        if isinstance(signal, TextArrived):
            self._streamed.setdefault(session, []).append(signal.text)
        for page in self._of(session):
            page.heard(signal)

    async def asked(self, session: str, question: Question) -> None:
        """A question waits for the person: it stands in the document until its call goes on."""
        for page in self._of(session):
            page.ask(question)

    def withdrawn(self, session: str, question_id: str) -> None:
        """A question was answered or taken back."""
        for page in self._of(session):
            page.withdraw(question_id)

    # ---- what the person wants ------------------------------------------------------------------------------------

    def path(self, session: str) -> str | None:
        """Where the session's document is, as far as it is known."""
        return next((it.path for it in self._of(session)), None)

    async def document(self, session: str) -> str:
        """The path of the session's document, written now if there was none. Raises LogError, ClawError."""
        return (await self._page(session)).path

    async def forget(self, session: str, entries: Sequence[Entry]) -> None:
        """The session is deleted: its documents go, too, but for those that the editor holds open."""
        for page in self._of(session):
            if not page.open:
                page.gone = True
                del self._pages[page.path]
        places = await self._places(_home(entries))
        kept = {path for path, it in self._pages.items() if it.session == session}
        found = await asyncio.to_thread(files.chats_in, [it.folder for it in places])
        for path in {it.path for it in found if it.session == session} - kept:
            await asyncio.to_thread(Path(path).unlink, missing_ok=True)

    def is_open(self, session: str) -> bool:
        """Whether the editor holds the session's document open, so that its answers are seen there."""
        return any(it.open for it in self._of(session))

    async def show(self, session: str, prompt: str | None = None) -> tuple[str, bool]:
        """Bring the session's document before the person, with `prompt` begun in it; its path, and whether it is shown.

        Only to be called when the person asked for it: it takes the focus. Raises LogError, ClawError.
        """
        page = await self._page(session)
        if prompt and not parse(page.weave.text).words:
            page.draft(prompt)
            await page.flushed()
        return page.path, await self._shown(page)

    async def latest(self, folder: str) -> str | None:
        """The session of the chat in this home folder that was changed last, and whose log can still be read."""
        places = await self._places(folder)
        found = await asyncio.to_thread(files.chats_in, [it.folder for it in places])
        live = [it.session for it in reversed(self._pages.values()) if it.session and it.open]
        for session in dict.fromkeys([*live, *(it.session for it in found)]):
            with contextlib.suppress(LogError):
                if folder == _home(await self._desk.entries(session)):
                    return session
        return None

    async def send(self, uri: str, request: RequestId | None) -> Json:
        """Send what stands in the prompt block of a document: `{session, run}`, or `{session, text}` of a slash command.

        While a turn runs it goes with that turn's next request. Raises BadRequest when it is no chat, and when the block is
        empty.
        """
        page = await self._chat(path_of(uri))
        found = parse(page.weave.text)
        if not found.words:
            raise BadRequest(f"There is nothing to send: write below the last heading of {page.path}, then send it.")
        if page.weave.is_sending:
            raise BadRequest("This prompt is being sent already.")
        if found.slash is not None and not found.slash[0].startswith("mcp__"):
            return await self._reply(page, found, *found.slash)
        page.sends(found.words, found.end)
        try:
            return await self._desk.begin(await self._session(page), found.words, request)
        except ClawError as error:
            page.not_sent(scrubbed(str(error)))
            raise

    def session(self, uri: str) -> str | None:
        """The session of a chat document."""
        page = self._pages.get(path_of(uri))
        return page.session if page else None

    async def edited(self, uri: str, place: Position | None) -> tuple[str, Earlier] | None:
        """The earlier prompt that was edited and is to be sent, with its session: the one around `place`, else where the
        prompt block is empty the only one. Raises BadRequest when it is no chat."""
        page = await self._chat(path_of(uri))
        if page.session is None:
            return None
        edited = [it for it in page.earlier() if it.edited and it.words]
        if place is not None:
            at = self._index(page).offset(*place, self._desk.buffers.encoding)
            around = next((it for it in edited if it.place[0] <= at <= it.place[1]), None)
            if around is not None:
                return page.session, around
        alone = len(edited) == 1 and not parse(page.weave.text).words
        return (page.session, edited[0]) if alone else None

    async def prompt(self, uri: str, prompt_id: str) -> Earlier | None:
        """An earlier prompt of a document as it stands there now. Raises BadRequest when it is no chat."""
        page = await self._chat(path_of(uri))
        return next((it for it in page.earlier() if it.prompt_id == prompt_id), None)

    def restore(self, uri: str, prompt: Earlier) -> None:
        """An edited prompt was sent elsewhere: here it becomes what it was. One that is edited again meanwhile does not."""
        page = self._pages.get(path_of(uri))
        if page is not None:
            page.restore(prompt)

    def is_chat(self, path: str) -> bool:
        return path in self._pages

    def actions(self, path: str, line: int, along: str = "") -> list[Json]:
        """Send, Stop, Retry, the answers to what is asked, and forks from edited prompts and the one at this line; `along`
        as for lenses."""
        sight = self._sight(path)
        return [*offers.actions(sight, line), *offers.sent_along_actions(sight, along)] if sight else []

    def lenses(self, path: str, along: str = "") -> list[Json]:
        """What can be done in a chat; `along` says what would go with the prompt, "" where nothing would."""
        sight = self._sight(path)
        return [*offers.lenses(sight), *offers.sent_along(sight, along)] if sight else []

    def in_sight(self) -> list[offers.Sight]:
        """The chats that the editor holds open."""
        return [it for page in self._pages.values() if page.open and (it := self._sight(page.path))]

    async def close(self) -> None:
        """Write what no editor holds; show nothing more."""
        self._unwatch()
        for task in tuple(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        for page in tuple(self._pages.values()):
            await page.close()

    # ---- what the editor says -------------------------------------------------------------------------------------

    def _happened(self, it: Happening) -> None:
        page = self._pages.get(it.path)
        match it:
            case Opened(path, text):
                if page is not None:
                    page.opened(text)
                elif self._looks_like_chat(path, text):
                    self._adopt(path, text)
            case Changed(before=before, after=after, edit=edit):
                if page is not None:
                    page.took(edit or TextEdit(0, len(before), after))
            case Saved():
                if page is not None:
                    page.saved()
            case Closed():
                if page is not None:
                    page.closed()

    def _looks_like_chat(self, path: str, text: str) -> bool:
        if not path.endswith(".md"):
            return False
        folder = path.rsplit("/", 1)[0]
        return folder in self._folders or folder.endswith("/.claw/chats") or parse(text).session is not None

    def _adopt(self, path: str, text: str) -> Page:
        """A page for a document that somebody opened. What its session said since it was written follows soon."""
        found = parse(text)
        page = Page(self._desk, path, text, found.session, Writer(found.key or uuid4().hex[:8]))
        self._pages[path] = page
        if found.session is not None:
            self._later(self._catch_up(page, found.session), f"reading the log for {path}")
        return page

    async def _catch_up(self, page: Page, session: str) -> None:
        async with self._lock(session):
            if page.n_seen == 0:
                try:
                    entries = await self._desk.entries(session)
                except LogError as error:
                    logger.info("the session of %s cannot be read: %s", page.path, error)
                    return
                page.catch_up(entries, "".join(self._streamed.get(session, ())))
                # Which prompts can be asked again or forked is known from the log alone.
                self._lenses_changed([page])

    # ---- pages ----------------------------------------------------------------------------------------------------

    def _of(self, session: str) -> list[Page]:
        return [it for it in self._pages.values() if it.session == session and not it.gone]

    async def _page(self, session: str) -> Page:
        """The session's page: one that is there, else its file, else a new one written from the log."""
        async with self._lock(session):
            pages = self._of(session)
            for page in sorted(pages, key=lambda it: it.open, reverse=True):
                if page.open or await asyncio.to_thread(Path(page.path).is_file):
                    return page
                page.gone = True
            entries = await self._desk.entries(session)
            places = await self._places(_home(entries))
            found = await asyncio.to_thread(files.chats_in, [it.folder for it in places])
            path = next((it.path for it in found if it.session == session), None)
            text = await asyncio.to_thread(files.read, path) if path else None
            # The log may have grown while the disk was looked at.
            entries = await self._desk.entries(session)
            streamed = "".join(self._streamed.get(session, ()))
            if path is None or text is None:
                return await self._written_anew(session, entries, places)
            page = Page(self._desk, path, text, session, Writer(parse(text).key))
            self._pages[path] = page
            page.catch_up(entries, streamed)
            return page

    async def _written_anew(self, session: str, entries: Sequence[Entry], places: Sequence[files.Place]) -> Page:
        key = marks.key_of(session)
        date = time.strftime("%Y-%m-%d", time.localtime(self._desk.now()))
        name = files.stem(date, first_words(entries), key)
        try:
            path = await asyncio.to_thread(files.create, places, name, rendered(Writer(key), entries))
        except OSError as error:
            raise ClawError(
                f"The chat could not be written: {error}. Set chats.directory to a writable folder."
            ) from error
        text = await asyncio.to_thread(files.read, path) or ""
        writer = Writer(key)
        page = Page(self._desk, path, text, session, writer)
        self._pages[path] = page
        page.catch_up(await self._desk.entries(session), "".join(self._streamed.get(session, ())))
        return page

    async def _chat(self, path: str) -> Page:
        page = self._pages.get(path)
        if page is None:
            text = await asyncio.to_thread(files.read, path)
            if text is None or not self._looks_like_chat(path, text):
                raise BadRequest(f"uri: expected a chat document (claw.chat opens one), found {path}")
            page = self._pages.get(path) or self._adopt(path, text)
        if page.session is not None:
            await self._catch_up(page, page.session)
        return page

    async def _places(self, home: str) -> tuple[files.Place, ...]:
        configured = await self._desk.configured(home)
        places = files.places(home, self._desk.folders(), configured, self._desk.claw_home)
        self._folders.update(it.folder for it in places)
        return places

    async def _session(self, page: Page) -> str:
        """The page's session; a document that has none gets one."""
        if page.session is None:
            page.belongs_to(await self._desk.fresh(page.path))
        assert page.session is not None
        return page.session

    # ---- showing and answering ------------------------------------------------------------------------------------

    async def _shown(self, page: Page) -> bool:
        if not self._desk.powers.show_document:
            return False
        index = LineIndex(page.weave.text)
        # Not behind the last line end: Neovim 0.11 has no line there, and fails (test_the_chat_is_shown_at_its_prompt).
        at = min(parse(page.weave.text).end, max(0, len(page.weave.text.rstrip("\r\n")) + 1))
        selection = to_lsp.text_range(index, at, at, self._desk.buffers.encoding)
        params = {"uri": self._uri(page), "takeFocus": True, "selection": selection}
        try:
            answer = await self._desk.editor.ask("window/showDocument", params, timeout=self._desk.patience.quick)
        except HostError as error:
            logger.info("the editor did not show %s: %s", page.path, error)
            return False
        return isinstance(answer, dict) and cast("Json", answer).get("success") is True

    async def _reply(self, page: Page, found: ChatText, name: str, rest: str) -> Json:
        """Answer a slash command in the document, without the model."""
        page.weave = weave.marked(page.weave, found.end)
        if name in self._desk.about_session:
            await self._session(page)
        if not page.in_turn:
            page.holds()
        text = "Something in claw-lsp itself failed; the details are in its log."
        try:
            text = await self._said(name, rest, page)
        finally:
            page.replies(scrubbed(text).strip())
        await page.flushed()
        return {"session": page.session, "text": text}

    async def _said(self, name: str, rest: str, page: Page) -> str:
        slash = self._desk.slash.get(name)
        if slash is None:
            known = "\n".join(f"- `/{it}`" for it in sorted(self._desk.slash))
            return f"There is no command `/{name}`. The commands are:\n\n{known}"
        try:
            return await slash(page.session, rest)
        except ClawError as error:
            return f"`/{name}`: {error}"

    def _sight(self, path: str) -> offers.Sight | None:
        page = self._pages.get(path)
        if page is None:
            return None
        found = parse(page.weave.text)
        index, encoding = self._index(page), self._desk.buffers.encoding
        heading = to_lsp.text_range(index, *(found.heading or (found.start, found.start)), encoding)
        run = self._desk.running(page.session) if page.session else None
        again = (self._desk.again(page.session) or page.asked) if page.session and run is None else None
        prompts = [
            offers.Prompt(
                it.prompt_id,
                to_lsp.text_range(index, *it.place, encoding),
                it.words,
                it.edited,
                known=it.prompt_id not in page.forgotten,
            )
            for it in page.earlier()
            if it.prompt_id
        ]
        questions = tuple(page.questions.values())
        return offers.Sight(
            self._uri(page), heading, bool(found.words), run, questions, page.session or "", again, tuple(prompts)
        )

    def _index(self, page: Page) -> LineIndex:
        buffer = self._desk.buffers.get(page.path)
        return buffer.index if buffer else LineIndex(page.weave.text)

    def _uri(self, page: Page) -> str:
        buffer = self._desk.buffers.get(page.path)
        return buffer.uri if buffer else uri_of(page.path)

    def _save(self, pages: Sequence[Page]) -> None:
        if pages and self._desk.powers.saves != "never":
            self._later(self._desk.save(tuple(it.path for it in pages)), "saving the chat")

    def _lenses_changed(self, pages: Sequence[Page]) -> None:
        if self._desk.powers.code_lens_refresh and any(it.open for it in pages):
            self._later(
                self._desk.editor.ask("workspace/codeLens/refresh", {}, timeout=self._desk.patience.quick),
                "refreshing lenses",
            )

    def _lock(self, session: str) -> asyncio.Lock:
        return self._making.setdefault(session, asyncio.Lock())

    def _later(self, work: Any, name: str) -> None:
        async def carry() -> None:
            try:
                await work
            except ClawError as error:
                logger.info("%s: %s", name, error)

        task = asyncio.create_task(carry(), name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _home(entries: Sequence[Entry]) -> str:
    """The folder a session lives in."""
    started = next((it.event for it in entries if isinstance(it.event, SessionStarted)), None)
    if started is None:
        return ""
    return started.roots[0] if started.roots else started.cwd
