"""Comments that speak to the agent are found in any language, and nowhere else."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.core.comments import spoken

LINE = {
    "a.py": "#",
    "a.rb": "#",
    "a.sh": "#",
    "a.yaml": "#",
    "Makefile": "#",
    "Dockerfile": "#",
    "a.js": "//",
    "a.tsx": "//",
    "a.rs": "//",
    "a.go": "//",
    "a.c": "//",
    "a.php": "//",
    "a.sql": "--",
    "a.lua": "--",
    "a.hs": "--",
    "a.el": ";;",
    "a.clj": ";",
    "a.ini": ";",
    "a.tex": "%",
    "a.erl": "%%",
    "a.vim": '"',
    "a.ps1": "#",
    "a.vb": "'",
    "a.f90": "!",
    "a.made-up": "#",
    "b.made-up": "//",
    "c.made-up": "--",
    "d.made-up": ";",
    "e.made-up": "%",
}
BLOCK = {
    "a.c": ("/*", "*/"),
    "a.css": ("/*", "*/"),
    "a.ts": ("/**", "*/"),
    "a.html": ("<!--", "-->"),
    "a.md": ("<!--", "-->"),
    "a.vue": ("<!--", "-->"),
    "a.lua": ("--[[", "]]"),
    "a.hs": ("{-", "-}"),
    "a.ml": ("(*", "*)"),
    "a.ps1": ("<#", "#>"),
    "a.rkt": ("#|", "|#"),
    "a.j2": ("{#", "#}"),
    "a.sql": ("/*", "*/"),
    "a.made-up": ("/*", "*/"),
    "b.made-up": ("<!--", "-->"),
}
STRINGS = ["a.py", "a.js", "a.c", "a.rs", "a.go", "a.sql", "a.lua", "a.hs", "a.el", "a.sh", "a.made-up"]

words = st.lists(st.from_regex(r"[a-z][a-z0-9,.]{0,7}[a-z0-9]", fullmatch=True), min_size=1, max_size=6).map(" ".join)
markers = st.sampled_from(["AI!", "AI?", "ai!", "Ai?"])
code = st.lists(st.sampled_from(["x = f(1)", "", "    y += 2", "return (x)", "end", "𝒞 = é"]), max_size=4)
ends = st.sampled_from(["\n", "\r\n"])

few = settings(max_examples=25)
"""For what is tried with every language."""


@st.composite
def speaking(draw: st.DrawFn) -> tuple[str, str]:
    """A comment's words with a marker at one of its ends, and the marker."""
    said, marker = draw(words), draw(markers)
    return draw(st.sampled_from([f"{marker} {said}", f"{said} {marker}", f"{marker}: {said}"])), marker


def wish(marker: str) -> str:
    return "do" if "!" in marker else "answer"


@pytest.mark.parametrize("name", LINE)
@few
@given(speaking(), code, code, ends, st.sampled_from(["", "    ", "\t"]))
def test_a_line_comment_that_begins_or_ends_with_a_marker_is_an_instruction(name, said, above, below, end, indent):
    text = end.join([*above, f"{indent}{LINE[name]} {said[0]}", *below])
    (found,) = spoken(text, name)
    assert (found.wish, found.words) == (wish(said[1]), said[0])
    assert (found.first_line, found.last_line) == (len(above), len(above))
    assert text[found.start : found.end] == f"{LINE[name]} {said[0]}"


@pytest.mark.parametrize("name", BLOCK)
@few
@given(speaking(), st.lists(words, max_size=2), code, code, ends)
def test_a_block_comment_on_one_line_or_several_is_an_instruction(name, said, more, above, below, end):
    opener, closer = BLOCK[name]
    lines = [*more, said[0]] if said[0].endswith(said[1]) else [said[0], *more]
    comment = f"{opener} {end.join(lines)} {closer}"
    (found,) = spoken(end.join([*above, comment, *below]), name)
    assert (found.wish, found.words) == (wish(said[1]), "\n".join(lines))
    assert (found.first_line, found.last_line) == (len(above), len(above) + len(more))


@pytest.mark.parametrize("name", STRINGS)
@few
@given(speaking(), st.sampled_from(["# ", "// ", "-- ", "; ", "/* "]))
def test_what_stands_in_a_string_is_no_comment(name, said, opener):
    assert spoken(f'x = "{opener}{said[0]}"\n', name) == ()


@pytest.mark.parametrize(
    "text",
    [
        'x = """\n# AI! do it\n"""\n',
        "x = '''\n# do it AI!\n'''\n",
        'x = "an escaped \\" # do it AI!"\n',
        "x = 'it\\'s # do it AI!'\n",
    ],
)
def test_long_strings_and_escaped_quotes_are_strings(text):
    assert spoken(text, "a.py") == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.js", "x = `\n// do it AI!\n`\n"),
        ("a.js", "// if (ai?.here) { }\n"),
        ("a.js", "// is it === ai!== other\n"),
        ("a.py", "# we like OpenAI!\n"),
        ("a.py", "# see example.ai?\n"),
        ("a.py", "# the AI! stands in the middle\n"),
        ("a.py", "# AI is fine\n"),
        ("a.py", "AI! = do(it)\n"),
        ("a.sh", "echo ${#a} AI!\n"),
        ("a.sh", "echo a#b AI!\n"),
        ("a.vim", 'echo "do it AI!"\n'),
        ("a.md", "# A heading about AI!\n"),
        ("a.md", "See http://example.org what AI?\n"),
        ("a.css", "// no comment there AI!\n"),
        ("a.c", "/* never closed AI!\n"),
        ("a.txt", "Is this done by AI?\n"),
    ],
)
def test_what_only_looks_like_one_is_none(name, text):
    assert spoken(text, name) == ()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.py", "x = 1  # rename it AI!\n", "rename it AI!"),
        ("a.py", "# don't break it AI!\n", "don't break it AI!"),
        ("a.rs", "fn f<'a>(x: &'a str) {} // don't copy AI!\n", "don't copy AI!"),
        ("a.lua", "--[[ never closed, so one line AI!\nx = 1\n", "[[ never closed, so one line AI!"),
        ("a.html", "<p>don't</p> <!-- AI? why -->\n", "AI? why"),
        ("a.vim", '  " map it AI!\n', "map it AI!"),
        ("a.c", "/*\n * Sort it.\n * AI!\n */\n", "Sort it.\nAI!"),
    ],
)
def test_examples(name, text, said):
    (found,) = spoken(text, name)
    assert found.words == said


@given(st.lists(words, max_size=3), speaking(), st.lists(words, max_size=3))
def test_comments_that_stand_together_are_one_instruction(above, said, below):
    lines = [f"# {it}" for it in (*above, said[0], *below)]
    (found,) = spoken("\n".join(["x = 1", *lines, "y = 2"]), "a.py")
    assert found.words == "\n".join([*above, said[0], *below])
    assert (found.first_line, found.last_line) == (1, len(lines))


def test_what_is_to_be_done_wins_over_what_is_asked_and_code_between_makes_two():
    text = "# AI? why\n# AI! mend it\nx = 1  # AI? which\ny = 2  # AI! that\n"
    assert [(it.wish, it.first_line, it.last_line) for it in spoken(text, "a.py")] == [
        ("do", 0, 1),
        ("answer", 2, 2),
        ("do", 3, 3),
    ]


MARKS = ["AI!", "ai?", " ", "\n", "\r\n", "\\", "x", "é𝒞"]
PIECES = [*MARKS, "#", "//", "/*", "*/", "<!--", "-->", "--[[", "]]", '"', "'", "`", '"""', "{-"]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.sampled_from([*LINE, *BLOCK]))
def test_in_any_text_instructions_stand_in_order_inside_it_and_hold_their_marker(text, name):
    at = 0
    for it in spoken(text, name):
        assert at <= it.start < it.end <= len(text)
        assert it.first_line <= it.last_line
        assert re.search(r"ai[!?]", text[it.start : it.end], re.IGNORECASE)
        assert "!" in it.words if it.wish == "do" else "?" in it.words
        at = it.end


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.sampled_from([*LINE, *BLOCK]))
def test_the_markers_case_does_not_matter(text, name):
    upper = text.replace("ai?", "AI?")
    assert [(it.wish, it.start, it.end) for it in spoken(upper, name)] == [
        (it.wish, it.start, it.end) for it in spoken(text, name)
    ]


def test_the_language_tells_where_the_name_does_not():
    assert spoken("-- do it AI!\n", "query", "sql")
    assert not spoken("# do it AI!\n", "query", "sql")
