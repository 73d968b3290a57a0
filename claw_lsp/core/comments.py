"""Comments that speak to the agent: `AI!` asks it to do something, `AI?` to answer; told from the text of any language.

It reads no grammar. A scan knows a family's comments and strings, so that a marker in a string is none; where quotes do
not match, as in prose, they are no strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from claw_lsp.core.position import LineIndex

Wish = Literal["do", "answer"]

LONGEST_TEXT, LONGEST, LONGEST_LINE = 1_000_000, 20_000, 2_000
"""Characters of a text, of a comment, of a line: what is longer was not written by a person, and is not looked at."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One instruction: a comment, or several that stand together. Lines count from 0; `start` and `end` are offsets, from the
    beginning of the first comment to the end of the last. `words` are the comments' own, one line each.

    Invariant: some comment of it begins or ends with the marker, with `AI!` where the wish is to do something.
    """

    wish: Wish
    words: str
    first_line: int
    last_line: int
    start: int
    end: int


def spoken(text: str, name: str = "", language: str = "") -> tuple[Spoken, ...]:
    """The instructions in a text, from the top. `name` is its file's, `language` as the editor calls it; without either
    whatever looks like a comment is one. Takes time in proportion to the text."""
    if len(text) > LONGEST_TEXT or not _ANY.search(text):
        return ()
    index = LineIndex(text)
    found = [
        it for run in _together(_comments(text, _family(name, language)), index) if (it := _instruction(run, index))
    ]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Comment:
    """One comment: offsets, its opener among them, and its words. `alone` says that nothing else is on its lines."""

    start: int
    end: int
    words: str
    alone: bool


def _instruction(run: list[_Comment], index: LineIndex) -> Spoken | None:
    """What a run of comments says; None where none of them speaks to the agent."""
    marks = {mark for it in run for mark in _marks(it.words)}
    if not marks:
        return None
    start, end = run[0].start, run[-1].end
    words = "\n".join(it.words for it in run if it.words)
    first, last = index.position(start, "utf-32")[0], index.position(end, "utf-32")[0]
    return Spoken("do" if "!" in marks else "answer", words, first, last, start, end)


def _marks(words: str) -> Iterator[str]:
    """The markers a comment begins and ends with."""
    for pattern in (_BEGINS, _ENDS):
        if found := pattern.search(words):
            yield found["mark"]


def _together(comments: Iterator[_Comment], index: LineIndex) -> Iterator[list[_Comment]]:
    """Comments that stand on lines of their own, one below the other, are one; any other is one by itself."""
    run: list[_Comment] = []
    below = -1
    for it in comments:
        first, last = (index.position(offset, "utf-32")[0] for offset in (it.start, it.end))
        if run and not (it.alone and run[-1].alone and first == below):
            yield run
            run = []
        run.append(it)
        below = last + 1
    if run:
        yield run


# ---- the scan -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Family:
    """Languages whose comments look alike. `lines` and `blocks` open comments, `quotes` strings on one line, `long` strings
    on several. Of `leading` openers only those count that begin a line, or stand behind white space (see `_leads`)."""

    endings: frozenset[str]
    lines: tuple[str, ...] = ()
    blocks: tuple[tuple[str, str], ...] = ()
    quotes: str = "\"'"
    long: tuple[str, ...] = ()
    leading: frozenset[str] = frozenset()


def _comments(text: str, family: _Family) -> Iterator[_Comment]:
    opening, closers = _openings(family)
    missing: set[str] = set()
    at = 0
    while found := opening.search(text, at):
        start, opener = found.start(), found.group()
        at = found.end()
        if opener in family.leading and not _leads(text, start):
            continue
        if opener in family.quotes:
            at = _string_end(text, start, opener)
            continue
        closer = closers.get(opener, "")
        end = _closed(text, at, closer, missing) if closer else _line_end(text, at)
        if end is None and (line := next((it for it in family.lines if opener.startswith(it)), None)):
            opener, closer, end = line, "", _line_end(text, at)
        if end is None:
            # Never closed, so it opened nothing.
            at = start + 1
            continue
        at = end
        if opener not in family.long:
            yield _comment(text, start, end, text[start + len(opener) : end - len(closer)])


def _comment(text: str, start: int, end: int, inside: str) -> _Comment:
    line = text.rfind("\n", max(0, start - LONGEST_LINE), start) + 1
    before = text[line:start] if line or start <= LONGEST_LINE else "code"
    lines = inside.splitlines() if len(inside) <= LONGEST else []
    words = (_bare(it) for it in lines if len(it) <= LONGEST_LINE)
    alone = not before.strip() and _NOTHING_ELSE.match(text, end) is not None
    return _Comment(start, end, "\n".join(it for it in words if it), alone)


def _bare(line: str) -> str:
    """A line of a comment without what only draws it."""
    return line.lstrip(_DRAWN + " \t").rstrip().rstrip("*").rstrip()


def _leads(text: str, start: int) -> bool:
    """Whether this opener begins a line; all but a quote may stand behind white space, too."""
    if text[start] == '"':
        line = text.rfind("\n", max(0, start - LONGEST_LINE), start) + 1
        return not text[line:start].strip()
    return start == 0 or text[start - 1].isspace()


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    end = len(text) if found < 0 else found
    return end - 1 if end > at and text[end - 1] == "\r" else end


def _closed(text: str, at: int, closer: str, missing: set[str]) -> int | None:
    """Behind the closer; None where there is none, which is looked for once."""
    found = -1 if closer in missing else text.find(closer, at)
    while found > 0 and closer == "`" and text[found - 1] == "\\":
        found = text.find(closer, found + 1)
    if found < 0:
        missing.add(closer)
        return None
    return found + len(closer)


def _string_end(text: str, start: int, quote: str) -> int:
    """Behind a string on one line; behind its quote alone where none follows, as an apostrophe in prose."""
    found = _STRINGS[quote].match(text, start, start + LONGEST_LINE)
    return found.end() if found else start + 1


@lru_cache
def _openings(family: _Family) -> tuple[re.Pattern[str], dict[str, str]]:
    """What opens anything, the longest first, and what closes it."""
    closers = {**dict(family.blocks), **{it: it for it in family.long}}
    openers = {*family.lines, *closers, *family.quotes}
    return re.compile("|".join(re.escape(it) for it in sorted(openers, key=lambda it: (-len(it), it)))), closers


_ANY = re.compile(r"\bai[!?]", re.IGNORECASE)
_BEGINS = re.compile(r"\AAI(?P<mark>[!?])(?=[:,]?(?:\s|\Z))", re.IGNORECASE)
_ENDS = re.compile(r"(?<![\w.@/-])AI(?P<mark>[!?])\Z", re.IGNORECASE)
_NOTHING_ELSE = re.compile(r"[^\S\n]*(?:\n|\Z)")
_DRAWN = "/*#;%!-"
_STRINGS = {it: re.compile(rf"{it}(?:[^{it}\\\n]|\\[^\n])*{it}") for it in "\"'"}


def _named(endings: str) -> frozenset[str]:
    return frozenset(endings.split())


_SLASHES = ("/*", "*/")
_ARROWS = ("<!--", "-->")
_FAMILIES = (
    _Family(_named("py pyi pyx python"), ("#",), long=('"""', "'''")),
    _Family(
        _named(
            "rb ruby sh bash zsh fish shellscript yaml yml toml r pl pm perl ex exs elixir nix cmake make makefile mk "
            "dockerfile conf properties gitignore coffee jl julia cr tf hcl graphql gd just"
        ),
        ("#",),
        leading=frozenset("#"),
    ),
    _Family(
        _named(
            "c h cc cpp cxx hh hpp hxx cu m mm ino objective-c js jsx mjs cjs ts tsx mts cts javascript javascriptreact "
            "typescript typescriptreact java kt kts kotlin cs csharp scala swift groovy dart go proto jsonc json5 zig v sv "
            "scss less sol glsl hlsl wgsl rs rust"
        ),
        ("//",),
        (_SLASHES,),
        long=("`",),
    ),
    _Family(_named("css"), (), (_SLASHES,)),
    _Family(_named("php"), ("//", "#"), (_SLASHES, _ARROWS), leading=frozenset({"//", "#"})),
    _Family(_named("sql ada adb ads vhd vhdl"), ("--",), (_SLASHES,)),
    _Family(_named("lua"), ("--",), (("--[[", "]]"),), long=("[[",)),
    _Family(_named("hs haskell elm purs agda lean"), ("--",), (("{-", "-}"), ("/-", "-/")), quotes='"'),
    _Family(
        _named("lisp cl el scm ss rkt clj cljs cljc edn commonlisp emacs-lisp scheme clojure asm s ini reg"),
        (";",),
        (("#|", "|#"),),
        quotes='"',
    ),
    _Family(
        _named("tex latex sty cls bib erl hrl erlang prolog pro matlab octave"),
        ("%",),
        quotes='"',
        leading=frozenset("%"),
    ),
    _Family(
        _named("html htm xml svg md markdown vue svelte xhtml xsl rst handlebars hbs astro"),
        ("//",),
        (_ARROWS, _SLASHES, ("{{!--", "--}}")),
        quotes="",
        leading=frozenset({"//", "/*"}),
    ),
    _Family(_named("jinja j2 twig liquid django-html"), (), (_ARROWS, ("{#", "#}")), quotes=""),
    _Family(_named("ml mli ocaml fs fsi fsx fsharp pas pascal"), ("//",), (("(*", "*)"),), quotes='"'),
    _Family(_named("ps1 psm1 powershell"), ("#",), (("<#", "#>"),), leading=frozenset("#")),
    _Family(_named("vb vbs bas"), ("'",), quotes='"'),
    _Family(_named("f f90 f95 f03 fortran"), ("!",)),
)
_VIM = _Family(_named("vim vimscript"), ('"',), quotes="'", leading=frozenset('"'))
_UNKNOWN = _Family(
    frozenset(),
    ("#", "//", "--", ";", "%"),
    (_SLASHES, _ARROWS),
    leading=frozenset({"#", "//", "--", ";", "%", "/*"}),
)


def _family(name: str, language: str) -> _Family:
    """By the file's ending or name, else by what the editor calls the language."""
    last = name.rpartition("/")[2].lower()
    for known in (last.rpartition(".")[2], language.lower()):
        if found := _BY_NAME.get(known):
            return found
    return _UNKNOWN


_BY_NAME = {ending: family for family in (*_FAMILIES, _VIM) for ending in family.endings}
