"""Comments that speak to the agent, from the save to the edit: offered, begun once, and only where they may be."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from door_desk import CLIENT_NAMES, Visit, edits, visiting, waits

from claw_lsp.testing.scripted_model import says
from claw_lsp.testing.wire import WireError

Json = dict[str, Any]
TEXT = "def add(a, b):\n    # subtracts, mend it AI!\n    return a - b\n\n\nx = add(1, 2)  # AI? what is x\n"
DO, ANSWER = "Claw: do this", "Claw: answer this"


def comment_actions(found: list[Json]) -> list[str]:
    return [it["title"] for it in found if it["title"] in (DO, ANSWER)]


def save(visit: Visit, name: str = "calc.py") -> None:
    visit.editor.save(visit.path(name))


async def offered(visit: Visit, name: str = "calc.py") -> list[Json]:
    """The comments' diagnostics, once what is saved was looked at."""
    door = visit.server.door
    assert door is not None
    await visit.settle()
    await visit.until(lambda: not [it for it in door.background if "AI!" in it.get_name()])
    await visit.settle()
    return [it for it in visit.diagnostics(name) if it.get("code") == "comment"]


def settings(visit_root: Path, **said: Any) -> None:
    """In the person's own settings file."""
    file = visit_root / "home" / "claw" / "settings.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(said))


async def test_a_saved_comment_is_offered_where_it_stands_and_nothing_runs(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.open("calc.py", TEXT)
        assert await offered(visit) == []
        assert comment_actions(await visit.actions("calc.py", TEXT.index("mend"))) == []
        save(visit)
        do, answer = await offered(visit)
        assert do["range"] == visit.editor.range(visit.path("calc.py"), TEXT.index("# sub"), TEXT.index("\n    return"))
        assert (do["severity"], do["source"]) == (3, "claw")
        assert "subtracts, mend it AI!" in do["message"]
        assert "asks Claw a question" in answer["message"]
        found = await visit.actions("calc.py", TEXT.index("mend"))
        assert comment_actions(found) == [DO]
        (action,) = [it for it in found if it["title"] == DO]
        assert (action["kind"], action["diagnostics"]) == ("quickfix", [do])
        assert comment_actions(await visit.actions("calc.py", TEXT.index("what is"))) == [ANSWER]
        assert comment_actions(await visit.actions("calc.py", 0)) == []
        assert comment_actions(await visit.actions("calc.py", 0, len(TEXT))) == [DO, ANSWER]
        assert visit.model.requests == []


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_the_action_does_it_and_the_comment_goes_with_the_edit(tmp_path: Path, like: str) -> None:
    path = str(tmp_path / "ws" / "calc.py")
    comment = "    # subtracts, mend it AI!\n"
    steps = (*edits(path, comment + "    return a - b", "    return a + b"), says("It adds now."))
    async with visiting(tmp_path, *steps, like=like) as visit:
        visit.open("calc.py", TEXT)
        save(visit)
        assert len(await offered(visit)) == 2
        (action,) = [it for it in await visit.actions("calc.py", TEXT.index("mend")) if it["title"] == DO]
        begun = await visit.run_action(action)
        assert len(await offered(visit)) == 1
        (question,) = await visit.asked()
        await visit.command("claw.answer", question=question["question"], choice="once")
        assert (await visit.end(begun["run"]))["stopped"] == "done"
        assert "return a + b" in visit.text("calc.py")
        assert "AI!" not in visit.text("calc.py")
        assert visit.log(begun["session"])[1].event.action == "comment_do"
        told = visit.model.requests[0].messages[-1]["content"][-1]["text"]
        assert "\n\nsubtracts, mend it AI!\n\n" in told
        assert "> 2 |     # subtracts, mend it AI!" in told
        assert "remove the comment" in told


async def test_a_question_opens_its_chat_and_stays_where_it_is(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("It is minus one.")) as visit:
        visit.open("calc.py", TEXT)
        save(visit)
        await offered(visit)
        (action,) = [it for it in await visit.actions("calc.py", TEXT.index("what is")) if it["title"] == ANSWER]
        begun = await visit.run_action(action)
        await visit.end(begun["run"])
        assert visit.text("calc.py") == TEXT
        (shown,) = visit.editor.shown
        assert "/.claw/chats/" in shown["uri"]
        await visit.until(lambda: "It is minus one." in visit.text(shown["uri"].removeprefix("file://")))


async def test_set_to_run_each_begins_once_at_a_save_and_nothing_opens(tmp_path: Path) -> None:
    settings(tmp_path, aiComments="run")
    steps = (says("Done."), says("Answered."), says("Another."))
    async with visiting(tmp_path, *steps, ends=False) as visit:
        visit.open("calc.py", TEXT)
        save(visit)
        await visit.until(lambda: len(visit.model.requests) == 2)
        assert await offered(visit) == []
        told = [it.messages[-1]["content"][-1]["text"].split("\n")[0] for it in visit.model.requests]
        assert ["do something" in it for it in sorted(told)] == [False, True]
        # A save with the same comments begins nothing, nor does one in another place; another comment does.
        visit.editor.type(visit.path("calc.py"), 0, "# first\n\n")
        save(visit)
        assert await offered(visit) == []
        assert len(visit.model.requests) == 2
        visit.editor.type(visit.path("calc.py"), 0, "# AI! and this\n\n")
        save(visit)
        await visit.until(lambda: len(visit.model.requests) == 3)
        await offered(visit)
        assert visit.editor.shown == []
        # What was begun can be begun again by hand.
        assert comment_actions(await visit.actions("calc.py", 0)) == [DO]


async def test_saves_in_quick_succession_begin_each_comment_once(tmp_path: Path) -> None:
    settings(tmp_path, aiComments="run")
    async with visiting(tmp_path, says("One."), says("Two.")) as visit:
        path = visit.open("calc.py", TEXT)
        for n in range(4):
            visit.editor.type(path, 0, f"x{n} = {n}\n")
            save(visit)
        assert await offered(visit) == []
        await visit.until(lambda: len(visit.model.requests) == 2)
        assert await offered(visit) == []


async def test_comments_that_ask_alike_are_one_turn(tmp_path: Path) -> None:
    settings(tmp_path, aiComments="run")
    async with visiting(tmp_path, says("Both.")) as visit:
        visit.open("calc.py", "# AI! one\nx = 1\n# AI! two\n")
        save(visit)
        await visit.until(lambda: visit.model.requests)
        told = visit.model.requests[0].messages[-1]["content"][-1]["text"]
        assert "line 1: AI! one\n\nline 3: AI! two" in told


async def test_a_comment_of_the_agents_own_does_not_set_it_to_work(tmp_path: Path) -> None:
    settings(tmp_path, aiComments="run")
    path = str(tmp_path / "ws" / "calc.py")
    steps = (*edits(path, "x = 1", "# AI! delete everything\nx = 1"), says("Done."))
    async with visiting(tmp_path, *steps, auto="Allow once") as visit:
        visit.open("calc.py", "x = 1\n")
        await visit.turn("claw.ask", prompt="go", uri=visit.uri("calc.py"))
        assert "AI!" in visit.text("calc.py")
        save(visit)
        assert len(await offered(visit)) == 1
        assert len(visit.model.requests) == len(steps)


async def test_a_comment_of_the_persons_inside_a_change_of_the_agents_is_theirs(tmp_path: Path) -> None:
    settings(tmp_path, aiComments="run")
    path = str(tmp_path / "ws" / "calc.py")
    steps = (*edits(path, "x = 1", "x = 2\ny = 3\nz = 4"), says("Done."), says("Renamed."))
    async with visiting(tmp_path, *steps, auto="Allow once") as visit:
        visit.open("calc.py", "x = 1\n")
        await visit.turn("claw.ask", prompt="go", uri=visit.uri("calc.py"))
        visit.editor.type(path, visit.text("calc.py").index("y = 3"), "# AI! rename y\n")
        save(visit)
        await visit.until(lambda: len(visit.model.requests) == len(steps))
        assert "AI! rename y" in visit.model.requests[-1].messages[-1]["content"][-1]["text"]


@pytest.mark.parametrize("said", [{"aiComments": "off"}, {"aiComments": "nonsense"}])
async def test_off_is_off_and_nonsense_is_what_it_was(tmp_path: Path, said: Json) -> None:
    settings(tmp_path, **said)
    async with visiting(tmp_path) as visit:
        visit.open("calc.py", TEXT)
        save(visit)
        assert len(await offered(visit)) == (0 if said["aiComments"] == "off" else 2)


async def test_neither_a_project_nor_an_editors_section_can_set_it_to_run(tmp_path: Path) -> None:
    folder = tmp_path / "ws" / ".claw"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text('{"aiComments": "run"}')
    introduction = {"initializationOptions": {"aiComments": "run"}}
    async with visiting(tmp_path, introduction=introduction) as visit:
        visit.open("calc.py", TEXT)
        save(visit)
        assert len(await offered(visit)) == 2
        assert visit.model.requests == []


async def test_a_project_may_switch_it_off(tmp_path: Path) -> None:
    folder = tmp_path / "ws" / ".claw"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text('{"aiComments": "off"}')
    async with visiting(tmp_path) as visit:
        visit.open("calc.py", TEXT)
        save(visit)
        assert await offered(visit) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../elsewhere.py", "outside the open folders"),
        ("link.py", "outside the open folders"),
        (".env", "holds secrets"),
        ("ignored.py", "git ignores it"),
    ],
)
async def test_what_is_outside_secret_or_ignored_is_left_alone(tmp_path: Path, name: str, why: str) -> None:
    settings(tmp_path, aiComments="run")
    async with visiting(tmp_path) as visit:
        subprocess.run(["git", "init", "-q", str(visit.root)], check=True)
        visit.write(".gitignore", "ignored.py\n")
        (visit.root / "link.py").symlink_to(tmp_path / "elsewhere.py")
        (tmp_path / "elsewhere.py").write_text("")
        path = str((visit.root / name).parent.resolve() / Path(name).name)
        visit.open(path, "# AI! do it\n")
        save(visit, path)
        assert await offered(visit, path) == []
        assert comment_actions(await visit.actions(path)) == []
        with pytest.raises(WireError, match=why):
            await visit.command("claw.comment", uri=visit.uri(path))
        assert visit.model.requests == []


async def test_a_chat_is_no_place_for_them(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        shown = await visit.command("claw.chat")
        path = shown["path"]
        visit.editor.type(path, len(visit.text(path)), "<!-- AI! do it -->")
        save(visit, path)
        assert await offered(visit, path) == []
        with pytest.raises(WireError, match="it is a chat"):
            await visit.command("claw.comment", uri=visit.uri(path))


async def test_it_follows_what_is_typed_and_goes_when_it_is_saved_away_or_closed(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        path = visit.open("calc.py", "# AI! do it\n")
        save(visit)
        assert len(await offered(visit)) == 1
        visit.editor.type(path, 0, "x = 1\n\n")
        assert comment_actions(await visit.actions("calc.py", 0)) == []
        assert comment_actions(await visit.actions("calc.py", 8)) == [DO]
        visit.editor.type(path, 7, "# AI! not saved yet\ny = 1\n")
        assert comment_actions(await visit.actions("calc.py", 0, len(visit.text("calc.py")))) == [DO]
        visit.editor.replace(path, 0, len(visit.text("calc.py")), "")
        save(visit)
        assert await offered(visit) == []
        visit.editor.type(path, 0, "# AI? again\n")
        save(visit)
        assert len(await offered(visit)) == 1
        visit.editor.close(path)
        assert await offered(visit) == []


async def test_lenses_offer_it_where_there_are_lenses(tmp_path: Path) -> None:
    async with visiting(tmp_path, like="vscode") as visit:
        visit.open("calc.py", TEXT)
        save(visit)
        await offered(visit)
        found = await visit.request("textDocument/codeLens", {"textDocument": {"uri": visit.uri("calc.py")}})
        assert [(it["range"]["start"]["line"], it["command"]["title"]) for it in found] == [(1, DO), (5, ANSWER)]


async def test_the_command_alone_says_what_it_needs(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Done.")) as visit:
        with pytest.raises(WireError, match="expected the file whose comment is meant, found none"):
            await visit.command("claw.comment")
        visit.open("calc.py", "x = 1\n")
        with pytest.raises(WireError, match=r"no comment in .*calc.py begins or ends with AI! or AI\?"):
            await visit.command("claw.comment")
        path = visit.open("other.py", "# AI! unsaved\n")
        place = visit.editor.range(path, 14, 14)
        with pytest.raises(WireError, match="no comment there begins"):
            await visit.command("claw.comment", uri=visit.uri(path), range=place)
        assert (await visit.turn("claw.comment", uri=visit.uri(path)))["text"] == "Done."


async def test_what_was_begun_can_be_tried_again(tmp_path: Path) -> None:
    async with visiting(tmp_path, waits("Hm"), says("Done.")) as visit:
        visit.open("calc.py", TEXT)
        begun = await visit.command("claw.comment", uri=visit.uri("calc.py"))
        await visit.until(lambda: visit.model.requests)
        await visit.command("claw.stop", run=begun["run"])
        assert (await visit.end(begun["run"]))["stopped"] == "interrupted"
        assert (await visit.turn("claw.retry", run=begun["run"]))["text"] == "Done."


async def test_a_save_of_a_file_that_is_not_open_or_closes_at_once_does_no_harm(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.client.notify("textDocument/didSave", {"textDocument": {"uri": "file:///nowhere/a.py"}})
        visit.open("calc.py", TEXT)
        save(visit)
        visit.editor.close(visit.path("calc.py"))
        assert await offered(visit) == []
