"""kill -9 of the real server as soon as a fact of each kind is in its log: the next one finds it, closes the log, goes on.

The kinds that are not here need more of an editor; tests/wire/test_jsonl_faults.py has every kind, at every call.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from process_desk import Json, Server, events, provider, serving

from claw_lsp.adapters.clock import SystemClock
from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.core.fold import fold
from claw_lsp.core.recover import Partial, recover
from claw_lsp.core.step import Rest, next_step
from claw_lsp.testing.messages_api import Reply, ToolUse

LINES = "one\n\n\n\n\n\n\n\ntwo\n"
KINDS = (
    *("session_started", "user_spoke", "model_spoke", "call_judged", "call_finished", "steered", "rule_added"),
    *("turn_ended", "hunk_kept", "hunk_undone", "mode_changed", "noted", "model_changed", "titled", "forked"),
)


def replies(file: Path) -> tuple[Reply, ...]:
    edits = [{"file_path": str(file), "old_string": it, "new_string": it.upper()} for it in ("one", "two")]
    return (
        Reply(content=(ToolUse(name="Read", input={"file_path": str(file)}),)),
        Reply(content=tuple(ToolUse(name="Edit", input=it) for it in edits)),
        Reply(content=(ToolUse(name="Bash", input={"command": "npm test"}),)),
        Reply(content=("Done.",)),
        Reply(content=("Done, and quickly.",)),
    )


def for_the_session(params: Json) -> Json:
    """The person allows it for the session, or once where that cannot be had."""
    wanted = ("session", "once", "Run without saving", "")
    return next(it for word in wanted for it in params["actions"] if word in it["title"])


async def story(server: Server, file: Path) -> None:
    """One session in which everything happens, until the server is gone."""
    server.editor.answer["window/showMessageRequest"] = for_the_session
    server.editor.open(str(file))
    begun = await server.command("claw.ask", prompt="go", uri=file.as_uri())
    with contextlib.suppress(Exception):  # Too late for a turn that is over already: then it is not said.
        await server.command("claw.steer", run=begun["run"], prompt="quickly")
    await server.command("claw.wait", run=begun["run"])
    session = begun["session"]
    first, second = (it["hunk"] for it in (await server.command("claw.hunks"))["hunks"])
    await server.command("claw.keep", hunk=first)
    await server.command("claw.undo", hunk=second)
    await server.command("claw.mode", session=session, mode="plan")
    await server.command("claw.model", session=session, model="sonnet")
    await server.command("claw.rename", session=session, title="All of it")
    await server.command("claw.fork", session=session)
    await asyncio.sleep(20)


def seen(home: Path) -> set[str]:
    return {it["kind"] for path in home.glob("claw/projects/*/*.jsonl") for it in events(path)}


async def killed_at(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "ws" / "a.py"
    file.parent.mkdir(parents=True)
    file.write_text(LINES)
    async with provider(*replies(file)) as api, serving(tmp_path, api) as server:
        telling = asyncio.create_task(story(server, file))
        await server.until(lambda: kind in seen(server.home) or telling.done(), seconds=60)
        assert server.client.process
        server.client.process.kill()
        await server.client.process.wait()
        server.client.exit_code = -9
        await server.client.closed.wait()
        there = seen(server.home)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        assert kind in there, f"{kind} never came: {telling}"
    await goes_on(tmp_path / "home" / "claw", kind)


async def goes_on(claw_home: Path, kind: str) -> None:
    """Every log opens, loses nothing that was in it, and is closed by what the next process adds."""
    archive = JsonlArchive(claw_home, SystemClock())
    found: set[str] = set()
    for path in claw_home.glob("projects/*/*.jsonl"):
        before = events(path)
        log, entries, partial = await archive.open(path.stem)
        assert [it.event.kind for it in entries] == [it["kind"] for it in before]
        found |= {it.event.kind for it in entries}
        for event in recover(fold(it.event for it in entries), Partial(partial)):
            log.append(event)
        log.close()
        state = fold(it.event for it in await archive.read(path.stem))
        assert isinstance(next_step(state), Rest)
        assert not path.with_suffix(".lock").exists()
    assert kind in found


@pytest.mark.timeout(400)
@pytest.mark.parametrize("first", range(0, len(KINDS), 3))
async def test_killed_as_soon_as_a_fact_is_in_the_log_it_is_found_and_the_session_goes_on(
    tmp_path: Path, first: int
) -> None:
    """Three at a time: most of the time is the start of Python."""
    await asyncio.gather(*(killed_at(it, tmp_path / it) for it in KINDS[first : first + 3]))
