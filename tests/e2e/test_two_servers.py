"""Two processes over one CLAW_HOME, and a disk that is full or cannot be written: nothing is lost, everybody is told."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.facts.event import SessionStarted
from claw_lsp.testing.fakes import FakeClock

WRITER = """
import asyncio, sys
from pathlib import Path
from uuid import uuid4
from claw_lsp.adapters.clock import SystemClock
from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.facts.event import Noted, SessionStarted
from claw_lsp.facts.fault import SessionHeld

async def main(home, session, name):
    archive = JsonlArchive(Path(home), SystemClock())
    try:
        log, _, _ = await archive.open(session)
    except SessionHeld as held:
        print(held, file=sys.stderr)
        session = str(uuid4())
        log = await archive.create(session, "/w")
        log.append(SessionStarted(session=session, cwd="/w", roots=("/w",), model="m", system="", tools=()))
    print(session, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for n in range(1000):
        log.append(Noted(text=f"{name} {n}"))
        if n % 100 == 0:
            await archive.list("/w")
    log.close()

asyncio.run(main(*sys.argv[1:]))
"""
SESSION = "11111111-2222-4333-8444-555555555555"


async def test_r57_two_processes_write_a_thousand_facts_each_and_none_is_lost(tmp_path: Path) -> None:
    archive = JsonlArchive(tmp_path, FakeClock())
    log = await archive.create(SESSION, "/w")
    log.append(SessionStarted(session=SESSION, cwd="/w", roots=("/w",), model="m", system="", tools=()))
    log.close()
    writers: list[asyncio.subprocess.Process] = []
    wrote: list[str] = []
    for name in ("one", "two"):
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
        argv = (sys.executable, "-c", WRITER, str(tmp_path), SESSION, name)
        writer = await asyncio.create_subprocess_exec(*argv, **pipes)  # type: ignore[arg-type]
        assert writer.stdout
        wrote.append((await writer.stdout.readline()).decode().strip())
        writers.append(writer)
    assert wrote[0] == SESSION != wrote[1], "the second one got a session of its own"
    ended = await asyncio.gather(*(it.communicate(b"\n") for it in writers))
    assert [it.returncode for it in writers] == [0, 0]
    assert f"(process {writers[0].pid})" in ended[1][1].decode()
    for name, session in zip(("one", "two"), wrote, strict=True):
        entries = await archive.read(session)
        assert [getattr(it.event, "text", "") for it in entries[1:]] == [f"{name} {n}" for n in range(1000)]
    assert {it.session for it in await archive.list("/w")} == set(wrote)
    indexes = [json.loads(it.read_bytes()) for it in tmp_path.glob("projects/*/*.index")]
    assert [it["summary"]["n_entries"] for it in indexes] == [1001, 1001]
    assert not list(tmp_path.glob("projects/*/*.lock"))
