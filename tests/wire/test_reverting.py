"""`claw.revert`: one earlier prompt is taken back through the editor, later ones and what the person typed stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claw_lsp.facts.event import Noted
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import CLIENT_NAMES, Visit, edits, refused, visiting

BEFORE = "one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\n"


def desk(tmp_path: Path, name: str = "calc.py") -> str:
    return str(tmp_path / "ws" / name)


def big(path: str, word: str, value: str, call: str, *, read: bool = False) -> tuple[Any, ...]:
    """A turn that makes one number another."""
    change = ("Edit", {"file_path": path, "old_string": word, "new_string": value})
    if read:
        return *edits(path, word, value, call), says("Done.")
    return says("", (call, *change)), says("Done.")


async def asked(visit: Visit, words: str, session: str | None = None) -> dict[str, Any]:
    more = {"session": session} if session else {"mode": "acceptEdits"}
    begun = await visit.command("claw.ask", prompt=words, **more)
    ended = await visit.end(begun["run"])
    assert ended["stopped"] == "done", ended
    return {**begun, **ended}


async def three_prompts(visit: Visit) -> str:
    """The file after three prompts, each of which changed a line of its own; their session."""
    visit.open("calc.py", on_disk=BEFORE)
    session = (await asked(visit, "make one big"))["session"]
    await asked(visit, "make three big", session)
    await asked(visit, "make five big", session)
    assert visit.text("calc.py") == BEFORE.replace("1", "100").replace("3", "300").replace("5", "500")
    return session


def lines_of_their_own(tmp_path: Path) -> tuple[Any, ...]:
    path = desk(tmp_path)
    return (
        *big(path, "one = 1\n", "one = 100\n", "c1", read=True),
        *big(path, "three = 3\n", "three = 300\n", "c2"),
        *big(path, "five = 5\n", "five = 500\n", "c3"),
    )


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_in_every_client_an_earlier_prompt_is_taken_back_and_the_later_ones_stay(
    like: str, tmp_path: Path
) -> None:
    async with visiting(tmp_path, *lines_of_their_own(tmp_path), like=like) as visit:
        session = await three_prompts(visit)
        answer = await visit.command("claw.revert", session=session, prompt_id="2")
        assert (answer["reverted"], answer["conflicts"]) == ([visit.uri("calc.py")], [])
        assert visit.text("calc.py") == BEFORE.replace("1", "100").replace("5", "500")
        left = (await visit.command("claw.hunks"))["hunks"]
        assert [it["after"] for it in left] == ["100", "500"]


async def test_kept_changes_and_what_was_typed_since(tmp_path: Path) -> None:
    async with visiting(tmp_path, *lines_of_their_own(tmp_path)) as visit:
        await three_prompts(visit)
        hunks = (await visit.command("claw.hunks"))["hunks"]
        await visit.command("claw.keep", all=True)
        visit.editor.replace(visit.path("calc.py"), 0, 0, "# mine\n")
        answer = await visit.command("claw.revert", prompt_id=hunks[0]["prompt_id"])
        assert answer["conflicts"] == []
        assert visit.text("calc.py") == "# mine\n" + BEFORE.replace("3", "300").replace("5", "500")


async def test_a_revert_is_taken_back_like_a_prompt(tmp_path: Path) -> None:
    async with visiting(tmp_path, *lines_of_their_own(tmp_path)) as visit:
        await three_prompts(visit)
        whole = visit.text("calc.py")
        answer = await visit.command("claw.revert", prompt_id="1")
        again = await visit.command("claw.revert", prompt_id=answer["revert"])
        assert visit.text("calc.py") == whole
        assert "the revert of “make one big”" in again["text"]
        await visit.command("claw.revert", prompt_id="1")
        assert visit.text("calc.py") == BEFORE.replace("3", "300").replace("5", "500")
        once_more = await visit.command("claw.revert", prompt_id="1")
        assert once_more["revert"] is None
        assert "Nothing" in once_more["text"]


async def test_what_the_editors_undo_brought_back_can_be_reverted_again(tmp_path: Path) -> None:
    async with visiting(tmp_path, *lines_of_their_own(tmp_path)) as visit:
        await three_prompts(visit)
        whole = visit.text("calc.py")
        await visit.command("claw.revert", prompt_id="1")
        visit.editor.undo(visit.path("calc.py"))
        assert visit.text("calc.py") == whole
        await visit.command("claw.revert", prompt_id="1")
        assert visit.text("calc.py") == BEFORE.replace("3", "300").replace("5", "500")


async def test_the_next_turn_tells_the_model_once(tmp_path: Path) -> None:
    steps = (*lines_of_their_own(tmp_path), says("I see."), says("Yes."))
    async with visiting(tmp_path, *steps) as visit:
        session = await three_prompts(visit)
        await visit.command("claw.revert", prompt_id="2")
        await asked(visit, "go on", session)
        await asked(visit, "and on", session)
        told = [it.event.text for it in visit.log(session) if isinstance(it.event, Noted)]
        assert len(told) == 1
        assert "“make three big”" in told[0]
        assert "calc.py" in told[0]
        assert "took back what you wrote" not in told[0]


async def test_where_a_later_prompt_changed_the_same_words_both_sides_are_shown_and_the_rest_is_taken_back(
    tmp_path: Path,
) -> None:
    path = desk(tmp_path)
    both = {"file_path": path, "old_string": "five = 5\n", "new_string": "five = 50\n"}
    steps = (
        *edits(path, "one = 1\n", "one = 100\n", "c1"),
        says("", ("c2", "Edit", both)),
        says("Done."),
        *big(path, "one = 100\n", "one = 777\n", "c3"),
    )
    async with visiting(tmp_path, *steps) as visit:
        visit.open("calc.py", on_disk=BEFORE)
        session = (await asked(visit, "make them big"))["session"]
        await asked(visit, "make one odd", session)
        answer = await visit.command("claw.revert", prompt_id="1")
        assert visit.text("calc.py") == BEFORE.replace("1", "777")
        (conflict,) = answer["conflicts"]
        shown = [it for it in (await visit.command("claw.hunks"))["hunks"] if it["hunk"] == conflict["hunk"]]
        assert [(it["before"], it["after"], it["state"]) for it in shown] == [("777", "1", "proposed")]
        assert any("changed after the prompt" in it["message"] for it in visit.diagnostics("calc.py"))
        await visit.command("claw.apply", hunk=conflict["hunk"])
        assert visit.text("calc.py") == BEFORE


async def test_what_is_left_can_be_dismissed_and_the_session_sees_the_file_as_it_is(tmp_path: Path) -> None:
    path = desk(tmp_path)
    steps = (
        *big(path, "one = 1\n", "one = 100\n", "c1", read=True),
        *big(path, "one = 100\n", "one = 777\n", "c2"),
        says("", ("c3", "Read", {"file_path": path})),
        *big(path, "two = 2\n", "two = 20\n", "c4"),
    )
    async with visiting(tmp_path, *steps) as visit:
        visit.open("calc.py", on_disk=BEFORE)
        session = (await asked(visit, "make one big"))["session"]
        await asked(visit, "make one odd", session)
        answer = await visit.command("claw.revert", prompt_id="1")
        assert answer["reverted"] == []
        await asked(visit, "make two big", session)
        assert visit.text("calc.py") == BEFORE.replace("= 1\n", "= 777\n").replace("= 2\n", "= 20\n")
        await visit.command("claw.dismiss", hunk=answer["conflicts"][0]["hunk"])
        assert visit.text("calc.py") == BEFORE.replace("= 1\n", "= 777\n").replace("= 2\n", "= 20\n")


async def test_a_file_that_the_prompt_made_goes_and_comes_back_with_the_revert_of_the_revert(tmp_path: Path) -> None:
    new = desk(tmp_path, "new.py")
    steps = (says("", ("c1", "Write", {"file_path": new, "content": "x = 1\n"})), says("Made."))
    async with visiting(tmp_path, *steps, like="vscode") as visit:
        await asked(visit, "make a file")
        answer = await visit.command("claw.revert", prompt_id="1")
        assert "was deleted" in answer["text"]
        assert not Path(new).exists()
        await visit.command("claw.revert", prompt_id=answer["revert"])
        assert visit.text("new.py") == "x = 1\n"


async def test_what_commands_of_the_prompt_did_to_files_is_taken_back_too(tmp_path: Path) -> None:
    path = desk(tmp_path)
    changes = "echo hi > made.txt; sed -i s/a/b/ other.txt; rm old.txt; printf '\\0' > raw.bin"
    steps = (
        says("", ("c0", "Bash", {"command": changes})),
        *big(path, "one = 1\n", "one = 100\n", "c1", read=True),
        *big(path, "five = 5\n", "five = 500\n", "c2"),
    )
    async with visiting(tmp_path, *steps) as visit:
        visit.open("calc.py", on_disk=BEFORE)
        for name in ("other.txt", "old.txt"):
            visit.write(name, "a\nb\nc\n")
        session = (await asked(visit, "make one big"))["session"]
        assert Path(desk(tmp_path, "other.txt")).read_text() == "b\nb\nc\n"
        await asked(visit, "make five big", session)
        visit.write("other.txt", "b\nb\nc, mine\n")
        answer = await visit.command("claw.revert", session=session, prompt_id="1")
        assert visit.text("calc.py") == BEFORE.replace("5", "500")
        assert not Path(desk(tmp_path, "made.txt")).exists()
        assert answer["conflicts"] == []
        assert "raw.bin is no text" in answer["text"]
        texts = {name: visit.text(name) for name in ("other.txt", "old.txt")}
        assert texts == {"other.txt": "a\nb\nc, mine\n", "old.txt": "a\nb\nc\n"}


async def test_without_checkpoints_commands_of_the_prompt_are_named_since_their_effects_stay(tmp_path: Path) -> None:
    path = desk(tmp_path)
    steps = (
        says("", ("c0", "Bash", {"command": "echo hi > made.txt"})),
        *big(path, "one = 1\n", "one = 100\n", "c1", read=True),
    )
    introduction = {"initializationOptions": {"fileCheckpointingEnabled": False}}
    async with visiting(tmp_path, *steps, introduction=introduction) as visit:
        visit.open("calc.py", on_disk=BEFORE)
        await asked(visit, "make one big")
        answer = await visit.command("claw.revert", prompt_id="1")
        assert "echo hi > made.txt" in answer["text"]
        assert Path(desk(tmp_path, "made.txt")).exists()


async def test_a_prompt_that_nobody_knows_is_refused_and_without_one_the_prompts_are_listed(tmp_path: Path) -> None:
    async with visiting(tmp_path, *lines_of_their_own(tmp_path)) as visit:
        await three_prompts(visit)
        assert "number of a prompt" in str(await refused(visit, "claw.revert", prompt_id="9"))
        listed = await visit.command("claw.revert")
        assert [it["text"] for it in listed["prompts"]] == ["make one big", "make three big", "make five big"]


async def test_a_file_that_was_deleted_since_is_said_and_the_others_are_taken_back(tmp_path: Path) -> None:
    one, other = desk(tmp_path), desk(tmp_path, "other.py")
    steps = (
        *edits(one, "one = 1\n", "one = 100\n", "c1"),
        *edits(other, "a = 1\n", "a = 2\n", "c2"),
        says("Done."),
    )
    async with visiting(tmp_path, *steps) as visit:
        visit.open("calc.py", on_disk=BEFORE)
        visit.open("other.py", on_disk="a = 1\n")
        session = (await asked(visit, "make them big"))["session"]
        visit.editor.save(one)
        visit.editor.save(other)
    Path(other).unlink()
    async with visiting(tmp_path) as visit:
        visit.open("calc.py")
        answer = await visit.command("claw.revert", session=session, prompt_id="1")
        assert visit.text("calc.py") == BEFORE
        assert "deleted or renamed" in answer["conflicts"][0]["why"]


# ---- in the chat --------------------------------------------------------------------------------------------------------


async def test_in_the_chat_an_action_on_the_prompt_and_a_slash_command_take_it_back(tmp_path: Path) -> None:
    async with visiting(tmp_path, *lines_of_their_own(tmp_path)) as visit:
        session = await three_prompts(visit)
        path = (await visit.command("claw.chat", session=session))["path"]
        await visit.until(lambda: "make five big" in visit.text(path))
        found = await visit.actions(path, visit.text(path).index("make one big"))
        revert = next(it for it in found if it["title"] == "Claw: Revert what this prompt changed (make one big)")
        await visit.run_action(revert)
        assert visit.text("calc.py") == BEFORE.replace("3", "300").replace("5", "500")
        visit.editor.replace(path, len(visit.text(path)), len(visit.text(path)), "/revert 3")
        answer = await visit.command("claw.send", uri=visit.uri(path))
        assert visit.text("calc.py") == BEFORE.replace("3", "300")
        assert "Took back “make five big” in 1 file." in answer["text"]
        await visit.until(lambda: "Took back “make five big”" in visit.text(path))


async def test_a_fork_takes_back_what_was_done_before_it_was_made(tmp_path: Path) -> None:
    async with visiting(tmp_path, *lines_of_their_own(tmp_path)) as visit:
        session = await three_prompts(visit)
        forked = (await visit.command("claw.fork", session=session))["session"]
        answer = await visit.command("claw.revert", session=forked, prompt_id="1")
        assert answer["reverted"] == [visit.uri("calc.py")]
        assert visit.text("calc.py") == BEFORE.replace("3", "300").replace("5", "500")
