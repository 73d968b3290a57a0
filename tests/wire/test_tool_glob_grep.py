"""Glob and Grep: real ripgrep over a real folder, with open buffers over it."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from blockbuster import BlockingError
from pydantic import ValidationError

from claw_lsp.adapters.disk import DiskWorkspace, located
from claw_lsp.adapters.ripgrep import Ripgrep, ripgrep_program
from claw_lsp.facts.fault import NoSuchFile, ProcessError, ToolError
from claw_lsp.facts.plan import Reach
from claw_lsp.facts.search import FoundLine, Query
from claw_lsp.testing.memory_workspace import Desk
from claw_lsp.tools.edit import EditTool
from claw_lsp.tools.glob import GlobTool, rooted
from claw_lsp.tools.grep import GrepTool
from claw_lsp.tools.read import ReadTool
from claw_lsp.tools.write import WriteTool

PROGRAM = ripgrep_program()
SEARCH = Ripgrep(PROGRAM)
GLOB, GREP = GlobTool(SEARCH), GrepTool(SEARCH)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path.resolve())
    tree = {
        "src/a.py": "import os\n\ndef total(price):\n    return price * 2\n",
        "src/deep/b.py": "from src.a import total\nprint(total(3))\n",
        "src/c.ts": "const total = 1;\r\n",
        "README.md": "# Total\n",
        ".github/ci.yml": "run: total\n",
        ".gitignore": "build/\nignored.py\n",
        "build/out.py": "total = 1\n",
        "ignored.py": "total = 2\n",
        ".git/config": "total\n",
        ".env": "TOKEN=total\n",
        "keys/server.pem": "total\n",
    }
    for n, (name, text) in enumerate(tree.items()):
        path = desk.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        os.utime(path, (1_000_000 + n, 1_000_000 + n))
    return desk


def n_searching() -> int:
    """How many ripgrep processes of ours there are."""
    with suppress(psutil.NoSuchProcess):
        return sum(it.name() == "rg" for it in psutil.Process().children())
    return 0


async def grep(desk: Desk, pattern: str, **more: object) -> list[str]:
    return str((await desk.run(GREP, pattern=pattern, **more)).content).splitlines()


async def glob(desk: Desk, pattern: str, **more: object) -> list[str]:
    return str((await desk.run(GLOB, pattern=pattern, **more)).content).splitlines()


async def test_glob_lists_newest_first_and_leaves_out_what_git_ignores(desk: Desk) -> None:
    assert await glob(desk, "**/*.py") == ["src/deep/b.py", "src/a.py"]
    assert await glob(desk, "*.{py,ts}") == ["src/c.ts", "src/deep/b.py", "src/a.py"]
    assert await glob(desk, "src/*.py") == ["src/a.py"]
    assert await glob(desk, "./src/*.py") == ["src/a.py"]
    assert await glob(desk, "*.py", path="src/deep") == ["src/deep/b.py"]
    assert await glob(desk, f"{desk.folder}/src/**/*.ts") == ["src/c.ts"]
    assert await glob(desk, "../deep/*.py", path="src/x") == ["src/deep/b.py"]
    assert await glob(desk, "**/ci.yml") == [".github/ci.yml"]
    assert await glob(desk, "README.md") == ["README.md"]
    assert await glob(desk, "config") == ["No files match."]
    os.utime(desk.folder / "src/a.py")
    assert await glob(desk, "**/*.py") == ["src/a.py", "src/deep/b.py"]


async def test_glob_plans_the_folder_it_really_searches(desk: Desk) -> None:
    plan = await desk.plan(GLOB, pattern="/etc/**/passwd")
    assert (plan.reach, plan.title, plan.paths[0].path) == (Reach.READ, "Glob **/passwd in /etc", "/etc")
    plan = await desk.plan(GLOB, pattern="../../x/*.py")
    assert plan.paths[0].path == str(desk.folder.parent.parent / "x")
    assert rooted("~/a/*.py", "/ws") == ("~/a", "*.py")
    assert rooted("/*.py", "/ws") == ("/", "*.py")
    for pattern in ("!*.py", "*/../../etc/*"):
        with pytest.raises(ToolError, match="pattern"):
            await desk.plan(GLOB, pattern=pattern)


async def test_glob_lists_new_files_that_are_only_open_in_the_editor(desk: Desk) -> None:
    desk.workspace.type(f"{desk.folder}/src/new.py", "x\n")
    desk.workspace.type("untitled:Untitled-1", "x\n")
    assert await glob(desk, "src/*.{py,pyi}") == ["src/new.py", "src/a.py"]


async def test_glob_says_how_many_there_are_beside_those_shown(desk: Desk) -> None:
    for n in range(205):
        (desk.folder / f"f{n}.txt").write_text("")
    shown = await glob(desk, "*.txt")
    assert len(shown) == 201
    assert shown[-1].startswith("[The newest 200 of 205 files.")


async def test_r27_r38_glob_and_grep_name_what_they_cannot_search(desk: Desk) -> None:
    os.mkfifo(desk.folder / "pipe")
    with pytest.raises(ToolError, match="is a file, not a folder"):
        await glob(desk, "*.py", path="README.md")
    with pytest.raises(NoSuchFile, match="gone does not exist"):
        await glob(desk, "*.py", path="gone")
    with pytest.raises(NoSuchFile, match="gone does not exist"):
        await grep(desk, "x", path="gone")
    with pytest.raises(ToolError, match="a named pipe"):
        await grep(desk, "x", path="pipe")
    with pytest.raises(ToolError, match="made up by the kernel"):
        await grep(desk, "x", path="/proc/self")
    with pytest.raises(ToolError, match="mend the pattern or glob"):
        await glob(desk, "[*.py")


async def test_grep_names_files_and_keeps_ignored_and_secret_ones_out(desk: Desk) -> None:
    shown = await grep(desk, "total")
    assert shown == [
        ".github/ci.yml",
        "src/a.py",
        "src/c.ts",
        "src/deep/b.py",
        "[Matches in 2 secret or denied files are not shown; name the file in path to search it.]",
    ]
    assert await grep(desk, "total", glob="*.py") == ["src/a.py", "src/deep/b.py"]
    assert await grep(desk, "total", glob="!*.py", path="src") == ["src/c.ts"]
    assert await grep(desk, "total", type="ts") == ["src/c.ts"]
    assert await grep(desk, "nowhere") == ["No matches."]


async def test_grep_shows_a_secret_file_only_when_it_is_named(desk: Desk) -> None:
    for mode in ("content", "count", "files_with_matches"):
        assert "TOKEN" not in "\n".join(await grep(desk, "TOKEN", output_mode=mode))
    assert await grep(desk, "TOKEN", output_mode="content", path=".env") == [".env:1:TOKEN=total"]
    desk.workspace.type(f"{desk.folder}/.env", "TOKEN=buffer\n")
    assert "buffer" not in "\n".join(await grep(desk, "TOKEN", output_mode="content"))


async def test_grep_shows_lines_with_context_numbers_and_pieces(desk: Desk) -> None:
    (desk.folder / "long.txt").write_text("".join(f"l{n}\n" for n in range(1, 10)))
    assert await grep(desk, "total", output_mode="content", path="src") == [
        "src/a.py:3:def total(price):",
        "src/c.ts:1:const total = 1;",
        "src/deep/b.py:1:from src.a import total",
        "src/deep/b.py:2:print(total(3))",
    ]
    around = [
        "long.txt-1-l1",
        "long.txt:2:l2",
        "long.txt-3-l3",
        "--",
        "long.txt-7-l7",
        "long.txt:8:l8",
        "long.txt-9-l9",
    ]
    assert await grep(desk, "l[28]", output_mode="content", path="long.txt", **{"-C": 1}) == around
    assert await grep(desk, "l[28]", output_mode="content", path="long.txt", context=1) == around
    assert await grep(desk, "l2", output_mode="content", path="long.txt", **{"-A": 1}) == around[1:3]
    assert await grep(desk, "l2", output_mode="content", path="long.txt", **{"-B": 1, "-n": False}) == [
        "long.txt-l1",
        "long.txt:l2",
    ]
    assert await grep(desk, r"to\w+", output_mode="content", path="src/deep", **{"-o": True, "-n": False}) == [
        "src/deep/b.py:total",
        "src/deep/b.py:total",
    ]
    assert await grep(desk, "TOTAL", output_mode="count", path="src", **{"-i": True}) == [
        "src/a.py:1",
        "src/c.ts:1",
        "src/deep/b.py:2",
    ]
    assert await grep(desk, r"price\):\s+return", output_mode="content", path="src", multiline=True) == [
        "src/a.py:3:def total(price):",
        "src/a.py:4:    return price * 2",
    ]
    assert await grep(desk, "= 1;$", path="src") == ["src/c.ts"]


async def test_grep_shows_part_of_the_entries_and_where_the_rest_begins(desk: Desk) -> None:
    (desk.folder / "many.txt").write_text("hit\n" * 300)
    shown = await grep(desk, "hit", output_mode="content")
    assert len(shown) == 251
    assert shown[-1] == "[Entries 1 to 250 of 300. Next offset: 250]"
    assert await grep(desk, "hit", output_mode="content", head_limit=2, offset=297) == [
        "many.txt:298:hit",
        "many.txt:299:hit",
        "[Entries 298 to 299 of 300. Next offset: 299]",
    ]
    assert len(await grep(desk, "hit", output_mode="content", head_limit=0)) == 300
    assert await grep(desk, "hit", output_mode="content", offset=300) == ["No matches after that offset."]


async def test_r25_grep_searches_the_buffer_and_not_the_file_below_it(desk: Desk) -> None:
    desk.workspace.type(f"{desk.folder}/src/a.py", "def summe(price):\n    return fresh\n")
    desk.workspace.type(f"{desk.folder}/src/new.py", "fresh = 1\n")
    desk.workspace.type("untitled:Untitled-1", "fresh and untitled\n")
    assert await grep(desk, "total", path="src") == ["src/c.ts", "src/deep/b.py"]
    assert await grep(desk, "fresh", output_mode="content") == ["src/a.py:2:    return fresh", "src/new.py:1:fresh = 1"]
    assert await grep(desk, "fresh", glob="new.*") == ["src/new.py"]
    assert await grep(desk, "fresh", type="ts") == ["No matches."]
    assert await grep(desk, "fresh", type="py", glob="!**/new.py") == ["src/a.py"]
    assert await grep(desk, "fresh", path="src/new.py", output_mode="content") == ["src/new.py:1:fresh = 1"]
    assert await grep(desk, "fresh", path="untitled:Untitled-1") == ["untitled:Untitled-1"]


async def test_r25_a_buffer_under_a_link_hides_the_file_it_stands_for(desk: Desk) -> None:
    os.symlink(desk.folder / "src", desk.folder / "alias")
    desk.workspace.type(f"{desk.folder}/alias/a.py", "nothing left\n")
    assert await grep(desk, "total", glob="a.py") == ["No matches."]


async def test_a_bad_query_says_what_to_mend(desk: Desk) -> None:
    for given, message in (
        ({"pattern": "("}, "mend the pattern or glob.*regex parse error"),
        ({"pattern": "(?=x)"}, "look-around"),
        ({"pattern": "a\\nb"}, "set multiline"),
        ({"pattern": "x", "type": "nosuch"}, r"unrecognized file type: nosuch\. Use glob"),
        ({"pattern": "x", "glob": "[a"}, "mend the pattern or glob"),
    ):
        with pytest.raises(ToolError, match=f"(?s){message}"):
            await desk.run(GREP, **given)
    with pytest.raises(ValidationError, match="-C"):
        await desk.run(GREP, pattern="x", **{"-C": -1})
    desk.workspace.type(f"{desk.folder}/src/a.py", "x\n" * 100_000)
    with pytest.raises(ToolError, match="regex parse error"):
        await desk.run(GREP, pattern="(", path="src/a.py")


async def test_r32_a_line_too_long_to_hold_is_noted_and_the_rest_is_found(desk: Desk) -> None:
    (desk.folder / "wide.txt").write_text(
        "needle" + "x" * (3 << 20) + "\nneedle two\n" + "y" * 900 + "needle" + "z" * 900
    )
    shown = await grep(desk, "needle", output_mode="content", path="wide.txt")
    assert shown[:2] == ["wide.txt:[a line of more than 1 MB matches; not shown]", "wide.txt:2:needle two"]
    assert shown[2].startswith("wide.txt:3:…yyy")
    assert "needlezzz" in shown[2]
    assert shown[2].endswith("… [line of 1806 characters cut]")


async def test_r29_lines_in_other_encodings_are_found_and_shown(desk: Desk) -> None:
    (desk.folder / "l.txt").write_bytes("straße\n".encode("latin-1"))
    (desk.folder / "u.txt").write_bytes("straße\n".encode("utf-16"))
    assert await grep(desk, "stra", output_mode="content") == ["l.txt:1:stra�e", "u.txt:1:straße"]


async def test_a_search_that_takes_too_long_ends_and_its_process_with_it(desk: Desk) -> None:
    (desk.folder / "big.txt").write_text("a" * (4 << 20))
    search = Ripgrep(PROGRAM, seconds=0.02)
    found = await search.matches(Query(pattern="(a*)*(a*)*b|(x+x+)+y", multiline=True), "/usr")
    assert found.cut.startswith("The search took more than 0 s and ended early.")
    with pytest.raises(ToolError, match="Listing /usr took more than"):
        await search.files("/usr", "**/*.nothing", None)
    assert await asyncio.to_thread(n_searching) == 0


async def test_cancelling_a_search_ends_its_process_at_once(desk: Desk) -> None:
    task = asyncio.create_task(SEARCH.matches(Query(pattern="(?i)some.*thing.*long"), "/usr"))
    for _ in range(200):
        await asyncio.sleep(0.005)
        if await asyncio.to_thread(n_searching):
            break
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 30
    assert await asyncio.to_thread(n_searching) == 0


async def test_too_many_matches_end_the_search_with_a_notice(desk: Desk) -> None:
    (desk.folder / "big.txt").write_text("ab\n" * 100_000)
    found = await SEARCH.matches(Query(pattern="a"), str(desk.folder))
    assert found.cut.startswith("There are too many matches")


async def test_matches_in_a_text_keep_their_pieces() -> None:
    lines = await SEARCH.matches_in(Query(pattern="a.", before=1), "x\nab ac\r\n")
    assert lines == (FoundLine(1, "x", ()), FoundLine(2, "ab ac", ("ab", "ac")))
    assert await SEARCH.matches_in(Query(pattern="a"), "") == ()
    assert await SEARCH.matches_in(Query(pattern="a"), "lone \ud800 a\n") == (FoundLine(1, "lone ? a", ("a",)),)


async def test_a_ripgrep_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="ripgrep could not be started"):
        await Ripgrep(str(tmp_path / "rg")).files(str(tmp_path), None, None)


async def test_no_tool_blocks_the_loop(desk: Desk) -> None:
    """Every one of them reads, searches or writes under the detector of blocking calls that every test has."""
    read = ReadTool(DiskWorkspace())
    desk.workspace.type(f"{desk.folder}/src/c.ts", "total\n")
    await desk.run(GREP, pattern="total", glob="*.{py,ts}", type="py", output_mode="content")
    await desk.run(GLOB, pattern="**/*.py")
    await desk.run(read, file_path="src/a.py")
    await desk.run(EditTool(), file_path="src/a.py", old_string="price * 2", new_string="price * 3")
    await desk.run(WriteTool(), file_path="new/b.py", content="x = 1\n")
    with pytest.raises(BlockingError):
        located(str(desk.folder))
