"""`claw-lsp permissions check`: the decision, the rule, the reading of each part, and what the exit code says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import shell


def asked(line: str) -> tuple[str, ...]:
    return ("permissions", "check", "--tool", "Bash", "--input", json.dumps({"command": line}))


@pytest.mark.parametrize(
    ("line", "decision", "code"), [("ls", "allow", 0), ("make x", "ask", 3), ("curl x", "deny", 4)]
)
async def test_one_call_is_judged_by_the_settings_in_force(tmp_path: Path, line: str, decision: str, code: int) -> None:
    here = shell(tmp_path)
    settings = here.folder / ".claw" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"permissions": {"deny": ["Bash(curl *)"]}}))
    ended = await here.claw(*asked(line))
    assert (ended.code, ended.json["decision"], ended.err) == (code, decision, "")


async def test_a_settings_file_of_the_command_line_is_believed_and_each_part_is_told(tmp_path: Path) -> None:
    here = shell(tmp_path)
    more = tmp_path / "more.json"
    more.write_text(json.dumps({"permissions": {"allow": ["Bash(make *)"]}}))
    ended = await here.claw(*asked("make all | head && npm i"), "--settings", str(more))
    assert ended.code == 3
    assert ended.json["reason"] == "no rule decides npm i"
    parts = [(it["words"], it["free"], it["decision"], it["rule"]) for it in ended.json["parts"]]
    assert parts == [
        (["make", "all"], False, "allow", "Bash(make *)"),
        (["head"], True, "allow", None),
        (["npm", "i"], False, "ask", None),
    ]


async def test_where_the_rule_comes_from_is_told_and_what_is_wrong_with_others(tmp_path: Path) -> None:
    here = shell(tmp_path)
    settings = here.folder / ".claw" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"permissions": {"ask": ["Bash(make *)"], "deny": ["Bsah(ls)"]}}))
    ended = await here.claw(*asked("make all"))
    assert (ended.json["rule"], ended.json["source"]) == ("Bash(make *)", str(settings))
    assert ended.json["reason"] == "the ask rule Bash(make *) from project"
    (problem,) = ended.json["problems"]
    assert problem.startswith(f"{settings}:1:") and 'did you mean "Bash"?' in problem


async def test_a_batch_says_what_is_wrong_with_its_rules(tmp_path: Path) -> None:
    batch = tmp_path / "calls.jsonl"
    rules = {"allow": ["Web*", "Bash(ls *)"], "deny": ["Bash(rm *"]}
    batch.write_text(json.dumps({"tool": "Bash", "input": {"command": "ls"}, "permissions": rules}))
    ended = await shell(tmp_path).claw("permissions", "check", "--batch", str(batch))
    (answer,) = ended.lines
    assert (answer["decision"], answer["rule"], answer["source"]) == ("ask", "Bash(rm *", "batch")
    assert [it.split(": ")[0:2] for it in answer["problems"]] == [
        ["permissions.allow", "Web*"],
        ["permissions.deny", "Bash(rm *"],
    ]


async def test_what_a_line_writes_to_is_told_with_where_it_leads(tmp_path: Path) -> None:
    here = shell(tmp_path)
    (here.folder / "src").mkdir(parents=True)
    (here.folder / "src" / "out").symlink_to("/etc")
    more = tmp_path / "more.json"
    more.write_text(json.dumps({"permissions": {"allow": ["Edit(//**/src/**)"]}}))
    ended = await here.claw(*asked("cd src && ls > a; ls > b < src/out/hosts"), "--settings", str(more))
    assert ended.code == 3
    root = str(here.folder)
    told = [(it["path"], it["leads"], it["as"], it["decision"]) for it in ended.json["redirects"]]
    assert told == [
        ("a", [f"{root}/src/a"], "Edit", "allow"),
        ("b", [f"{root}/b", f"{root}/src/b"], "Edit", "ask"),
        ("src/out/hosts", [f"{root}/src/out/hosts", f"{root}/src/src/out/hosts"], "Read", "ask"),
    ]
    assert [it["words"] for it in ended.json["parts"]] == [["cd", "src"], ["ls"], ["ls"]]
    assert ended.json["reason"].startswith("it writes to b: ")


async def test_a_batch_answers_every_line_and_says_which_it_could_not(tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    (folder / "src").mkdir(parents=True)
    (folder / "out").symlink_to("/etc")

    def line(tool: str, given: dict[str, Any], **more: Any) -> str:
        return json.dumps({"tool": tool, "input": given, "cwd": str(folder), "home": "/home/u", **more})

    lines = [
        line("Bash", {"command": "cat .env"}, permissions={"deny": ["Read(.env)"]}),
        line("Bash", {"command": "npm i"}, mode="dontAsk"),
        line("Bash", {"command": "cat out/hostname"}),
        line("Read", {"file_path": "src/a.py"}),
        line("Read", {"file_path": "out/passwd"}),
        line("Edit", {"file_path": "src/a.py"}, mode="acceptEdits"),
        line("Edit", {"file_path": ".claw/settings.json"}, mode="bypassPermissions"),
        line("WebFetch", {"url": "https://x.example/"}, permissions={"allow": ["WebFetch(domain:x.example)"]}),
        line("mcp__a__b", {}, permissions={"allow": ["mcp__a__b"]}),
        line("AskUserQuestion", {}, mode="dontAsk"),
    ]
    batch = tmp_path / "calls.jsonl"
    batch.write_text("\n".join(lines))
    here = shell(tmp_path)
    ended = await here.claw("permissions", "check", "--batch", str(batch))
    decisions = ["deny", "deny", "ask", "allow", "ask", "allow", "ask", "allow", "allow", "deny"]
    assert [it["decision"] for it in ended.lines] == decisions
    assert ended.code == 0
    batch.write_text("\n".join([lines[0], "not json", line("Read", {}), '{"tool": "Bash"}']))
    ended = await here.claw("permissions", "check", "--batch", str(batch))
    assert ended.code == 1
    assert [list(it) for it in ended.lines[1:]] == [["error"]] * 3


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("check",), "--tool NAME and --input JSON"),
        (("check", "--tool", "Bash", "--input", "[]"), "expected a JSON object"),
        (("check", "--tool", "Bash", "--input", "{}"), "expected command, a text"),
        (("check", "--tool", "Read", "--input", "{}"), "expected file_path, a text"),
        (("check", "--tool", "Bash", "--input", "{}", "--settings", "none.json"), "there is no file"),
        (("check", "--batch", "none.jsonl"), "cannot be read"),
    ],
)
async def test_what_cannot_be_judged_exits_2_and_says_why(tmp_path: Path, argv: tuple[str, ...], told: str) -> None:
    ended = await shell(tmp_path).claw("permissions", *argv)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err


async def test_hooks_are_listed_with_those_that_are_not_trusted(tmp_path: Path) -> None:
    here = shell(tmp_path)
    mine = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "make test"}]}]}}
    theirs = {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "guard"}]}]}}
    for folder, data in ((here.home / "claw", mine), (here.folder / ".claude", theirs)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "settings.json").write_text(json.dumps(data))
    ended = await here.claw("hooks", "list")
    assert (ended.code, ended.err) == (0, "")
    assert f"- `make test` (user, {here.home}/claw/settings.json:1)\n" in ended.out
    assert ended.out.index("## Not in force") < ended.out.index("hook PreToolUse (guard)")
    assert (await here.claw("hooks")).code == 2
