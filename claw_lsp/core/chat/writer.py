"""A session's facts and signals as the text of its chat document; streamed or written anew, it is the same text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from claw_lsp.core.blocks import sendable
from claw_lsp.core.chat import marks
from claw_lsp.core.chat.scrub import Scrub, scrubbed
from claw_lsp.core.escape import one_line
from claw_lsp.core.hooks.telling import in_a_line
from claw_lsp.core.render import LONGEST, call_title, compacted_line, offered_line, result_line, usage_line
from claw_lsp.core.reopening import in_words
from claw_lsp.core.rewinding import rewound_in_words
from claw_lsp.core.words import counted
from claw_lsp.facts.call import calls_in, text_in
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
    Titled,
    TurnEnded,
    Unknown,
    UserSpoke,
)
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.offered import ToolsOffered
from claw_lsp.facts.reviewed import ReviewFact
from claw_lsp.facts.signal import Signal, TextArrived
from claw_lsp.facts.usage import Usage


@dataclass(frozen=True, slots=True)
class Asked:
    """The person said this: it begins a turn, or it was said `meanwhile` and the running turn goes on with it."""

    words: str
    meanwhile: bool = False
    prompt_id: str = ""


Written = Asked | str
"""What follows in the document: a new turn, or text for the end of the answer."""


class Writer:
    """What has been written of one session, as far as the next text depends on it.

    Invariant: the text answered for a reply is the same whether it came in pieces, whole, or pieces first and then
    whole.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self._scrub = Scrub()
        self._pieces: list[str] = []
        self._display: str | None = None
        self._blanks: str = ""
        self._in_reply = False
        self._in_list = False
        self._titles: dict[str, str] = {}
        self._judged: dict[str, CallJudged] = {}
        self.prompts: list[Asked] = []
        self._meanwhile: tuple[Steered, ...] = ()
        self._n_ready = 0
        self._open: set[str] = set()
        self._cwd = ""
        self._started_at = 0.0
        self._begun = False

    @property
    def waiting(self) -> tuple[str, ...]:
        """What was said meanwhile, and no reply has followed to a request that held it."""
        return tuple(it.text for it in self._meanwhile)

    @property
    def streamed(self) -> str:
        """What has arrived of the reply that is not finished yet."""
        return "".join(self._pieces)

    def heard(self, signal: Signal) -> tuple[Written, ...]:
        """What a signal adds to the answer: text is written as it arrives, the rest is shown elsewhere."""
        if not isinstance(signal, TextArrived):
            return ()
        self._pieces.append(signal.text)
        text = self._text(self._scrub.feed(signal.text))
        return (*self._taken(self._n_ready), text) if text else ()

    def saw(self, entry: Entry) -> tuple[Written, ...]:
        """What a fact adds to the document. What was said meanwhile is `waiting` until a reply follows to a request that
        held it: the next one of the turn, else that of the turn which is begun for it alone."""
        match entry.event:
            case Steered() as event:
                self._meanwhile = (*self._meanwhile, event)
                return ()
            case UserSpoke(text=text) if self.waiting and text == unread(self.waiting):
                seen = self._seen(entry)
                self.prompts.pop()
                return (*seen[:-1], *self._taken(len(self.waiting), meanwhile=False))
            case UserSpoke() | SessionStarted():
                return (*self._taken(len(self.waiting)), *self._seen(entry))
            case ModelSpoke() as event if sendable(event.blocks):
                taken = self._taken(self._n_ready)
                return (*taken, *self._and_ready(entry, event))
            case CallFinished() as event:
                return self._and_ready(entry, event)
            case _:
                return self._seen(entry)

    def _and_ready(self, entry: Entry, event: ModelSpoke | CallFinished) -> tuple[Written, ...]:
        """What the fact adds; once no call is open, the next request holds what waits."""
        seen = self._seen(entry)
        if not self._open and not event.recovered:
            self._n_ready = len(self.waiting)
        return seen

    def _taken(self, n: int, *, meanwhile: bool = True) -> tuple[Written, ...]:
        """The first `n` of those that wait."""
        said, self._meanwhile, self._n_ready = self._meanwhile[:n], self._meanwhile[n:], 0
        return tuple(one for it in said for one in self._asked(it.text, it.along, meanwhile=meanwhile))

    def _asked(
        self, words: str, along: tuple[str, ...], *, meanwhile: bool, prompt_id: str = ""
    ) -> tuple[Written, ...]:
        """The person's words, and what went with them."""
        self._in_list = False
        self.prompts.append(Asked(words, meanwhile, prompt_id))
        return (self.prompts[-1], *(self._item(one_line(scrubbed(it), LONGEST)) for it in along))

    def _anew(self, event: SessionStarted) -> tuple[Written, ...]:
        self._cwd = event.cwd
        begun, self._begun = self._begun, True
        return (self._item("The session began anew: what stands above is forgotten."),) if begun else ()

    def _hook(self, line: str, event: str) -> tuple[Written, ...]:
        """What hooks said; those that said nothing are not shown."""
        return (self._item(f"hook {one_line(scrubbed(line), LONGEST)}"),) if line.rstrip() != event else ()

    def _seen(self, entry: Entry) -> tuple[Written, ...]:
        match entry.event:
            case SessionStarted() as event:
                return self._anew(event)
            case UserSpoke() as event:
                rest = self._reply("") if self._pieces else ""
                self._started_at = entry.at
                return (
                    *self._some(rest),
                    *self._asked(event.text, event.along, meanwhile=False, prompt_id=event.prompt_id),
                )
            case ModelSpoke() as event:
                return self._some(self._spoken(event))
            case CallJudged() as event:
                self._judged[event.call_id] = event
                return ()
            case CallFinished() as event:
                return (self._finished(event),)
            case RuleAdded() | RuleRemoved() as event:
                return (self._item(_ruled(event)),)
            case ModeChanged() as event:
                return (self._item(f"mode: {event.mode.value}"),)
            case ModelChanged() as event:
                return (self._item(_picked(event)),)
            case TurnEnded() as event:
                return self._some((self._reply("") if self._pieces else "") + self._ended(event, entry.at))
            case Hooked(display=str(display)):
                self._display = display
                return ()
            case Hooked() as event:
                return self._hook(in_a_line(event), event.event)
            case Dropped(items=items):
                return (
                    self._item(f"{counted(len(items), 'item')} dropped from the context; the log keeps everything"),
                )
            case Compacted() | CompactionFailed() as event:
                return (self._item(scrubbed(f"{compacted_line(event)}; the log keeps everything")),)
            case ToolsOffered() as event:
                return (self._item(offered_line(event)),)
            case Instructed() as event:
                return (self._item(f"instructions: {code(event.path)}"),)
            case Forked(origin=origin):
                return (self._item(f"What stands above was said in the session {code(origin)}, and goes on here."),)
            case Reopened() | Checkpointed() | RewindBegun() | Rewound() as event:
                return self._aside(event)
            case Noted() | Titled() | LimitRaised() | Steered() | ReviewFact() | Unknown():
                return ()

    def _aside(self, event: Reopened | Checkpointed | RewindBegun | Rewound) -> tuple[Written, ...]:
        match event:
            case Reopened():
                said = in_words(event)
            case Rewound():
                said = rewound_in_words(event)
            case Checkpointed() | RewindBegun():
                said = ""
        return (self._item(scrubbed(said)),) if said else ()

    def running(self) -> dict[str, str]:
        """One line for each call, by its id, that was allowed and is not finished."""
        allowed = [it for it in self._judged.values() if it.decision == "allow"]
        return {it.call_id: f"- … {code(self._title(it.call_id, it))}" for it in allowed}

    def said(self, text: str) -> str:
        """Text of our own at the end of the answer, as a paragraph."""
        self.parted()
        return f"\n\n{text}"

    def parted(self) -> None:
        """Something of others comes between what was written and what will be: a list does not go on."""
        self._in_list = False

    def _some(self, text: str) -> tuple[Written, ...]:
        return (text,) if text else ()

    def _spoken(self, event: ModelSpoke) -> str:
        for call in calls_in(event.blocks):
            self._titles[call.id] = call_title(call, self._cwd)
            self._open.add(call.id)
        shown, self._display = self._display, None
        out = self._reply(text_in(event.blocks) if shown is None else shown)
        if event.cut and event.fault:
            out += self._item(f"The reply broke off: {one_line(scrubbed(event.fault), LONGEST)}")
        return out

    def _reply(self, whole: str) -> str:
        """The rest of a reply now that it is whole; what was streamed of it is not written twice."""
        streamed = self.streamed
        if whole.startswith(streamed):
            out = self._text(self._scrub.feed(whole[len(streamed) :]) + self._scrub.finish())
        else:
            out = self._text(self._scrub.finish())
            if whole and not streamed.startswith(whole):
                self._in_reply = False
                out += self._text(self._scrub.feed(whole) + self._scrub.finish())
        self._pieces.clear()
        self._blanks = ""
        self._in_reply = False
        return out

    def _text(self, text: str) -> str:
        """Text of a reply; blanks at its ends are left out, so that no editor can strip what matters."""
        text = self._blanks + text
        solid = text.rstrip()
        if not solid:
            self._blanks = text
            return ""
        self._blanks = text[len(solid) :]
        if self._in_reply:
            return solid
        self._in_reply = True
        self._in_list = False
        return f"\n\n{_BLANK_LINES.sub('', solid, count=1)}"

    def _finished(self, event: CallFinished) -> str:
        judged = self._judged.pop(event.call_id, None)
        self._open.discard(event.call_id)
        title = code(self._title(event.call_id, judged))
        summary = one_line(scrubbed(result_line(event.result)), LONGEST)
        if judged is not None and judged.decision == "deny":
            reason = one_line(scrubbed(judged.reason), LONGEST)
            return self._item(f"refused {title}" + (f" · {reason}" if reason else ""))
        return self._item(f"{'✗' if event.result.is_error else '✓'} {title}" + (f" · {summary}" if summary else ""))

    def _title(self, call_id: str, judged: CallJudged | None) -> str:
        named = self._titles.get(call_id, call_id)
        title = judged.title if judged is not None and judged.title else named
        name = named.partition(" ")[0]
        return title if title.startswith(name) else f"{name}: {title}"

    def _ended(self, event: TurnEnded, at: float) -> str:
        self._titles.clear()
        self._judged.clear()
        self._open.clear()
        usage = sum(event.usage.values(), Usage())
        seconds = max(0.0, at - self._started_at) if self._started_at else 0.0
        why = f": {one_line(scrubbed(event.why), LONGEST)}" if event.why and event.stopped != "done" else ""
        line = f"{event.stopped}{why} · {usage_line(usage, event.cost, seconds)}"
        return self.said(f"_{_without_emphasis(line)}_ {marks.mark(self.key, 'end')}")

    def _item(self, text: str) -> str:
        """One line of a list, which goes on where the last thing written was such a line."""
        before = "\n" if self._in_list else "\n\n"
        self._in_list = True
        return f"{before}- {text}"


def _ruled(event: RuleAdded | RuleRemoved) -> str:
    if isinstance(event, RuleRemoved):
        return f"taken back: {event.rule.behavior} {code(event.rule.text)}"
    always = f" (written to {event.stored_in})" if event.stored_in else " for this session"
    return f"{event.rule.behavior}{always}: {code(event.rule.text)}"


def _picked(event: ModelChanged) -> str:
    if event.why:
        return f"{scrubbed(event.why)}: {code(event.model or '')} stands in until this turn ends"
    picked = [f"model: {code(event.model)}"] if event.model else []
    return ", ".join([*picked, *([f"effort: {event.effort}"] if event.effort else [])])


def render(entries: Sequence[Entry], *, key: str | None = None) -> str:
    """A session's whole document from its log, with an empty prompt block at its end."""
    started = next((it.event for it in entries if isinstance(it.event, SessionStarted)), None)
    return rendered(Writer(key or marks.key_of(started.session if started else "")), entries)


def rendered(writer: Writer, entries: Sequence[Entry], *, streamed: str = "") -> str:
    """As `render`, with a writer that then goes on; `streamed` is text of a reply that is not in the log yet."""
    started = next((it.event for it in entries if isinstance(it.event, SessionStarted)), None)
    key = writer.key
    parts = [marks.title(key, started.session if started else None)]
    number = 1
    written = [it for entry in entries for it in writer.saw(entry)]
    for it in (*written, *(writer.heard(TextArrived(streamed)) if streamed else ())):
        match it:
            case Asked(words, meanwhile, _):
                parts.append(f"\n\n{marks.you(key, number)}\n\n{asked(words)}")
                parts.append(f"\n\n{marks.answer(key, number, meanwhile=meanwhile)}")
                number += 1
            case str():
                parts.append(it)
    for words in writer.waiting:
        parts.append(f"\n\n{marks.you(key, number)}\n\n{asked(words)}")
        number += 1
    parts.append(f"\n\n{marks.you(key, number)}\n\n")
    return "".join(parts)


def unread(said: Sequence[str]) -> str:
    """The words of the turn that is begun because an earlier one ended before the model had read these."""
    return "\n\n".join(said)


def asked(words: str) -> str:
    """A person's words as they stand in the document: theirs, but a code fence left open in them is closed."""
    words = words.replace("\r\n", "\n").strip()
    return words + closing_fence(words)


def closing_fence(words: str) -> str:
    """What closes the code fence that a text leaves open; without it the answer would be read as code."""
    fence = ""
    for line in words.splitlines():
        found = _FENCE.match(line)
        if not found:
            continue
        if not fence and not (found[1][0] == "`" and "`" in found[2]):
            fence = found[1]
        elif fence and found[1].startswith(fence) and not found[2].strip():
            fence = ""
    return f"\n{fence}" if fence else ""


def code(text: str) -> str:
    """One line as inline code, whatever stands in it."""
    line = one_line(text, LONGEST)
    longest = max((len(it) for it in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _without_emphasis(line: str) -> str:
    return re.sub(r"([*_`])", r"\\\1", line)


_BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
