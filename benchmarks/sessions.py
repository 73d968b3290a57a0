"""`python -m benchmarks.sessions`: how long it takes to go on with a very long session, and to list very many."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from claw_lsp.adapters.clock import SystemClock
from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.engine.opening import Chosen, Home
from claw_lsp.engine.sessions import Sessions
from claw_lsp.facts.call import Result
from claw_lsp.facts.event import CallFinished, CallJudged, Event, ModelSpoke, SessionStarted, TurnEnded, UserSpoke
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.usage import Usage
from claw_lsp.testing.lag import loop_lag

N_EVENTS, BYTES, N_SESSIONS = 10_000, 50_000_000, 1_000
LINE = '    def thing(self, x): return "é\\n\\t" + x  # a line of code\n'
USAGE = Usage(input_tokens=900, output_tokens=80, cache_read_tokens=50_000)


@dataclass(frozen=True, slots=True)
class Kept:
    """Milliseconds: to resume a session of 10,000 facts and 50 MB (`cpu` of it; `plain`: CPU to read its lines with the
    json module, and do nothing with them), the longest the event loop stood still meanwhile; to list 1,000 sessions, and the
    first time, when nothing was kept about them."""

    resume: float
    cpu: float
    plain: float
    lag: float
    listing: float
    first_listing: float


async def measured(rounds: int = 5) -> Kept:
    """The medians of some rounds; everything is on disk and in its cache."""
    with tempfile.TemporaryDirectory() as folder:
        log = await _long_session(Path(folder) / "long")
        resumed = [await _resume(Path(folder) / "long", log.stem) for _ in range(rounds)]
        assert log.stat().st_size >= BYTES
        plain = [_milliseconds_of_json(log) for _ in range(rounds)]
        many = JsonlArchive(await _many_sessions(Path(folder) / "many"), SystemClock())
        listed = [await _listing(many) for _ in range(rounds + 1)]
    return Kept(
        resume=statistics.median(it[0] for it in resumed),
        cpu=statistics.median(it[1] for it in resumed),
        plain=statistics.median(plain),
        lag=statistics.median(it[2] for it in resumed),
        listing=statistics.median(listed[1:]),
        first_listing=listed[0],
    )


async def _resume(home: Path, id_: str) -> tuple[float, float, float]:
    sessions = Sessions(JsonlArchive(home, SystemClock()), _opening, _asking)
    async with loop_lag() as lag:
        began, busy = time.perf_counter(), time.process_time()
        session = await sessions.resume(id_)
        took, worked = time.perf_counter() - began, time.process_time() - busy
    assert len(session.entries) >= N_EVENTS
    sessions.close()
    return 1000 * took, 1000 * worked, 1000 * lag.worst


async def _listing(archive: JsonlArchive) -> float:
    began = time.perf_counter()
    assert len(await archive.list("/w")) == N_SESSIONS
    return 1000 * (time.perf_counter() - began)


def _milliseconds_of_json(log: Path) -> float:
    began = time.process_time()
    for line in log.read_bytes().splitlines():
        json.loads(line)
    return 1000 * (time.process_time() - began)


async def _long_session(home: Path) -> Path:
    id_ = str(uuid4())
    log = await JsonlArchive(home, SystemClock()).create(id_, "/w")
    for event in _turns(id_, N_EVENTS, LINE * (3 * BYTES // N_EVENTS // len(LINE))):
        log.append(event)
    log.close()
    return Path(log.path)


async def _many_sessions(home: Path) -> Path:
    archive = JsonlArchive(home, SystemClock())
    for _ in range(N_SESSIONS):
        id_ = str(uuid4())
        log = await archive.create(id_, "/w")
        for event in _turns(id_, 70, LINE * 20):
            log.append(event)
        log.close()
    return home


def _turns(id_: str, n_events: int, result: str) -> Iterator[Event]:
    """A session of so many facts: turns of twenty calls each, every one of which reads something."""
    yield SessionStarted(session=id_, cwd="/w", roots=("/w",), model="m", system="Be good. " * 500, tools=())
    for turn in range(-(-n_events // 63)):
        yield UserSpoke(run=f"r{turn}", prompt_id=f"r{turn}", text="do it", blocks=({"type": "text", "text": "do it"},))
        for n in range(20):
            call = {"type": "tool_use", "id": f"c{turn}-{n}", "name": "Read", "input": {"file_path": "/w/a.py"}}
            said = {"type": "text", "text": "Reading it now. " * 10}
            yield ModelSpoke(blocks=(said, call), model="m", stop_reason="tool_use", usage=USAGE, cost=0.01)
            yield CallJudged(call_id=str(call["id"]), decision="allow", by="reach", title="Read a.py", reach="read")
            yield CallFinished(call_id=str(call["id"]), result=Result(content=result, summary="300 lines"))
        yield ModelSpoke(blocks=({"type": "text", "text": "Done."},), model="m", stop_reason="end_turn", usage=USAGE)
        yield TurnEnded(run=f"r{turn}", stopped="done", text="Done.")


async def _opening(id_: str, home: Home, chosen: Chosen) -> SessionStarted:
    return SessionStarted(session=id_, cwd=home.folder, roots=home.roots, model="m", system="", tools=())


async def _asking(folder: str) -> Mode:
    return Mode.DEFAULT


def rows(it: Kept) -> list[tuple[str, str, str]]:
    """What was measured, the figure, and the aim."""
    return [
        ("resume a session of 10,000 facts, 50 MB", f"{it.resume:.0f} ms, CPU {it.cpu:.0f} ms", "500 ms"),
        ("  its lines through the json module alone", f"CPU {it.plain:.0f} ms", ""),
        ("  the event loop stands still meanwhile", f"{it.lag:.1f} ms", "50 ms"),
        ("list 1,000 sessions", f"{it.listing:.0f} ms", "200 ms"),
        ("  the first time", f"{it.first_listing:.0f} ms", ""),
    ]


if __name__ == "__main__":
    for name, figure, aim in rows(asyncio.run(measured())):
        print(f"{name:<44} {figure:>22}   {aim}")
