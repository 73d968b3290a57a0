"""Laws of reading a chat document: its outline is nested and ordered, whatever stands in it; what is offered fits."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from test_chat_laws import KEY, TURNS, entries_of, happening

from claw_lsp.core.chat import marks
from claw_lsp.core.chat.completing import begun, mention
from claw_lsp.core.chat.marks import parse
from claw_lsp.core.chat.mentions import Mention, mention_at, mentions
from claw_lsp.core.chat.outline import Outline, Span, in_prompt, outline
from claw_lsp.core.chat.told import behind, told
from claw_lsp.core.chat.writer import render
from claw_lsp.core.closeness import ranked, wish, with_folders
from claw_lsp.core.position import LineIndex
from claw_lsp.facts.event import CallFinished, TurnEnded
from claw_lsp.lsp.language.shape import folds, symbols

PIECES = st.sampled_from(
    [
        *(marks.you(KEY, n) for n in (1, 2, 3)),
        *(marks.answer(KEY, n) for n in (1, 2)),
        marks.reply(KEY, 2),
        marks.title(KEY, "s"),
        f"_done_ {marks.mark(KEY, 'end')}",
        marks.you("other", 1),
        *("- ✓ `Read a.py` · 2 lines", "- ✗ ``Bash `x` `` · no", "- … `Glob *`", "- refused `Edit a`", "- plain"),
        *(
            "```",
            "```py",
            "~~~~",
            "    ```",
            "````",
            "> **Claw asks:**",
            ">",
            "words 🙂",
            "\r\n",
            "\n",
            "\n\n",
            " ",
            "\t",
            "\r",
        ),
    ]
)
LINES = st.sampled_from(["\n", "\r\n", "\n\n", ""])
DOCUMENTS = st.lists(st.tuples(PIECES, LINES), max_size=30).map(lambda it: "".join(a + b for a, b in it))


def assert_nested(text: str, found: Outline) -> None:
    def inside(inner: Span, outer: Span) -> bool:
        return outer[0] <= inner[0] <= inner[1] <= outer[1]

    def ordered(spans: list[Span]) -> bool:
        return all(one[1] <= other[0] for one, other in pairwise(spans))

    whole = (0, len(text))
    assert ordered([it.span for it in found.turns])
    for turn in found.turns:
        assert inside(turn.span, whole)
        assert inside(turn.heading, turn.span)
        assert inside(turn.prompt, (turn.heading[1], len(text)))
        parts = [turn.heading, turn.prompt] + ([turn.answer] if turn.answer else [])
        assert ordered(parts)
        within = [it.span for it in turn.entries] + ([turn.last_words] if turn.last_words else [])
        assert ordered(within)
        assert not within or turn.answer is not None
        for span in within + ([turn.closing] if turn.closing else []):
            assert turn.answer
            assert inside(span, turn.answer)
            assert text[slice(*span)].strip()
    for spans in (found.fences, found.quotes, found.lists):
        assert ordered(list(spans))
        assert all(inside(it, whole) for it in spans)


@given(DOCUMENTS)
def test_an_outline_is_nested_ordered_and_inside_the_text(text: str) -> None:
    found = outline(text)
    assert_nested(text, found)
    index = LineIndex(text)
    for fold in folds(found, index, texts=True):
        assert 0 <= fold["startLine"] < fold["endLine"] < index.n_lines
    for encoding in ("utf-8", "utf-16", "utf-32"):
        for symbol in symbols(found, index, encoding=encoding):
            for it in (symbol, *symbol["children"]):
                assert it["name"].strip()
                outer, inner = (
                    ((r["start"]["line"], r["start"]["character"]), (r["end"]["line"], r["end"]["character"]))
                    for r in (it["range"], it["selectionRange"])
                )
                assert outer[0] <= inner[0] <= inner[1] <= outer[1]


@given(DOCUMENTS, st.integers(0, 400))
def test_what_is_sent_is_written_in_a_prompt_and_answers_are_none(text: str, at: int) -> None:
    found = parse(text)
    block = in_prompt(text, found.start)
    own = marks.every(text)
    headings = [it for it in own if (it["word"], it["arg"]) == ("you", str(found.number))]
    # A heading that somebody copied is no reason for a place: the first of them counts.
    if own and headings == own[-1:] and found.heading:
        assert block is not None
        assert block[0] <= found.start <= block[1]
    at = min(at, len(text))
    block = in_prompt(text, at)
    if block is not None:
        assert block[0] <= at <= block[1]
        for turn in outline(text).turns:
            assert turn.answer is None or not turn.answer[0] < at < turn.answer[1]


@given(TURNS)
def test_every_line_of_a_call_and_of_an_end_is_found_again_in_the_log(turns: list[Any]) -> None:
    entries = entries_of(happening(turns))
    text = render(entries, key=KEY)
    lines = told(entries, KEY)
    assert_nested(text, outline(text))
    finished = [it for it in lines if it.finished is not None]
    assert len(finished) == sum(isinstance(it.event, CallFinished | TurnEnded) for it in entries)
    seen: dict[tuple[int, str], int] = {}
    for it in finished:
        assert it.line in text.splitlines()
        nth = seen.get((it.turn, it.line), 0)
        seen[it.turn, it.line] = nth + 1
        assert behind(lines, it.line, it.turn, nth) is it


WORDS = st.text(st.sampled_from("abAB./_-é🙂 "), max_size=6)


@given(st.lists(WORDS.filter(bool), unique=True, max_size=8), WORDS)
def test_a_path_fits_if_it_holds_the_letters_in_order_and_the_nearer_fit_comes_first(
    paths: list[str], typed: str
) -> None:
    def holds(path: str) -> bool:
        rest = iter(path.casefold())
        return all(it in rest for it in typed.casefold())

    found = sorted(ranked(wish(typed), paths))
    assert {path for _, path in found} == {it for it in paths if holds(it)}
    assert sorted(ranked(wish(typed), reversed(paths))) == found
    if typed and not typed.endswith("/"):
        begins = [path.casefold().startswith(typed.casefold()) for _, path in found]
        within = [typed.casefold() in path.casefold() for _, path in found]
        assert begins.index(True) == 0 if any(begins) and not any("/" in it for it in paths) else True
        assert within == sorted(within, reverse=True)


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join), max_size=6))
def test_every_folder_is_named_once_with_a_slash(paths: list[str]) -> None:
    found = with_folders(paths)
    folders = [it for it in found if it.endswith("/")]
    assert len(folders) == len(set(folders))
    assert set(folders) == {f"{'/'.join(it.split('/')[:n])}/" for it in paths for n in range(1, len(it.split("/")))}
    assert [it for it in found if not it.endswith("/")] == paths


@given(
    st.text(st.sampled_from("ab 🙂./(\"'\n"), max_size=10),
    st.sampled_from(["@a", '@"a b', "@", "@symbol:x", "/mo", "/mode pl"]),
)
def test_what_is_begun_ends_at_the_cursor(before: str, typed: str) -> None:
    text = f"{marks.opening(KEY, 's')}{before}{typed}"
    found = begun(text, len(text))
    if found is not None:
        assert text[found.start :] == found.typed
        assert found.kind == "argument" or found.typed[0] in "/@"
    blank = not before.strip()
    if typed[0] == "/" and not before.lstrip().startswith("/"):
        assert (found is not None) == blank
    elif typed[0] == "@" and before[-1:] in (" ", "\n", "(", "") and before.count('"') == 0:
        assert found is not None
        assert found.typed == typed


@given(st.text(st.sampled_from("ab /\"'.:1(`@\n"), min_size=1, max_size=6), st.sampled_from(["@", '@"']))
def test_a_mention_reads_as_the_path_it_was_made_of(path: str, typed: str) -> None:
    made = mention(path, typed)
    assert (made is None) == any(it in path for it in '"\n')
    if made is not None and "`" not in made:
        assert made.startswith(typed)
        assert mentions(f"see {made} there") == (Mention("path", path),)
        found = mention_at(f"see {made} there", 5)
        assert found == (Mention("path", path), (4, 4 + len(made)))
