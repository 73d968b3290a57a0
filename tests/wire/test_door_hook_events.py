"""Events of hooks through the real door: commands that become prompts, questions of servers, files of instructions."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from door_desk import Visit, visiting
from test_chat_language import chat
from test_door_chat import sends
from test_door_hooks import command, configure
from test_door_mcp_asks import PATIENCE, calls, result, view

from claw_lsp.core.hooks import occasions
from claw_lsp.facts.event import UserSpoke
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.request import Reply
from claw_lsp.testing.scripted_model import says

SERVERS = Path(__file__).parent


@asynccontextmanager
async def with_server(tmp_path: Path, name: str, *steps: Reply) -> AsyncGenerator[Visit]:
    async with visiting(tmp_path, *steps) as visit:
        entry = {"command": sys.executable, "args": [str(SERVERS / f"{name}_server.py")]}
        servers = {"calc" if name == "mcp" else name: entry}
        visit.write(str(visit.home / "claw" / "mcp.json"), json.dumps({"mcpServers": servers}))
        visit.write(str(visit.home / "claw" / "settings.json"), json.dumps({"permissions": {"allow": ["mcp__asking"]}}))
        await visit.command("claw.mcp")
        await visit.until(lambda: view(visit).standing == "up", PATIENCE)
        yield visit


def answering(event: str, **fields: Any) -> str:
    """A line that prints such an answer."""
    return f"echo {shlex.quote(json.dumps({'hookSpecificOutput': {'hookEventName': event, **fields}}))}"


def heard(path: Path) -> list[dict[str, Any]]:
    """What hooks were told that wrote it down, a line each."""
    return [json.loads(it) for it in path.read_text().split("\n")[:-1]] if path.exists() else []


def noting(path: Path, then: str = "true") -> str:
    """A line that writes down what its hook is told, and then does something."""
    return f"printf '%s\\n' \"$(cat)\" >> {path}; {then}"


def of(visit: Visit, session: str, event: str) -> list[Hooked]:
    return [it.event for it in visit.log(session) if isinstance(it.event, Hooked) and it.event.event == event]


async def test_a_server_s_prompt_is_told_to_hooks_which_add_to_it(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    async with with_server(tmp_path, "mcp", says("Ok.")) as visit:
        configure(visit, {"UserPromptExpansion": command(noting(notes, "echo be kind"), "mcp__calc__review")})
        path = await chat(visit)
        await visit.end((await sends(visit, path, "/mcp__calc__review 'x = 1'"))["run"])
        sent = json.dumps(visit.model.requests[0].messages, default=list)
        assert "Please review: x = 1" in sent
        assert "be kind" in sent
    [told] = heard(notes)
    assert {it: told[it] for it in ("expansion_type", "command_name", "command_args", "command_source", "prompt")} == {
        "expansion_type": "mcp_prompt",
        "command_name": "mcp__calc__review",
        "command_args": "'x = 1'",
        "command_source": "mcp",
        "prompt": "/mcp__calc__review 'x = 1'",
    }


async def test_a_command_that_hooks_refuse_never_reaches_the_model(tmp_path: Path) -> None:
    submitted = tmp_path / "submitted"
    async with visiting(tmp_path, says("Plain.")) as visit:
        refuse = command("echo not here >&2; exit 2", "explain")
        hooks = {"UserPromptExpansion": refuse, "UserPromptSubmit": command(noting(submitted))}
        configure(visit, hooks, sessionTitles=False)
        visit.write("calc.py", "x = 1\n")
        uri = visit.open("calc.py")
        place = {"uri": uri, "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 5}}}
        ended = await visit.turn("claw.explain", **place)
        assert (ended["stopped"], ended["why"], visit.model.requests) == ("refused", "not here", [])
        await visit.turn("claw.ask", prompt="hello", session=ended["session"])
        # What is selected in the editor may go along with plain words; the refused prompt does not.
        assert "Explain" not in json.dumps(visit.model.requests[0].messages, default=list)
    assert [it["prompt"] for it in heard(submitted)] == ["hello"]


async def test_a_hook_answers_a_server_in_the_person_s_place(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    answer = answering("Elicitation", action="accept", content={"guests": 4, "where": "outside"})
    async with with_server(tmp_path, "asking", calls("order", what="soup"), says("Done.")) as visit:
        configure(
            visit, {"Elicitation": command(noting(notes, answer), "asking")}, permissions={"allow": ["mcp__asking"]}
        )
        await visit.turn("claw.ask", prompt="order")
        assert "soup for 4, outside" in visit.model.results(1)
    [told] = heard(notes)
    assert (told["mcp_server_name"], told["message"], told["mode"]) == ("asking", "How many are you?", "form")
    assert "guests" in told["requested_schema"]["properties"]


async def test_a_hook_that_is_against_a_server_s_question_declines_it_and_nobody_is_asked(tmp_path: Path) -> None:
    async with with_server(tmp_path, "asking", calls("order", what="soup"), says("Then not.")) as visit:
        hooks = {"Elicitation": command("echo never >&2; exit 2")}
        configure(visit, hooks, permissions={"allow": ["mcp__asking"]})
        begun = await visit.turn("claw.ask", prompt="order")
        assert result(visit, begun["session"]).result.is_error
        [fact] = of(visit, begun["session"], "Elicitation")
        assert (fact.decision, fact.reason) == ("deny", "never")


async def test_what_the_person_answers_a_server_passes_hooks(tmp_path: Path) -> None:
    notes, asked = tmp_path / "notes", tmp_path / "asked"
    changed = answering("ElicitationResult", action="accept", content={"guests": 9, "where": "upstairs"})
    async with with_server(tmp_path, "asking", calls("order", what="soup"), says("Done.")) as visit:
        hooks = {
            "ElicitationResult": command(noting(notes, changed)),
            "Notification": command(noting(asked), "elicitation_dialog"),
        }
        configure(visit, hooks, permissions={"allow": ["mcp__asking"]})
        visit.auto = "Decline"
        await visit.turn("claw.ask", prompt="order")
        await visit.until(lambda: bool(heard(asked)))
        assert "soup for 9, upstairs" in visit.model.results(1)
    [told] = heard(notes)
    assert (told["action"], told["content"], told["mcp_server_name"]) == ("decline", {}, "asking")
    assert heard(asked)[0]["message"] == "asking asks: How many are you?"


async def test_hooks_hear_of_the_instructions_a_session_begins_with_and_of_what_these_import(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    async with visiting(tmp_path, says("One."), says("Two.")) as visit:
        configure(visit, {"InstructionsLoaded": command(noting(notes))}, sessionTitles=False)
        visit.write("CLAW.md", "Be brief.\n@more.md\n")
        visit.write("more.md", "And kind.\n")
        begun = await visit.turn("claw.ask", prompt="hi")
        await visit.until(lambda: len(of(visit, begun["session"], "InstructionsLoaded")) == 2)
        told = {Path(it["file_path"]).name: it for it in heard(notes)}
        assert {name: it["load_reason"] for name, it in told.items()} == {
            "CLAW.md": "session_start",
            "more.md": "include",
        }
        assert told["more.md"]["parent_file_path"] == told["CLAW.md"]["file_path"]
        await visit.turn("claw.ask", prompt="again", session=begun["session"])
        assert len(of(visit, begun["session"], "InstructionsLoaded")) == 2


def test_plain_words_that_look_like_a_server_s_prompt_and_comments_in_files_are_no_commands() -> None:
    def spoken(text: str, **more: Any) -> UserSpoke:
        return UserSpoke(run="r", prompt_id="p", text=text, blocks=(), **more)

    assert occasions.expanded(spoken("/mcp__gone__review x")) is None
    assert occasions.expanded(spoken("fix it", action="comment_do")) is None
    of_server = occasions.expanded(spoken("/MCP__calc__review x", along=("/mcp__calc__review (1 part)",)))
    assert of_server is not None
    assert of_server.about == "mcp__calc__review"
