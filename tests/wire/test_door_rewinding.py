"""Random histories at the door, over real files and the real git: a rewind gives the files of then around what was typed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import Visit, edits, runs, visiting
from tests.wire.test_rewind import YES, commands_done

NAMES = ("a.txt", "b.txt", "c.txt")
COMMANDS = (
    "echo {n} > {it}",
    "sed -i '2s/.*/{n}/' {it}",
    "rm -f {it}",
    "mv {it} {other} || true",
    "mkdir -p d{n} && echo {n} > d{n}/x",
)


def contents(root: Path) -> dict[str, str]:
    found = (it for it in root.rglob("*") if it.is_file() and ".claw" not in it.parts)
    return {str(it.relative_to(root)): it.read_text() for it in found}


def story(drawn: random.Random, root: Path) -> list[tuple[Any, ...]]:
    """Turns that each run a command over files that are closed, or edit the one that is open."""
    turns: list[tuple[Any, ...]] = []
    for n in range(4):
        if n > 1:
            turns.append((*edits(str(root / "open.py"), f"line {n}\n", f"changed {n}\n", f"e{n}"), says("Edited.")))
            continue
        it, other = drawn.sample(NAMES, 2)
        turns.append((runs(drawn.choice(COMMANDS).format(n=n, it=it, other=other), f"r{n}"), says("Ran.")))
    return turns


@pytest.mark.parametrize("seed", range(6))
async def test_a_rewind_to_any_prompt_gives_the_files_of_then_around_the_typing_and_a_redo_those_of_now(
    tmp_path: Path, seed: int
) -> None:
    drawn = random.Random(seed)
    root = tmp_path / "ws"
    root.mkdir()
    for name in NAMES[:2]:
        (root / name).write_text(f"1 {name}\n2 {name}\n3 {name}\n")
    (root / "open.py").write_text("".join(f"line {n}\n" for n in range(8)))
    turns = story(drawn, root)
    async with visiting(tmp_path, *(step for turn in turns for step in turn), auto=YES) as visit:
        there, open_then = await told(visit, root, len(turns))
        mine = f"# mine {seed}\n"
        end = len(visit.text("open.py"))
        visit.editor.replace(visit.path("open.py"), end, end, mine)
        await visit.settle()
        now, text = contents(root), visit.text("open.py")
        for _ in range(2):
            to = drawn.randrange(len(turns))
            answer = await visit.command("claw.rewind", to=str(to + 1), what="code")
            assert (answer["left"], answer["conflicts"]) == ([], [])
            assert {**contents(root), "open.py": ""} == {**there[to], "open.py": ""}
            assert visit.text("open.py") == open_then[to] + mine
            await visit.command("claw.redo")
            assert {**contents(root), "open.py": ""} == {**now, "open.py": ""}
            assert visit.text("open.py") == text


async def told(visit: Visit, root: Path, n_turns: int) -> tuple[list[dict[str, str]], list[str]]:
    """All turns of one session; the files on disk and the text that is open before each."""
    visit.open("open.py")
    there: list[dict[str, str]] = []
    texts: list[str] = []
    session: dict[str, str] = {}
    for n in range(n_turns):
        there.append(contents(root))
        texts.append(visit.text("open.py"))
        turn = await visit.turn("claw.ask", prompt=f"turn {n}", **session)
        assert turn["stopped"] == "done", turn
        session = {"session": turn["session"]}
    await commands_done(visit, session["session"], 2)
    return there, texts
