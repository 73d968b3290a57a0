"""Positions of the protocol and offsets of a text say the same, whatever the text holds."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from claw_lsp.core.position import LineIndex, units
from claw_lsp.facts.text import TextEdit, applied

ENCODINGS = ("utf-8", "utf-16", "utf-32")
NASTY = [
    "\n",
    "\r\n",
    "\r",
    "\f",
    "\v",
    "\u2028",
    "\x85",
    "a",
    "é",
    "e\u0301",
    "👩‍👩‍👧",
    "𝒳",
    "\ud83d",
    "\ude00",
    "한",
    " ",
]
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=4)), max_size=30).map("".join)
encodings = st.sampled_from(ENCODINGS)


def lines_of(text: str) -> list[str]:
    """The lines by the protocol's own definition, written down a second way."""
    return re.split("\r\n|\r|\n", text)


@given(texts, encodings)
@example("a\r\nb\rc\n\fd\u2028e", "utf-16")
def test_r16_every_offset_survives_the_round_trip(text, encoding):
    index = LineIndex(text)
    for offset in range(len(text) + 1):
        inside_break = 0 < offset < len(text) and text[offset - 1 : offset + 1] == "\r\n"
        expected = offset - 1 if inside_break else offset
        assert index.offset(*index.position(offset, encoding), encoding) == expected


@given(texts, encodings)
def test_r16_line_and_character_are_those_of_the_protocol(text, encoding):
    index = LineIndex(text)
    lines = lines_of(text)
    assert index.n_lines == len(lines)
    for number, line in enumerate(lines):
        start, end = index.span(number)
        assert text[start:end] == line
        assert index.position(end, encoding) == (number, units(line, encoding))


@given(texts, encodings, st.integers(-2, 40), st.integers(-2, 60))
def test_r17_a_position_anywhere_is_clamped_and_never_splits_a_code_point(text, encoding, line, character):
    index = LineIndex(text)
    offset = index.offset(line, character, encoding)
    start, end = index.span(line)
    assert start <= offset <= end
    taken = units(text[start:offset], encoding)
    assert taken <= max(0, character)
    if offset < end:
        assert taken + units(text[offset], encoding) > max(0, character)


@given(st.text(max_size=3), st.sampled_from(["utf-8", "utf-16"]))
def test_r17_inside_a_surrogate_pair_is_before_it(prefix, encoding):
    prefix = re.sub("[\r\n]", "", prefix)
    index = LineIndex(prefix + "😀x")
    assert index.offset(0, units(prefix, encoding) + 1, encoding) == len(prefix)


@given(texts, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5), texts), max_size=6), encodings)
@example("a\rb", [(2, 0, "\n")], "utf-16")
@example("a\r\nb", [(2, 1, "")], "utf-16")
def test_an_index_taken_through_edits_equals_one_built_anew(text, splices, encoding):
    index = LineIndex(text)
    for at, n_removed, new in splices:
        start = min(at, len(index.text))
        edit = TextEdit(start, min(start + n_removed, len(index.text)), new)
        assert index.position(start, encoding) == LineIndex(index.text).position(start, encoding)
        expected = applied(index.text, (edit,))
        index = index.spliced(edit)
        assert index.text == expected
    assert [index.span(n) for n in range(index.n_lines + 1)] == [
        LineIndex(index.text).span(n) for n in range(LineIndex(index.text).n_lines + 1)
    ]


@given(texts, texts, texts, texts)
def test_an_index_kept_for_a_whole_new_text_equals_one_built_anew(head, old, new, tail):
    index = LineIndex(head + old + tail)
    assert index.n_lines
    text = head + new + tail
    again = index.replaced(text)
    assert [again.span(n) for n in range(again.n_lines + 1)] == [
        LineIndex(text).span(n) for n in range(LineIndex(text).n_lines + 1)
    ]


def test_r16_a_form_feed_and_the_line_separators_of_unicode_end_no_line():
    index = LineIndex("a\fb\vc\u2028d\u2029e\x85f\x1cg\nh")
    assert index.n_lines == 2
    assert index.position(13, "utf-16") == (0, 13)


def test_a_long_line_beyond_ascii_is_measured_in_pieces():
    line = "é😀" * 5000
    index = LineIndex("x\n" + line)
    assert index.position(2 + 9001, "utf-16") == (1, 13501)
    assert index.offset(1, 13501, "utf-16") == 2 + 9001
    assert index.offset(1, 10**9, "utf-8") == 2 + len(line)


def test_a_text_longer_than_one_scan_has_all_its_lines():
    text = "abcdefg\r\n" * 30_000 + "end"
    index = LineIndex(text)
    assert index.position(len(text), "utf-16") == (30_000, 3)
    assert LineIndex(text).offset(29_999, 3, "utf-16") == 9 * 29_999 + 3
    assert LineIndex(text).n_lines == 30_001
