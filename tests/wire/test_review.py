"""Review by hunk in the standard-LSP door: listed, shown, kept, reverted, corrected, and there again after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import CLIENT_NAMES, PLAIN, Visit, edits, refused, visiting

BEFORE = "one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\n"
AFTER = "one = 11\ntwo = 2\nthree = 33\nfour = 4\nfive = 5\n"


def two_edits(path: str, words: str = "") -> tuple[Any, ...]:
    return (
        *edits(path, "one = 1\n", "one = 11\n", "c1", text=words),
        says(
            "So that three fits.",
            ("c2", "Edit", {"file_path": path, "old_string": "three = 3\n", "new_string": "three = 33\n"}),
        ),
        says("Done."),
    )


def desk(tmp_path: Path) -> str:
    return str(tmp_path / "ws" / "calc.py")


async def edited(visit: Visit) -> list[dict[str, Any]]:
    """The file with two hunks in it."""
    visit.open("calc.py", on_disk=BEFORE)
    ended = await visit.turn("claw.ask", prompt="make it right", mode="acceptEdits")
    assert ended["stopped"] == "done", ended
    assert visit.text("calc.py") == AFTER
    return await listed(visit)


async def listed(visit: Visit, **arguments: Any) -> list[dict[str, Any]]:
    return (await visit.command("claw.hunks", **arguments))["hunks"]


def offset(visit: Visit, words: str) -> int:
    return visit.text("calc.py").index(words)


def titles(actions: list[dict[str, Any]]) -> list[str]:
    return [it["title"] for it in actions]


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_in_every_client_hunks_are_diagnostics_that_code_actions_keep_and_revert(
    like: str, tmp_path: Path
) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path)), like=like) as visit:
        first, second = await edited(visit)
        assert [it["code"] for it in visit.diagnostics("calc.py")] == [first["hunk"], second["hunk"]]
        assert {it["severity"] for it in visit.diagnostics("calc.py")} == {3}
        actions = await visit.actions("calc.py", offset(visit, "one"))
        (revert,) = [it for it in actions if it["title"] == "Claw: Revert"]
        await visit.run_action(revert)
        assert visit.text("calc.py") == AFTER.replace("one = 11", "one = 1")
        actions = await visit.actions("calc.py", offset(visit, "three"))
        (keep,) = [it for it in actions if it["title"] == "Claw: Keep"]
        await visit.run_action(keep)
        assert await listed(visit) == []
        assert visit.diagnostics("calc.py") == []
        assert visit.text("calc.py") == AFTER.replace("one = 11", "one = 1")


async def test_a_hunk_tells_its_place_its_texts_and_its_prompt(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path))) as visit:
        first, second = await edited(visit)
        assert (first["before"], first["after"], first["state"]) == ("1", "11", "open")
        assert first["range"] == {"start": {"line": 0, "character": 6}, "end": {"line": 0, "character": 8}}
        assert second["range"]["start"] == {"line": 2, "character": 8}
        assert first["uri"] == visit.uri("calc.py")
        assert first["prompt_id"] == second["prompt_id"]


async def test_ranges_and_diagnostics_follow_what_the_person_types(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path))) as visit:
        await edited(visit)
        visit.editor.replace(visit.path("calc.py"), 0, 0, "# above\n")
        await visit.until(lambda: visit.diagnostics("calc.py")[0]["range"]["start"]["line"] == 1)
        assert [it["range"]["start"]["line"] for it in await listed(visit)] == [1, 3]


async def test_what_the_person_typed_stays_when_all_is_reverted(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path))) as visit:
        await edited(visit)
        visit.editor.replace(visit.path("calc.py"), offset(visit, "four"), offset(visit, "five"), "mine = 4\n")
        answer = await visit.command("claw.undo", all=True)
        assert (len(answer["undone"]), answer["conflicts"]) == (2, [])
        assert visit.text("calc.py") == BEFORE.replace("four", "mine")


async def test_words_typed_into_a_hunk_stay_and_the_rest_is_a_conflict(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path))) as visit:
        await edited(visit)
        at = offset(visit, "11")
        visit.editor.replace(visit.path("calc.py"), at + 1, at + 2, "999")
        first = (await listed(visit))[0]
        assert first["state"] == "conflict"
        answer = await visit.command("claw.undo", hunk=first["hunk"])
        assert [it["hunk"] for it in answer["conflicts"]] == [first["hunk"]]
        assert "one = 1999" in visit.text("calc.py")
        assert "changed since" in visit.diagnostics("calc.py")[0]["message"]
        visit.hear()
        assert any("could not be" in it["message"] for it in visit.messages)


async def test_a_revert_is_one_edit_with_a_label_asks_nothing_and_can_be_undone(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path))) as visit:
        await edited(visit)
        n_edits = len(visit.requested("workspace/applyEdit"))
        await visit.command("claw.undo", uri=visit.uri("calc.py"))
        sent = visit.requested("workspace/applyEdit")[n_edits:]
        assert [it["label"] for it in sent] == ["Claw: revert 2 changes"]
        assert visit.boxes == []
        assert visit.text("calc.py") == BEFORE
        visit.editor.undo(visit.path("calc.py"))
        assert visit.text("calc.py") == AFTER
        assert await listed(visit) == []


async def test_what_the_person_undoes_in_the_editor_leaves_the_list(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path))) as visit:
        await edited(visit)
        visit.editor.undo(visit.path("calc.py"))
        left = await listed(visit)
        assert [it["before"] for it in left] == ["1"]


@pytest.mark.parametrize("saved", [True, False])
async def test_what_was_closed_without_being_saved_leaves_the_list(tmp_path: Path, saved: bool) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path))) as visit:
        await edited(visit)
        if saved:
            visit.editor.save(visit.path("calc.py"))
        visit.editor.close(visit.path("calc.py"))
        await visit.settle()
        await visit.until(lambda: bool(visit.diagnostics("calc.py")) == saved)
        assert len(await listed(visit)) == (2 if saved else 0)
        # The same text once more, as the person's own.
        visit.editor.open(visit.path("calc.py"), AFTER, "python")
        await visit.settle()
        assert len(await listed(visit)) == (2 if saved else 0)


async def test_a_revert_of_one_prompt_leaves_the_other_prompts_work(tmp_path: Path) -> None:
    path = desk(tmp_path)
    later = (
        says("", ("c9", "Read", {"file_path": path})),
        says("", ("c10", "Edit", {"file_path": path, "old_string": "five = 5", "new_string": "five = 55"})),
        says("Done."),
    )
    async with visiting(tmp_path, *two_edits(path), *later) as visit:
        first, _ = await edited(visit)
        await visit.turn("claw.ask", prompt="and five", mode="acceptEdits")
        assert len(await listed(visit)) == 3
        answer = await visit.command("claw.undo", prompt_id=first["prompt_id"])
        assert len(answer["undone"]) == 2
        assert visit.text("calc.py") == BEFORE.replace("five = 5", "five = 55")


async def test_a_later_session_on_the_same_words_is_reverted_first(tmp_path: Path) -> None:
    path = desk(tmp_path)
    later = (
        says("", ("c9", "Read", {"file_path": path})),
        says("", ("c10", "Edit", {"file_path": path, "old_string": "one = 11", "new_string": "one = 111"})),
        says("Done."),
    )
    async with visiting(tmp_path, *two_edits(path), *later) as visit:
        first, _ = await edited(visit)
        await visit.turn("claw.ask", prompt="more of it", mode="acceptEdits")
        states = {it["hunk"]: it["state"] for it in await listed(visit)}
        assert states.pop(first["hunk"]) == "conflict"
        assert set(states.values()) == {"open"}
        assert (await visit.command("claw.undo", hunk=first["hunk"]))["undone"] == []
        answer = await visit.command("claw.undo", all=True)
        assert (len(answer["undone"]), answer["conflicts"]) == (3, [])
        assert visit.text("calc.py") == BEFORE


async def test_unknown_kept_and_reverted_hunks_are_said_to_be_that(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path))) as visit:
        first, second = await edited(visit)
        await visit.command("claw.keep", hunk=first["hunk"])
        await visit.command("claw.undo", hunk=second["hunk"])
        for arguments, words in (
            ({"hunk": "nope"}, "expected the id of an open hunk, found 'nope'"),
            ({"hunk": first["hunk"]}, "was kept already"),
            ({"hunk": second["hunk"]}, "was reverted already"),
            ({"prompt_id": "nope"}, "prompt_id: expected the prompt_id of a hunk"),
            ({}, "expected one of hunk, uri, prompt_id or all, found none"),
            ({"hunk": "a", "all": True}, "found hunk and all"),
        ):
            for name in ("claw.keep", "claw.undo"):
                error = await refused(visit, name, **arguments)
                assert error.code == -32602
                assert words in str(error)
        assert "expected the id of an open hunk" in str(await refused(visit, "claw.explain", hunk="nope"))


async def test_hunks_of_a_closed_file_are_listed_and_reverted(tmp_path: Path) -> None:
    path = desk(tmp_path)
    async with visiting(tmp_path, *two_edits(path)) as visit:
        await edited(visit)
        visit.editor.save(path)
        visit.editor.close(path)
        Path(path).write_text("# above\n" + AFTER)
        assert [it["range"]["start"]["line"] for it in await listed(visit, uri=visit.uri("calc.py"))] == [1, 3]
        answer = await visit.command("claw.undo", uri=visit.uri("calc.py"))
        assert len(answer["undone"]) == 2
        assert visit.text("calc.py") == "# above\n" + BEFORE


async def test_hunks_of_a_deleted_file_stay_listed_and_say_why_they_cannot_be_reverted(tmp_path: Path) -> None:
    path = desk(tmp_path)
    async with visiting(tmp_path, *two_edits(path)) as visit:
        first, second = await edited(visit)
        visit.editor.save(path)
        visit.editor.close(path)
        Path(path).rename(tmp_path / "ws" / "other.py")
        error = await refused(visit, "claw.undo", hunk=first["hunk"])
        assert "was deleted or renamed since Claw changed it" in str(error)
        answer = await visit.command("claw.undo", all=True)
        assert {it["hunk"] for it in answer["conflicts"]} == {first["hunk"], second["hunk"]}
        assert len(await listed(visit)) == 2
        await visit.command("claw.keep", all=True)
        assert await listed(visit) == []


async def test_the_ledger_survives_a_restart_with_its_session(tmp_path: Path) -> None:
    path = desk(tmp_path)
    async with visiting(tmp_path, *two_edits(path)) as visit:
        before = await edited(visit)
        session = before[0]["session"]
        await visit.command("claw.keep", hunk=before[1]["hunk"])
        visit.editor.save(path)
    async with visiting(tmp_path) as visit:
        visit.open("calc.py", "# above\n" + AFTER)
        (again,) = await listed(visit)
        assert (again["hunk"], again["session"]) == (before[0]["hunk"], session)
        assert again["range"]["start"] == {"line": 1, "character": 6}
        assert [it["code"] for it in visit.diagnostics("calc.py")] == [again["hunk"]]
        await visit.command("claw.undo", hunk=again["hunk"])
        assert visit.text("calc.py") == "# above\n" + AFTER.replace("one = 11", "one = 1")


RESOURCES = PLAIN | {
    "workspace": PLAIN["workspace"] | {"workspaceEdit": {"documentChanges": True, "resourceOperations": ["delete"]}}
}


def made(path: str) -> tuple[Any, ...]:
    return says("", ("c1", "Write", {"file_path": path, "content": "made = 1\n"})), says("Done.")


async def test_a_new_file_that_is_reverted_is_deleted_where_it_held_nothing_else(tmp_path: Path) -> None:
    path = desk(tmp_path)
    for saved in (False, True):
        async with visiting(tmp_path, *made(path), capabilities=RESOURCES) as visit:
            await visit.turn("claw.ask", prompt="make it", mode="acceptEdits")
            if saved:
                visit.editor.save(path)
            answer = await visit.command("claw.undo", all=True)
            assert "calc.py, which held nothing else, was deleted." in answer["text"]
            assert not Path(path).exists()
            assert await listed(visit) == []


async def test_a_new_file_is_left_empty_where_it_may_not_be_deleted_and_that_is_said(tmp_path: Path) -> None:
    path = desk(tmp_path)
    async with visiting(tmp_path, *made(path)) as visit:
        await visit.turn("claw.ask", prompt="make it", mode="acceptEdits")
        answer = await visit.command("claw.undo", all=True)
        assert "calc.py is empty now; delete it if you do not want it." in answer["text"]
        assert visit.text("calc.py") == ""
    Path(path).unlink()
    async with visiting(tmp_path, *made(path), capabilities=RESOURCES) as visit:
        await visit.turn("claw.ask", prompt="make it", mode="acceptEdits")
        Path(path).write_text("somebody's\n")
        answer = await visit.command("claw.undo", all=True)
        assert "is empty now" in answer["text"]
        assert Path(path).read_text() == "somebody's\n"
    Path(path).unlink()
    async with visiting(tmp_path, *made(path), capabilities=RESOURCES) as visit:
        await visit.turn("claw.ask", prompt="make it", mode="acceptEdits")
        visit.editor.replace(path, 0, 0, "mine = 0\n")
        answer = await visit.command("claw.undo", all=True)
        assert (answer["text"], visit.text("calc.py")) == ("Reverted 1 change.", "mine = 0\n")


@pytest.mark.parametrize("answer", [None, "rubbish", {"applied": True}, {"applied": False}])
async def test_a_client_that_only_says_it_deleted_a_file_is_not_believed(answer: object, tmp_path: Path) -> None:
    path = desk(tmp_path)
    async with visiting(tmp_path, *made(path), capabilities=RESOURCES) as visit:
        await visit.turn("claw.ask", prompt="make it", mode="acceptEdits")
        does = visit.editor.apply

        def applies(params: dict[str, Any]) -> object:
            return answer if "kind" in params["edit"]["documentChanges"][0] else does(params)

        visit.editor.answer["workspace/applyEdit"] = applies
        told = await visit.command("claw.undo", all=True)
        assert "is empty now" in told["text"]
        assert Path(path).exists()


async def test_hunks_go_with_a_file_that_the_client_says_was_renamed(tmp_path: Path) -> None:
    path = desk(tmp_path)
    async with visiting(tmp_path, *two_edits(path)) as visit:
        first, second = await edited(visit)
        visit.editor.save(path)
        visit.editor.close(path)
        (tmp_path / "ws" / "lib").mkdir()
        Path(path).rename(tmp_path / "ws" / "lib" / "sum.py")
        visit.open("lib/sum.py")
        renamed = {"oldUri": visit.uri("calc.py"), "newUri": visit.uri("lib/sum.py")}
        visit.client.notify("workspace/didRenameFiles", {"files": [renamed]})
        await visit.until(lambda: visit.diagnostics("lib/sum.py"))
        assert visit.diagnostics("calc.py") == []
        assert [it["hunk"] for it in await listed(visit, uri=visit.uri("lib/sum.py"))] == [
            first["hunk"],
            second["hunk"],
        ]
        visit.editor.replace(visit.path("lib/sum.py"), 0, 0, "# above\n")
        folders = {"oldUri": visit.uri("lib"), "newUri": visit.uri("src")}
        visit.editor.save(visit.path("lib/sum.py"))
        visit.editor.close(visit.path("lib/sum.py"))
        (tmp_path / "ws" / "lib").rename(tmp_path / "ws" / "src")
        visit.client.notify("workspace/didRenameFiles", {"files": [folders]})
        await visit.until(lambda: visit.diagnostics("src/sum.py"))
        await visit.command("claw.undo", hunk=first["hunk"])
        assert visit.text("src/sum.py") == "# above\n" + AFTER.replace("one = 11", "one = 1")
        assert visit.kinds(first["session"]).count("file_moved") == 2
        visit.editor.save(visit.path("src/sum.py"))
    async with visiting(tmp_path) as visit:
        assert [(it["hunk"], it["uri"]) for it in await listed(visit)] == [(second["hunk"], visit.uri("src/sum.py"))]


async def test_hunks_are_there_again_when_a_document_of_theirs_is_opened(tmp_path: Path) -> None:
    path = desk(tmp_path)
    async with visiting(tmp_path, *two_edits(path)) as visit:
        before = await edited(visit)
        visit.editor.save(path)
    async with visiting(tmp_path) as visit:
        visit.open("calc.py")
        await visit.until(lambda: visit.diagnostics("calc.py"))
        assert [it["code"] for it in visit.diagnostics("calc.py")] == [it["hunk"] for it in before]
        (keep,) = [it for it in await visit.actions("calc.py", 0) if it["title"] == "Claw: Keep"]
        await visit.run_action(keep)
    async with visiting(tmp_path) as visit:
        assert [it["hunk"] for it in await listed(visit)] == [before[1]["hunk"]]
        Path(path).unlink()
    async with visiting(tmp_path) as visit:
        assert await listed(visit) == []


async def test_a_session_that_another_editor_has_open_is_reviewed_there(tmp_path: Path) -> None:
    path = desk(tmp_path)
    async with visiting(tmp_path, *two_edits(path)) as first:
        before = await edited(first)
        async with visiting(tmp_path) as second:
            assert await listed(second) == []
        assert await listed(first) == before


async def test_corrections_are_told_to_the_model_once_in_the_next_turn(tmp_path: Path) -> None:
    steps = (*two_edits(desk(tmp_path)), says("I see."), says("Nothing new."))
    async with visiting(tmp_path, *steps) as visit:
        first, second = await edited(visit)
        await visit.command("claw.undo", hunk=second["hunk"])
        at = offset(visit, "11")
        visit.editor.replace(visit.path("calc.py"), at, at + 2, "7")
        await visit.turn("claw.ask", prompt="go on", session=first["session"])
        told = str(visit.model.requests[-1].messages[-1]["content"])
        assert "the person took back what you wrote:\\n~~~\\n33" in told
        assert "you wrote\\n~~~\\n11\\n~~~\\nand it was changed to\\n~~~\\n7" in told
        await visit.turn("claw.ask", prompt="go on", session=first["session"])
        assert "took back" not in str(visit.model.requests[-1].messages[-1]["content"])


async def test_a_hover_tells_the_prompt_the_words_and_the_cost(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path))) as visit:
        await edited(visit)
        where = {"textDocument": {"uri": visit.uri("calc.py")}, "position": {"line": 2, "character": 0}}
        told = (await visit.request("textDocument/hover", where))["contents"]["value"]
        assert "make it right" in told
        assert "> So that three fits." in told
        assert "for the whole turn" in told
        assert "```\n3\n```" in told
        where["position"] = {"line": 3, "character": 0}
        assert await visit.request("textDocument/hover", where) is None


async def test_lenses_keep_and_revert_and_follow(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path)), like="vscode") as visit:
        await edited(visit)
        where = {"textDocument": {"uri": visit.uri("calc.py")}}
        lenses = await visit.request("textDocument/codeLens", where)
        assert [(it["command"]["title"], it["range"]["start"]["line"]) for it in lenses] == [
            ("Keep", 0),
            ("Revert", 0),
            ("Keep", 2),
            ("Revert", 2),
        ]
        n_refreshed = len(visit.requested("workspace/codeLens/refresh"))
        await visit.run_action({"command": lenses[1]["command"]})
        await visit.until(lambda: len(visit.requested("workspace/codeLens/refresh")) > n_refreshed)
        assert len(await visit.request("textDocument/codeLens", where)) == 2


async def test_the_menu_at_a_hunk_has_everything_and_elsewhere_nothing_of_it(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path))) as visit:
        await edited(visit)
        here = titles(await visit.actions("calc.py", offset(visit, "one")))
        assert here[:8] == [
            "Claw: Keep",
            "Claw: Revert",
            "Claw: Explain this change",
            "Claw: Reply…",
            "Claw: Keep all in file",
            "Claw: Revert all in file",
            "Claw: Keep all of this prompt",
            "Claw: Revert all of this prompt",
        ]
        assert not [it for it in titles(await visit.actions("calc.py", offset(visit, "four"))) if "Keep" in it]


async def test_explain_asks_the_session_that_wrote_it_and_reply_fills_in_the_place(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path)), says("Because.")) as visit:
        first, second = await edited(visit)
        ended = await visit.turn("claw.explain", hunk=second["hunk"])
        assert ended["session"] == first["session"]
        asked = str(visit.model.requests[-1].messages[-1]["content"])
        assert "Your change" in asked
        assert "33" in asked
        answer = await visit.command("claw.chat", hunk=first["hunk"])
        assert answer["session"] == first["session"]
        assert "In `calc.py`, line 1: " in Path(answer["path"]).read_text() + visit.editor.text(answer["path"])


async def test_edits_made_side_by_side_with_typing_are_told_apart(tmp_path: Path) -> None:
    path = desk(tmp_path)
    async with visiting(tmp_path, *two_edits(path)) as visit:

        def types(_: str) -> None:
            visit.editor.before_edit = lambda _: None
            visit.editor.replace(path, offset(visit, "five"), offset(visit, "five"), "mine = 0\n")

        visit.editor.before_edit = types
        visit.open("calc.py", on_disk=BEFORE)
        begun = await visit.command("claw.ask", prompt="make it right", mode="acceptEdits")
        await visit.end(begun["run"])
        await asyncio.sleep(0)
        assert "mine = 0" in visit.text("calc.py")
        for it in await listed(visit):
            assert "mine" not in it["before"] + it["after"]
        await visit.command("claw.undo", all=True)
        assert visit.text("calc.py") == BEFORE.replace("five", "mine = 0\nfive")
