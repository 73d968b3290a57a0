"""The laws of any log: at every prefix the core decides the kind of the next fact that the loop made, and what was sent
to the model only ever grows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from claw_lsp.core.fold import fold
from claw_lsp.core.replaying import differences
from claw_lsp.core.state import State
from claw_lsp.facts.event import Entry, Event
from claw_lsp.facts.request import Message


def assert_replays(events: Iterable[Event], where: str = "the log") -> State:
    """The state after all of them."""
    events = list(events)
    found = [f"{where}, event {it.n}: {it.text}" for it in differences(events)]
    assert not found, "\n".join(found)
    return fold(events)


def assert_logs_replay(folder: Path) -> int:
    """Every session log below a folder; how many there were. What a kill tore off at a log's end is left out."""
    logs = [path for path in folder.rglob("*.jsonl") if path.parent.parent.name == "projects"]
    for path in logs:
        assert_replays(_events(path), path.name)
    return len(logs)


def bare(messages: Sequence[Message]) -> list[Any]:
    """Messages without cache_control, which may move."""
    return [
        (it["role"], [{k: v for k, v in block.items() if k != "cache_control"} for block in it["content"]])
        for it in messages
    ]


def _events(path: Path) -> Iterable[Event]:
    for line in path.read_bytes().split(b"\n")[1:]:
        try:
            yield Entry.model_validate_json(line).event
        except ValidationError:
            return
