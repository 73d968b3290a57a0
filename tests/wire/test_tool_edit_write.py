"""Edit and Write over a real folder and open buffers."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.facts.call import Edited
from claw_lsp.facts.fault import StaleDocument, ToolError
from claw_lsp.facts.plan import PlannedPath, Reach
from claw_lsp.facts.text import digest
from claw_lsp.testing.memory_workspace import Desk
from claw_lsp.tools.edit import EditTool
from claw_lsp.tools.read import ReadTool
from claw_lsp.tools.write import WriteTool

READ, EDIT, WRITE = ReadTool(DiskWorkspace()), EditTool(), WriteTool()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path.resolve())


async def reading(desk: Desk, name: str, data: bytes) -> Path:
    """A file with this content that the model has read."""
    path = desk.folder / name
    path.write_bytes(data)
    await desk.run(READ, file_path=name)
    return path


async def test_an_edit_shows_its_diff_first_and_then_does_exactly_that(desk: Desk) -> None:
    path = await reading(desk, "calc.py", b"a = 1\ntotal = prcie * 2\nb = 2\n")
    plan = await desk.plan(EDIT, file_path="calc.py", old_string="prcie", new_string="price")
    assert path.read_bytes() == b"a = 1\ntotal = prcie * 2\nb = 2\n"
    assert (plan.reach, plan.title) == (Reach.EDIT, "Edit calc.py")
    assert plan.paths == (PlannedPath(str(path), str(path)),)
    assert plan.detail == (
        "--- a/calc.py\n+++ b/calc.py\n@@ -1,3 +1,3 @@\n a = 1\n-total = prcie * 2\n+total = price * 2\n b = 2\n"
    )
    result = await desk.perform(EDIT, plan)
    after = "a = 1\ntotal = price * 2\nb = 2\n"
    assert path.read_text() == after
    assert result.content == "Changed calc.py.\n1\ta = 1\n2\ttotal = price * 2\n3\tb = 2"
    assert result.seen == {str(path): digest(after)}
    before = "a = 1\ntotal = prcie * 2\nb = 2\n"
    assert result.edited == (Edited(path=str(path), before=before, after=after, saved=True),)
    await desk.run(EDIT, file_path=str(path), old_string="b = 2", new_string="b = 3")
    assert path.read_text().endswith("b = 3\n")


async def test_an_edit_needs_a_read_of_the_text_that_is_there_now(desk: Desk) -> None:
    path = desk.folder / "a.txt"
    path.write_text("one\n")
    with pytest.raises(ToolError, match=r"has not been read in this session\. Read it first"):
        await desk.plan(EDIT, file_path="a.txt", old_string="one", new_string="two")
    await desk.run(READ, file_path="a.txt")
    path.write_text("one\nmore\n")
    with pytest.raises(StaleDocument, match=r"changed since it was read\. Read it again"):
        await desk.plan(EDIT, file_path="a.txt", old_string="one", new_string="two")


async def test_r26_a_file_changed_on_disk_between_plan_and_edit_in_that_place_is_left_alone(desk: Desk) -> None:
    path = await reading(desk, "a.txt", b"one\ntwo\n")
    plan = await desk.plan(EDIT, file_path="a.txt", old_string="two", new_string="2")
    path.write_bytes(b"one\nzwei\n")
    with pytest.raises(StaleDocument):
        await desk.perform(EDIT, plan)
    assert path.read_bytes() == b"one\nzwei\n"


async def test_an_edit_merged_over_another_change_says_so_and_asks_for_a_new_read(desk: Desk) -> None:
    path = await reading(desk, "a.txt", b"one\ntwo\nthree\nfour\n")
    plan = await desk.plan(EDIT, file_path="a.txt", old_string="two", new_string="2")
    path.write_bytes(b"one\ntwo\nthree\nVIER\n")
    result = await desk.perform(EDIT, plan)
    assert path.read_bytes() == b"one\n2\nthree\nVIER\n"
    assert "merged with that. Read the file before changing it again." in str(result.content)
    (edited,) = result.edited
    assert (edited.before, edited.after) == ("one\ntwo\nthree\nVIER\n", "one\n2\nthree\nVIER\n")
    assert edited.merged
    with pytest.raises(StaleDocument):
        await desk.plan(WRITE, file_path="a.txt", content="all new\n")


async def test_r25_an_edit_of_an_open_file_goes_into_the_buffer_and_says_that_it_is_not_saved(desk: Desk) -> None:
    path = desk.folder / "a.txt"
    path.write_text("on disk\n")
    desk.workspace.type(str(path), "in the buffer\n")
    result = await desk.run(READ, file_path="a.txt")
    assert result.content == "[Open in the editor with unsaved changes; this is the buffer's text.]\n1\tin the buffer"
    result = await desk.run(EDIT, file_path="a.txt", old_string="buffer", new_string="editor")
    assert str(result.content).startswith("Changed a.txt: applied in the editor, not saved.\n1\tin the editor")
    assert desk.workspace.buffers[str(path)].text == "in the editor\n"
    assert path.read_text() == "on disk\n"
    assert desk.workspace.labels == ["Claw: Edit a.txt"]
    assert result.edited[0].saved is False


async def test_r24_typing_elsewhere_while_the_question_is_open_is_merged_over(desk: Desk) -> None:
    path = await reading(desk, "a.txt", b"one\ntwo\nthree\n")
    desk.workspace.type(str(path), "one\ntwo\nthree\n")
    plan = await desk.plan(EDIT, file_path="a.txt", old_string="one", new_string="1")
    desk.workspace.type(str(path), "one\ntwo\nthree, and typed\n")
    await desk.perform(EDIT, plan)
    assert desk.workspace.buffers[str(path)].text == "1\ntwo\nthree, and typed\n"


async def test_r33_the_old_text_must_be_there_exactly_once(desk: Desk) -> None:
    await reading(desk, "a.txt", "x = 1\ny = 1\nsay “hello”\n\tindented  text\naaa\n".encode())
    for old, message in {
        "= 1": r"found 2 times in .*a\.txt \(at lines 1, 2\), expected once",
        "aa": r"found 2 times .*\(at lines 5, 5\)",
        "= 7": r"not found in .* \(expected once, found 0 times\)\. Read the file and copy",
        'say "hello"': "Line 3 differs from it only in look-alike quotes",
        "indented text": "Line 4 differs from it only in white space",
    }.items():
        with pytest.raises(ToolError, match=message):
            await desk.plan(EDIT, file_path="a.txt", old_string=old, new_string="z")
    await desk.run(EDIT, file_path="a.txt", old_string="= 1", new_string="= 2", replace_all=True)
    assert (desk.folder / "a.txt").read_text().startswith("x = 2\ny = 2\nsay “hello”\n")
    await desk.run(EDIT, file_path="a.txt", old_string="aa", new_string="b", replace_all=True)
    assert (desk.folder / "a.txt").read_text().endswith("\nba\n")


async def test_edits_that_change_nothing_are_refused(desk: Desk) -> None:
    await reading(desk, "a.txt", b"one\n")
    with pytest.raises(ToolError, match="are the same"):
        await desk.plan(EDIT, file_path="a.txt", old_string="one", new_string="one")
    with pytest.raises(ToolError, match="an empty old_string only creates files"):
        await desk.plan(EDIT, file_path="a.txt", old_string="", new_string="one")
    with pytest.raises(ToolError, match=r"already has exactly this text"):
        await desk.plan(WRITE, file_path="a.txt", content="one\n")
    with pytest.raises(ToolError, match=f"does not exist.*The working directory is {desk.folder}"):
        await desk.plan(EDIT, file_path="gone.txt", old_string="a", new_string="b")


async def test_an_empty_old_string_creates_a_file(desk: Desk) -> None:
    result = await desk.run(EDIT, file_path="new/a.txt", old_string="", new_string="one\n")
    assert (desk.folder / "new" / "a.txt").read_bytes() == b"one\n"
    assert (result.content, result.edited[0].created) == ("Created new/a.txt.", True)


@pytest.mark.parametrize(
    ("data", "old", "new", "after"),
    [
        (b"a\r\nb\r\nc\r\n", "a\nb", "a\nx\nb", b"a\r\nx\r\nb\r\nc\r\n"),
        (b"a\r\nb\nc\r\n", "a\nb\nc", "a\nb2\nc", b"a\r\nb2\nc\r\n"),
        (b"a\nb\r\nc\r\n", "b", "b\nx", b"a\nb\r\nx\r\nc\r\n"),
        (b"a\rb\rc", "b\n", "x\ny\n", b"a\rx\ry\rc"),
        (b"\xef\xbb\xbfa  \nb\t", "b", "c", b"\xef\xbb\xbfa  \nc\t"),
        (b"a\r\nb\r\n", "\nb", "\nc", b"a\r\nc\r\n"),
        (b"a\x0cb\nc", "c", "d", b"a\x0cb\nd"),
        (b"a\nb\n", "a\r\nb", "a\nc", b"a\nc\n"),
        (b"tail   \r\n\r\n\r\nend", "end", "end\n", b"tail   \r\n\r\n\r\nend\r\n"),
    ],
)
async def test_r28_line_ends_marks_and_blanks_outside_the_edit_stay(
    desk: Desk, data: bytes, old: str, new: str, after: bytes
) -> None:
    path = await reading(desk, "a.txt", data)
    await desk.run(EDIT, file_path="a.txt", old_string=old, new_string=new)
    assert path.read_bytes() == after


async def test_r28_a_whole_rewrite_keeps_the_line_ends_and_the_mark(desk: Desk) -> None:
    path = await reading(desk, "a.txt", b"\xef\xbb\xbfone\r\ntwo\nthree\r\n")
    await desk.run(WRITE, file_path="a.txt", content="zero\none\ntwo\n3\n")
    assert path.read_bytes() == b"\xef\xbb\xbfzero\r\none\r\ntwo\n3\r\n"


async def test_r36_write_overwrites_only_what_was_read_and_is_unchanged(desk: Desk) -> None:
    path = desk.folder / "a.txt"
    path.write_text("one\n")
    with pytest.raises(ToolError, match="has not been read"):
        await desk.plan(WRITE, file_path="a.txt", content="two\n")
    plan = await desk.plan(WRITE, file_path="b.txt", content="mine\n")
    assert (plan.title, plan.changes[0].document) == ("Create b.txt", None)
    assert plan.detail == "--- /dev/null\n+++ b/b.txt\n@@ -0,0 +1 @@\n+mine\n"
    (desk.folder / "b.txt").write_text("theirs\n")
    with pytest.raises(StaleDocument, match="exists by now"):
        await desk.perform(WRITE, plan)
    assert (desk.folder / "b.txt").read_text() == "theirs\n"
    await desk.run(READ, file_path="a.txt")
    await desk.run(WRITE, file_path="a.txt", content="two\n")
    await desk.run(WRITE, file_path="a.txt", content="three\n")
    assert path.read_text() == "three\n"


async def test_r18_half_a_character_is_refused_before_anything_is_planned(desk: Desk) -> None:
    await reading(desk, "a.txt", b"one\n")
    with pytest.raises(ToolError, match="new_string holds a lone surrogate"):
        await desk.plan(EDIT, file_path="a.txt", old_string="one", new_string="\ud83d")
    with pytest.raises(ToolError, match="content holds a lone surrogate"):
        await desk.plan(WRITE, file_path="b.txt", content="\ude00")
    with pytest.raises(ToolError, match="broken character"):
        await desk.plan(WRITE, file_path="b\udc80.txt", content="x")
    with pytest.raises(ToolError, match="found 0 times"):
        await desk.plan(EDIT, file_path="a.txt", old_string="\ud83d", new_string="x")


async def test_r29_what_could_not_be_written_back_is_never_edited(desk: Desk) -> None:
    path = desk.folder / "a.txt"
    path.write_bytes("Grüße\n".encode("latin-1"))
    result = await desk.run(READ, file_path="a.txt")
    assert "1\tGrüße" in str(result.content)
    assert result.seen == {}
    for tool, given in ((EDIT, {"old_string": "G", "new_string": "H"}), (WRITE, {"content": "x"})):
        with pytest.raises(ToolError, match="can be read but not edited"):
            await desk.plan(tool, file_path="a.txt", **given)
    assert path.read_bytes() == "Grüße\n".encode("latin-1")


async def test_r34_a_link_that_leads_out_is_shown_with_its_real_place(desk: Desk) -> None:
    (desk.folder / "ws").mkdir()
    (desk.folder / "home").mkdir()
    os.symlink(desk.folder / "home", desk.folder / "ws" / "out")
    inner = Desk(desk.folder / "ws")
    plan = await inner.plan(WRITE, file_path="out/.zshrc", content="x\n")
    assert plan.title == f"Create out/.zshrc → {desk.folder}/home/.zshrc"
    assert plan.paths[0].target == f"{desk.folder}/home/.zshrc"
    os.symlink(desk.folder / "ws", desk.folder / "alias")
    plan = await Desk(desk.folder / "alias").plan(WRITE, file_path="new.txt", content="x\n")
    assert (plan.title, plan.paths[0].target) == ("Create new.txt", f"{desk.folder}/ws/new.txt")


@pytest.mark.parametrize("tool", [WRITE, EDIT])
async def test_p06_a_folder_swapped_for_a_link_after_approval_fails_closed(
    desk: Desk, tool: WriteTool | EditTool
) -> None:
    (desk.folder / "elsewhere").mkdir()
    (desk.folder / "d").mkdir()
    given = {"content": "x"} if tool is WRITE else {"old_string": "", "new_string": "x"}
    plan = await desk.plan(tool, file_path="d/f", **given)
    (desk.folder / "d").rmdir()
    os.symlink("elsewhere", desk.folder / "d")
    with pytest.raises(StaleDocument, match=r"led to .*d/f when it was approved and leads to .*elsewhere/f now"):
        await desk.perform(tool, plan)
    assert os.listdir(desk.folder / "elsewhere") == []


async def test_p20_and_p21_only_file_uris_are_paths_and_they_are_decoded_first(desk: Desk) -> None:
    plan = await desk.plan(WRITE, file_path=f"file://{desk.folder}/ws/%2e%2e/b%20c.txt", content="x")
    assert plan.paths[0].path == f"{desk.folder}/b c.txt"
    for uri in ("vscode-remote://evil/ws/a.py", "untitled:Untitled-1", "https://host/x"):
        with pytest.raises(ToolError, match="is not a path on this machine"):
            await desk.plan(WRITE, file_path=uri, content="x")
    with pytest.raises(ToolError, match="names another machine"):
        await desk.plan(WRITE, file_path="file://evil/ws/a.py", content="x")


async def test_a_buffer_without_a_file_is_edited_under_its_uri(desk: Desk) -> None:
    desk.workspace.type("untitled:Untitled-1", "one\n")
    await desk.run(READ, file_path="untitled:Untitled-1")
    await desk.run(EDIT, file_path="untitled:Untitled-1", old_string="one", new_string="two")
    assert desk.workspace.buffers["untitled:Untitled-1"].text == "two\n"


async def test_unknown_and_missing_fields_are_told_by_name(desk: Desk) -> None:
    with pytest.raises(ValidationError, match="old_string"):
        await desk.plan(EDIT, file_path="a.txt", new_string="x")
    with pytest.raises(ValidationError, match="mode"):
        await desk.plan(WRITE, file_path="a.txt", content="x", mode="777")
