"""What goes with a prompt by itself: the model is told where the person is, and the person sees it before they send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from door_desk import PLAIN, Visit, visiting

from claw_lsp.core.fold import fold
from claw_lsp.core.surroundings import HEADING
from claw_lsp.facts.request import Request
from claw_lsp.testing.scripted_model import says

REFRESHES = PLAIN | {"workspace": PLAIN["workspace"] | {"codeLens": {"refreshSupport": True}}}


def shown(request: Request) -> list[str]:
    """What the model was told of the editor, in all messages."""
    blocks = [it for message in request.messages for it in message["content"]]
    return [it["text"] for it in blocks if it["type"] == "text" and it["text"].startswith(HEADING)]


async def lens(visit: Visit, path: str) -> dict[str, Any] | None:
    """The lens of a chat that says what goes along."""
    found = await visit.request("textDocument/codeLens", {"textDocument": {"uri": visit.uri(path)}})
    return next((it["command"] for it in found if it["command"]["command"] == "claw.along"), None)


async def chat(visit: Visit) -> tuple[str, str]:
    answer = await visit.command("claw.chat")
    assert answer["shown"]
    return answer["path"], answer["session"]


def selects(visit: Visit, name: str, first: tuple[int, int], last: tuple[int, int]) -> None:
    ends = [{"line": line, "character": character} for line, character in (first, last)]
    state = {"uri": visit.uri(name), "selection": {"start": ends[0], "end": ends[1]}, "visible": []}
    visit.client.notify("claw/editorState", state)


async def test_the_model_is_told_the_selection_its_diagnostics_and_the_open_files(tmp_path: Path) -> None:
    complaint = {
        "range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}},
        "message": "undefined\nname",
        "source": "ruff",
    }
    async with visiting(tmp_path, says("Ok.")) as visit:
        visit.open("b.py", on_disk="")
        visit.open("calc.py", on_disk="one\ntwo ```\nthree\n")
        await visit.actions("calc.py", 4, diagnostics=[complaint])
        selects(visit, "calc.py", (1, 0), (2, 0))
        ended = await visit.turn("claw.ask", prompt="mend it")
        assert fold(it.event for it in visit.log(ended["session"])).exposure.private
        assert ended["along"] == ["calc.py, line 2 · 1 diagnostic · the names of 1 open file"]
        assert shown(visit.model.requests[0]) == [
            f"{HEADING}\n````\n"
            "the file before the person: calc.py, selected line 2\n"
            "  | two ```\n"
            "what language servers report of it:\n- line 2: error: undefined name (ruff)\n"
            "open in the editor:\n- b.py\n````"
        ]


async def test_what_did_not_change_is_not_told_again_and_what_the_person_edited_is(tmp_path: Path) -> None:
    read = says("", ("c1", "Read", {"file_path": "a.py"}))
    async with visiting(tmp_path, read, says("One."), says("Two."), says("Three.")) as visit:
        path = visit.open("a.py", on_disk="x = 1\n")
        first = await visit.turn("claw.ask", prompt="look")
        again = await visit.turn("claw.ask", prompt="and now?", session=first["session"])
        assert again["along"] == []
        assert len(shown(visit.model.requests[-1])) == 1
        visit.editor.type(path, 0, "# ")
        third = await visit.turn("claw.ask", prompt="see?", session=first["session"])
        assert third["along"] == ["a.py · 1 changed since it was read"]
        assert "changed in the editor since you read it:\n- a.py" in shown(visit.model.requests[-1])[-1]


async def test_a_selection_in_a_file_that_the_model_knows_is_told_by_its_lines(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        visit.open("a.py", on_disk="x = 1\ny = 2\n")
        selects(visit, "a.py", (1, 0), (1, 5))
        first = await visit.turn("claw.ask", prompt="see @a.py", session=None)
        [told] = shown(visit.model.requests[0])
        assert first["along"][-1] == "a.py, line 2"
        assert "selected line 2" in told


async def test_what_the_rules_keep_from_the_model_is_not_even_named(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        rules = {"permissions": {"deny": [f"Read(/{visit.path('private')}/**)"], "ask": ["Read(./odd.txt)"]}}
        visit.write(".claw/settings.json", json.dumps(rules))
        for name in ("private/plan.txt", "odd.txt", ".env", "free.txt", "private/now.txt"):
            visit.open(name, on_disk="hidden words\n")
        selects(visit, "private/now.txt", (0, 0), (0, 6))
        ended = await visit.turn("claw.ask", prompt="what is this?")
        sent = json.dumps(visit.model.requests[0].messages)
        assert "free.txt" in sent
        assert not [it for it in ("plan.txt", "now.txt", "odd.txt", ".env", "hidden") if it in sent]
        [line] = ended["along"]
        assert line.startswith("the names of 1 open file · not sent: the file before you (")
        assert line.endswith(" · not sent: 3 other open files")


async def test_a_chat_shows_it_before_the_prompt_is_sent_and_keeps_it_up_to_date(tmp_path: Path) -> None:
    async with visiting(tmp_path, capabilities=REFRESHES) as visit:
        visit.open("a.py", on_disk="x = 1\ny = 2\n")
        path, session = await chat(visit)
        found = await lens(visit, path)
        assert found is not None
        assert found["title"] == "Along goes: a.py"
        before = len(visit.requested("workspace/codeLens/refresh"))
        selects(visit, "a.py", (0, 0), (1, 5))
        await visit.until(lambda: len(visit.requested("workspace/codeLens/refresh")) > before)
        found = await lens(visit, path)
        assert found is not None
        assert found["title"] == "Along goes: a.py, lines 1-2"
        assert found["arguments"] == [{"session": session, "along": "off"}]


async def test_it_is_switched_off_for_one_chat_by_its_lens_and_on_again(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("One."), says("Two.")) as visit:
        visit.open("a.py", on_disk="x = 1\n")
        path, session = await chat(visit)
        found = await lens(visit, path)
        assert found is not None
        answer = await visit.command("claw.along", **found["arguments"][0])
        assert answer["text"] == "Along with a prompt goes: nothing but what you mention."
        ended = await visit.turn("claw.ask", prompt="hello", session=session)
        assert ended["along"] == []
        assert shown(visit.model.requests[0]) == []
        found = await lens(visit, path)
        assert found is not None
        assert found["title"] == "Along goes: nothing but what you mention"
        await visit.command("claw.along", **found["arguments"][0])
        await visit.turn("claw.ask", prompt="hello", session=session)
        assert len(shown(visit.model.requests[1])) == 1


async def test_the_setting_switches_it_off_for_all_and_a_chat_cannot_switch_it_on(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("One.")) as visit:
        visit.write(str(visit.home / "claw" / "settings.json"), '{"sendAlong": false}')
        visit.open("a.py", on_disk="x = 1\n")
        ended = await visit.turn("claw.ask", prompt="hello")
        assert shown(visit.model.requests[0]) == []
        answer = await visit.command("claw.along", session=ended["session"], along="on")
        assert (answer["along"], answer["text"]) == ("off", "The setting `sendAlong` is off.")


async def test_a_client_without_lenses_shows_it_beside_send_and_as_a_hint_on_the_prompts_heading(
    tmp_path: Path,
) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        visit.open("a.py", on_disk="x = 1\ny = 2\n")
        path, session = await chat(visit)
        await visit.until(lambda: visit.diagnostics(path))
        (hint,) = visit.diagnostics(path)
        heading = next(n for n, it in enumerate(visit.text(path).splitlines()) if it.startswith("## You"))
        assert (hint["severity"], hint["range"]["start"]["line"]) == (4, heading)
        assert hint["message"] == "Along goes: a.py"
        selects(visit, "a.py", (0, 0), (1, 5))
        await visit.until(lambda: [it["message"] for it in visit.diagnostics(path)] == ["Along goes: a.py, lines 1-2"])
        visit.editor.type(path, len(visit.text(path)), "hello")
        at = len(visit.text(path))
        offered = await visit.actions(path, at)
        titles = [it["title"] for it in offered]
        assert titles[:2] == ["Claw: Send", "Claw: Along goes: a.py, lines 1-2 (switch off)"]
        await visit.run_action(offered[1])
        await visit.until(lambda: "nothing but" in str(visit.diagnostics(path)))
        offered = await visit.actions(path, at)
        assert offered[1]["title"] == "Claw: Along goes: nothing but what you mention (switch on)"
        ended = await visit.end((await visit.run_action(offered[0]))["run"])
        assert (ended["stopped"], shown(visit.model.requests[0])) == ("done", [])
        assert session


async def test_a_chat_of_ones_own_making_shows_it_before_it_has_a_session(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        visit.open("a.py", on_disk="x = 1\n")
        await visit.actions("a.py", 0)
        path = visit.open(".claw/chats/mine.md", on_disk="tell me of this\n")
        titles = [it["title"] for it in await visit.actions(path, 0)]
        assert titles == ["Claw: Send", "Claw: Along goes: a.py (switch off)"]
        found = await lens(visit, path)
        assert found is not None
        assert (found["title"], found["arguments"]) == ("Along goes: a.py", [{}])
        assert (await visit.command("claw.along"))["text"] == "Along with a prompt goes: a.py."
        begun = await visit.command("claw.send", uri=visit.uri(path))
        assert (await visit.end(begun["run"]))["stopped"] == "done"
        assert "the file before the person: a.py" in shown(visit.model.requests[0])[0]
