"""Whether a log follows from itself: at every place the core decides again what the loop did next, and what was sent to the
model before is the beginning of what is sent later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from claw_lsp.core.fold import after
from claw_lsp.core.prompt import request
from claw_lsp.core.state import State
from claw_lsp.core.step import Compact, Consult, End, Judge, Perform, Refuse, Rest, next_step
from claw_lsp.facts.event import CallFinished, CallJudged, Compacted, Event, ModelSpoke, TurnEnded
from claw_lsp.facts.request import Message
from claw_lsp.facts.usage import ModelFacts


@dataclass(frozen=True, slots=True)
class Difference:
    """Fact `n` (from 1) is not what follows from those before it; `text` says why."""

    n: int
    text: str


def differences(events: Iterable[Event]) -> Iterator[Difference]:
    """Everything in a log that does not follow. Facts from outside (the person, the editor, the clock) may come anywhere."""
    state = State()
    sent: tuple[int, tuple[Message, ...]] = (0, ())
    for n, event in enumerate(events, 1):
        if isinstance(event, ModelSpoke) and not event.recovered:
            now = request(state, _ANY, 1).messages
            if sent[0] == state.prefix and not _begins_with(now, sent[1]):
                yield Difference(n, "what was sent to the model before is not the beginning of what it is sent here")
            sent = (state.prefix, now)
        if not event.outside and not _follows(state, event):
            yield Difference(n, f"{_named(event)} is in the log where {_decided(state)} follows")
        state = after(state, event)


def _follows(state: State, event: Event) -> bool:
    match next_step(state):
        case Consult():
            return isinstance(event, ModelSpoke)
        case Compact():
            return isinstance(event, Compacted)
        case Judge(call):
            return isinstance(event, CallJudged) and event.call_id == call.id
        case Perform(calls):
            return isinstance(event, CallFinished) and event.call_id in {it.id for it in calls}
        case Refuse(call):
            return isinstance(event, CallFinished) and event.call_id == call.id
        case End(stopped):
            return isinstance(event, TurnEnded) and event.stopped == stopped
        case Rest():
            return False


def _decided(state: State) -> str:
    match next_step(state):
        case Consult():
            return "a reply of the model"
        case Compact():
            return "a compaction"
        case Judge(call):
            return f"a verdict on {call.name} ({call.id})"
        case Perform(calls):
            return f"a result of {', '.join(f'{it.name} ({it.id})' for it in calls)}"
        case Refuse(call):
            return f"the refusal of {call.name} ({call.id})"
        case End(stopped):
            return f"the end of the turn as {stopped}"
        case Rest():
            return "nothing, until the person speaks,"


def _named(event: Event) -> str:
    match event:
        case CallJudged() | CallFinished():
            return f"{event.kind} of {event.call_id}"
        case TurnEnded():
            return f"{event.kind} as {event.stopped}"
        case _:
            return event.kind


def _begins_with(now: Sequence[Message], before: Sequence[Message]) -> bool:
    """Whether these messages begin with those, whatever is marked for the cache; most are the very same values."""
    return len(now) >= len(before) and all(
        one is other or _bare(one) == _bare(other) for one, other in zip(now, before, strict=False)
    )


def _bare(message: Message) -> tuple[str, list[dict[str, object]]]:
    """Without cache_control, which may move."""
    return message["role"], [
        {key: value for key, value in block.items() if key != "cache_control"} for block in message["content"]
    ]


_ANY = ModelFacts(id="any")
