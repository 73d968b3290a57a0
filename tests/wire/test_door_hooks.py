"""Hooks through the real door: what is shown of them, what they are told of the session's ends, and what stops them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from door_desk import Visit, edits, visiting

from claw_lsp.core.hooks.telling import MOST_HELD, WOKEN
from claw_lsp.facts.event import CallFinished
from claw_lsp.facts.hooked import Hooked
from claw_lsp.testing.scripted_model import says
from claw_lsp.testing.wire import WireError


def configure(visit: Visit, hooks: dict[str, Any], **more: Any) -> None:
    """The person's own settings."""
    path = visit.home / "claw" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"hooks": hooks, **more}))


def command(line: str, matcher: str = "", **more: Any) -> list[dict[str, Any]]:
    return [{"matcher": matcher, "hooks": [{"type": "command", "command": line, **more}]}]


async def written(path: Path) -> str:
    """What is in a file once something is."""
    async with asyncio.timeout(40):
        while not path.exists() or not path.read_text():
            await asyncio.sleep(0.01)
    return path.read_text()


async def test_the_hooks_in_force_are_listed_with_their_last_run(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"Stop": command("exit 3"), "PostToolUse": command("lint", "Edit"), "Setup": command("x")})
        visit.write(".claude/settings.json", json.dumps({"hooks": {"Stop": command("make test")}}))
        await visit.turn("claw.ask", prompt="hi")
        answer = await visit.command("claw.hooks")
        stop, edit, setup = answer["hooks"]
        assert (stop["runs"], stop["last"]["code"], stop["source"], stop["line"]) == (1, 3, "user", 1)
        assert (edit["matcher"], edit["runs"], edit["last"]) == ("Edit", 0, None)
        assert setup["never"] == "claw-lsp does not have this event yet"
        assert [it.partition(": ")[2] for it in answer["withheld"]] == ["hook Stop (make test)"]
        assert ["Setup" in it for it in answer["problems"]] == [True]
        text = Path(answer["path"]).read_text()
        assert text == answer["text"]
        assert "- `exit 3` (user, " in text
        assert "1 run, the last at " in text
        assert "## Not in force" in text


async def test_a_hook_hears_that_the_person_is_asked_and_the_question_does_not_wait_for_it(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    async with visiting(tmp_path, says("", ("c1", "Bash", {"command": "touch x"})), says("Done.")) as visit:
        configure(visit, {"Notification": command(f"cat > {heard}; sleep 300", "permission_prompt")})
        visit.auto = "Allow once"
        ended = await visit.turn("claw.ask", prompt="touch it")
        told = json.loads(await written(heard))
    assert ended["stopped"] == "done"
    assert (told["hook_event_name"], told["notification_type"]) == ("Notification", "permission_prompt")
    assert told["message"] == "Claw asks: Run touch x"


async def test_session_end_hooks_run_when_the_server_ends_and_keep_it_no_longer_than_they_may(tmp_path: Path) -> None:
    bye = tmp_path / "bye"
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"SessionEnd": [*command(f"cat > {bye}"), *command("sleep 300", timeout=0.2)]})
        await visit.turn("claw.ask", prompt="hi")
    told = json.loads(bye.read_text())
    assert (told["hook_event_name"], told["reason"]) == ("SessionEnd", "other")


async def test_a_session_begins_for_hooks_as_it_really_did(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    hook = f'grep -o \'"source": "[a-z]*"\' >> {seen}'
    async with visiting(tmp_path, says("1"), says("2"), says("3")) as visit:
        configure(visit, {"SessionStart": command(hook)})
        begun = await visit.turn("claw.ask", prompt="one")
        await visit.command("claw.clear", session=begun["session"])
        await visit.turn("claw.ask", prompt="two", session=begun["session"])
        fork = await visit.command("claw.fork", session=begun["session"])
        await visit.turn("claw.ask", prompt="three", session=fork["session"])
    assert seen.read_text().split() == [
        part for it in ("startup", "clear", "fork") for part in ('"source":', f'"{it}"')
    ]


async def test_stopping_a_turn_ends_the_hook_it_waits_for(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"Stop": command(f"echo $$ > {pid}; sleep 300")})
        started = await visit.command("claw.ask", prompt="hi")
        number = (await written(pid)).strip()
        await visit.command("claw.stop", run=started["run"])
        ended = await visit.command("claw.wait", run=started["run"])
        assert ended["stopped"] == "interrupted"
        assert not os.path.exists(f"/proc/{number}")


async def test_a_hook_nothing_waits_for_is_told_when_it_is_done(tmp_path: Path) -> None:
    done = tmp_path / "done"
    async with visiting(tmp_path, says("Hello."), says("Red, I read.")) as visit:
        line = f'sleep 0.2; echo \'{{"hookSpecificOutput": {{"additionalContext": "it is red"}}}}\'; echo . > {done}'
        configure(visit, {"Stop": command(line, **{"async": True})})
        begun = await visit.turn("claw.ask", prompt="hi")
        await written(done)
        while not any(it.event.kind == "hooked" for it in visit.log(begun["session"])):
            await asyncio.sleep(0.01)
        configure(visit, {})
        await visit.turn("claw.ask", prompt="and?", session=begun["session"])
        assert "it is red" in json.dumps(visit.model.requests[-1].messages[-1]["content"])


async def test_a_refusal_behind_a_turn_begins_another_and_so_often_until_the_next_prompt(tmp_path: Path) -> None:
    replies = [says(f"Reply {n}.") for n in range(1 + MOST_HELD)]
    async with visiting(tmp_path, *replies) as visit:
        configure(visit, {"Stop": command("echo the tests are red >&2; exit 2", asyncRewake=True)})
        begun = await visit.turn("claw.ask", prompt="hi")
        ended = ["turn_ended"] * len(replies)
        await visit.until(lambda: [it for it in visit.kinds(begun["session"]) if it == "turn_ended"] == ended, 60.0)
        hooked = ["hooked"] * len(replies)
        await visit.until(lambda: [it for it in visit.kinds(begun["session"]) if it == "hooked"] == hooked, 60.0)
        session = visit.server.door.house.sessions.opened[begun["session"]]
        assert session.n_woken == MOST_HELD
        told = json.dumps(visit.model.requests[1].messages[-1]["content"])
        assert "the tests are red" in told
        assert WOKEN in told


async def test_a_hook_that_says_nothing_against_it_wakes_nobody(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello.")) as visit:
        line = 'echo \'{"hookSpecificOutput": {"additionalContext": "it is green"}}\''
        configure(visit, {"Stop": command(line, asyncRewake=True)})
        begun = await visit.turn("claw.ask", prompt="hi")
        await visit.until(lambda: "hooked" in visit.kinds(begun["session"]), 60.0)
        assert visit.server.door.house.sessions.opened[begun["session"]].n_woken == 0


async def test_an_approved_hook_of_the_folder_runs(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello."), says("Hello.")) as visit:
        hook = command("echo ran >> ran")
        visit.write(".claude/settings.json", json.dumps({"hooks": {"Stop": hook}}))
        await visit.turn("claw.ask", prompt="hi")
        assert not (visit.root / "ran").exists()
        await visit.command("claw.trust", trust=True)
        await visit.turn("claw.ask", prompt="hi")
        assert (visit.root / "ran").read_text() == "ran\n"


async def test_a_hook_keeps_the_model_it_wants_and_another_hears_of_the_new_one(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    async with visiting(tmp_path, says("Hello."), says("Still here.")) as visit:
        guard = "grep -q '\"to_model\": \"[^\"]*haiku' && echo 'too small for this' >&2 && exit 2; exit 0"
        configure(visit, {"PreModelSwitch": command(guard), "PostModelSwitch": command(f"cat > {heard}")})
        begun = await visit.turn("claw.ask", prompt="hi")
        with pytest.raises(WireError, match=r"a hook keeps claude-opus-[-0-9]*: too small for this"):
            await visit.command("claw.model", session=begun["session"], model="haiku")
        assert not heard.exists()
        answer = await visit.command("claw.model", session=begun["session"], model="sonnet")
        told = json.loads(heard.read_text())
        assert told["to_model"] == answer["model"]
        await visit.turn("claw.ask", prompt="and?", session=begun["session"])
        assert visit.model.requests[-1].model == answer["model"]


async def test_a_hook_about_a_model_that_hangs_keeps_the_model(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"PreModelSwitch": command("sleep 300", timeout=0.2)})
        begun = await visit.turn("claw.ask", prompt="hi")
        with pytest.raises(WireError, match=r"it took longer than 0\.2 s and was ended"):
            await visit.command("claw.model", session=begun["session"], model="sonnet")


async def test_hooks_hear_of_another_folder_and_of_instructions(tmp_path: Path) -> None:
    moved, loaded = tmp_path / "moved", tmp_path / "loaded"
    steps = (
        says("", ("c1", "Bash", {"command": "cd sub"})),
        says("", ("c2", "Read", {"file_path": "a.py"})),
        says("Done."),
    )
    async with visiting(tmp_path, *steps) as visit:
        configure(
            visit,
            {
                "CwdChanged": command(f"cat > {moved}"),
                "InstructionsLoaded": command(f"cat > {loaded}", "nested_traversal"),
            },
        )
        visit.write("sub/a.py", "a = 1\n")
        visit.write("sub/CLAUDE.md", "Use tabs.\n")
        visit.auto = "Allow once"
        await visit.turn("claw.ask", prompt="go")
        folders = json.loads(await written(moved))
        instructions = json.loads(await written(loaded))
    assert (folders["old_cwd"], folders["new_cwd"]) == (str(visit.root), str(visit.root / "sub"))
    assert instructions["file_path"] == str(visit.root / "sub" / "CLAUDE.md")
    assert (instructions["memory_type"], instructions["load_reason"]) == ("Project", "nested_traversal")


async def test_what_a_hook_always_allows_is_written_into_the_folders_local_settings(tmp_path: Path) -> None:
    grant = {
        "type": "addRules",
        "rules": [{"toolName": "Bash", "ruleContent": "touch *"}],
        "behavior": "allow",
        "destination": "localSettings",
    }
    decided = {"behavior": "allow", "updatedPermissions": [grant]}
    answer = {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decided}}
    touch = says("", ("c1", "Bash", {"command": "touch one"}))
    async with visiting(tmp_path, touch, says("Done.")) as visit:
        configure(visit, {"PermissionRequest": command(f"echo '{json.dumps(answer)}'", "Bash")})
        ended = await visit.turn("claw.ask", prompt="touch it")
        assert (ended["stopped"], visit.boxes) == ("done", [])
        local = json.loads((visit.root / ".claw" / "settings.local.json").read_text())
        assert local["permissions"]["allow"] == ["Bash(touch *)"]
        (rule,) = (await visit.command("claw.permissions"))["rules"]
        assert (rule["rule"], rule["source"]) == ("Bash(touch *)", "local")


async def test_a_hook_is_told_what_the_persons_answers_would_let_hold_and_may_answer_with_that(tmp_path: Path) -> None:
    """It answers with what it was offered, written into the person's own settings, and takes a rule of theirs back."""
    echo = (
        "import json, sys; told = json.load(sys.stdin); it = told['permission_suggestions']; "
        "open('offered.json', 'w').write(json.dumps(it)); "
        "[one.update(destination='userSettings') for one in it]; "
        "old = {'type': 'removeRules', 'rules': [{'toolName': 'Bash', 'ruleContent': 'old *'}], 'behavior': 'allow', "
        "'destination': 'userSettings'}; "
        "said = {'behavior': 'allow', 'updatedPermissions': [*it, old]}; "
        "print(json.dumps({'hookSpecificOutput': {'hookEventName': 'PermissionRequest', 'decision': said}}))"
    )
    test = says("", ("c1", "Bash", {"command": "pytest nothing.py"}))
    async with visiting(tmp_path, test, says("Done.")) as visit:
        program = visit.root / "echo.py"
        program.write_text(echo)
        hooks = {"PermissionRequest": command(f"{sys.executable} echo.py", "Bash")}
        configure(visit, hooks, permissions={"allow": ["Bash(old *)", "Bash(kept *)"]})
        file = visit.home / "claw" / "settings.json"
        ended = await visit.turn("claw.ask", prompt="test it")
        assert (ended["stopped"], visit.boxes) == ("done", [])
        (offered,) = json.loads((visit.root / "offered.json").read_text())
        assert (offered["type"], offered["behavior"], offered["destination"]) == ("addRules", "allow", "localSettings")
        assert offered["rules"] == [{"toolName": "Bash", "ruleContent": "pytest *"}]
        allowed = json.loads(file.read_text())["permissions"]["allow"]
        assert allowed == ["Bash(kept *)", "Bash(pytest *)"]
        assert not (visit.root / ".claw" / "settings.local.json").exists()


async def test_what_a_hook_exports_counts_for_later_commands_and_what_chooses_programs_does_not(tmp_path: Path) -> None:
    run = says("", ("c1", "Bash", {"command": "printenv STAGE PATH"}))
    async with visiting(tmp_path, run, says("Done.")) as visit:
        export = 'printf \'export STAGE="a test"\\nPATH=/evil\\n\' >> "$CLAUDE_ENV_FILE"'
        configure(visit, {"SessionStart": command(export)}, permissions={"allow": ["Bash(printenv *)"]})
        ended = await visit.turn("claw.ask", prompt="run it")
        entries = visit.log(ended["session"])
        (finished,) = [it.event for it in entries if isinstance(it.event, CallFinished)]
        (begun,) = [it.event for it in entries if isinstance(it.event, Hooked)]
        assert str(finished.result.content).startswith("a test\n/")
        assert "/evil" not in str(finished.result.content)
        assert begun.message.endswith("exported what is not taken over: PATH.")


async def test_a_hooks_words_longer_than_the_model_is_told_stand_in_a_file(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"SessionStart": command("head -c 30000 /dev/zero | tr '\\0' x")})
        begun = await visit.turn("claw.ask", prompt="hi")
        (fact,) = [it.event for it in visit.log(begun["session"]) if isinstance(it.event, Hooked)]
        told = re.search(r"x{10000}\n\[20000 characters left out here; the whole text is in (\S+)\]\n", fact.context)
        assert told is not None
        assert Path(told[1]).read_text() == "x" * 30_000


async def test_a_hooks_status_message_is_the_turns_progress_and_once_is_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    async with visiting(tmp_path, says("1"), says("2")) as visit:
        hook = command(f"echo ran >> {count}; sleep 0.3", statusMessage="checking the build", once=True)
        configure(visit, {"Stop": hook})
        begun = await visit.turn("claw.ask", prompt="one")
        await visit.turn("claw.ask", prompt="two", session=begun["session"])
        visit.hear()
        reports = [it["value"].get("message") for it in visit.progress]
    assert "checking the build" in reports
    assert count.read_text() == "ran\n"


@pytest.mark.parametrize("saves", [True, False])
async def test_hooks_about_what_was_done_find_it_on_the_disk_or_are_told_that_it_is_not_there(
    tmp_path: Path, *, saves: bool
) -> None:
    seen = tmp_path / "seen"
    path = str(tmp_path / "ws" / "calc.py")
    replies = (*edits(path, "1", "2"), says("Done."))
    async with visiting(tmp_path, *replies, like="vscode" if saves else None, auto="Allow once") as visit:
        line = f"cat calc.py >> {seen}; grep -o '\"unsaved_files.*calc.py\"]' >> {seen}; true"
        configure(visit, {"PostToolUse": command(line, "Edit"), "Stop": command(line)})
        visit.open("calc.py", on_disk="x = 1\n")
        visit.open("other.py", on_disk="y = 1\n")
        await visit.turn("claw.ask", prompt="two, please")
        assert visit.text("calc.py") == "x = 2\n"
    lacking = f'x = 1\n"unsaved_files": ["{path}"]\n'
    assert seen.read_text() == ("x = 2\n" if saves else lacking) * 2


async def test_hooks_of_one_event_run_side_by_side_and_identical_ones_once(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello.")) as visit:
        met = "echo . >> {0}; until test -e {1}; do sleep 0.02; done"
        one, other = (command(met.format(*names), timeout=60) for names in (("a", "b"), ("b", "a")))
        configure(visit, {"Stop": [*one, *other, *one]})
        begun = await visit.turn("claw.ask", prompt="hi")
        (hooked,) = [it.event for it in visit.log(begun["session"]) if isinstance(it.event, Hooked)]
        assert [it.code for it in hooked.ran] == [0, 0]
        assert [(visit.root / it).read_text() for it in "ab"] == [".\n", ".\n"]
