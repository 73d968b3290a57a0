"""Settings files in the editor: what is wrong in them is a diagnostic at its place while they are written; of those that
are not open it is said once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from door_desk import Visit, visiting

from claw_lsp.testing.scripted_model import says

FILE = ".claw/settings.json"
BAD = '{\n  "permissions": {"deny": ["Bash(rm *"]},\n  "maxTurns": 0\n}\n'


async def found(visit: Visit, name: str, n: int) -> list[dict[str, Any]]:
    await visit.until(lambda: len(visit.diagnostics(name)) == n)
    return visit.diagnostics(name)


def retype(visit: Visit, path: str, text: str) -> None:
    visit.editor.replace(path, 0, len(visit.text(path)), text)


async def test_a_bad_rule_and_a_bad_value_are_diagnostics_where_they_stand(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.open(FILE, BAD, on_disk="{}")
        value, rule = sorted(await found(visit, FILE, 2), key=lambda it: it["message"])
        assert rule["message"].startswith(
            'permissions.deny: "Bash(rm *": a parenthesis is not closed; write "Bash(rm *)".'
        )
        assert rule["range"] == {"start": {"line": 1, "character": 27}, "end": {"line": 1, "character": 38}}
        assert (value["severity"], value["source"], value["code"]) == (2, "claw", "settings")
        assert value["range"]["start"] == {"line": 2, "character": 2}


async def test_they_go_and_come_with_the_text_unsaved_as_it_is_and_leave_with_the_file(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        path = visit.open(FILE, BAD, on_disk="{}")
        await found(visit, FILE, 2)
        retype(visit, path, '{\n  "maxTurns": 0,,\n}\n')
        (broken,) = await found(visit, FILE, 1)
        assert broken["message"].startswith("This is not valid JSON")
        retype(visit, path, '{"maxTurns": 4}')
        await found(visit, FILE, 0)
        retype(visit, path, BAD)
        await found(visit, FILE, 2)
        visit.editor.close(path)
        await found(visit, FILE, 0)


async def test_what_is_wrong_in_a_closed_file_is_said_once_with_its_place(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi."), says("Ho.")) as visit:
        path = visit.write(FILE, BAD)
        await visit.turn("claw.ask", prompt="hello")
        await visit.turn("claw.ask", prompt="again")
        await visit.settle()
        told = [it["message"] for it in visit.messages if "settings.json" in it["message"]]
        assert len(told) == 1
        assert told[0].startswith(f"{path}:3:3: maxTurns: expected greater than or equal to 1")
        assert told[0].endswith("And 1 more problem in this file.")


async def test_an_open_file_says_it_in_the_text_alone(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        visit.open(FILE, on_disk=BAD)
        await found(visit, FILE, 2)
        await visit.turn("claw.ask", prompt="hello")
        await visit.settle()
        assert not [it for it in visit.messages if "settings.json" in it["message"]]


async def test_the_persons_own_files_are_looked_at_too_and_other_json_is_not(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        own = str(visit.home / "claw" / "settings.json")
        for name in ("settings.json", ".vscode/settings.json", own, ".claude/settings.local.json"):
            visit.open(name, BAD, on_disk="{}")
        for name in (own, ".claude/settings.local.json"):
            await found(visit, name, 2)
        assert visit.diagnostics("settings.json") == visit.diagnostics(".vscode/settings.json") == []


async def test_a_burst_of_typing_ends_with_what_is_wrong_in_the_last_text(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        rules = json.dumps({"permissions": {"deny": [f"Bash(x{n}" for n in range(3000)]}}, indent=1)
        path = visit.open(FILE, rules, on_disk="{}")
        for n in range(20):
            retype(visit, path, rules + " " * n)
        retype(visit, path, BAD)
        await found(visit, FILE, 2)
