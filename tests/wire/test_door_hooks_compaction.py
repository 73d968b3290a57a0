"""Hooks around a compaction, through the real door."""

from __future__ import annotations

import json
from pathlib import Path

from door_desk import visiting
from test_door_hooks import command, configure, written

from claw_lsp.facts.compacted import Compacted, CompactionFailed
from claw_lsp.testing.scripted_model import says


async def test_a_hook_refuses_that_a_session_is_compacted_and_no_model_is_asked(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"PreCompact": command("echo 'not before the release' >&2; exit 2", "manual")})
        begun = await visit.turn("claw.ask", prompt="hello")
        await visit.command("claw.compact", session=begun["session"])
        await visit.until(lambda: "compaction_failed" in visit.kinds(begun["session"]))
        (failed,) = [it.event for it in visit.log(begun["session"]) if isinstance(it.event, CompactionFailed)]
        assert failed.why == "a hook refused it: not before the release"


async def test_a_hook_tells_what_a_summary_minds_and_the_session_begins_anew_for_hooks(tmp_path: Path) -> None:
    after = tmp_path / "after"
    mind = {"hookSpecificOutput": {"additionalContext": "keep the port numbers"}}
    async with visiting(tmp_path, says("Hello."), says("They said hello."), says("Yes.")) as visit:
        hooks = {
            "PreCompact": command(f"echo '{json.dumps(mind)}'"),
            "PostCompact": command(f"cat > {after}"),
            "SessionStart": command("echo You were compacted.", "compact"),
        }
        configure(visit, hooks)
        begun = await visit.turn("claw.ask", prompt="hello")
        await visit.command("claw.compact", session=begun["session"])
        told = json.loads(await written(after))
        assert (told["trigger"], told["compact_summary"]) == ("manual", "They said hello.")
        (fact,) = [it.event for it in visit.log(begun["session"]) if isinstance(it.event, Compacted)]
        assert fact.focus == "keep the port numbers"
        await visit.turn("claw.ask", prompt="still there?", session=begun["session"])
        sent = json.dumps(visit.model.requests[-1].messages)
        assert "You were compacted." in sent
        assert "keep the port numbers" not in sent
