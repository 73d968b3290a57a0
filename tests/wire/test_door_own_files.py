"""claw-lsp as the language server of its own files, over the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from door_desk import Visit, visiting

from claw_lsp.testing.scripted_model import says


async def asked(visit: Visit, method: str, name: str, marked: str) -> Any:
    """What is answered in a file that is open with this text; | is where the cursor is."""
    at = marked.index("|")
    path = show(visit, name, marked[:at] + marked[at + 1 :])
    where = visit.editor.range(path, at, at)["start"]
    return await visit.request(f"textDocument/{method}", {"textDocument": {"uri": visit.uri(path)}, "position": where})


def show(visit: Visit, name: str, text: str) -> str:
    path = visit.write(name, text)
    return visit.open(path)


async def completed(visit: Visit, path: str, marked: str) -> dict[str, dict[str, Any]]:
    found = await asked(visit, "completion", path, marked)
    assert found["isIncomplete"] is False
    return {it["label"]: it for it in found["items"]}


async def test_a_settings_file_is_completed_with_keys_values_and_the_names_that_are_known(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        keys = await completed(visit, ".claw/settings.json", '{\n  "mod|"\n}')
        assert keys["model"]["textEdit"] == {
            "range": {"start": {"line": 1, "character": 2}, "end": {"line": 1, "character": 7}},
            "newText": '"model": "opus"',
        }
        assert keys["model"]["filterText"] == '"model"' and "alias" in keys["model"]["documentation"]["value"]
        rules = await completed(visit, ".claude/settings.local.json", '{"permissions": {"allow": ["|"]}}')
        assert {"Bash", "Read", "WebFetch(domain:example.com)"} <= rules.keys()
        assert "sonnet" in await completed(visit, ".claude/settings.json", '{"model": "|"}')


async def test_servers_of_the_folder_are_offered_where_servers_are_named(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.write(str(visit.home / "claw" / "mcp.json"), json.dumps({"mcpServers": {"db": {"command": "db"}}}))
        assert "db" in await completed(visit, ".claw/settings.json", '{"disabledMcpjsonServers": ["|"]}')
        assert "url" in await completed(visit, ".mcp.json", '{"mcpServers": {"x": {|}}}')


@pytest.mark.parametrize("path", ["README.md", "settings.json", "a.py"])
async def test_nothing_is_said_in_files_of_others(path: str, tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        assert (await asked(visit, "completion", path, '{"|": 1}'))["items"] == []
        assert await visit.request("textDocument/hover", at(visit, visit.path(path), 2)) is None


async def test_the_front_of_skills_and_agents_is_completed_and_explained(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        assert "description" in await completed(visit, ".claude/skills/x/SKILL.md", "---\nname: x\n|\n---\n")
        said = await asked(visit, "hover", ".claude/agents/a.md", "---\niso|lation: worktree\n---\n")
        assert "working tree of its own" in said["contents"]["value"]


async def test_a_hover_on_a_rule_says_what_it_means_whether_it_counts_and_what_it_decided(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("", ("c1", "Bash", {"command": "touch hi"})), says("Done.")) as visit:
        own = visit.home / "claw" / "settings.json"
        visit.write(str(own), json.dumps({"permissions": {"allow": ["Bash(touch *)"], "deny": ["Bash(rm *)"]}}))
        before = await hovered(visit, own, "Bash(touch *)")
        assert "that is `touch` or begins with it" in before and "decided nothing yet" in before
        assert "It counts, from the user settings." in before and "Asked before it: deny `Bash(rm *)` (user)" in before
        await visit.turn("claw.ask", prompt="say hi")
        assert "it decided 1 call, the last allowed at" in await hovered(visit, own, "Bash(touch *)")
        [action] = [it for it in await actions(visit, own, "Bash(touch *)") if "Why did Bash(touch" in it["title"]]
        assert action["command"]["arguments"][0]["to"] == "why"
        page = await visit.run_action(action)
        assert "## What it decided in this session" in page["text"] and "allowed `Run touch hi`" in page["text"]


async def test_a_rule_that_does_not_count_yet_says_so(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        said = await asked(visit, "hover", ".claw/settings.json", '{"permissions": {"allow": ["Ba|sh(make *)"]}}')
        assert "It does not count now: what the files of this folder allow counts once you" in said["contents"]["value"]
        path = str(visit.root / ".claw" / "settings.json")
        visit.editor.type(path, 0, " ")
        visit.editor.flush()
        said = await visit.request("textDocument/hover", at(visit, path, 33))
        assert "the file is not saved so" in said["contents"]["value"]


async def test_what_is_misspelt_is_a_diagnostic_with_the_fix_while_it_is_typed(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        path = visit.root / ".claw" / "settings.json"
        show(visit, ".claw/settings.json", '{"modle": "opus"}')
        await visit.until(lambda: "did you mean model?" in str(visit.diagnostics(str(path))))
        [action] = [it for it in await actions(visit, path, "modle") if it["title"] == 'Claw: Write "model"']
        [changed] = action["edit"]["documentChanges"]
        assert changed["edits"][0]["newText"] == '"model"'
        visit.editor.replace(str(path), 1, 8, '"model"')
        visit.editor.flush()
        await visit.until(lambda: not visit.diagnostics(str(path)))


async def test_what_is_wrong_in_an_agent_or_a_plugin_is_a_diagnostic(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        show(visit, ".claw/agents/a.md", "---\nname: Big One\ndescription: x\n---\n")
        show(visit, ".claude-plugin/plugin.json", '{"name": "ok", "skills": "../x"}')
        agent, plugin = str(visit.root / ".claw/agents/a.md"), str(visit.root / ".claude-plugin/plugin.json")
        await visit.until(lambda: "small letters" in str(visit.diagnostics(agent)))
        await visit.until(lambda: "begins with ./" in str(visit.diagnostics(plugin)))


async def test_a_server_that_waits_for_a_yes_is_approved_at_its_place(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        path = visit.root / ".mcp.json"
        show(visit, ".mcp.json", '{"mcpServers": {"db": {"command": "db"}}}')
        await visit.command("claw.mcp")
        assert "Claw: Approve db" in [it["title"] for it in await actions(visit, path, '"db"')]


async def hovered(visit: Visit, path: Path, word: str) -> str:
    if str(path) not in visit.editor.paths():
        visit.open(str(path))
    said = await visit.request("textDocument/hover", at(visit, str(path), visit.text(str(path)).index(word) + 1))
    return str(said["contents"]["value"])


def at(visit: Visit, path: str, offset: int) -> dict[str, Any]:
    return {"textDocument": {"uri": visit.uri(path)}, "position": visit.editor.range(path, offset, offset)["start"]}


async def actions(visit: Visit, path: Path, word: str) -> list[dict[str, Any]]:
    return await visit.actions(str(path), visit.text(str(path)).index(word))
