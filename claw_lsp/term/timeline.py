"""Facts of a session and messages of its connections as one row of moments, each with what a person looks for it by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from claw_lsp.core import render
from claw_lsp.core.redaction import redacted
from claw_lsp.core.render import one_line
from claw_lsp.facts.call import Call, calls_in
from claw_lsp.facts.event import (
    CallFinished,
    CallJudged,
    Entry,
    Event,
    ModelSpoke,
    SessionStarted,
    TurnEnded,
    UserSpoke,
)
from claw_lsp.facts.wire import WireMessage

LONGEST = 300
"""Characters of a moment's line, before it is cut for a screen."""
AROUND = 10.0
"""Seconds before the first fact and after the last in which messages still belong to the session."""
MARGIN = 4
"""Times as many characters as are shown are looked at for credentials."""

Lane = Literal["fact", "server", "client"]


@dataclass(frozen=True, slots=True)
class Moment:
    """`name` is the number of a fact or the id of a message, `kind` the kind or the method; `detail` the rest, as JSON.
    `run` is the run in flight, `tool` the one it is about. Nothing in it looks like a credential."""

    at: float
    lane: Lane
    name: str
    kind: str
    text: str
    run: str = ""
    tool: str = ""
    failed: bool = False
    detail: str = ""


class Timeline:
    """Moments in the order of their time, piece by piece: what was said before is known later. `known` are credentials,
    `detail` the characters of JSON that each moment keeps."""

    def __init__(self, known: Sequence[str] = (), detail: int = 0) -> None:
        self._known = known
        self._detail = detail
        self._calls: dict[str, Call] = {}
        self._run = ""
        self._cwd = ""

    def of(self, entries: Iterable[Entry], messages: Iterable[WireMessage]) -> list[Moment]:
        """The moments of what came since the last time."""
        both: list[Entry | WireMessage] = [*entries, *messages]
        return [self._moment(it) for it in sorted(both, key=lambda it: it.at)]

    def _moment(self, it: Entry | WireMessage) -> Moment:
        return self._of_message(it) if isinstance(it, WireMessage) else self._of_fact(it)

    def _of_message(self, it: WireMessage) -> Moment:
        took = f"{it.ms:g} ms" if it.ms is not None else ""
        lost = f"{it.lost} before this were not kept" if it.lost else ""
        text = " · ".join(filter(None, (it.fault, it.said, took, f"{render.tokens(it.size)}B", lost)))
        name = "" if it.id is None else str(it.id)
        kind = it.method if it.kind != "answer" else f"{it.method or 'an answer'} ✓"
        return Moment(it.at, it.to, name, kind, text, self._run, failed=bool(it.fault))

    def _of_fact(self, entry: Entry) -> Moment:
        event = entry.event
        if isinstance(event, UserSpoke):
            self._run = event.run
        elif isinstance(event, SessionStarted):
            self._cwd = event.cwd
        elif isinstance(event, ModelSpoke):
            self._calls |= {it.id: it for it in calls_in(event.blocks)}
        # Before anything is put into a line: what is cut there would leave half a credential.
        clean = self._clean(event.model_dump(mode="python"))
        cleaned = Entry.model_construct(n=entry.n, at=entry.at, event=type(event).model_validate(clean))
        text = one_line(_said(cleaned.event, cleaned, self._cwd), LONGEST)
        moment = Moment(
            entry.at,
            "fact",
            str(entry.n),
            event.kind,
            text,
            self._run,
            tool=self._tool(event),
            failed=_failed(event),
            detail=self._in_detail(cleaned.event),
        )
        if isinstance(event, TurnEnded):
            self._run = ""
        return moment

    def _tool(self, event: Event) -> str:
        if isinstance(event, CallJudged | CallFinished):
            call = self._calls.get(event.call_id)
            return call.name if call else "?"
        return " ".join(sorted({it.name for it in calls_in(event.blocks)})) if isinstance(event, ModelSpoke) else ""

    def _in_detail(self, event: Event) -> str:
        if not self._detail:
            return ""
        fields = event.model_dump(mode="python", exclude_defaults=True)
        text = json.dumps(fields, indent=1, ensure_ascii=False, default=str)
        return text if len(text) <= self._detail else f"{text[: self._detail - 1]}…"

    def _clean(self, value: Any) -> Any:
        """A JSON value without credentials, and with texts not much longer than can be shown. Where one is cut before they
        are looked for, its last word goes, too: half a credential is not told."""
        longest = MARGIN * max(self._detail, LONGEST)
        match value:
            case str():
                whole = value if len(value) <= longest else f"{value[:longest].rpartition(' ')[0]}…"
                return redacted(whole, self._known)
            case dict():
                return {key: self._clean(it) for key, it in value.items()}  # pyright: ignore[reportUnknownVariableType]
            case list() | tuple():
                return [self._clean(it) for it in value]  # pyright: ignore[reportUnknownVariableType]
            case _:
                return value


def near(messages: Iterable[WireMessage], entries: Sequence[Entry]) -> list[WireMessage]:
    """The messages of the time in which the session was worked on: its connections lived before and after, too."""
    if not entries:
        return []
    return [it for it in messages if entries[0].at - AROUND <= it.at <= entries[-1].at + AROUND]


def _said(event: Event, entry: Entry, cwd: str) -> str:
    match event:
        case SessionStarted():
            return f"{event.cwd} · {event.model} · {event.mode.value} · {len(event.tools)} tools"
        case ModelSpoke():
            used = f"{render.tokens(event.usage.prompt_tokens)} in, {render.tokens(event.usage.output_tokens)} out"
            return f"{_transcript(entry)} · {used} · {render.dollars(event.cost)} · {event.stop_reason or 'no reason'}"
        case CallJudged():
            why = f": {event.reason}" if event.reason else ""
            return f"{event.call_id} {event.decision} by {event.by}{f' {event.rule}' if event.rule else ''}{why}"
        case CallFinished():
            return f"{event.call_id} {render.result_line(event.result)} · {render.duration(event.seconds)}"
        case TurnEnded():
            return f"{_transcript(entry)} · {render.dollars(event.cost)}"
        case _:
            return _transcript(entry)


def _transcript(entry: Entry) -> str:
    """The words of the transcript without the one they begin with, which says the kind."""
    return "; ".join(it.strip().partition(" ")[2].strip() for it in render.lines([entry]))


def _failed(event: Event) -> bool:
    match event:
        case CallFinished():
            return event.result.is_error
        case CallJudged():
            return event.decision != "allow"
        case ModelSpoke():
            return event.cut or bool(event.fault)
        case TurnEnded():
            return event.stopped not in ("done", "interrupted")
        case _:
            return False
