"""The editor's settings at the door: what is read, what is pushed, and what it comes to in the model's request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import PLAIN, Json, Visit, refused, visiting

PULLS: Json = {**PLAIN, "workspace": {**PLAIN["workspace"], "configuration": True}}
SONNET, HAIKU, OPUS = "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5"


async def asked_model(visit: Visit) -> str:
    """The model of the request that a new session makes."""
    await visit.turn("claw.ask", prompt="hello")
    return visit.model.requests[-1].model


async def changed(visit: Visit, settings: Any) -> None:
    visit.client.notify("workspace/didChangeConfiguration", {"settings": settings})
    await visit.settle()


async def test_a_setting_that_is_pulled_reaches_the_request_and_one_that_is_taken_back_is_gone(tmp_path: Path) -> None:
    editor = {"model": "sonnet"}
    async with visiting(
        tmp_path,
        *(says("Hi.") for _ in range(3)),
        capabilities=PULLS,
        introduction={"initializationOptions": {"effortLevel": "low"}},
        answers={"workspace/configuration": lambda _: [dict(editor)]},
    ) as visit:
        await visit.until(lambda: visit.requested("workspace/configuration"))
        await visit.settle()
        assert await asked_model(visit) == SONNET
        assert (await visit.command("claw.status"))["effort"] == "low"
        editor["model"] = "haiku"
        await changed(visit, None)
        assert await asked_model(visit) == HAIKU
        editor.clear()
        await changed(visit, None)
        assert await asked_model(visit) == OPUS


@pytest.mark.parametrize("pushed", [{"claw": {"model": "haiku"}}, {"model": "haiku", "unheard": 1}])
async def test_our_section_is_found_in_what_is_pushed_and_replaces_the_one_before(tmp_path: Path, pushed: Json) -> None:
    async with visiting(tmp_path, *(says("Hi.") for _ in range(4))) as visit:
        await changed(visit, {"claw": {"model": "sonnet"}})
        assert await asked_model(visit) == SONNET
        await changed(visit, {"python": {"model": "opus"}, "editor": {}})
        assert await asked_model(visit) == SONNET
        await changed(visit, pushed)
        assert await asked_model(visit) == HAIKU
        await changed(visit, {"claw": {}})
        assert await asked_model(visit) == OPUS


async def test_mode_and_effort_without_a_session_say_what_the_next_one_will_have(tmp_path: Path) -> None:
    options = {"initializationOptions": {"permissions": {"defaultMode": "plan"}, "effortLevel": "low"}}
    async with visiting(tmp_path, says("Hi."), introduction=options) as visit:
        assert (await visit.command("claw.mode")) == {"session": None, "mode": "plan"}
        assert (await visit.command("claw.effort")) == {"session": None, "effort": "low"}
        assert (await visit.command("claw.effort", effort="high")) == {"session": None, "effort": "high"}
        await visit.turn("claw.ask", prompt="hello")
        assert visit.model.requests[0].effort == "high"
        assert "begins in plan mode" in str(visit.model.requests[0].messages[0])


async def test_a_model_nobody_knows_is_taken_and_said_to_be_unknown(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        answer = await visit.command("claw.model", model="llama-of-mine")
        assert (answer["model"], answer["known"]) == ("llama-of-mine", False)
        assert "The limits and the price of llama-of-mine are not known" in answer["text"]
        assert "The aliases are opus, sonnet, haiku." in answer["text"]
        assert await visit.command("claw.model", model="haiku") == {"session": None, "model": HAIKU, "known": True}


@pytest.mark.parametrize("name", ["", " ", "the big one"])
async def test_a_model_name_is_one_word(tmp_path: Path, name: str) -> None:
    async with visiting(tmp_path) as visit:
        for command, arguments in (("claw.model", {}), ("claw.ask", {"prompt": "x"})):
            error = await refused(visit, command, model=name, **arguments)
            assert error.code == -32602
            assert str(error).startswith("-32602: model: expected one word, an alias")


@pytest.mark.parametrize("how", ["argument", "settings"])
async def test_the_mode_a_session_begins_in_is_told_in_its_first_message(tmp_path: Path, how: str) -> None:
    options = {"permissions": {"defaultMode": "plan"}} if how == "settings" else {}
    async with visiting(tmp_path, says("Hi."), says("Ho."), introduction={"initializationOptions": options}) as visit:
        begun = await visit.turn("claw.ask", prompt="hello", **({"mode": "plan"} if how == "argument" else {}))
        await visit.turn("claw.ask", prompt="and on", session=begun["session"])
        first, second = (it.messages[0] for it in visit.model.requests)
        assert "The session begins in plan mode: look and think" in str(first)
        assert first == second


@pytest.mark.security_case("D08")
async def test_no_command_gives_the_widest_mode_by_itself(tmp_path: Path) -> None:
    """Whoever can send commands can ask for it; that is a question to the person, and so is a turn that names it."""
    async with visiting(tmp_path, says("Hi."), says("Ho.")) as visit:
        begun = await visit.turn("claw.ask", prompt="hello", mode="bypassPermissions")
        answered = await visit.command("claw.mode", mode="bypassPermissions")
        assert answered["mode"] == "default"
        await visit.turn("claw.ask", prompt="go on", session=begun["session"], mode="bypassPermissions")
        assert (await visit.command("claw.status", session=begun["session"]))["mode"] == "default"
        assert {it["choices"][0]["title"] for it in await visit.questions()} == {"Keep asking"}


async def test_the_question_about_the_widest_mode_is_one_and_goes_when_another_mode_is_chosen(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        begun = await visit.turn("claw.ask", prompt="hello")
        first = await visit.command("claw.mode", mode="bypassPermissions")
        again = await visit.command("claw.mode", mode="bypassPermissions")
        assert first["question"] == again["question"]
        assert [it["question"] for it in await visit.questions()] == [first["question"]]
        await visit.command("claw.mode", mode="plan")
        await visit.settle()
        assert await visit.questions() == []
        assert (await visit.command("claw.status", session=begun["session"]))["mode"] == "plan"


async def test_a_mode_that_the_settings_forbid_is_an_error_at_once(tmp_path: Path) -> None:
    options = {"initializationOptions": {"permissions": {"disableBypassPermissionsMode": "disable"}}}
    async with visiting(tmp_path, says("Hi."), introduction=options) as visit:
        await visit.turn("claw.ask", prompt="hello")
        for command, arguments in (("claw.mode", {}), ("claw.ask", {"prompt": "x"})):
            error = await refused(visit, command, mode="bypassPermissions", **arguments)
            assert str(error).startswith("-32602: mode: bypassPermissions is switched off by the settings")
        assert await visit.questions() == []


async def test_a_yes_for_the_session_does_not_leave_plan_mode_that_was_switched_on_meanwhile(tmp_path: Path) -> None:
    write = says("", ("c1", "Write", {"file_path": str(tmp_path / "ws" / "new.py"), "content": "x = 1\n"}))
    async with visiting(tmp_path, write, says("Done.")) as visit:
        begun = await visit.command("claw.ask", prompt="write it")
        box = await visit.box()
        await visit.command("claw.mode", mode="plan")
        box.pick("Allow edits for this session")
        await visit.end(begun["run"])
        assert (await visit.command("claw.mode"))["mode"] == "plan"
        assert "switched to plan mode" in str(visit.model.requests[-1].messages)
