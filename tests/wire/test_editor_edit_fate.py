"""What became of an edit, where only the text can tell: told as one change, not told at all, or said and not done."""

import asyncio
from pathlib import Path

import pytest
from editor_desk import desk_of

from claw_lsp.core.merge import minimal_edits
from claw_lsp.facts.fault import StaleDocument, ToolError
from claw_lsp.facts.text import Change
from claw_lsp.lsp.echo import Dropped, Landed, Sent, Untouched, fate

TEXT = "one = 1\ntotal = prcie * 2\nlast = 3\n"
FIXED = TEXT.replace("prcie", "price")
SENT = Sent(TEXT, FIXED, minimal_edits(TEXT, FIXED), "utf-16", guarded=True)


@pytest.fixture
def path(tmp_path) -> str:
    path = tmp_path / "calc.py"
    path.write_text(TEXT)
    return str(path)


@pytest.mark.parametrize("said_applied", [True, False])
def test_edit_and_typing_elsewhere_told_as_one_change_are_the_edit(*, said_applied):
    assert fate(SENT, [TEXT, "# mine\n" + FIXED], said_applied=said_applied) == Landed()


@pytest.mark.parametrize(("said_applied", "expected"), [(True, Landed()), (False, Dropped())])
def test_typing_over_the_new_words_told_as_one_change_is_the_edit_where_the_client_says_so(said_applied, expected):
    assert fate(SENT, [TEXT, FIXED.replace("price", "prices")], said_applied=said_applied) == expected


def test_typing_over_the_old_words_is_not_the_edit_whatever_the_client_says():
    assert fate(SENT, [TEXT, TEXT.replace("prcie", "prcie_now")], said_applied=True) == Dropped()


def test_an_edit_of_line_ends_alone_is_made_when_they_are_others():
    before, after = "a\r\nb\r\n", "a\nb\n"
    sent = Sent(before, after, minimal_edits(before, after), "utf-16", guarded=True)
    assert fate(sent, [before, before], said_applied=True) == Untouched()
    assert fate(sent, [before, after], said_applied=False) == Landed()


async def test_r24_what_is_typed_while_the_difference_of_a_large_text_is_found_is_kept(tmp_path):
    """A client without versions makes the edit in whatever text it has by then."""
    path = tmp_path / "large.txt"
    text = "".join(f"line {n} of many {n * 7919 % 10007}\n" for n in range(10_000))
    path.write_text(text)
    desk = desk_of("vim-vim-lsp")
    desk.editor.open(str(path))
    editing = asyncio.create_task(
        desk.workspace.apply(await desk.change(str(path), "line 5000 of", "LINE 5000 of"), "fix")
    )
    await asyncio.sleep(0)
    assert desk.editor.requests == []
    desk.editor.type(str(path), 0, "mine\n")
    await editing
    assert desk.editor.text(str(path)) == "mine\n" + text.replace("line 5000 of", "LINE 5000 of")
    assert len(desk.editor.requests) == 1


@pytest.mark.parametrize(("name", "n_pieces"), [("vim-vim-lsp", 1), ("nvim", 1), ("vscode", 2)])
async def test_where_versions_are_not_compared_an_edit_is_one_piece_that_is_in_the_text_or_not(path, name, n_pieces):
    desk = desk_of(name)
    desk.editor.open(path)
    after = FIXED.replace("one", "One")
    change = Change(path, await desk.workspace.read(path), minimal_edits(TEXT, after))
    await desk.workspace.apply(change, "fix")
    assert desk.editor.text(path) == after
    [(_, params)] = desk.editor.requests
    edit = params["edit"]
    [edits] = [it["edits"] for it in edit["documentChanges"]] if "documentChanges" in edit else edit["changes"].values()
    assert len(edits) == n_pieces


async def test_a_silent_client_that_may_still_make_the_edit_is_not_asked_twice(path):
    desk = desk_of("emacs-eglot")
    desk.editor.open(path)
    change = await desk.change(path, "prcie", "price")
    desk.editor.silent_edits = True
    desk.editor.before_edit = lambda it: desk.editor.type(it, 0, "# mine\n")
    with pytest.raises(StaleDocument, match="cannot be told from its text"):
        await desk.workspace.apply(change, "fix")
    desk.editor.flush()
    assert desk.editor.text(path) == "# mine\n" + TEXT
    assert len(desk.editor.requests) == 1


async def test_a_client_that_is_honest_and_says_it_made_the_edit_is_not_asked_twice(path):
    """Its text shows something else, so what is there is for the model to look at, not to be edited again."""
    desk = desk_of("vscode")
    desk.editor.open(path)
    change = await desk.change(path, "prcie", "price")

    def over(_):
        desk.editor.replace(path, 0, len(TEXT), "all anew\n")
        return {"applied": True}

    desk.editor.answer["workspace/applyEdit"] = over
    with pytest.raises(StaleDocument, match="cannot be told from its text"):
        await desk.workspace.apply(change, "fix")
    assert desk.editor.text(path) == "all anew\n"
    assert len(desk.editor.requests) == 1


async def test_a_client_that_writes_a_closed_file_at_once_has_saved_it(path):
    desk = desk_of("vim-coc")

    def written(_):
        Path(path).write_text(FIXED)
        return {"applied": True}

    desk.editor.answer["workspace/applyEdit"] = written
    applied = await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    assert (applied.saved, applied.document.text) == (True, FIXED)
    assert desk.workspace.unsaved() == ()


async def test_what_is_typed_in_another_document_says_nothing_of_this_one(path, tmp_path):
    desk = desk_of("vscode")
    other = str(tmp_path / "other.py")
    desk.editor.open(path)
    desk.editor.open(other, "x = 1\n")
    change = await desk.change(path, "prcie", "price")
    desk.editor.refusal = "read-only"
    desk.editor.before_edit = lambda _: desk.editor.type(other, 0, "y = 2\n")
    with pytest.raises(ToolError, match="refused to edit"):
        await desk.workspace.apply(change, "fix")
    assert len(desk.editor.requests) == 1


async def test_what_the_person_did_not_save_is_not_saved_along_with_an_edit(path, tmp_path):
    """VS Code saves the files of a refactoring of two; one with unsaved text of the person's is no company."""
    desk = desk_of("vscode")
    desk.editor.open(path)
    await desk.workspace.apply(await desk.change(path, "prcie", "price"), "fix")
    assert await desk.workspace.save((path,)) == (path,)
    assert len(desk.editor.requests) == 1, "alone it would not be saved"
    other = tmp_path / "other.py"
    other.write_text("x = 1\n")
    desk.editor.open(str(other))
    desk.editor.type(str(other), 0, "# not yet\n")
    assert await desk.workspace.save((path,)) == (path,)
    assert other.read_text() == "x = 1\n"
    assert (desk.editor.dirty(path), desk.editor.dirty(str(other))) == (True, True)
