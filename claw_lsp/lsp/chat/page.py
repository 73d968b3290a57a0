"""One chat document: what a session says goes into it, through the editor while it is open, else on disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from claw_lsp.core import merge
from claw_lsp.core.chat import marks, weave
from claw_lsp.core.chat.asking import asking
from claw_lsp.core.chat.earlier import Earlier, earlier
from claw_lsp.core.chat.scrub import scrubbed
from claw_lsp.core.chat.weave import Weave
from claw_lsp.core.chat.writer import Asked, Writer, Written
from claw_lsp.core.escape import one_line
from claw_lsp.core.render import LONGEST
from claw_lsp.facts.checkpoint import Rewound
from claw_lsp.facts.event import CallFinished, CallJudged, Entry, Steered, TurnEnded, UserSpoke
from claw_lsp.facts.question import Question
from claw_lsp.facts.signal import Signal, TextArrived
from claw_lsp.facts.text import TextEdit
from claw_lsp.lsp.chat import files
from claw_lsp.lsp.chat.desk import Desk
from claw_lsp.lsp.chat.stream import Stream

logger = logging.getLogger(__name__)


class Page:
    """`session` is None until the first prompt of a document that somebody else made is sent.

    Invariant: `weave.text` is the editor's text while the document is open, else what is on disk or about to be.
    """

    def __init__(self, desk: Desk, path: str, text: str, session: str | None, writer: Writer) -> None:
        self._desk = desk
        self.path = path
        self.session = session
        self.writer = writer
        self.weave = weave.begun(text, writer.key)
        self.n_seen = 0
        self.asked: str | None = None
        self.forgotten: set[str] = set()
        """The run that the last prompt began, if it can be begun anew from its words alone."""
        self.in_turn = False
        """Whether an answer is under way, as far as it was seen."""
        self.questions: dict[str, Question] = {}
        self.gone = False
        self._on_disk = text
        self._wrote: str = text
        self._before: Weave | None = None
        self._slow: dict[str, asyncio.TimerHandle] = {}
        self._shown_calls: set[str] = set()
        self._held: list[Written] | None = None
        self._stream = Stream(desk, self)
        self._write_timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._one_writer = asyncio.Lock()

    @property
    def open(self) -> bool:
        return self._desk.buffers.get(self.path) is not None

    # ---- what the session says ------------------------------------------------------------------------------------

    def saw(self, entry: Entry) -> None:
        """A fact goes into the document; one that is in it already does not."""
        if entry.n <= self.n_seen:
            return
        self._put(self._written(entry))
        event = entry.event
        if isinstance(event, Steered):
            self.weave = weave.steered(self.weave, event.text)
        elif isinstance(event, CallJudged):
            self._answered(event.call_id)
            self._show_if_slow(event.call_id)
        elif isinstance(event, CallFinished):
            self._answered(event.call_id)
            self._finished(event.call_id)
        elif isinstance(event, TurnEnded):
            self.questions.clear()
            for id_ in tuple(self._slow):
                self._finished(id_)
        self.refresh()

    def heard(self, signal: Signal) -> None:
        if written := self.writer.heard(signal):
            self._put(written)
            self.refresh()

    def ask(self, question: Question) -> None:
        """A question waits; an earlier one of the same call was answered."""
        self._answered(question.plan.call.id)
        self.questions[question.id] = question
        self.refresh()

    def withdraw(self, question_id: str) -> None:
        if self.questions.pop(question_id, None):
            self.refresh()

    def sends(self, words: str, end: int) -> None:
        """The person sent the prompt that ends at `end`: once that is a fact, the document shows it."""
        self.weave = weave.marked(self.weave, end, words)

    def not_sent(self, why: str) -> None:
        """It could not be sent; the words stay where they are."""
        self.weave = weave.put(weave.unmarked(self.weave), self.writer.said(f"_Not sent: {why}_"))
        self.refresh()

    def earlier(self) -> list[Earlier]:
        """The answered prompts as they stand here now."""
        return earlier(self.weave.text, self.weave.key, self.writer.prompts)

    def restore(self, prompt: Earlier) -> None:
        """A prompt becomes what was sent, if it still is what was found there."""
        if prompt in self.earlier():
            self.weave = weave.restored(self.weave, *prompt.body, prompt.sent)
            self.refresh()

    def draft(self, words: str) -> None:
        """Begin the prompt for the person."""
        self.weave = weave.drafted(self.weave, words)
        self.refresh()

    def holds(self) -> None:
        """The marked prompt is being answered, and nothing streams: what is said meanwhile comes below that answer."""
        self._held = []
        self.writer.parted()

    def replies(self, text: str) -> None:
        """The answer to the marked prompt, at once."""
        held, self._held = self._held, None
        self.weave = weave.replied(self.weave, f"\n\n{text}", streaming=held is None)
        self._put(held or ())
        self.refresh()

    def belongs_to(self, session: str) -> None:
        """A document that named no session got one."""
        self.session = session
        self.weave = weave.named(self.weave, session)
        self.refresh()

    def catch_up(self, entries: Sequence[Entry], streamed: str) -> None:
        """What the log has and the document has not is put into it, that of a turn which was cut off included."""
        text = self.weave.text.replace("\r\n", "\n")
        done, begun = marks.progress(text, self.weave.key)
        standing = _Standing(begun)
        below = text[text.rfind(marks.mark(self.weave.key, "end")) + 1 :]
        n_ended = 0
        for entry in entries:
            if entry.n <= self.n_seen:
                continue
            written = self._written(entry)
            ends = isinstance(entry.event, TurnEnded)
            if n_ended >= done:
                # What was noted between two turns has no mark of its own.
                missing = standing.missing(written)
                self._put([it for it in missing if isinstance(it, Asked) or ends or it.strip() not in below])
                standing = _Standing([]) if ends else standing
            n_ended += ends
        if streamed:
            self._put(standing.missing(self.writer.heard(TextArrived(streamed))))
        self.refresh()

    def _written(self, entry: Entry) -> tuple[Written, ...]:
        self.n_seen = entry.n
        if isinstance(entry.event, UserSpoke | TurnEnded):
            self.in_turn = isinstance(entry.event, UserSpoke)
        if isinstance(entry.event, UserSpoke):
            self.asked = entry.event.run if entry.event.action == "ask" else None
        if isinstance(entry.event, Rewound) and entry.event.what != "code":
            prompts = set(entry.event.prompts)
            self.forgotten = self.forgotten - prompts if entry.event.redo else self.forgotten | prompts
        return self.writer.saw(entry)

    def refresh(self) -> None:
        """See to it that the document becomes what it should be."""
        lines = [line for id_, line in self.writer.running().items() if id_ in self._shown_calls]
        lines += [f"- … goes with the next request: {one_line(scrubbed(it), LONGEST)}" for it in self.writer.waiting]
        tail = "\n\n" + "\n".join(lines) if lines else ""
        tail += "".join(asking(self.weave.key, it) for it in self.questions.values())
        self.weave = weave.wants(self.weave, tail)
        if self.open:
            self._stream.wake()
        elif not self.gone:
            self._write_soon(self._desk.patience.between_writes)

    async def flushed(self) -> None:
        """Wait until everything is in the document, or for so long that the person must be busy with it."""
        if self.open:
            await self._stream.rest(self._desk.patience.flush)
        else:
            await self.written()

    # ---- what the editor says -------------------------------------------------------------------------------------

    def took(self, edit: TextEdit) -> None:
        """The editor's text changed."""
        self.weave = weave.took(self.weave, edit)
        self._stream.moved()

    def opened(self, text: str) -> None:
        """The editor shows the document from now on; what was not on disk by then is put into its text."""
        self.gone = False
        self._stop_timer()
        self.weave = weave.forgotten(self.weave)
        if self._before is not None and text == self._before.text != self.weave.text:
            # It read the file before our last writing: what that brought, and what came since, is still to come.
            self.weave = replace(self._before, tasks=(*self._before.tasks, *self.weave.tasks))
        elif text != self.weave.text:
            self.took(TextEdit(0, len(self.weave.text), text))
        self._before = None
        self._on_disk = text
        self.refresh()

    def saved(self) -> None:
        self._on_disk = self.weave.text

    def closed(self) -> None:
        """From now on we write the file ourselves; not at once, because some close a document to open it anew."""
        self._stream.stop()
        self.weave = weave.forgotten(self.weave)
        self._write_soon(self._desk.patience.settling)

    # ---- the file -------------------------------------------------------------------------------------------------

    async def written(self) -> None:
        """Write the file now, unless an editor holds it."""
        self._stop_timer()
        await self._write()

    def _write_soon(self, delay: float) -> None:
        if self._write_timer is None:
            self._write_timer = asyncio.get_running_loop().call_later(delay, self._begin_writing)

    def _begin_writing(self) -> None:
        # A write that has begun is never cancelled: its thread would go on, and could overtake the next one.
        self._write_timer = None
        self._writing = asyncio.create_task(self._write(), name=f"chat {self.path}")

    def _stop_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    async def _write(self) -> None:
        async with self._one_writer:
            await self._write_alone()

    async def _write_alone(self) -> None:
        """What stands in the file and was not written by us stays in it."""
        there = await asyncio.to_thread(files.read, self.path)
        if self.open:
            return
        if there is None:
            # Deleted or renamed: the session goes on, and the next time it is shown it is written from the log.
            self.gone = True
            return
        before = weave.forgotten(weave.wants(self.weave, ""))
        settled = weave.settled(before)
        if there not in (self._on_disk, self._wrote, settled.text):
            text = merge.regained(self._on_disk, settled.text, there)
            settled = weave.took(settled, TextEdit(0, len(settled.text), text))
        # From here on what comes is added to the settled text; `_before` is for an editor that reads the file too early.
        self._before, self.weave = before, settled
        try:
            self._wrote = settled.text
            if there != settled.text:
                await asyncio.to_thread(files.replace, self.path, settled.text)
            self._on_disk = settled.text
        except OSError as error:
            logger.warning("the chat %s could not be written: %s", self.path, error)

    async def close(self) -> None:
        """Nothing more is shown; a document that no editor holds is written."""
        for timer in self._slow.values():
            timer.cancel()
        await self._stream.close()
        self._stop_timer()
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        if not self.open and not self.gone:
            await self._write()

    # ---- helpers --------------------------------------------------------------------------------------------------

    def _put(self, written: Sequence[Written]) -> None:
        if self._held is not None:
            self._held += written
            return
        for it in written:
            self.weave = weave.said(self.weave, it) if isinstance(it, Asked) else weave.put(self.weave, it)

    def _answered(self, call_id: str) -> None:
        self.questions = {id_: it for id_, it in self.questions.items() if it.plan.call.id != call_id}

    def _show_if_slow(self, call_id: str) -> None:
        def show() -> None:
            self._shown_calls.add(call_id)
            self.refresh()

        if call_id in self.writer.running():
            self._slow[call_id] = asyncio.get_running_loop().call_later(self._desk.patience.slow, show)

    def _finished(self, call_id: str) -> None:
        self._shown_calls.discard(call_id)
        if timer := self._slow.pop(call_id, None):
            timer.cancel()


class _Standing:
    """What the document holds of a turn that was not closed: `below` each of its headings, in order."""

    def __init__(self, below: list[str]) -> None:
        self._below = below
        self._begun: str | None = None

    def missing(self, written: Sequence[Written]) -> list[Written]:
        """What of the turn's next text is not there. The words of a heading that is there stand above it."""
        missing: list[Written] = []
        for it in written:
            if isinstance(it, Asked):
                self._begun = self._below.pop(0) if self._below else None
                missing += [] if self._begun is not None else [it]
            elif self._begun is None:
                missing.append(it)
            elif self._begun.startswith(it):
                self._begun = self._begun[len(it) :]
            else:
                missing.append(it[len(self._begun) :] if it.startswith(self._begun) else it)
                self._begun = ""
        return missing


def first_words(entries: Sequence[Entry]) -> str:
    """What a session is about: the first line of what was asked first."""
    for entry in entries:
        if isinstance(entry.event, UserSpoke) and (words := entry.event.text.strip()):
            return words.split("\n")[0]
    return ""
