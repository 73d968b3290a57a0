"""Single settings as they come to bear at the door: the language, what @ offers, and reads outside of the workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from claw_lsp.core.policy.judge import judge
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.scene import Ground
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import visiting

OWN = "claw/settings.json"


async def test_a_session_is_told_the_language_and_one_without_is_told_none(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hallo."), says("Hi.")) as visit:
        own = visit.write(str(visit.home / OWN), json.dumps({"language": "German"}))
        await visit.turn("claw.ask", prompt="hello")
        assert "- the person wants you to speak to them in: German" in json.dumps(visit.model.requests[-1].messages)
        Path(own).unlink()
        await visit.turn("claw.ask", prompt="hello")
        assert "speak to them in" not in json.dumps(visit.model.requests[-1].messages)


@pytest.mark.parametrize("respected", [True, False])
async def test_what_gitignore_names_is_offered_only_where_the_person_wants_it(tmp_path: Path, respected: bool) -> None:
    async with visiting(tmp_path) as visit:
        visit.write(str(visit.home / OWN), json.dumps({"respectGitignore": respected}))
        visit.write(".gitignore", "*.log\n")
        visit.write("noise.log", "x")
        chat = (await visit.command("claw.chat"))["path"]
        if chat not in visit.editor.paths():
            visit.editor.open(chat)
        visit.editor.type(chat, len(visit.text(chat)), "@noise")
        visit.editor.flush()
        end = visit.text(chat).rindex("@noise") + len("@noise")
        where = {"textDocument": {"uri": visit.uri(chat)}, "position": visit.editor.range(chat, end, end)["start"]}
        found = await visit.request("textDocument/completion", where)
        assert ("noise.log" in [it["label"] for it in found["items"]]) is not respected


INSIDE, OUTSIDE, LINKED = ("/ws/a.py", "/ws/a.py"), ("/etc/hosts", "/etc/hosts"), ("/ws/link", "/etc/hosts")
SPILLED = ("/home/me/.claw/output/1.txt", "/home/me/.claw/output/1.txt")


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(("path", "blocked"), [(INSIDE, False), (OUTSIDE, True), (LINKED, True), (SPILLED, False)])
def test_reads_outside_are_refused_in_every_mode_whatever_is_allowed(
    mode: Mode, path: tuple[str, str], blocked: bool
) -> None:
    read = Plan(
        Call(id="c1", name="Read", input={"file_path": path[0]}), Reach.READ, "Read", paths=(PlannedPath(*path),)
    )
    run = Plan(
        Call(id="c1", name="Bash", input={}), Reach.RUN, "Bash", paths=(PlannedPath(*path),), command=f"cat {path[0]}"
    )
    ground = Ground(("/ws",), "/ws", "/home/me", claw_home="/home/me/.claw", reads_inside=True)
    allowed = [Rule(text=it, behavior="allow", source="user") for it in ("Read", "Bash")]
    for plan in (read, run):
        verdict = judge(allowed, mode, plan, ground)
        assert ("block reads outside" in verdict.reason) is blocked
        assert not blocked or verdict.decision == "deny"


async def test_a_read_outside_is_refused_with_the_reason_for_the_model(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.txt").write_text("private words")
    call = says("", ("c1", "Read", {"file_path": str(tmp_path / "elsewhere.txt")}))
    async with visiting(tmp_path, call, says("I may not.")) as visit:
        inside = {"permissions": {"blockReadsOutsideWorkingDirectories": True}}
        visit.write(".claude/settings.json", json.dumps(inside))
        await visit.turn("claw.ask", prompt="read it")
        assert "block reads outside of the workspace folders" in visit.model.results()
        assert "private words" not in visit.model.results()
