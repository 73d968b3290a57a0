"""The workspace over an editor: every kind of client, a person who types at the worst moment, and nothing is lost."""

import asyncio
import re
from pathlib import Path

import pytest
from editor_desk import NAMES, Desk, desk_of

from claw_lsp.core.merge import minimal_edits
from claw_lsp.facts.fault import NoSuchFile, StaleDocument, ToolError
from claw_lsp.facts.text import Change, Document, TextEdit
from claw_lsp.lsp import from_lsp
from claw_lsp.lsp.editor import Patience
from claw_lsp.lsp.powers import Powers
from claw_lsp.testing.memory_editor import TYPED
from claw_lsp.testing.quirks import Quirks


@pytest.fixture(params=NAMES)
def desk(request) -> Desk:
    return desk_of(request.param)


@pytest.fixture
def path(tmp_path) -> str:
    path = tmp_path / "calc.py"
    path.write_bytes(b"one = 1\ntotal = prcie * 2\nlast = 3\n")
    return str(path)


TEXT = "one = 1\ntotal = prcie * 2\nlast = 3\n"
FIXED = TEXT.replace("prcie", "price")


async def test_r25_the_unsaved_buffer_is_the_truth_for_reads_and_edits(desk, path):
    desk.editor.open(path)
    desk.editor.type(path, 0, "unsaved = 0\n")
    document = await desk.workspace.read(path)
    assert (document.text, document.dirty) == ("unsaved = 0\n" + TEXT, True) or desk.editor.quirks.echo == "idle"
    desk.editor.flush()
    document = await desk.workspace.read(path)
    assert (document.text, document.dirty, document.version) == (
        "unsaved = 0\n" + TEXT,
        True,
        desk.editor.version(path),
    )
    applied = await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix the typo")
    assert desk.editor.text(path) == applied.document.text == "unsaved = 0\n" + FIXED
    assert not applied.saved and not applied.merged
    assert desk.workspace.unsaved() == (path,)
    assert Path(path).read_text() == TEXT
    assert [it.text for it in desk.workspace.open_documents()] == ["unsaved = 0\n" + FIXED]


async def test_r35_an_edit_is_one_undo_step_with_the_name_of_the_prompt(desk, path):
    desk.editor.open(path)
    desk.editor.type(path, 0, "# typed\n")
    desk.editor.flush()
    document = await desk.workspace.read(path)
    new = document.text.replace("one", "two").replace("last", "end").replace("prcie", "price")
    change = Change(path, document, minimal_edits(document.text, new))
    await desk.workspace.apply(change, "Claw: tidy up")
    assert desk.editor.undo_steps(path) == [TYPED, "Claw: tidy up"]
    assert desk.editor.undo(path) == "Claw: tidy up"
    assert desk.editor.text(path) == "# typed\n" + TEXT


async def test_one_versioned_document_goes_into_each_request_where_versions_are_known(desk, path):
    desk.editor.open(path)
    version = desk.editor.version(path)
    await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    [(method, params)] = desk.editor.requests
    assert (method, params["label"]) == ("workspace/applyEdit", "fix")
    if desk.editor.quirks.name == "vim-vim-lsp":
        assert list(params["edit"]) == ["changes"] and len(params["edit"]["changes"]) == 1
    else:
        [change] = params["edit"]["documentChanges"]
        assert change["textDocument"] == {"uri": desk.editor.uri(path), "version": version}


async def test_r24_what_the_person_types_while_the_edit_is_on_its_way_is_kept_and_merged(desk, path):
    desk.editor.open(path)
    desk.editor.type(path, 0, "\n")
    desk.editor.flush()
    change = await desk.change(path, "prcie", "price")
    typed = iter(["# above\n", "# more\n"])
    desk.editor.before_edit = lambda it: [desk.editor.type(it, 0, text) for text in [next(typed, "")] if text]
    applied = await desk.workspace.apply(change, "fix")
    desk.editor.flush()
    assert desk.editor.text(path) == "# more\n# above\n\n" + FIXED
    assert desk.buffers.get(path).text == desk.editor.text(path)
    assert applied.document.text.endswith(FIXED)


async def test_r24_a_version_that_moved_without_the_text_is_tried_again(desk, path):
    desk.editor.open(path)
    desk.editor.type(path, 0, "\n")
    desk.editor.flush()
    change = await desk.change(path, "prcie", "price")
    typed = iter(["x"])
    desk.editor.before_edit = lambda it: [(desk.editor.type(it, 0, text), desk.editor.undo(it)) for text in typed]
    await desk.workspace.apply(change, "fix")
    assert desk.editor.text(path) == "\n" + FIXED


async def test_r24_typing_on_the_same_line_before_the_edit_does_not_misplace_it(desk, path):
    desk.editor.open(path)
    desk.editor.type(path, 0, "\n")
    desk.editor.flush()
    change = await desk.change(path, "prcie", "price")
    typed = iter(["my_"])
    at = TEXT.index("total") + 1
    desk.editor.before_edit = lambda it: [desk.editor.type(it, at, text) for text in typed]
    await desk.workspace.apply(change, "fix")
    desk.editor.flush()
    assert desk.editor.text(path) == "\n" + FIXED.replace("total", "my_total")


async def test_r24_typing_right_after_the_edit_does_not_make_it_twice(desk, path):
    desk.editor.open(path)
    change = await desk.change(path, "prcie", "price")
    desk.editor.after_edit = lambda it: desk.editor.type(it, desk.editor.text(it).index("price") + 5, "s_now")
    await desk.workspace.apply(change, "fix")
    desk.editor.flush()
    assert desk.editor.text(path) == FIXED.replace("price", "prices_now")
    assert len(desk.editor.requests) == 1


async def test_r24_typing_over_the_same_words_goes_back_to_the_model_and_is_kept(desk, path):
    desk.editor.open(path)
    change = await desk.change(path, "prcie", "price")
    start = TEXT.index("prcie")
    desk.editor.replace(path, start, start + 5, "cost")
    desk.editor.flush()
    with pytest.raises(StaleDocument, match=r"calc\.py changed since it was read, in the same place.*read it again"):
        await desk.workspace.apply(change, "fix")
    assert desk.editor.text(path) == TEXT.replace("prcie", "cost")


async def test_r24_typing_over_the_same_words_while_the_edit_is_on_its_way_is_kept(desk, path):
    desk.editor.open(path)
    desk.editor.type(path, 0, "\n")
    desk.editor.flush()
    change = await desk.change(path, "prcie", "price")
    start = TEXT.index("prcie") + 1
    typed = iter(["cost_of_"])
    desk.editor.before_edit = lambda it: [desk.editor.type(it, start, text) for text in typed]
    with pytest.raises(StaleDocument):
        await desk.workspace.apply(change, "fix")
    desk.editor.flush()
    assert desk.editor.text(path) == "\n" + TEXT.replace("prcie", "cost_of_prcie")


async def test_r22_a_refusal_is_an_error_and_nothing_is_written_past_the_editor(desk, path):
    desk.editor.open(path)
    desk.editor.refusal = "User cancelled server edit"
    with pytest.raises(ToolError, match=r"refused to edit .*calc\.py .*User cancelled.*nothing was written"):
        await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    assert desk.editor.text(path) == Path(path).read_text() == TEXT
    assert desk.workspace.unsaved() == ()


async def test_r23_of_several_documents_each_tells_for_itself_what_became_of_it(desk, path, tmp_path):
    other = str(tmp_path / "other.py")
    Path(other).write_text("x = 1\n")
    desk.editor.open(path)
    desk.editor.open(other)
    first = await desk.change(path, "prcie", "price")
    second = await desk.change(other, "x = 1", "x = 2")
    await desk.workspace.apply(first, "fix")
    desk.editor.refusal = "no"
    with pytest.raises(ToolError, match=r"other\.py"):
        await desk.workspace.apply(second, "fix")
    assert desk.editor.text(path) == FIXED
    assert desk.editor.text(other) == "x = 1\n"
    assert desk.workspace.unsaved() == (path,)


async def test_a_client_that_never_answers_is_believed_when_the_text_shows_the_edit(path):
    desk = desk_of("vim-vim-lsp", patience=Patience(answer=30, grace=0.05))
    desk.editor.open(path)

    async def mute(params):
        desk.editor.apply(params)
        await asyncio.sleep(30)

    change = await desk.change(path, "prcie", "price")
    desk.editor.answer["workspace/applyEdit"] = mute
    async with asyncio.timeout(20):
        applied = await desk.workspace.apply(change, "fix")
    assert applied.document.text == FIXED


async def test_r20_a_client_that_neither_answers_nor_edits_costs_only_its_time(path):
    desk = desk_of("nvim")
    desk.editor.open(path)
    desk.editor.silent_edits = True
    with pytest.raises(ToolError, match=r"did not answer workspace/applyEdit within 0\.3 s"):
        await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    assert desk.editor.text(path) == TEXT


async def test_applied_true_proves_nothing_when_the_text_does_not_change(path):
    desk = desk_of("nvim")
    desk.editor.open(path)
    desk.editor.answer["workspace/applyEdit"] = lambda params: {"applied": True}
    with pytest.raises(ToolError, match=r"said that it edited .* but its text did not change"):
        await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")


@pytest.mark.parametrize("answer", [None, {}, {"applied": "yes"}, [], "true"])
async def test_an_answer_that_is_none_means_no(path, answer):
    desk = desk_of("emacs-eglot")
    desk.editor.open(path)
    desk.editor.answer["workspace/applyEdit"] = lambda params: answer
    with pytest.raises(ToolError, match="refused"):
        await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")


async def test_r15_an_unsafe_buffer_can_be_read_and_not_edited(path):
    desk = desk_of("nvim")
    desk.editor.open(path)
    change = await desk.change(path, "prcie", "price")
    desk.editor.version(path)
    desk.buffers.change(desk.editor.uri(path), -1, [from_lsp.Piece("", (0, 0), (0, 0))])
    assert (await desk.workspace.read(path)).text == TEXT
    with pytest.raises(ToolError, match="out of order"):
        await desk.workspace.apply(change, "fix")
    assert desk.editor.requests == []


async def test_r18_half_a_character_is_refused_before_anything_is_sent(desk, path):
    desk.editor.open(path)
    with pytest.raises(ToolError, match=r"lone surrogate.*Nothing was changed"):
        await desk.workspace.apply(await desk.change(path, "prcie", "pri\ud83dce"), "fix")
    new = Change(str(Path(path).parent / "new.py"), None, (TextEdit(0, 0, "\udc00"),))
    with pytest.raises(ToolError, match="lone surrogate"):
        await desk.workspace.apply(new, "fix")
    assert desk.editor.requests == []
    assert not Path(new.path).exists()


# ---- files that are not open ------------------------------------------------------------------------------------


async def test_a_file_that_is_not_open_becomes_an_unsaved_buffer(desk, path):
    applied = await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    assert (applied.saved, applied.document.text) == (False, FIXED)
    assert desk.editor.text(path) == FIXED
    assert desk.editor.dirty(path)
    assert Path(path).read_text() == TEXT
    assert desk.workspace.unsaved() == (path,)
    assert (await desk.workspace.read(path)).text == FIXED


async def test_r26_a_closed_file_that_changed_on_disk_is_merged_or_stale(desk, path):
    change = await desk.change(path, "prcie", "price")
    Path(path).write_text("# new\n" + TEXT)
    applied = await desk.workspace.apply(change, "fix")
    assert (applied.merged, desk.editor.text(path)) == (True, "# new\n" + FIXED)
    desk.editor.save(path)
    desk.editor.close(path)
    change = await desk.change(path, "price", "cost")
    Path(path).write_text(TEXT.replace("prcie", "sum"))
    with pytest.raises(StaleDocument):
        await desk.workspace.apply(change, "fix")
    assert Path(path).read_text() == TEXT.replace("prcie", "sum")


async def test_r27_a_deleted_file_is_stale_and_what_is_no_file_is_said(desk, path, tmp_path):
    change = await desk.change(path, "prcie", "price")
    Path(path).unlink()
    with pytest.raises(StaleDocument, match="was deleted since it was read"):
        await desk.workspace.apply(change, "fix")
    with pytest.raises(NoSuchFile):
        await desk.workspace.read(path)
    with pytest.raises(ToolError, match="is a directory"):
        await desk.workspace.read(str(tmp_path))
    assert desk.editor.requests == []


@pytest.mark.parametrize("name", NAMES)
async def test_an_editor_that_does_not_tell_of_opening_a_file_is_believed(name, path):
    desk = desk_of(name, tells_opening=False)
    applied = await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    assert (applied.saved, applied.document.text) == (False, FIXED)
    again = await desk.workspace.apply(await desk.change(path, "price", "cost"), "again")
    assert again.document.text == (await desk.workspace.read(path)).text == TEXT.replace("prcie", "cost")
    assert desk.editor.text(path) == TEXT.replace("prcie", "cost")
    desk.editor.save(path)
    assert await desk.workspace.save((path,)) == ()
    assert desk.workspace.unsaved() == ()


async def test_r36_a_new_file_is_made_in_a_new_folder_and_holds_its_text(desk, tmp_path):
    path = str(tmp_path / "new" / "folder" / "hello.py")
    applied = await desk.workspace.apply(Change(path, None, (TextEdit(0, 0, "print('hé')\n"),)), "write")
    assert (applied.saved, applied.document.text) == (False, "print('hé')\n")
    assert desk.editor.text(path) == "print('hé')\n"
    assert Path(path).read_bytes() == b""
    assert desk.workspace.unsaved() == (path,)
    desk.editor.save(path)
    assert Path(path).read_text() == "print('hé')\n"
    assert desk.workspace.unsaved() == ()


async def test_r36_creating_never_truncates_what_is_there(desk, path):
    with pytest.raises(StaleDocument, match="exists by now"):
        await desk.workspace.apply(Change(path, None, (TextEdit(0, 0, "new\n"),)), "write")
    assert Path(path).read_text() == TEXT
    desk.editor.open(path)
    with pytest.raises(StaleDocument):
        await desk.workspace.apply(Change(path, None, (TextEdit(0, 0, "new\n"),)), "write")
    assert desk.editor.text(path) == TEXT
    assert not any("kind" in str(it) for it in desk.editor.requests)


async def test_r22_a_new_file_that_the_editor_refuses_leaves_nothing_behind(desk, tmp_path):
    desk.editor.refusal = "no"
    path = tmp_path / "new" / "hello.py"
    with pytest.raises(ToolError, match="refused"):
        await desk.workspace.apply(Change(str(path), None, (TextEdit(0, 0, "x\n"),)), "write")
    assert list(tmp_path.iterdir()) == []


async def test_a_new_empty_file_needs_no_editor(desk, tmp_path):
    path = str(tmp_path / "empty.txt")
    applied = await desk.workspace.apply(Change(path, None, ()), "write")
    assert (applied.saved, applied.document.text) == (True, "")
    assert desk.editor.requests == []


async def test_p21_a_foreign_uri_is_edited_only_while_it_is_open(desk):
    uri = "untitled:Untitled-1"
    with pytest.raises(ToolError, match="not open in the editor and is no file"):
        await desk.workspace.apply(Change(uri, Document(uri, ""), (TextEdit(0, 0, "x"),)), "fix")
    with pytest.raises(ToolError):
        await desk.workspace.read(uri)
    desk.editor.open(uri, "abc\n")
    applied = await desk.workspace.apply(await desk.change(uri, "abc", "abd"), "fix")
    assert desk.editor.text(uri) == applied.document.text == "abd\n"
    assert (await desk.workspace.locate(uri)).target == uri
    assert await desk.workspace.save((uri,)) == (uri,)


# ---- line ends, weaker clients, saving --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("final_newline", [True, False])
async def test_r37_a_client_with_its_own_line_ends_makes_no_false_conflict(name, line_end, final_newline, tmp_path):
    path = tmp_path / "mixed.txt"
    path.write_bytes("one\r\ntwo\nthree 😀\r\nfour".encode())
    desk = desk_of(name, line_end=line_end, final_newline=final_newline)
    change = await desk.change(str(path), "three 😀", "3 😀\r\n3.5")
    await desk.workspace.apply(change, "unopened")
    expected = line_end.join(["one", "two", "3 😀", "3.5", "four"]) + (line_end if final_newline else "")
    assert desk.editor.text(str(path)) == expected
    second = Change(str(path), change.document, minimal_edits(change.before, change.before.replace("one", "1")))
    applied = await desk.workspace.apply(second, "open by now")
    assert desk.editor.text(str(path)) == applied.document.text == expected.replace("one", "1")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("opened", [True, False])
async def test_r28_a_line_added_at_the_end_is_followed_by_no_empty_line(desk, tmp_path, line_end, opened):
    path = tmp_path / "f.txt"
    path.write_bytes(f"one{line_end}".encode())
    if opened:
        desk.editor.open(str(path))
    for number in range(3):
        document = await desk.workspace.read(str(path))
        end = len(document.text)
        change = Change(str(path), document, (TextEdit(end, end, f"line {number}{line_end}"),))
        await desk.workspace.apply(change, "add")
    expected = ["one", "line 0", "line 1", "line 2", ""]
    assert re.split("\r\n|\n", desk.editor.text(str(path))) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["a\r\nb\nc\rd  \n\fe", "é\u2028😀 x\r\n\r\n", "x", "\t\r\n"])
async def test_r28_every_character_outside_the_edit_stays_as_it_was(name, text, tmp_path):
    desk = desk_of(name, line_end=None, final_newline=False)
    path = tmp_path / "f.txt"
    path.write_bytes(("\ufeff" + text).encode())
    desk.editor.open(str(path))
    for at in range(len(text) + 1):
        document = await desk.workspace.read(str(path))
        if document.text[max(0, at - 1) : at + 1] == "\r\n":
            continue
        await desk.workspace.apply(Change(str(path), document, (TextEdit(at, at, "<>"),)), "insert")
        assert desk.editor.text(str(path)) == text[:at] + "<>" + text[at:]
        desk.editor.undo(str(path))
        desk.editor.flush()
    document = await desk.workspace.read(str(path))
    await desk.workspace.apply(Change(str(path), document, (TextEdit(0, 0, "!"),)), "insert")
    desk.editor.save(str(path))
    assert path.read_bytes() == ("\ufeff!" + text).encode()
    assert document.encoding == "utf-8-sig"


async def test_r19_without_apply_edit_the_disk_is_written_and_it_is_said(path, tmp_path):
    desk = Desk(Quirks(), Powers())
    applied = await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    assert (applied.saved, Path(path).read_text()) == (True, FIXED)
    assert "cannot be asked to edit" in applied.notice
    new = Change(str(tmp_path / "new.py"), None, (TextEdit(0, 0, "x\n"),))
    assert (await desk.workspace.apply(new, "write")).saved
    assert Path(new.path).read_text() == "x\n"
    assert desk.editor.requests == []


async def test_r19_without_apply_edit_unsaved_text_is_never_written_over(path):
    desk = Desk(Quirks(), Powers())
    desk.editor.open(path)
    change = await desk.change(path, "prcie", "price")
    await desk.workspace.apply(change, "fix")
    assert (await desk.workspace.read(path)).text == FIXED
    await desk.workspace.apply(await desk.change(path, "price", "cost"), "again")
    assert Path(path).read_text() == TEXT.replace("prcie", "cost")
    desk.editor.type(path, 0, "# typed\n")
    with pytest.raises(ToolError, match=r"has unsaved text in it\. Nothing was changed"):
        await desk.workspace.apply(await desk.change(path, "one = 1", "one = 2"), "more")
    assert desk.editor.text(path) == "# typed\n" + TEXT


async def test_saving_goes_through_the_shim_and_is_believed_when_it_happened(path):
    desk = Desk(Quirks(), Powers(apply_edit=True, document_changes=True, saves="claw", echo_delay=0.05))
    desk.editor.claw_saves = True
    assert desk.workspace.can_save
    desk.editor.open(path)
    await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    assert await desk.workspace.save((path,)) == ()
    assert Path(path).read_text() == FIXED
    assert desk.workspace.unsaved() == ()
    await desk.workspace.apply(await desk.change(path, "price", "cost"), "again")
    desk.editor.answer["claw/save"] = lambda params: {"saved": params["uris"]}
    assert await desk.workspace.save((path,)) == (path,)
    assert desk.workspace.unsaved() == (path,)


async def test_a_client_that_cannot_save_says_so_and_the_person_can(path):
    desk = desk_of("nvim")
    desk.editor.open(path)
    await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    assert not desk.workspace.can_save
    assert await desk.workspace.save((path,)) == (path,)
    desk.editor.save(path)
    assert desk.workspace.unsaved() == ()
    assert await desk.workspace.save((path,)) == ()
    assert [it for it, _ in desk.editor.requests] == ["workspace/applyEdit"]


async def test_visual_studio_code_saves_what_a_refactoring_of_two_files_touched(path, tmp_path):
    desk = desk_of("vscode")
    other, typed_in = str(tmp_path / "clean.py"), str(tmp_path / "typed.py")
    for one in (other, typed_in):
        Path(one).write_text("x = 1\n")
        desk.editor.open(one)
        await desk.workspace.read(one)
    desk.editor.type(typed_in, 0, "# mine\n")
    desk.editor.open(path)
    await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    assert await desk.workspace.save((path,)) == ()
    assert Path(path).read_text() == FIXED
    assert Path(typed_in).read_text() == "x = 1\n"


async def test_what_an_unsaved_edit_was_made_of_is_forgotten_when_its_buffer_closes(path):
    desk = desk_of("nvim")
    desk.editor.open(path)
    await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    desk.editor.close(path)
    assert desk.workspace.unsaved() == ()
    assert (await desk.workspace.read(path)).text == TEXT


# ---- many at once ------------------------------------------------------------------------------------------------


async def test_edits_of_one_document_wait_for_each_other_and_those_of_others_do_not(path, tmp_path):
    desk = desk_of("vscode")
    slow, quick = path, str(tmp_path / "quick.py")
    Path(quick).write_text("x = 1\n")
    desk.editor.open(slow)
    desk.editor.open(quick)
    gate = asyncio.Event()

    async def held(params):
        if slow in str(params):
            await gate.wait()
        return desk.editor.apply(params)

    desk.editor.answer["workspace/applyEdit"] = held
    first = asyncio.ensure_future(desk.workspace.apply(await desk.change(slow, "prcie", "price"), "first"))
    second = asyncio.ensure_future(desk.workspace.apply(await desk.change(slow, "last", "end"), "second"))
    await desk.workspace.apply(await desk.change(quick, "x = 1", "x = 2"), "quick")
    assert desk.editor.text(quick) == "x = 2\n"
    assert len(desk.editor.requests) == 2
    gate.set()
    assert (await first).merged is False
    assert (await second).merged is True
    assert desk.editor.text(slow) == FIXED.replace("last", "end")


async def test_r14_an_edit_planned_right_after_a_burst_of_typing_sees_all_of_it(path):
    desk = desk_of("nvim")
    desk.editor.open(path)
    for n in range(1000):
        desk.editor.type(path, 0, f"{n}\n")
        if n % 100 == 0:
            document = await desk.workspace.read(path)
            assert document.text == desk.editor.text(path)
            assert document.version == desk.editor.version(path)


async def test_a_large_document_is_edited_without_holding_up_the_loop(tmp_path):
    path = tmp_path / "large.txt"
    path.write_text("".join(f"line {n} of many {n * 7919 % 10007}\n" for n in range(30_000)))
    desk = desk_of("nvim")
    desk.editor.open(str(path))
    change = await desk.change(str(path), "line 15000 of", "LINE 15000 of")
    applied = await desk.workspace.apply(change, "fix")
    assert "LINE 15000 of" in applied.document.text
    [(_, params)] = desk.editor.requests
    [edit] = params["edit"]["documentChanges"][0]["edits"]
    assert (edit["range"]["start"], edit["newText"]) == ({"line": 15_000, "character": 0}, "LINE")
