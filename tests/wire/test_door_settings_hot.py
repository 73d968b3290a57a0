"""Settings files that change while the server runs: what they say counts at once, and what is wrong in them is said."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from claw_lsp.facts.request import Reply, Request
from claw_lsp.ports.model import Hear
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import PLAIN, Visit, visiting

FILE = ".claw/settings.json"
DENY = json.dumps({"permissions": {"deny": ["Read(secret.txt)"]}})


def told(visit: Visit) -> list[str]:
    visit.hear()
    return [it["message"] for it in visit.messages if "settings.json" in it["message"]]


async def test_r21_a_file_that_breaks_is_told_of_without_a_turn_and_again_once_it_was_mended(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        path = visit.write(FILE, '{"maxTurns": 3')
        await visit.until(lambda: len(told(visit)) == 1)
        assert told(visit)[0].startswith(f"{path}:1:15: This is not valid JSON")
        door = visit.server.door
        assert door is not None
        visit.write(FILE, '{"maxTurns": 3}')
        await visit.until(lambda: not door.settings_files.told)
        assert (await door.settings_in(str(visit.root))).max_turns == 3
        # In one step: a file that is seen empty while it is written says nothing, and nothing of it would stay.
        Path(visit.write(f"{FILE}.new", '{"maxTurns": 3')).replace(path)
        await visit.until(lambda: len(told(visit)) == 2)
        assert told(visit)[1].endswith("What it said before stays in force until it is mended.")
        assert (await door.settings_in(str(visit.root))).max_turns == 3


@pytest.mark.parametrize("by", ["disk", "client", "save"])
async def test_a_rule_that_is_written_while_a_turn_runs_counts_in_its_next_step(tmp_path: Path, by: str) -> None:
    visits: list[Visit] = []

    async def first(request: Request, hear: Hear) -> Reply:
        """The rule comes while the model answers, before it asks to read."""
        visit, door = visits[0], visits[0].server.door
        assert door is not None
        before = door.settings_files.n_changes
        await asyncio.to_thread(visit.write, FILE, DENY)
        if by == "save":
            visit.client.notify("textDocument/didSave", {"textDocument": {"uri": visit.uri(FILE)}, "text": DENY})
        if by == "client":
            changes = [{"uri": visit.uri(FILE), "type": 1}]
            visit.client.notify("workspace/didChangeWatchedFiles", {"changes": changes})
        await visit.until(lambda: door.settings_files.n_changes > before)
        return says("", ("c1", "Read", {"file_path": visit.path("secret.txt")}))

    async with visiting(tmp_path, first, says("I may not."), capabilities=PLAIN) as visit:
        visits.append(visit)
        visit.write("secret.txt", "hush")
        if by == "save":
            visit.open(FILE, DENY, on_disk="{}")
        await visit.turn("claw.ask", prompt="what does it say?")
        assert "hush" not in visit.model.results()
        assert "Read(secret.txt)" in visit.model.results()


async def test_text_that_is_not_saved_counts_for_nothing(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.open(FILE, DENY, on_disk="{}")
        door = visit.server.door
        assert door is not None
        assert (await door.settings_in(str(visit.root))).rules == ()
        visit.write(FILE, DENY)
        assert [it.text for it in (await door.settings_in(str(visit.root))).rules] == ["Read(secret.txt)"]


async def test_a_model_in_a_changed_file_is_that_of_new_sessions_alone(tmp_path: Path) -> None:
    async with visiting(tmp_path, *(says("Hi.") for _ in range(3))) as visit:
        visit.write(FILE, '{"model": "sonnet"}')
        first = await visit.turn("claw.ask", prompt="hello")
        visit.write(FILE, '{"model": "haiku"}')
        await visit.turn("claw.ask", prompt="again", session=first["session"])
        await visit.turn("claw.ask", prompt="anew")
        assert [it.model.split("-")[1] for it in visit.model.requests] == ["sonnet", "sonnet", "haiku"]
