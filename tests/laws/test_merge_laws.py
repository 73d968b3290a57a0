"""Merging loses nothing, edits are small and exact, and offsets follow what others type."""

import re
import time

from hypothesis import assume, example, given
from hypothesis import strategies as st

from claw_lsp.core.difference import words
from claw_lsp.core.merge import merged, minimal_edits, moved, regained, sided
from claw_lsp.facts.text import TextEdit, applied

line = st.sampled_from(
    ["a = 1", "b = 2", "", "    return x", "}", "def f(x):", "日本語の行", "e\u0301té", "😀", "x y z"]
)
ends = st.sampled_from(["\n", "\n", "\r\n", "\r"])
texts = st.lists(st.tuples(line, ends), max_size=12).map(lambda it: "".join(a + b for a, b in it))
wild = st.text(alphabet=st.sampled_from("ab \n\r\fé😀\ud800_."), max_size=30)
any_text = st.one_of(texts, wild)


@st.composite
def edited(draw, base):
    """A text some edits away from the base."""
    text = base
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 8)))
        text = text[:start] + draw(any_text) + text[end:]
    return text


@st.composite
def three(draw):
    base = draw(any_text)
    return base, draw(edited(base)), draw(edited(base))


@given(any_text, any_text)
def test_merging_with_an_unchanged_side_gives_the_other_side(base, other):
    assert merged(base, other, base) == other
    assert merged(base, base, other) == other
    assert merged(base, other, other) == other


@given(three())
@example((". ", ".a = 1\n", "._"))
@example(("\r", "", "a = 1\ra = 1\n"))
@example(("_", "", "_日本語の行\n"))
def test_two_sides_are_the_merge_or_differ_only_in_whose_words_stand_where_both_wrote(texts):
    base, ours, theirs = texts
    for_theirs, for_ours = sided(base, ours, theirs)
    assert (for_ours, for_theirs) == sided(base, theirs, ours)
    if (whole := merged(base, ours, theirs)) is not None:
        assert for_theirs == for_ours == whole
    assert {*words(for_theirs), *words(for_ours)} <= {" ", *words(base), *words(ours), *words(theirs)}


def test_where_both_wrote_a_line_is_as_one_side_has_it_though_only_a_part_of_it_is_in_the_way():
    base, ours, theirs = "first\nreturn a + b\n", "first\nreturn sum((a, b))\n", "one\nreturn a - b\n"
    assert sided(base, ours, theirs) == ("one\nreturn a - b\n", "one\nreturn sum((a, b))\n")


def test_where_both_wrote_one_side_each_stands_and_elsewhere_both_do():
    assert sided("a b c\n\nd\n\ne\n", "a x c\n\nd\n\nf\n", "A y c\n\nD\n\ne\n") == (
        "A y c\n\nD\n\nf\n",
        "a x c\n\nD\n\nf\n",
    )


@given(three())
def test_merging_is_symmetric(texts):
    base, ours, theirs = texts
    assert merged(base, ours, theirs) == merged(base, theirs, ours)


@given(three(), st.data())
def test_what_is_regained_has_every_character_that_either_side_put_in(texts, data):
    base, ours, theirs = texts
    at, to = data.draw(st.integers(0, len(ours))), data.draw(st.integers(0, len(theirs)))
    ours, theirs = ours[:at] + "\ue001" + ours[at:], theirs[:to] + "\ue002" + theirs[to:]
    both = regained(base, ours, theirs)
    assert (both.count("\ue001"), both.count("\ue002")) == (1, 1)
    assert regained(base, ours, base) == ours
    assert regained(base, base, theirs) == theirs


def test_what_is_regained_lacks_what_either_side_took_out():
    assert regained("one AGENT two", "one two AGENT", "one AG!ENT two") == "one !two AGENT"
    assert regained("abcdef", "af", "abXef") == "aXf"
    assert regained("abc", "aYc", "aXc") == "aYXc"


@given(texts, st.data())
def test_no_line_that_either_side_inserted_is_lost(base, data):
    lines = re.findall(r"[^\r\n]*(?:\r\n?|\n)", base)
    at_ours, at_theirs = (data.draw(st.integers(0, len(lines))) for _ in range(2))
    ours = "".join([*lines[:at_ours], "OURS\n", *lines[at_ours:]])
    theirs = "".join([*lines[:at_theirs], "THEIRS\n", *lines[at_theirs:]])
    both = merged(base, ours, theirs)
    if both is None:
        # The two inserted lines may only be in each other's way where nothing but equal lines parts them.
        between = lines[min(at_ours, at_theirs) : max(at_ours, at_theirs)]
        assert at_ours == at_theirs or len(set(between)) < len(between) or any(lines.count(it) > 1 for it in between)
        return
    assert both.count("OURS\n") == both.count("THEIRS\n") == 1
    assert both.replace("OURS\n", "").replace("THEIRS\n", "") == base


@given(st.lists(st.integers(0, 10_000), min_size=6, max_size=30, unique=True), st.data())
def test_edits_of_different_lines_both_survive(numbers, data):
    lines = [f"line {it}\n" for it in numbers]
    i, j = data.draw(st.permutations(range(len(lines))))[:2]
    ours, theirs = [*lines], [*lines]
    ours[i] = "this is ours\n"
    theirs[j] = "and this is theirs\n"
    expected = [*ours]
    expected[j] = theirs[j]
    assert merged("".join(lines), "".join(ours), "".join(theirs)) == "".join(expected)


@given(three())
def test_a_merge_has_every_word_that_either_side_put_in(texts):
    base, ours, theirs = texts
    both = merged(base, ours, theirs)
    assume(both is not None)
    for side in (ours, theirs):
        for new in minimal_edits(base, side):
            assert new.new in both


def test_two_people_on_one_line_are_merged_by_words():
    base = "total = prcie * 2\n"
    assert merged(base, "total = price * 2\n", "total = prcie * 3\n") == "total = price * 3\n"
    assert merged(base, "total = price * 2\n", "total = prcie * 2  # note\n") == "total = price * 2  # note\n"


def test_the_same_word_changed_two_ways_is_a_conflict():
    base = "total = prcie * 2\n"
    assert merged(base, "total = price * 2\n", "total = prices * 2\n") is None
    assert merged(base, "total = price * 2\n", "\n") is None


def test_two_insertions_at_one_place_are_a_conflict_and_equal_ones_are_one():
    assert merged("a\nb\n", "a\nx\nb\n", "a\ny\nb\n") is None
    assert merged("a\nb\n", "a\nx\nb\n", "a\nx\nb\n") == "a\nx\nb\n"
    assert merged("a\nb\nc\nd\n", "a\nx\nb\nc\nd\n", "a\nx\nb\nc\ny\nd\n") == "a\nx\nb\nc\ny\nd\n"


def test_a_rewritten_block_is_not_interleaved_with_a_change_inside_it():
    base = "def f(a):\n    one = a + 1\n    return one\n"
    ours = "class G:\n    pass\n"
    theirs = base.replace("one + 1", "one").replace("a + 1", "a + 2")
    assert merged(base, ours, theirs) is None


@given(any_text, any_text)
@example("a\r", "a\r\n")
@example("a\r\nb", "a\rb")
@example("a\nb", "a\r\nb")
def test_minimal_edits_make_the_one_text_the_other_and_split_no_line_end(before, after):
    edits = minimal_edits(before, after)
    assert applied(before, edits) == after
    for edit in edits:
        for offset in (edit.start, edit.end):
            assert before[max(0, offset - 1) : offset + 1] != "\r\n"


@given(texts, st.data())
def test_minimal_edits_leave_alone_what_is_not_near_the_change(base, data):
    text = base + "unique marker\n" + base
    at = data.draw(st.integers(0, len(base)))
    assume(text[max(0, at - 1) : at + 1] != "\r\n")
    after = text[:at] + "NEW" + text[at:]
    edits = minimal_edits(text, after)
    assert all(edit.start <= len(base) for edit in edits)
    assert sum(edit.end - edit.start for edit in edits) <= 30


def test_one_changed_word_is_one_small_edit():
    text = "".join(f"value_{n} = compute({n})\n" for n in range(5000))
    assert minimal_edits(text, text.replace("value_2500 ", "value_25x0 ")) == (
        TextEdit(text.index("value_2500 ") + 8, text.index("value_2500 ") + 9, "x"),
    )


def test_time_is_bounded_on_big_texts_that_have_little_in_common():
    before = "".join(f"{n * 7919 % 10_007} {n % 13}\n" for n in range(20_000))
    after = "".join(f"{n * 104_729 % 10_009} {n % 17}\n" for n in range(20_000))
    same = "}\n" * 20_000 + before
    for one, other in ((before, after), (same, after + same), ("x" * 400_000, "y " * 200_000)):
        began = time.process_time()
        assert applied(one, minimal_edits(one, other)) == other
        assert time.process_time() - began < 3


@given(any_text, st.data())
def test_an_offset_moves_with_the_character_behind_it(base, data):
    after = data.draw(edited(base))
    edits = minimal_edits(base, after)
    for offset, character in enumerate(base):
        if any(edit.start <= offset < edit.end for edit in edits):
            continue
        assert after[moved(offset, edits, sticky_left=False)] == character
    assert moved(len(base), edits, sticky_left=False) == len(after)
    assert moved(0, edits, sticky_left=True) == 0


def test_an_offset_inside_replaced_text_goes_to_its_border():
    edits = (TextEdit(2, 6, "xyz"), TextEdit(8, 8, "!"))
    assert [moved(4, edits, sticky_left=left) for left in (True, False)] == [2, 5]
    assert [moved(2, edits, sticky_left=left) for left in (True, False)] == [2, 2]
    assert [moved(6, edits, sticky_left=left) for left in (True, False)] == [5, 5]
    assert [moved(8, edits, sticky_left=left) for left in (True, False)] == [7, 8]
