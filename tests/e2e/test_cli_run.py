"""`claw-lsp run` as a process against the scripted provider: what it prints, what it leaves, what it exits with."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from at_terminal import at_a_terminal
from command_line import CLAW, Shell, heard, interrupted, kinds, shell

from claw_lsp.testing.messages_api import Match, MessagesApi, Reply, Stall, Status, ToolUse, script

WRITE = ToolUse(name="Write", input={"file_path": "{{cwd}}/a.txt", "content": "written\n"})


@asynccontextmanager
async def provider(folder: Path, *replies: Reply | str, **more: str) -> AsyncGenerator[tuple[Shell, MessagesApi]]:
    """A shell whose provider plays these replies; every one of them must be asked for."""
    scenario = script(*replies).with_values(cwd=str(folder / "work"))
    async with MessagesApi(scenario) as api:
        yield shell(folder, api.url, **more), api
        assert not api.unexpected
        assert not api.leftover()


async def test_text_prints_the_answer_on_stdout_and_the_transcript_on_stderr(tmp_path: Path) -> None:
    async with provider(tmp_path, Reply(content=("Writing it.", WRITE)), "It is there.") as (here, _):
        ended = await here.claw("run", "write a.txt", "--permission-mode", "acceptEdits")
    assert (ended.code, ended.out) == (0, "It is there.\n")
    words = [line.split()[0] for line in ended.err.splitlines()]
    assert words == ["session", "user", "model", "call", "allow", "done", "model", "end", "used"]
    assert (here.folder / "a.txt").read_text() == "written\n"


async def test_json_prints_one_result_message_of_the_public_shape(tmp_path: Path) -> None:
    async with provider(tmp_path, "Hello.") as (here, _):
        ended = await here.claw("run", "say hello", "--output-format", "json", "--model", "haiku")
    said = ended.json
    fixed = {name: said[name] for name in ("type", "subtype", "is_error", "num_turns", "result", "permission_denials")}
    assert (ended.code, fixed) == (
        0,
        {
            "type": "result",
            "subtype": "success",
            "is_error": False,
            "num_turns": 1,
            "result": "Hello.",
            "permission_denials": [],
        },
    )
    assert said["usage"]["output_tokens"] > 0
    assert said["total_cost_usd"] > 0
    assert said["duration_ms"] > 0
    assert list((here.home / "claw" / "projects").glob(f"*/{said['session_id']}.jsonl"))


async def test_stream_json_prints_every_message_and_retry_on_a_line_of_its_own(tmp_path: Path) -> None:
    busy = Reply(faults=(Status(status=529, message="Overloaded", retry_after=0),))
    replies = (busy, Reply(content=(WRITE,)), "Done.")
    async with provider(tmp_path, *replies) as (here, _):
        ended = await here.claw(
            *("run", "write a.txt", "--output-format", "stream-json", "--permission-mode", "acceptEdits")
        )
    lines = ended.lines
    assert ended.code == 0
    assert kinds(lines) == [
        "system/init",
        "system/api_retry",
        "assistant",
        "user",
        "assistant",
        "result/success",
    ]
    assert {it["session_id"] for it in lines} == {lines[0]["session_id"]}
    assert lines[0]["cwd"] == str(here.folder)
    assert "Write" in lines[0]["tools"]
    call = next(it for it in lines[2]["message"]["content"] if it["type"] == "tool_use")
    answer = lines[3]["message"]["content"][0]
    assert (answer["type"], answer["tool_use_id"], answer["is_error"]) == ("tool_result", call["id"], False)


async def test_without_a_terminal_what_asks_is_denied_at_once_and_the_exit_code_is_3(tmp_path: Path) -> None:
    async with provider(tmp_path, Reply(content=(WRITE,)), "I may not.") as (here, api):
        ended = await here.claw("run", "write a.txt", "--output-format", "json")
    said = ended.json
    assert (ended.code, said["stopped"], said["is_error"], said["result"]) == (3, "refused", True, "I may not.")
    assert [it["tool_name"] for it in said["permission_denials"]] == ["Write"]
    assert said["permission_denials"][0]["tool_input"]["content"] == "written\n"
    assert not (here.folder / "a.txt").exists()
    assert "nobody is here to be asked" in api.requests[1].tool_results


async def test_bypass_permissions_of_the_command_line_holds(tmp_path: Path) -> None:
    run = ToolUse(name="Bash", input={"command": "echo ran > {{cwd}}/ran.txt"})
    async with provider(tmp_path, Reply(content=(run,)), "Ran.") as (here, _):
        ended = await here.claw("run", "run it", "--permission-mode", "bypassPermissions")
    assert (ended.code, (here.folder / "ran.txt").read_text()) == (0, "ran\n")


async def test_bypass_permissions_that_the_settings_forbid_is_a_usage_error(tmp_path: Path) -> None:
    async with provider(tmp_path) as (here, _):
        (here.home / "claw").mkdir(mode=0o700)
        settings = {"permissions": {"disableBypassPermissionsMode": "disable"}}
        (here.home / "claw" / "settings.json").write_text(json.dumps(settings))
        ended = await here.claw("run", "run it", "--permission-mode", "bypassPermissions")
    assert (ended.code, ended.out) == (2, "")
    assert "bypassPermissions is switched off" in ended.err


async def test_a_provider_that_refuses_the_key_fails_with_1_and_says_what_to_do(tmp_path: Path) -> None:
    async with provider(tmp_path, ANTHROPIC_API_KEY="sk-ant-wrong") as (here, _):
        ended = await here.claw("run", "hello", "--output-format", "json")
    said = ended.json
    assert (ended.code, said["subtype"], said["is_error"]) == (1, "error_during_execution", True)
    assert "key" in said["result"]


async def test_without_any_key_it_fails_with_1_and_names_the_ways_to_give_one(tmp_path: Path) -> None:
    ended = await shell(tmp_path).claw("run", "hello")
    assert ended.code == 1
    assert "ANTHROPIC_API_KEY" in ended.out


async def test_max_turns_ends_the_turn_at_its_limit_with_1(tmp_path: Path) -> None:
    look = ToolUse(name="Glob", input={"pattern": "*"})
    async with provider(tmp_path, Reply(content=(look,))) as (here, _):
        ended = await here.claw("run", "look", "--max-turns", "1", "--output-format", "json")
    said = ended.json
    assert (ended.code, said["subtype"], said["num_turns"], said["stopped"]) == (1, "error_max_turns", 1, "limit")
    assert "limit of 1" in said["result"]


async def test_continue_goes_on_with_the_folders_last_session(tmp_path: Path) -> None:
    again = Reply(content=("Blue, you said.",), match=Match(n_messages=3))
    async with provider(tmp_path, "Noted.", again) as (here, _):
        first = await here.claw("run", "my colour is blue", "--output-format", "json")
        second = await here.claw("run", "which colour?", "--continue", "--output-format", "json")
    assert (second.code, second.json["result"]) == (0, "Blue, you said.")
    assert second.json["session_id"] == first.json["session_id"]


async def test_resume_goes_on_with_the_session_named_in_another_model_and_mode(tmp_path: Path) -> None:
    told = "The person switched to acceptEdits"
    more = Reply(content=(WRITE,), match=Match(model="claude-haiku-5-5", last_user_contains=told))
    async with provider(tmp_path, "Noted.", "Another.", more, "Done.") as (here, _):
        first = await here.claw("run", "one", "--output-format", "json")
        await here.claw("run", "two")
        asked = ("run", "three", "--resume", first.json["session_id"])
        third = await here.claw(*asked, "--model", "haiku", "--permission-mode", "acceptEdits")
    assert (third.code, third.out) == (0, "Done.\n")
    assert f"session {first.json['session_id']}" in third.err
    assert (here.folder / "a.txt").exists()


async def test_the_mode_of_the_command_line_is_told_to_the_model(tmp_path: Path) -> None:
    told = Reply(content=("Here is my plan.",), match=Match(last_user_contains="The session begins in plan mode"))
    async with provider(tmp_path, told) as (here, _):
        ended = await here.claw("run", "plan it", "--permission-mode", "plan")
    assert (ended.code, ended.out) == (0, "Here is my plan.\n")


@pytest.mark.parametrize("which", [("--continue",), ("--resume", "8be4df61-93ca-11d2-aa0d-00e098032b8c")])
async def test_a_session_that_is_not_there_fails_with_1_and_says_so(tmp_path: Path, which: tuple[str, ...]) -> None:
    ended = await shell(tmp_path).claw("run", "go on", *which, "--output-format", "json")
    assert (ended.code, ended.json["is_error"]) == (1, True)
    assert "session" in ended.json["result"]


async def test_the_prompt_comes_from_stdin_for_a_dash(tmp_path: Path) -> None:
    async with provider(tmp_path, Reply(content=("Read.",), match=Match(last_user_contains="from a pipe"))) as (
        here,
        _,
    ):
        ended = await here.claw("run", "-", typed="words from a pipe\n")
    assert (ended.code, ended.out) == (0, "Read.\n")


async def test_ctrl_c_interrupts_the_turn_closes_the_log_and_exits_130(tmp_path: Path) -> None:
    stalled = Reply(content=("A long thought that stops here",), faults=(Stall(after_events=5),))
    async with provider(tmp_path, stalled) as (here, api):
        process = await here.start("run", "think", "--output-format", "stream-json")
        while not (api.requests and list(here.home.glob("claw/projects/*/*.partial"))):
            await asyncio.sleep(0.05)
        ended = await interrupted(process)
    last = ended.lines[-1]
    assert (ended.code, last["type"], last["stopped"], last["is_error"]) == (130, "result", "interrupted", True)
    (log,) = here.home.glob("claw/projects/*/*.jsonl")
    event = json.loads(log.read_text().splitlines()[-1])["event"]
    assert (event["kind"], event["stopped"]) == ("turn_ended", "interrupted")


async def test_sigterm_ends_a_running_command_and_everything_it_started(tmp_path: Path) -> None:
    run = ToolUse(name="Bash", input={"command": "setsid sleep 97 & echo $! > pid; sleep 97"})
    async with provider(tmp_path, Reply(content=(run,))) as (here, _):
        process = await here.start("run", "wait", "--permission-mode", "bypassPermissions")
        await heard(process.stderr, "allow")
        while not (here.folder / "pid").exists() or not (here.folder / "pid").read_text():
            await asyncio.sleep(0.05)
        ended = await interrupted(process, signal.SIGTERM)
    assert ended.code == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int((here.folder / "pid").read_text()), 0)


async def test_a_reader_that_goes_away_ends_the_turn(tmp_path: Path) -> None:
    run = ToolUse(name="Bash", input={"command": "sleep 0.5; echo too late > {{cwd}}/late.txt; sleep 97"})
    async with provider(tmp_path, Reply(content=("First.", run))) as (here, _):
        process = await asyncio.create_subprocess_shell(
            f"{' '.join(CLAW)} run go --output-format stream-json --permission-mode bypassPermissions | head -n 1",
            cwd=here.folder,
            env=here.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert json.loads(out)["subtype"] == "init"
    assert b"Traceback" not in err
    assert not (here.folder / "late.txt").exists()


async def test_at_a_terminal_the_person_is_asked_until_they_answer(tmp_path: Path) -> None:
    async with provider(tmp_path, Reply(content=(WRITE,)), "Done.") as (here, _):
        code, shown = await at_a_terminal(here, ("run", "write"), [("> ", "what?\n"), ("> ", "\x04"), ("> ", "y\n")])
    assert code == 0
    assert shown.count("Please answer with one of: n, y, s") == 2
    assert "+written" in shown
    assert (here.folder / "a.txt").read_text() == "written\n"


async def test_a_no_at_the_terminal_is_told_to_the_model_with_the_persons_words(tmp_path: Path) -> None:
    told = Reply(content=("As you say.",), match=Match(has_tool_result="put it in b.txt"))
    async with provider(tmp_path, Reply(content=(WRITE,)), told) as (here, _):
        code, _ = await at_a_terminal(here, ("run", "write"), [("> ", "n put it in b.txt\n")])
    assert code == 3
    assert not (here.folder / "a.txt").exists()


async def test_ctrl_c_at_the_question_interrupts_and_does_nothing(tmp_path: Path) -> None:
    async with provider(tmp_path, Reply(content=(WRITE,))) as (here, _):
        code, _ = await at_a_terminal(here, ("run", "write"), [("> ", "\x03")])
    assert code == 130
    assert not (here.folder / "a.txt").exists()


EDIT = (
    ToolUse(name="Read", input={"file_path": "{{cwd}}/calc.py"}),
    ToolUse(name="Edit", input={"file_path": "{{cwd}}/calc.py", "old_string": "one = 1", "new_string": "one = 11"}),
)
DIFF = "--- a/calc.py\n+++ b/calc.py\n@@ -1,2 +1,2 @@\n-one = 1\n+one = 11\n two = 2\n--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1 @@\n+written\n"


def calc(here: Shell) -> Path:
    path = here.folder / "calc.py"
    path.write_text("one = 1\ntwo = 2\n")
    return path


async def test_review_prints_a_diff_and_writes_nothing_where_nobody_can_say_yes(tmp_path: Path) -> None:
    async with provider(tmp_path, Reply(content=EDIT), Reply(content=(WRITE,)), "They wait.") as (here, _):
        path = calc(here)
        ended = await here.claw("run", "make one bigger", "--review")
    assert (ended.code, ended.out) == (0, DIFF + "They wait.\n")
    assert "Nothing was written" in ended.err
    assert path.read_text() == "one = 1\ntwo = 2\n"
    assert not (here.folder / "a.txt").exists()


async def test_review_as_json_holds_the_diff_and_what_became_of_it(tmp_path: Path) -> None:
    async with provider(tmp_path, Reply(content=EDIT), "It waits.") as (here, _):
        path = calc(here)
        ended = await here.claw("run", "make one bigger", "--review", "--output-format", "json")
    assert (ended.json["proposals"], "+one = 11\n" in ended.json["diff"]) == ("waiting", True)
    assert path.read_text() == "one = 1\ntwo = 2\n"


@pytest.mark.parametrize(
    ("typed", "text", "fact"),
    [
        ("y\n", "one = 11\ntwo = 2\n", "proposal_applied"),
        ("n\n", "one = 1\ntwo = 2\n", "proposal_dismissed"),
        ("w\n", "one = 1\ntwo = 2\n", "turn_ended"),
    ],
)
async def test_review_at_a_terminal_asks_and_does_what_is_said(
    tmp_path: Path, typed: str, text: str, fact: str
) -> None:
    async with provider(tmp_path, Reply(content=EDIT), "Bigger.") as (here, _):
        path = calc(here)
        dialog = [("Apply these changes to 1 file?", typed)]
        code, shown = await at_a_terminal(here, ("run", "make one bigger", "--review"), dialog, out=True)
    assert code == 0
    assert "+one = 11" in shown
    assert path.read_text() == text
    (log,) = here.home.glob("claw/projects/*/*.jsonl")
    kinds = [json.loads(it)["event"]["kind"] for it in log.read_text().splitlines()[1:]]
    assert [it for it in kinds if it != "checkpointed"][-1] == fact


async def test_what_waits_is_asked_about_again_by_the_next_run_of_the_session(tmp_path: Path) -> None:
    async with provider(tmp_path, Reply(content=EDIT), "It waits.", "Still.", "Thanks.") as (here, api):
        path = calc(here)
        await here.claw("run", "make one bigger", "--review")
        path.write_text("# mine\none = 1\ntwo = 2\n")
        dialog = [("Apply these changes", "y\n")]
        code, _ = await at_a_terminal(here, ("run", "and now?", "--continue"), dialog)
        assert code == 0
        assert path.read_text() == "# mine\none = 11\ntwo = 2\n"
        await here.claw("run", "applied", "--continue")
        assert "In calc.py what you proposed was applied (1 change)." in api.requests[-1].last_user_text


async def test_a_note_waits_where_nobody_can_say_yes_and_unread_instructions_are_said(tmp_path: Path) -> None:
    note = ToolUse(name="Remember", input={"text": "Tests run with nox."})
    async with provider(tmp_path, Reply(content=("Noting it.", note)), "Proposed.") as (here, _):
        (here.folder / "CLAW.md").write_text("@gone.md")
        ended = await here.claw("run", "remember it", "--permission-mode", "bypassPermissions")
    assert ended.code == 0
    assert "imports gone.md, but there is no" in ended.err
    assert "+- Tests run with nox." in ended.out
    assert "waits for a yes" in ended.err
    assert list((here.home / "claw").rglob("MEMORY.md")) == []


async def test_hooks_run_without_an_editor_too_and_what_failed_is_told_on_stderr(tmp_path: Path) -> None:
    here = shell(tmp_path)
    bye, noted = tmp_path / "bye", tmp_path / "noted"
    hooks = {
        "UserPromptSubmit": [{"hooks": [{"type": "command", "command": "echo The build is red."}]}],
        "Stop": [
            {"hooks": [{"type": "command", "command": "exit 3"}]},
            {
                "hooks": [
                    {
                        "type": "command",
                        "command": f"until test -s {bye}; do sleep 0.05; done; echo done > {noted}",
                        "async": True,
                    }
                ]
            },
            {"hooks": [{"type": "command", "command": "sleep 300", "async": True}]},
        ],
        "SessionEnd": [{"hooks": [{"type": "command", "command": f"cat > {bye}"}]}],
    }
    (here.home / "claw").mkdir(parents=True, exist_ok=True)
    (here.home / "claw" / "settings.json").write_text(json.dumps({"hooks": hooks}))
    async with provider(tmp_path, "Red.") as (here, api):
        ended = await here.claw("run", "what is it?")
        sent = json.dumps(api.requests[-1].body["messages"])
    assert (ended.code, ended.out) == (0, "Red.\n")
    assert "The build is red." in sent
    assert "hook    Stop The hook exit 3 (Stop) failed: it ended with exit code 3." in ended.err
    assert json.loads(bye.read_text())["reason"] == "other"
    assert noted.read_text() == "done\n"
