"""Laws of files: what an edit did not name stays to the byte, and no text crashes the tools."""

import asyncio
import json
import tempfile
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from claw_lsp.adapters.disk import DiskWorkspace, create_document, read_document, write_document
from claw_lsp.adapters.disk.encoding import decoded, encoded
from claw_lsp.adapters.globs import expanded
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.text import Change, Document, TextEdit, applied
from claw_lsp.testing.memory_workspace import Desk
from claw_lsp.tools.edit import EditTool
from claw_lsp.tools.notebook import notebook_of
from claw_lsp.tools.notebook_edit import NotebookEditInput, cell_edits
from claw_lsp.tools.patch import changed_lines, unified
from claw_lsp.tools.read import ReadTool
from claw_lsp.tools.splice import apart, lines_of, occurrences, replacing, rewriting

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
WORDS = st.text(alphabet="ab \t\x0cé🎈\u0301\u2028'’", max_size=6)
TEXTS = st.lists(st.tuples(WORDS, ENDS), max_size=8).map(lambda it: "".join(word + end for word, end in it))
RAGGED = st.tuples(TEXTS, WORDS).map("".join)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])


@given(RAGGED, RAGGED, RAGGED, ENCODINGS)
@settings(max_examples=60, deadline=None)
def test_r28_bytes_outside_the_edit_never_change(head: str, tail: str, new: str, encoding: str) -> None:
    """Through the real tools and the real disk: the file is its head, the new text and its tail."""
    assume(not (head + tail).count("§"))
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder).resolve())
        path = desk.folder / "a.txt"
        data = encoded(f"{head}§{tail}", encoding)
        path.write_bytes(data)
        asyncio.run(_edit(desk, new))
        now = path.read_bytes()
    front = len(encoded(head, encoding))
    back = len(encoded(tail, encoding)) - len(encoded("", encoding))
    assert now[:front] == data[:front]
    assert now[len(now) - back :] == data[len(data) - back :]
    text = decoded(now)
    assert text is not None
    assert _bare(text[0][len(head) : len(text[0]) - len(tail)]) == _bare(new)


async def _edit(desk: Desk, new: str) -> None:
    await desk.run(ReadTool(DiskWorkspace()), file_path="a.txt")
    await desk.run(EditTool(), file_path="a.txt", old_string="§", new_string=new)


def _bare(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(st.binary(max_size=60))
def test_r28_r29_what_decodes_encodes_to_the_same_bytes(data: bytes) -> None:
    found = decoded(data)
    if found is not None:
        assert encoded(*found) == data


@given(st.text(alphabet=st.characters(exclude_categories=())), ENCODINGS)
def test_r18_any_text_is_written_whole_or_refused(text: str, encoding: str) -> None:
    try:
        data = encoded(text, encoding)
    except ToolError as error:
        assert "lone surrogate" in str(error)
        assert any("\ud800" <= it <= "\udfff" for it in text)
    else:
        assert not any("\ud800" <= it <= "\udfff" for it in text)
        assert text.startswith("\ufeff") or decoded(data) == (text, encoding)


@given(RAGGED, RAGGED)
def test_a_rewrite_gives_the_lines_wanted_and_keeps_the_ends_of_lines_that_stay(before: str, wanted: str) -> None:
    plain = _bare(wanted)
    after = applied(before, rewriting(before, plain))
    assert _bare(after) == plain
    if _bare(before) == plain:
        assert after == before


@given(RAGGED, st.text(alphabet="ab\n\r'", min_size=1, max_size=3), RAGGED)
def test_r33_every_occurrence_is_found_and_replaced_and_nothing_else(text: str, old: str, new: str) -> None:
    places = occurrences(text, old)
    assert len(places) >= text.count(old) or "\n" in old or "\r" in old
    for start, end in places:
        assert _bare(text[start:end]) == _bare(old)
    chosen = apart(places)
    after = applied(text, replacing(text, chosen, new))
    kept = [text[end:start] for (_, end), (start, _) in zip([(0, 0), *chosen], [*chosen, (len(text), 0)], strict=True)]
    at = 0
    for part in kept:
        found = after.find(part, at)
        assert found >= 0
        at = found + len(part)
    if not chosen:
        assert after == text


@given(RAGGED, RAGGED)
def test_edits_never_begin_or_end_inside_a_line_end(before: str, wanted: str) -> None:
    for edit in rewriting(before, wanted):
        assert before[edit.start - 1 : edit.start + 1] != "\r\n" or edit.start == 0
        assert before[edit.end - 1 : edit.end + 1] != "\r\n" or edit.end == 0


@given(RAGGED)
def test_lines_are_the_text(text: str) -> None:
    lines = lines_of(text)
    assert "".join(lines) == text
    assert all(line and not line.rstrip("\r\n").count("\n") for line in lines)


@given(
    st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30), st.lists(st.sampled_from(["a", "b", "x"]), max_size=30)
)
def test_a_unified_diff_holds_every_line_of_both_sides_it_shows(old: list[str], new: list[str]) -> None:
    before, after = "".join(f"{it}\n" for it in old), "".join(f"{it}\n" for it in new)
    document = Document("/a", before)
    change = Change("/a", document, rewriting(before, after))
    assert _patched(old, unified("a", change)) == new
    for line in changed_lines(before, change.edits).splitlines():
        if line not in ("…", "… (more changed lines not shown)"):
            number, _, text = line.partition("\t")
            assert new[int(number) - 1] == text


def _patched(old: list[str], patch: str) -> list[str]:
    """What `patch` would make of these lines: a reader of its own, strict about numbers."""
    result: list[str] = []
    at = 0
    for line in patch.splitlines()[2:]:
        if line.startswith("@@"):
            first, _, count = line.split()[1][1:].partition(",")
            start = int(first) - (0 if count == "0" else 1)
            result += old[at:start]
            at = start
            new_first, _, new_count = line.split()[2][1:].partition(",")
            assert len(result) == int(new_first) - (0 if new_count == "0" else 1)
        elif line[0] in " -":
            assert old[at] == line[1:]
            result += [line[1:]] if line[0] == " " else []
            at += 1
        else:
            result.append(line[1:])
    return result + old[at:]


SOURCES = st.text(alphabet='ab"\\\n{}[],é', max_size=8)
CELLS = st.lists(SOURCES, min_size=1, max_size=4)


@given(CELLS, SOURCES, st.data(), st.sampled_from([None, 1, 2]))
def test_a_notebook_edit_is_the_edit_of_its_value(
    sources: list[str], new: str, data: st.DataObject, indent: int | None
) -> None:
    value = {
        "cells": [
            {
                "cell_type": "markdown",
                "id": f"c{n}",
                "metadata": {"source": "no"},
                "source": source.splitlines(keepends=True),
            }
            for n, source in enumerate(sources)
        ],
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    text = json.dumps(value, indent=indent)
    n = data.draw(st.integers(0, len(sources) - 1))
    mode = data.draw(st.sampled_from(["replace", "insert", "delete"]))
    assume(mode != "replace" or new != sources[n])
    wanted = NotebookEditInput(notebook_path="n", cell_id=f"c{n}", new_source=new, edit_mode=mode)
    after = applied(text, cell_edits(notebook_of("n", text), wanted, "n"))
    now = ["".join(cell["source"]) for cell in json.loads(after)["cells"]]
    expected = list(sources)
    match mode:
        case "replace":
            expected[n] = new
        case "insert":
            expected.insert(n + 1, new)
        case "delete":
            del expected[n]
    assert now == expected


@given(st.text(alphabet="a{},\\*", max_size=10))
def test_globs_expand_to_globs_with_no_pair_of_braces_left(glob: str) -> None:
    for piece in expanded(glob):
        assert "\\" in piece or "}" not in piece or "{" not in piece[: piece.rindex("}")]


@given(RAGGED, ENCODINGS)
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_what_is_read(text: str, encoding: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{Path(folder).resolve()}/a"
        create_document(path, "x")
        Path(path).write_bytes(encoded("x", encoding))
        write_document(read_document(path), text)
        assert read_document(path) == Document(path, text, encoding=encoding)


def test_the_edit_of_a_text_is_small() -> None:
    text = "".join(f"line {n}\n" for n in range(100))
    assert rewriting(text, text.replace("line 50\n", "line fifty\n")) == (TextEdit(395, 397, "fifty"),)
