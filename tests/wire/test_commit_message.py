"""`claw.commitMessage`: about what is staged, and put where the message is being written."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from door_desk import visiting

from claw_lsp.core.words import message_in
from claw_lsp.lsp.commands.commits import written
from claw_lsp.testing.scripted_model import says

MESSAGE = "Add two\n\nSince one was not enough."
COMMENTS = "\n# Please enter the commit message\n# On branch main\n"


def repository(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("one\n")

    def git(*words: str) -> None:
        subprocess.run(
            ("git", "-C", str(folder), "-c", "user.name=u", "-c", "user.email=u@x.example", *words), check=True
        )

    git("init", "-q", "-b", "main")
    git("add", "a.txt")
    git("commit", "-q", "-m", "first")
    (folder / "a.txt").write_text("one\nstaged\n")
    git("add", "a.txt")
    (folder / "a.txt").write_text("one\nstaged\nlater\n")


async def test_the_message_is_about_what_is_staged_and_stands_above_the_comments(tmp_path: Path) -> None:
    await asyncio.to_thread(repository, tmp_path / "ws")
    async with visiting(tmp_path, says(f"Here it is:\n\n```text\n{MESSAGE}\n```\n")) as visit:
        visit.open(".git/COMMIT_EDITMSG", COMMENTS, on_disk=COMMENTS)
        ended = await visit.turn("claw.commitMessage")
        assert ended["text"] == MESSAGE
        await visit.until(lambda: visit.text(".git/COMMIT_EDITMSG") == f"{MESSAGE}\n\n{COMMENTS.lstrip()}")
        asked = json.dumps(visit.model.requests[0].messages[0]["content"])
        assert "+staged" in asked
        assert "+later" not in asked


async def test_words_of_the_persons_are_left_alone(tmp_path: Path) -> None:
    await asyncio.to_thread(repository, tmp_path / "ws")
    async with visiting(tmp_path, says(MESSAGE)) as visit:
        mine = f"Mine{COMMENTS}"
        visit.open(".git/COMMIT_EDITMSG", mine, on_disk=mine)
        ended = await visit.turn("claw.commitMessage")
        assert ended["text"] == MESSAGE
        await visit.settle()
        assert "words stand in the commit message already" in json.dumps(visit.messages)
        assert visit.text(".git/COMMIT_EDITMSG") == mine


async def test_without_anything_staged_it_is_about_all_changes(tmp_path: Path) -> None:
    await asyncio.to_thread(repository, tmp_path / "ws")
    await asyncio.to_thread(subprocess.run, ("git", "-C", str(tmp_path / "ws"), "reset", "-q"), check=True)
    async with visiting(tmp_path, says(MESSAGE)) as visit:
        await visit.turn("claw.commitMessage")
        asked = json.dumps(visit.model.requests[0].messages[0]["content"])
        assert "nothing is staged" in asked
        assert "+later" in asked


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("Add x", "Add x"),
        ("Sure.\n```\nAdd x\n\nWhy.\n```\nDone.", "Add x\n\nWhy."),
        ("````md\nAdd ``` fences\n```\n````", "Add ``` fences\n```"),
    ],
)
def test_the_message_is_what_stands_in_the_fence(answer: str, message: str) -> None:
    assert message_in(answer) == message


def test_what_git_shows_below_its_scissors_is_nobodys_words() -> None:
    shown = "\n# Please\n# ------------------------ >8 ------------------------\ndiff --git a/x b/x\n+y\n"
    assert written(shown) == ""
