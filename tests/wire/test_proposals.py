"""Review before: edits wait as proposals, shown in every client; applied, dismissed, merged over typing, told to the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import CLIENT_NAMES, PLAIN, Visit, edits, refused, runs, visiting

BEFORE = "one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\n"
AFTER = "one = 11\ntwo = 2\nthree = 33\nfour = 4\nfive = 5\n"
REVIEW: dict[str, Any] = {"initializationOptions": {"review": "before"}}


def edit(path: str, old: str, new: str, call: str) -> Any:
    return (call, "Edit", {"file_path": path, "old_string": old, "new_string": new})


def two_edits(path: str) -> tuple[Any, ...]:
    return (
        *edits(path, "one = 1\n", "one = 11\n", "c1"),
        says("So that three fits.", edit(path, "three = 3\n", "three = 33\n", "c2")),
        says("Done."),
    )


def desk(tmp_path: Path, name: str = "calc.py") -> str:
    return str(tmp_path / "ws" / name)


async def proposed(visit: Visit, prompt: str = "make it right", **arguments: Any) -> list[dict[str, Any]]:
    """The file with two proposals over it, and nothing changed."""
    if not visit.editor.paths():
        visit.open("calc.py", on_disk=BEFORE)
    ended = await visit.turn("claw.ask", prompt=prompt, **arguments)
    assert ended["stopped"] == "done", ended
    assert visit.boxes == []
    return await listed(visit)


async def listed(visit: Visit, **arguments: Any) -> list[dict[str, Any]]:
    return (await visit.command("claw.hunks", **arguments))["hunks"]


def titles(actions: list[dict[str, Any]]) -> list[str]:
    return [it["title"] for it in actions]


def types(visit: Visit, words: str, new: str) -> None:
    at = visit.text("calc.py").index(words)
    visit.editor.replace(visit.path("calc.py"), at, at + len(words), new)


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_in_every_client_proposals_are_diagnostics_that_code_actions_apply_and_dismiss(
    like: str, tmp_path: Path
) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path)), like=like, introduction=REVIEW) as visit:
        first, second = await proposed(visit)
        assert visit.text("calc.py") == BEFORE
        assert visit.requested("workspace/applyEdit") == []
        assert [it["code"] for it in visit.diagnostics("calc.py")] == [first["hunk"], second["hunk"]]
        assert {it["data"]["state"] for it in visit.diagnostics("calc.py")} == {"proposed"}
        (apply,) = [it for it in await visit.actions("calc.py", 0) if it["title"] == "Claw: Apply"]
        await visit.run_action(apply)
        assert visit.text("calc.py") == BEFORE.replace("one = 1", "one = 11")
        at = visit.text("calc.py").index("three")
        (dismiss,) = [it for it in await visit.actions("calc.py", at) if it["title"] == "Claw: Dismiss"]
        await visit.run_action(dismiss)
        assert visit.text("calc.py") == BEFORE.replace("one = 1", "one = 11")
        assert await listed(visit) == []
        assert visit.diagnostics("calc.py") == []


async def test_a_proposal_tells_what_it_would_replace_and_by_what(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path)), introduction=REVIEW) as visit:
        first, second = await proposed(visit)
        assert (first["before"], first["after"], first["state"], first["conflict"]) == ("1", "11", "proposed", False)
        assert first["range"] == {"start": {"line": 0, "character": 6}, "end": {"line": 0, "character": 7}}
        assert second["range"]["start"] == {"line": 2, "character": 8}
        assert first["prompt_id"] == second["prompt_id"]
        where = {"textDocument": {"uri": visit.uri("calc.py")}, "position": {"line": 2, "character": 0}}
        told = (await visit.request("textDocument/hover", where))["contents"]["value"]
        assert "would change this" in told
        assert "It would become:\n\n```\n33\n```" in told
        assert "> So that three fits." in told


async def test_the_session_sees_what_it_proposed_and_the_model_is_told_so(tmp_path: Path) -> None:
    path = desk(tmp_path)
    steps = (
        *edits(path, "one = 1\n", "one = 11\n", "c1"),
        says("", ("c2", "Read", {"file_path": path})),
        says("", edit(path, "one = 11\n", "one = 111\n", "c3")),
        says("Done."),
    )
    async with visiting(tmp_path, *steps, introduction=REVIEW) as visit:
        (only,) = await proposed(visit)
        assert "not in the file yet" in visit.model.results(2)
        assert "one = 11" in visit.model.results(3)
        assert (only["before"], only["after"]) == ("1", "111")
        await visit.command("claw.apply", prompt_id=only["prompt_id"])
        assert visit.text("calc.py") == BEFORE.replace("one = 1", "one = 111")


async def test_a_command_sees_the_files_without_the_proposals_and_says_so(tmp_path: Path) -> None:
    path = desk(tmp_path)
    steps = (*edits(path, "one = 1\n", "one = 11\n", "c1"), runs(f"cat {path}", "c2"), says("Done."))
    async with visiting(tmp_path, *steps, introduction=REVIEW, auto="Allow once") as visit:
        visit.open("calc.py", on_disk=BEFORE)
        await visit.turn("claw.ask", prompt="go")
        told = visit.model.results(3)
        assert "Note: what you proposed in" in told
        assert "one = 1\\n" in told.replace("\\\\", "\\")
        assert "one = 11" not in told


async def test_what_the_person_types_elsewhere_stays_and_inside_is_a_conflict_that_says_what_to_do(
    tmp_path: Path,
) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path)), introduction=REVIEW) as visit:
        await proposed(visit)
        types(visit, "two = 2", "mine = 2")
        types(visit, "one = 1", "one = 7")
        first, second = await listed(visit)
        assert (first["conflict"], second["conflict"]) == (True, False)
        answer = await visit.command("claw.apply", prompt_id=first["prompt_id"])
        assert answer["applied"] == [second["hunk"]]
        assert [it["hunk"] for it in answer["conflicts"]] == [first["hunk"]]
        assert "waits still" in answer["conflicts"][0]["why"]
        assert visit.text("calc.py") == BEFORE.replace("one = 1", "one = 7").replace("two", "mine").replace(
            "= 3", "= 33"
        )
        (left,) = await listed(visit)
        assert left["hunk"] == first["hunk"]
        assert "cannot be applied over that" in visit.diagnostics("calc.py")[0]["message"]
        types(visit, "one = 7", "one = 1")
        answer = await visit.command("claw.apply", hunk=first["hunk"])
        assert answer["conflicts"] == []
        assert "one = 11\n" in visit.text("calc.py")


async def test_a_proposal_over_several_files_and_a_new_one_is_one_answer(tmp_path: Path) -> None:
    path, new = desk(tmp_path), desk(tmp_path, "new/made.py")
    steps = (
        *edits(path, "one = 1\n", "one = 11\n", "c1"),
        says("", ("c2", "Write", {"file_path": new, "content": "made = 1\n"})),
        says("", edit(new, "made = 1", "made = 2", "c3")),
        says("Done."),
    )
    async with visiting(tmp_path, *steps, introduction=REVIEW) as visit:
        found = await proposed(visit)
        assert len({it["prompt_id"] for it in found}) == 1
        assert not Path(new).parent.exists()
        other = visit.open("other.py", on_disk="x\n")
        offered = titles(await visit.actions(other, 0))
        assert "Claw: Apply all: make it right" in offered
        answer = await visit.command("claw.apply", prompt_id=found[0]["prompt_id"])
        assert (len(answer["applied"]), answer["conflicts"]) == (2, [])
        assert visit.text(new) == "made = 2\n"
        assert visit.text("calc.py") == BEFORE.replace("one = 1", "one = 11")
        assert len(visit.requested("workspace/applyEdit")) == 2
        assert await listed(visit) == []


async def test_what_cannot_be_applied_is_said_the_rest_is_applied_and_it_stays_proposed(tmp_path: Path) -> None:
    path, other = desk(tmp_path), desk(tmp_path, "other.py")
    steps = (
        *edits(path, "one = 1\n", "one = 11\n", "c1"),
        *edits(other, "x = 1\n", "x = 2\n", "c2"),
        says("Done."),
    )
    async with visiting(tmp_path, *steps, introduction=REVIEW) as visit:
        visit.write("other.py", "x = 1\n")
        await proposed(visit)
        Path(other).unlink()
        answer = await visit.command("claw.apply", all=True)
        assert len(answer["applied"]) == 1
        assert "was deleted or renamed since" in answer["conflicts"][0]["why"]
        (left,) = await listed(visit)
        assert left["uri"].endswith("other.py")
        await visit.command("claw.dismiss", all=True)
        assert await listed(visit) == []


@pytest.mark.parametrize("answer", [None, "rubbish", {"applied": False, "failureReason": "read-only"}])
async def test_a_client_that_does_not_make_the_edit_leaves_it_proposed_and_says_why(
    answer: object, tmp_path: Path
) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path)), introduction=REVIEW) as visit:
        first, second = await proposed(visit)
        visit.editor.answer["workspace/applyEdit"] = lambda _: answer
        error = await refused(visit, "claw.apply", hunk=first["hunk"])
        assert "Nothing was changed" in str(error)
        told = await visit.command("claw.apply", prompt_id=first["prompt_id"])
        assert (told["applied"], {it["hunk"] for it in told["conflicts"]}) == ([], {first["hunk"], second["hunk"]})
        del visit.editor.answer["workspace/applyEdit"]
        assert [it["hunk"] for it in await listed(visit)] == [first["hunk"], second["hunk"]]
        await visit.command("claw.apply", all=True)
        assert visit.text("calc.py") == AFTER


async def test_two_sessions_propose_in_one_file_and_each_is_answered_alone(tmp_path: Path) -> None:
    path = desk(tmp_path)
    other = (
        says("", ("r9", "Read", {"file_path": path})),
        says("", edit(path, "five = 5", "five = 55", "c9")),
        says("Done."),
    )
    async with visiting(tmp_path, *two_edits(path), *other, introduction=REVIEW) as visit:
        first, _ = await proposed(visit)
        found = await proposed(visit, "and five")
        assert "one = 1\\n" in visit.model.results(-2)
        assert len({it["session"] for it in found}) == 2
        await visit.command("claw.apply", prompt_id=first["prompt_id"])
        assert visit.text("calc.py") == AFTER
        (left,) = await listed(visit)
        await visit.command("claw.apply", hunk=left["hunk"])
        assert visit.text("calc.py") == AFTER.replace("five = 5", "five = 55")


async def test_when_the_setting_changes_what_has_proposals_goes_on_being_proposed_and_the_rest_is_asked(
    tmp_path: Path,
) -> None:
    path, other = desk(tmp_path), desk(tmp_path, "other.py")
    steps = (
        *two_edits(path),
        says("", edit(path, "five = 5", "five = 55", "c8"), ("r9", "Read", {"file_path": other})),
        says("", edit(other, "x = 1", "x = 2", "c9")),
        says("Done."),
    )
    async with visiting(tmp_path, *steps, introduction=REVIEW) as visit:
        visit.write("other.py", "x = 1\n")
        first, _ = await proposed(visit)
        settings = {"settings": {"claw": {"review": "after"}}}
        visit.client.notify("workspace/didChangeConfiguration", settings)
        visit.auto = "Allow once"
        await visit.turn("claw.ask", prompt="more", session=first["session"])
        assert [it.message.split("?")[0] for it in visit.boxes] == ["Claw: Edit other.py"]
        assert visit.text("calc.py") == BEFORE
        assert sorted(it["state"] for it in await listed(visit)) == ["open", "proposed", "proposed", "proposed"]


async def test_a_file_made_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    new = desk(tmp_path, "made.py")
    steps = (says("", ("c1", "Write", {"file_path": new, "content": "made = 1\n"})), says("Done."))
    async with visiting(tmp_path, *steps, introduction=REVIEW) as visit:
        await visit.turn("claw.ask", prompt="make it")
        visit.write("made.py", "mine = 1\n")
        answer = await visit.command("claw.apply", all=True)
        assert (answer["applied"], len(answer["conflicts"])) == ([], 1)
        assert Path(new).read_text() == "mine = 1\n"


async def test_what_became_of_proposals_is_told_with_the_next_message_once(tmp_path: Path) -> None:
    async with visiting(
        tmp_path, *two_edits(desk(tmp_path)), says("I see."), says("Nothing new."), introduction=REVIEW
    ) as visit:
        first, second = await proposed(visit)
        await visit.command("claw.apply", hunk=first["hunk"])
        await visit.command("claw.dismiss", hunk=second["hunk"])
        await visit.turn("claw.ask", prompt="go on", session=first["session"])
        told = str(visit.model.requests[-1].messages[-1]["content"])
        assert "In calc.py what you proposed was applied (1 change)." in told
        assert "the person dismissed what you proposed:\\n~~~\\n33" in told
        await visit.turn("claw.ask", prompt="go on", session=first["session"])
        assert "proposed" not in str(visit.model.requests[-1].messages[-1]["content"])


async def test_applied_changes_are_the_persons_and_are_no_hunks(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path)), introduction=REVIEW) as visit:
        await proposed(visit)
        await visit.command("claw.apply", uri=visit.uri("calc.py"))
        sent = visit.requested("workspace/applyEdit")
        assert [it["label"] for it in sent] == ["Claw: apply 2 changes"]
        assert visit.text("calc.py") == AFTER
        assert await listed(visit) == []
        visit.editor.undo(visit.path("calc.py"))
        assert visit.text("calc.py") == BEFORE
        assert await listed(visit) == []


async def test_deny_rules_and_plan_mode_refuse_as_ever(tmp_path: Path) -> None:
    path = desk(tmp_path)
    denied = {"initializationOptions": {"review": "before", "permissions": {"deny": [f"Edit(/{path})"]}}}
    async with visiting(tmp_path, *edits(path, "one = 1\n", "one = 11\n"), says("No."), introduction=denied) as visit:
        visit.open("calc.py", on_disk=BEFORE)
        assert (await visit.turn("claw.ask", prompt="go"))["stopped"] == "refused"
        assert await listed(visit) == []
    async with visiting(tmp_path, *edits(path, "one = 1\n", "one = 11\n"), says("No."), introduction=REVIEW) as visit:
        visit.open("calc.py")
        assert (await visit.turn("claw.ask", prompt="go", mode="plan"))["stopped"] == "refused"
        assert await listed(visit) == []


async def test_proposals_and_hunks_are_answered_by_their_own_commands(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path)), introduction=REVIEW) as visit:
        first, second = await proposed(visit)
        for name in ("claw.keep", "claw.undo"):
            assert "is only proposed" in str(await refused(visit, name, hunk=first["hunk"]))
        assert (await visit.command("claw.undo", all=True))["undone"] == []
        await visit.command("claw.apply", hunk=first["hunk"])
        await visit.command("claw.dismiss", hunk=second["hunk"])
        for name in ("claw.apply", "claw.dismiss"):
            assert "was applied already" in str(await refused(visit, name, hunk=first["hunk"]))
            assert "was dismissed already" in str(await refused(visit, name, hunk=second["hunk"]))
            assert "expected the id of an open hunk" in str(await refused(visit, name, hunk="nope"))
            assert "prompt_id: expected the prompt_id" in str(await refused(visit, name, prompt_id="nope"))
            assert "expected one of hunk, uri" in str(await refused(visit, name))


async def test_proposals_are_there_again_after_a_restart_and_the_session_goes_on_with_them(tmp_path: Path) -> None:
    path = desk(tmp_path)
    async with visiting(tmp_path, *two_edits(path), introduction=REVIEW) as visit:
        before = await proposed(visit)
    again = (says("", ("c8", "Read", {"file_path": path})), says("", edit(path, "= 33", "= 333", "c9")), says("Done."))
    async with visiting(tmp_path, *again, introduction=REVIEW) as visit:
        visit.open("calc.py", "# above\n" + BEFORE)
        found = await listed(visit)
        assert [(it["hunk"], it["after"]) for it in found] == [(it["hunk"], it["after"]) for it in before]
        assert found[0]["range"]["start"] == {"line": 1, "character": 6}
        await visit.turn("claw.ask", prompt="more", session=before[0]["session"])
        assert [it["after"] for it in await listed(visit)] == ["11", "333"]
        await visit.command("claw.apply", all=True)
        assert visit.text("calc.py") == "# above\n" + AFTER.replace("= 33", "= 333")


async def test_a_fork_sees_the_files_as_they_are_and_proposals_wait_where_they_were_made(tmp_path: Path) -> None:
    path = desk(tmp_path)
    again = (*edits(path, "one = 1\n", "one = 7\n", "c9"), says("Done."))
    async with visiting(tmp_path, *two_edits(path), *again, introduction=REVIEW) as visit:
        before = await proposed(visit)
        fork = await visit.command("claw.fork", session=before[0]["session"])
        assert await listed(visit) == before
        found = await proposed(visit, "another way", session=fork["session"])
        assert [(it["session"], it["after"]) for it in found] == [
            (before[0]["session"], "11"),
            (fork["session"], "7"),
            (before[0]["session"], "33"),
        ]
        await visit.command("claw.apply", hunk=found[1]["hunk"])
        assert visit.text("calc.py") == BEFORE.replace("one = 1", "one = 7")


async def test_explain_and_reply_work_for_a_proposal(tmp_path: Path) -> None:
    async with visiting(tmp_path, *two_edits(desk(tmp_path)), says("Because."), introduction=REVIEW) as visit:
        first, second = await proposed(visit)
        here = await visit.actions("calc.py", visit.text("calc.py").index("three"))
        assert titles(here)[:7] == [
            "Claw: Apply",
            "Claw: Dismiss",
            "Claw: Show diff",
            "Claw: Explain this change",
            "Claw: Reply…",
            "Claw: Apply all in file",
            "Claw: Dismiss all in file",
        ]
        begun = await visit.run_action(here[3])
        await visit.end(begun["run"])
        assert begun["session"] == first["session"]
        asked = str(visit.model.requests[-1].messages[-1]["content"])
        assert "Your proposal" in asked
        assert "33" in asked
        answer = await visit.run_action(here[4])
        assert answer["session"] == second["session"]


async def test_a_diff_is_shown_by_the_shim_or_as_a_document_and_only_when_asked_for(tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = []
    capabilities = PLAIN | {"experimental": {"claw": {"diff": True}}}
    answers = {"claw/diff": lambda params: sent.append(params) or True}
    async with visiting(
        tmp_path, *two_edits(desk(tmp_path)), capabilities=capabilities, answers=answers, introduction=REVIEW
    ) as visit:
        first, _ = await proposed(visit)
        assert sent == visit.editor.shown == []
        (show,) = [it for it in await visit.actions("calc.py", 0) if it["title"] == "Claw: Show diff"]
        answer = await visit.run_action(show)
        assert answer["shown"]
        assert "+one = 11\n" in answer["diff"]
        (params,) = sent
        assert (params["proposal"], params["prompt_id"]) == (True, first["prompt_id"])
        assert params["files"] == [{"uri": visit.uri("calc.py"), "before": BEFORE, "after": AFTER}]
        assert (await visit.command("claw.diff"))["diff"] == answer["diff"]
        await visit.command("claw.diff", uri=visit.uri("calc.py"))
        assert sent[-1]["prompt_id"] == first["prompt_id"]
        assert visit.editor.shown == []


@pytest.mark.parametrize("answer", [None, "rubbish", {"shown": 1}])
async def test_a_shim_that_shows_no_diff_gets_the_document(answer: object, tmp_path: Path) -> None:
    capabilities = PLAIN | {"experimental": {"claw": {"diff": True}}}
    answers = {"claw/diff": lambda _: answer}
    async with visiting(
        tmp_path, *two_edits(desk(tmp_path)), capabilities=capabilities, answers=answers, introduction=REVIEW
    ) as visit:
        await proposed(visit)
        told = await visit.command("claw.diff")
        assert told["shown"]
        assert Path(told["path"]).read_text() == told["diff"]
        assert len(visit.editor.shown) == 1
