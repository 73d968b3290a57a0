"""Laws of mentions: what is written as one is read as that, and nothing else is one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claw_lsp.core.chat.mentions import Mention, mentions, written

NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), blacklist_characters='"'), min_size=1)
LINES = st.one_of(
    st.just((None, None)),
    st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)).map(lambda it: (min(it), max(it))),
)
PLAIN_NAMES = st.from_regex(r"[A-Za-z_][\w./-]{0,20}[\w/]", fullmatch=True)


def _path(name: str, lines: tuple[int, int] | tuple[None, None]) -> Mention:
    return Mention("path", name, *lines)


MENTIONS = st.one_of(
    st.builds(_path, NAMES, LINES),
    st.builds(_path, PLAIN_NAMES, LINES),
    st.builds(Mention, st.sampled_from(["symbol", "session", "diagnostics"]), PLAIN_NAMES),
    st.sampled_from([Mention("diagnostics"), Mention("buffers")]),
)
PROSE = st.text(st.sampled_from("ab .,;:!?()\n"), max_size=12)


@given(st.lists(st.tuples(PROSE, MENTIONS, st.sampled_from(["", ".", ",", "?", "!", ");"])), max_size=4), PROSE)
@example([("", Mention("path", "a`b"), ""), ("", Mention("path", "c`d"), "")], "")
def test_what_is_written_among_words_is_read_in_order(parts: list[tuple[str, Mention, str]], rest: str) -> None:
    words = "".join(f"{before} {written(it)}{behind} " for before, it, behind in parts) + rest
    if "`" not in words and "~~~" not in words:
        assert mentions(words) == tuple(dict.fromkeys(it for _, it, _ in parts))


@given(MENTIONS)
def test_code_mentions_nothing(it: Mention) -> None:
    if not {"`", "~"} & set(written(it)):
        assert mentions(f"see `{written(it)}` and\n```py\n{written(it)}\n```\n") == ()
        assert mentions(f"```\n{written(it)}") == ()
        assert mentions(f"```\nx\n```\n{written(it)}") == (it,)


@given(st.from_regex(r"[\w.+-]+@[\w.-]+", fullmatch=True))
def test_an_address_of_a_person_mentions_nothing(address: str) -> None:
    assert mentions(f"write to {address}, please") == ()


@given(st.text(max_size=60))
def test_any_text_can_be_read_and_every_mention_is_written_in_it(text: str) -> None:
    for it in mentions(text):
        assert it.name in text
        assert (it.first is None) == (it.last is None)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("fix @a.py.", (Mention("path", "a.py"),)),
        ("(see @src/a.py:10-20)", (Mention("path", "src/a.py", 10, 20),)),
        ("@src/", (Mention("path", "src/"),)),
        ('@"my notes.md":3 and @a.py @a.py', (Mention("path", "my notes.md", 3, 3), Mention("path", "a.py"))),
        ("@app/(group)/page.tsx", (Mention("path", "app/(group)/page.tsx"),)),
        ("@a.py:20-10", (Mention("path", "a.py", 10, 20),)),
        ("@a.py:0", (Mention("path", "a.py:0"),)),
        ("what of @diagnostics:src/a.py?", (Mention("diagnostics", "src/a.py"),)),
        ("@diagnostics, @buffers", (Mention("diagnostics"), Mention("buffers"))),
        ("@symbol:Ledger.undone", (Mention("symbol", "Ledger.undone"),)),
        ("@ @@ a@b", ()),
    ],
)
def test_mentions_of_every_kind(words: str, found: tuple[Mention, ...]) -> None:
    assert mentions(words) == found
