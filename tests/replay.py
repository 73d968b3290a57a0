"""The replay law, for any log: at every prefix the core decides the kind of the next fact that the loop made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from claw_lsp.core.state import State, after
from claw_lsp.core.step import Consult, End, Judge, Perform, Refuse, Rest, Step, next_step
from claw_lsp.facts.event import Entry, Event


def assert_replays(events: Iterable[Event], where: str = "the log") -> State:
    """The state after all of them."""
    state = State()
    for number, event in enumerate(events, 1):
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


def _events(path: Path) -> Iterable[Event]:
    for line in path.read_bytes().split(b"\n")[1:]:
        try:
            yield Entry.model_validate_json(line).event
        except ValidationError:
            return
