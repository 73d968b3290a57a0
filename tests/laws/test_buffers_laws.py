"""Whatever a person types and however their editor tells of it, our buffer holds what they see."""

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from lsprotocol.converters import get_converter

from claw_lsp.core.merge import minimal_edits
from claw_lsp.core.position import LineIndex
from claw_lsp.facts.text import applied
from claw_lsp.lsp import from_lsp, to_lsp
from claw_lsp.lsp.buffers import Buffers, Changed
from claw_lsp.testing.memory_editor import MemoryEditor
from claw_lsp.testing.quirks import Quirks

CONVERTER = get_converter()
PATH = "/nowhere/on/this/disk/a.txt"
NASTY = ["a", "b", " ", "\n", "\r\n", "\r", "\f", "\u2028", "é", "e\u0301", "😀", "𝒳"]
pieces = st.lists(st.sampled_from(NASTY), max_size=8).map("".join)
quirks = st.builds(
    Quirks,
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-32"]),
    sync=st.sampled_from(["incremental", "full"]),
    line_end=st.sampled_from([None, "\n", "\r\n"]),
    final_newline=st.booleans(),
    first_version=st.sampled_from([0, 1]),
)


def connected(editor: MemoryEditor) -> Buffers:
    buffers = Buffers(editor.quirks.encoding)
    hear = {
        "textDocument/didOpen": (types.DidOpenTextDocumentParams, from_lsp.did_open),
        "textDocument/didChange": (types.DidChangeTextDocumentParams, from_lsp.did_change),
        "textDocument/didSave": (types.DidSaveTextDocumentParams, from_lsp.did_save),
        "textDocument/didClose": (types.DidCloseTextDocumentParams, from_lsp.did_close),
    }

    def deliver(method, params):
        kind, tell = hear[method]
        tell(buffers, CONVERTER.structure(params, kind))

    editor.outbox = deliver
    return buffers


@given(quirks, pieces, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6), pieces), max_size=8), st.data())
def test_r16_a_buffer_is_what_the_person_sees_after_any_typing(quirks, text, typing, data):
    editor = MemoryEditor(quirks)
    buffers = connected(editor)
    editor.open(PATH, text)
    seen = []
    buffers.watch(seen.append)
    for at, n_removed, new in typing:
        before = editor.text(PATH)
        start = min(at, len(before))
        if data.draw(st.booleans()) and editor.undo_steps(PATH):
            editor.undo(PATH)
        else:
            editor.replace(PATH, start, min(len(before), start + n_removed), new)
        assert buffers.get(PATH).text == editor.text(PATH)
        assert buffers.get(PATH).safe
    for change in seen:
        assert isinstance(change, Changed)
        assert applied(change.before, change.edits) == change.after
    editor.close(PATH)
    assert buffers.get(PATH) is None


@given(quirks, pieces, pieces)
def test_r16_edits_sent_in_the_clients_units_make_exactly_the_text_that_was_meant(quirks, before, after):
    """R28: every byte outside the edit is unchanged, since the whole text is what was meant."""
    index = LineIndex(before)
    sent = to_lsp.text_edits(index, minimal_edits(before, after), quirks.encoding)
    text = LineIndex(before)
    for edit in reversed(sent):
        value = CONVERTER.structure(edit["range"], types.Range)
        start, end = from_lsp.offsets(text, value, quirks.encoding)
        text = LineIndex(text.text[:start] + edit["newText"] + text.text[end:])
    assert text.text == after
