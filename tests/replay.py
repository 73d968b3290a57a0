"""The laws of any log: at every prefix the core decides the kind of the next fact that the loop made, and what was sent
to the model only ever grows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from claw_lsp.core.prompt import request
from claw_lsp.core.state import State, after
from claw_lsp.core.step import Consult, End, Judge, Perform, Refuse, Rest, Step, next_step
from claw_lsp.facts.event import Entry, Event, ModelSpoke
from claw_lsp.facts.request import Message
from claw_lsp.facts.usage import ModelFacts


def assert_replays(events: Iterable[Event], where: str = "the log") -> State:
    """The state after all of them. Every request that was sent is a prefix of the next, within one prefix."""
    state = State()
    sent: tuple[int, list[Any]] = (0, [])
    for number, event in enumerate(events, 1):
        if isinstance(event, ModelSpoke) and not event.recovered:
            now = (state.prefix, bare(request(state, _FACTS, 1).messages))
            before = sent[1] if sent[0] == now[0] else []
            assert now[1][: len(before)] == before, (
                f"{where}, event {number}: what was sent before is not its beginning"
            )
            sent = now
        if not event.outside:
            step = next_step(state)
            assert event.kind == kind_of(step), f"{where}, event {number}: {event.kind} came where {step} was decided"
        state = after(state, event)
    return state


def assert_logs_replay(folder: Path) -> int:
    """Every session log below a folder; how many there were. What a kill tore off at a log's end is left out."""
    logs = [path for path in folder.rglob("*.jsonl") if path.parent.parent.name == "projects"]
    for path in logs:
        assert_replays(_events(path), path.name)
    return len(logs)


def kind_of(step: Step) -> str:
    match step:
        case Consult():
            return "model_spoke"
        case Judge():
            return "call_judged"
        case Perform() | Refuse():
            return "call_finished"
        case End():
            return "turn_ended"
        case Rest():
            return "nothing"


def bare(messages: Sequence[Message]) -> list[Any]:
    """Messages without cache_control, which may move."""
    return [
        (it["role"], [{k: v for k, v in block.items() if k != "cache_control"} for block in it["content"]])
        for it in messages
    ]


_FACTS = ModelFacts(id="any")


def _events(path: Path) -> Iterable[Event]:
    for line in path.read_bytes().split(b"\n")[1:]:
        try:
            yield Entry.model_validate_json(line).event
        except ValidationError:
            return
