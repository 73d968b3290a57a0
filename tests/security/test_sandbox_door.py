"""The sandbox through the whole door: what the person is asked and told, and what the model learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from claw_lsp.testing.scripted_model import says
from tests.security.sandbox_desk import needs_bwrap
from tests.wire.door_desk import visiting


def settle(tmp_path: Path, **sandbox: Any) -> None:
    folder = tmp_path / "home" / "claw"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({"sandbox": {"enabled": True, **sandbox}}))


@needs_bwrap
async def test_a_command_in_the_sandbox_runs_without_a_question(tmp_path: Path) -> None:
    settle(tmp_path)
    command = "for n in 1 2; do echo $n >> made; done; cat made; echo x > .git/hooks/post-checkout"
    (tmp_path / "ws" / ".git" / "hooks").mkdir(parents=True)
    async with visiting(tmp_path, says("", ("c1", "Bash", {"command": command})), says("Done.")) as visit:
        ended = await visit.turn("claw.ask", prompt="count")
        assert ended["text"] == "Done."
        assert visit.boxes == []
        assert (tmp_path / "ws" / "made").read_text() == "1\n2\n"
        assert "Read-only file system" in visit.model.results()
        judged = next(it.event for it in visit.log(ended["session"]) if it.event.kind == "call_judged")
        assert judged.reason == "it runs in a sandbox (bubblewrap: files, processes and network)"
        assert list((tmp_path / "ws" / ".git" / "hooks").iterdir()) == []


@needs_bwrap
async def test_leaving_it_is_a_question_that_is_answered_once_at_the_most(tmp_path: Path) -> None:
    settle(tmp_path)
    call = ("c1", "Bash", {"command": "touch made", "dangerouslyDisableSandbox": True})
    async with visiting(tmp_path, says("", call), says("Done."), auto="Allow once") as visit:
        await visit.turn("claw.ask", prompt="go", mode="acceptEdits")
        (box,) = visit.boxes
        assert box.titles == ["Deny", "Allow once"]
        assert "no sandbox: the model asks to leave it" in box.message
        assert (tmp_path / "ws" / "made").exists()


async def test_without_one_nothing_runs_where_it_is_required(tmp_path: Path) -> None:
    settle(tmp_path, failIfUnavailable=True)
    model = (says("", ("c1", "Bash", {"command": "ls"})), says("I see."))
    async with visiting(tmp_path, *model) as visit:
        # A link in a protected name's place is what no sandbox can hold.
        (tmp_path / "ws" / ".claude").symlink_to(tmp_path / "home")
        ended = await visit.turn("claw.ask", prompt="list")
        assert ended["text"] == "I see."
        assert visit.boxes == []
        assert "The command was not run: the settings want a sandbox" in visit.model.results()
