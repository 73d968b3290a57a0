"""`claw.permissions`: the rules in force as a document, where each comes from and what it decided; removed and changed there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from door_desk import Visit, visiting
from test_door_chat import sends

from claw_lsp.testing.scripted_model import says
from claw_lsp.testing.wire import WireError

PROJECT, LOCAL = ".claw/settings.json", ".claw/settings.local.json"
RULES = '{\n  "model": "opus",\n  "permissions": {\n    "deny": ["Bash(curl *)",\n      "Bash(wget *)"],\n    "ask": []\n  }\n}\n'


def run(command: str, call: str = "c1") -> Any:
    return says("", (call, "Bash", {"command": command}))


def rules(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(it["behavior"], it["rule"], it["source"]) for it in answer["rules"]]


async def titles(visit: Visit, path: str, text: str) -> dict[str, dict[str, Any]]:
    """The code actions on the line that holds this text, by title."""
    at = visit.text(path).index(text)
    return {it["title"]: it for it in await visit.actions(path, at) if it["command"]["command"] == "claw.permissions"}


async def shown(visit: Visit, **arguments: Any) -> str:
    """The document, open as the editor opened it."""
    answer = await visit.command("claw.permissions", **arguments)
    assert answer["shown"]
    return answer["path"]


async def test_every_rule_is_listed_with_its_place_and_what_it_last_decided(tmp_path: Path) -> None:
    steps = (run("curl x"), says("No."), run("curl y"), says("No."))
    async with visiting(tmp_path, *steps) as visit:
        file = visit.write(PROJECT, RULES)
        begun = await visit.turn("claw.ask", prompt="fetch")
        await visit.turn("claw.ask", prompt="again", session=begun["session"])
        answer = await visit.command("claw.permissions")
        first, second = answer["rules"]
        assert (first["rule"], first["behavior"], first["file"], first["line"]) == ("Bash(curl *)", "deny", file, 4)
        assert (first["decided"], first["last"]["decision"], first["last"]["title"]) == (2, "deny", "Run curl y")
        assert (second["line"], second["decided"], second["last"]) == (5, 0, None)
        assert (answer["mode"], answer["session"]) == ("default", begun["session"])
        text = Path(answer["path"]).read_text()
        states = [
            "Mode: default (what the rules do not allow is asked)",
            "Sandbox for commands: off",
            "This folder is not trusted",
        ]
        assert [it[2 : 2 + len(known)] for it, known in zip(text.split("\n")[2:], states, strict=False)] == states
        assert "- `Bash(curl *)` (.claw/settings.json:4): 2 calls, the last refused at " in text
        assert "## Asked about, in every mode\n\nNo rule." in text
        assert visit.requested("window/showDocument")[-1]["uri"].endswith("/permissions.md")


async def test_what_is_not_in_force_is_listed_with_the_reason(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.write(PROJECT, json.dumps({"permissions": {"allow": ["Bash"], "deny": ["Bsah"]}}))
        answer = await visit.command("claw.permissions")
        assert rules(answer) == [("deny", "Bsah", "project")]
        assert 'did you mean "Bash"?' in answer["rules"][0]["problem"]
        assert any("permissions.allow (Bash)" in it for it in answer["withheld"])
        assert any('did you mean "Bash"?' in it for it in answer["problems"])
        assert "## Left out: not believed from where it stands, or not known" in answer["text"]


async def test_nothing_opens_where_nobody_asked_and_the_chat_is_told_in_words(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        visit.write(PROJECT, RULES)
        begun = await visit.turn("claw.ask", prompt="hello")
        chat = (await visit.command("claw.chat", session=begun["session"]))["path"]
        before = len(visit.requested("window/showDocument"))
        await sends(visit, chat, "/permissions curl")
        await visit.until(lambda: "`Bash(curl *)` (.claw/settings.json:4)" in visit.text(chat))
        assert "wget" not in visit.text(chat)
        assert len(visit.requested("window/showDocument")) == before


async def test_a_rule_of_a_file_is_removed_by_its_action_and_nothing_else_moves(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        file = visit.write(PROJECT, RULES)
        path = await shown(visit)
        found = await titles(visit, path, "Bash(curl")
        assert list(found) == [
            "Claw: Remove Bash(curl *)",
            "Claw: Change to allow",
            "Claw: Change to ask",
            "Claw: Open the settings file",
        ]
        answer = await visit.run_action(found["Claw: Remove Bash(curl *)"])
        assert rules(answer) == [("deny", "Bash(wget *)", "project")]
        assert Path(file).read_text() == RULES.replace('"Bash(curl *)",\n      ', "")
        await visit.until(lambda: "curl" not in visit.text(path))
        assert await titles(visit, path, "Bash(wget")


async def test_a_rule_is_changed_and_the_document_follows(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        file = visit.write(PROJECT, RULES)
        path = await shown(visit)
        await visit.run_action((await titles(visit, path, "Bash(wget"))["Claw: Change to ask"])
        permissions = json.loads(Path(file).read_text())["permissions"]
        assert permissions == {"deny": ["Bash(curl *)"], "ask": ["Bash(wget *)"]}
        await visit.until(lambda: "- `Bash(wget *)` (.claw/settings.json:5)" in visit.text(path))
        assert "Claw: Change to deny" in await titles(visit, path, "Bash(wget")


async def test_a_file_that_is_open_is_changed_in_the_editor(tmp_path: Path) -> None:
    """Its unsaved text counts, and undo brings the rule back."""
    async with visiting(tmp_path) as visit:
        unsaved = RULES.replace("opus", "sonnet")
        file = visit.open(PROJECT, unsaved, on_disk=RULES)
        given = {"rule": "Bash(curl *)", "behavior": "deny", "file": file, "to": "remove"}
        await visit.command("claw.permissions", **given)
        assert visit.text(file) == unsaved.replace('"Bash(curl *)",\n      ', "")
        assert visit.editor.undo_steps(file) == ["Claw: Bash(curl *)"]


async def test_the_settings_file_is_opened_at_the_rule(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        file = visit.write(PROJECT, RULES)
        path = await shown(visit)
        answer = await visit.run_action((await titles(visit, path, "Bash(wget"))["Claw: Open the settings file"])
        assert (answer["path"], answer["line"], answer["shown"]) == (file, 5, True)
        asked = visit.requested("window/showDocument")[-1]
        assert asked["uri"] == visit.uri(file)
        assert asked["selection"]["start"] == {"line": 4, "character": 0}


async def test_a_rule_of_the_session_is_taken_back(tmp_path: Path) -> None:
    steps = (run("make x"), says("Done."), run("make x", "c2"), says("Well."))
    async with visiting(tmp_path, *steps) as visit:
        begun = await visit.command("claw.ask", prompt="make it")
        (await visit.box()).pick("Allow for this session")
        await visit.end(begun["run"])
        path = await shown(visit)
        (found,) = (await visit.command("claw.permissions"))["rules"]
        assert (found["rule"], found["source"], found["file"]) == ("Bash(make x)", "this session", None)
        answer = await visit.run_action((await titles(visit, path, "Bash(make x)"))["Claw: Remove Bash(make x)"])
        assert answer["rules"] == []
        assert visit.kinds(begun["session"])[-1] == "rule_removed"
        again = await visit.command("claw.ask", prompt="once more", session=begun["session"])
        (await visit.box(1)).pick("Deny")
        assert (await visit.end(again["run"]))["stopped"] == "refused"


async def test_what_was_always_allowed_is_forgotten_everywhere_once_it_is_removed(tmp_path: Path) -> None:
    steps = (run("make x"), says("Done."), run("make x", "c2"), says("Well."))
    async with visiting(tmp_path, *steps) as visit:
        begun = await visit.command("claw.ask", prompt="make it")
        (await visit.box()).pick("Always allow")
        await visit.end(begun["run"])
        (found,) = (await visit.command("claw.permissions"))["rules"]
        assert (found["source"], found["file"]) == ("local", visit.path(LOCAL))
        given = {"rule": "Bash(make x)", "behavior": "allow", "file": visit.path(LOCAL)}
        assert (await visit.command("claw.permissions", **given, to="remove"))["rules"] == []
        # Who writes the rule back, and is not the person, is not believed.
        visit.write(LOCAL, json.dumps({"permissions": {"allow": ["Bash(make x)"]}}))
        assert (await visit.command("claw.permissions"))["rules"] == []
        visit.write(LOCAL, "{}")
        again = await visit.command("claw.ask", prompt="once more", session=begun["session"])
        (await visit.box(1)).pick("Deny")
        await visit.end(again["run"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"rule": "Bash(none)", "behavior": "deny", "to": "remove"}, "there is no deny rule 'Bash(none)'"),
        ({"rule": "Bash(curl *)", "behavior": "deny", "to": "remove"}, "from this session"),
        ({"rule": "Bash(curl *)", "behavior": "allow", "file": PROJECT, "to": "remove"}, "there is no allow rule"),
        ({"rule": "Bash(id)", "behavior": "deny", "to": "ask"}, "cannot be changed from here"),
        ({"rule": "Bash(id)", "behavior": "deny", "to": "open"}, "stands in no file"),
        ({"to": "sideways"}, "to: "),
    ],
)
async def test_what_is_not_there_is_said_and_nothing_changes(tmp_path: Path, given: dict[str, Any], told: str) -> None:
    options = {"initializationOptions": {"permissions": {"deny": ["Bash(id)"]}}}
    async with visiting(tmp_path, introduction=options) as visit:
        file = visit.write(PROJECT, RULES)
        with pytest.raises(WireError, match=r"-32602") as error:
            await visit.command("claw.permissions", **given)
        assert told in str(error.value)
        assert Path(file).read_text() == RULES


async def test_a_file_that_is_broken_meanwhile_is_left_alone(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        file = visit.write(PROJECT, RULES)
        path = await shown(visit)
        action = (await titles(visit, path, "Bash(curl"))["Claw: Remove Bash(curl *)"]
        visit.write(PROJECT, RULES[:-3])
        with pytest.raises(WireError, match="is not valid JSON"):
            await visit.run_action(action)
        assert Path(file).read_text() == RULES[:-3]
