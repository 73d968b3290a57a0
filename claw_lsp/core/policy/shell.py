"""What rules say of a shell line, part by part.

Allowing looks at lines that were read whole, and every part must be covered. Denying looks everywhere, at what could be
read and, where that is not all, at the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from claw_lsp.core.policy.free import only_reads
from claw_lsp.core.policy.paths import inside, protected, secret
from claw_lsp.core.policy.patterns import normal
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.words import PIPE, START, Folders, Line, Part, Word, below
from claw_lsp.core.policy.wrappers import inner, runs_its_text, runs_its_words, unwrapped
from claw_lsp.core.policy.writes import WRITERS, redirected
from claw_lsp.facts.scene import Ground

_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*")
_TEXT_PARTS = re.compile(r"[;&|\n\r`(){}<>]|\$\(")
_FIND_RUNS = ("-exec", "-ok", "-delete", "-fprint", "-fls")
_RUNS = ("-exec", "--exec", "-toolexec", "--toolexec", "-vettool", "--vettool")
"""Flags of tools that run what they are given."""
_EVALUATES = frozenset(
    "printf read test [ [[ let declare typeset local readonly export unset mapfile readarray".split()
)
"""Builtins that evaluate what stands in brackets in a name they are given."""
_RUNS_WORDS = frozenset("eval source . trap complete compgen enable bind coproc alias mapfile readarray exec".split())
"""Builtins that run what their words say; the words of a rule say little about that."""
_SAFE_VARIABLES = frozenset(
    """NODE_ENV CI TZ LANG LANGUAGE LC_ALL LC_CTYPE LC_COLLATE NO_COLOR FORCE_COLOR CLICOLOR TERM COLUMNS LINES
    PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE PYTHONHASHSEED RUST_BACKTRACE RUST_LOG DEBUG VERBOSE""".split()
)
"""Variables that change what a command prints, and not what it runs."""
_BETWEEN = re.compile(r"[=:,@%+]")
_ADDRESS = re.compile(r"(?<![a-z0-9+.-])(?!file:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HARMLESS = frozenset({PIPE, "/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr"})
_SPEAKS: Final = {
    "git commit": "-m -am --message",
    "git tag": "-m --message",
    "git notes add": "-m --message",
    "git stash push": "-m --message",
    "gh pr create": "-t --title -b --body",
    "gh pr comment": "-b --body",
    "gh issue create": "-t --title -b --body",
    "gh issue comment": "-b --body",
}
"""Commands, and their options whose value is text that people read."""
_ALONE: Final = frozenset(
    "-a -q -s -v -n --all --amend --no-edit --no-verify --quiet --signoff --verbose --allow-empty --draft --fill".split()
)
"""Options of theirs that take no value."""
_N_FLAGS = 16
"""How many letters of short options in one word are looked behind."""
_BLANK: Final = "\0"
"""Stands for a blank inside a word, so that only a `*` of a pattern matches it."""


def read_at(command: str, ground: Ground) -> Line:
    """A line read for where it would run: a `cd` to where the shell stands already is none."""
    line = read_line(command)
    if all(it.folders == START for it in line.parts):
        return line

    def settled(folders: Folders) -> Folders:
        led = (it if it is None or normal(_joined(ground.here, it)) != normal(ground.here) else "" for it in folders)
        return tuple(dict.fromkeys(led))

    parts = tuple(replace(it, folders=settled(it.folders)) for it in line.parts)
    return replace(
        line, parts=parts, redirects=tuple(replace(it, folders=settled(it.folders)) for it in line.redirects)
    )


def plain_words(line: str) -> tuple[str, ...] | None:
    """The words of a line that is nothing but plain words; None for every other line.

    Plain: letters, digits and `_ @ % + = : , . / -`, no word beginning with `=`, the first one without `=` at all.
    """
    words = tuple(word for word in line.strip(" ").split(" ") if word)
    if not words or "=" in words[0]:
        return None
    return words if all(_PLAIN.fullmatch(word) for word in words) else None


def parts_asked(line: Line) -> tuple[Part, ...]:
    """The parts that some rule must allow: those that do more than read."""
    return tuple(dict.fromkeys(it for it in line.parts if not only_reads(it)))


def covers(spec: str, part: Part) -> bool:
    """Whether an allow rule's spec covers this part of a line."""
    if not all(name in _SAFE_VARIABLES and value.sure for name, value in part.assignments):
        return False
    words = unwrapped(part).words
    if not words or not words[0].sure or words[0].glob or not _all_certain(part.words):
        return False
    texts = [it.text for it in words]
    program = texts[0].rsplit("/", 1)[-1]
    if any(text.startswith(_RUNS) for text in texts) and program != "git":
        return False
    if any(it.rsplit("/", 1)[-1] == "find" for it in texts) and any(it.startswith(_FIND_RUNS) for it in texts):
        return False
    if runs_its_words(program) and any(it.glob or it.text.startswith("/dev/") for it in words[1:]):
        return False
    if runs_its_text(program) and any("$" in it or "`" in it for it in texts[1:]):
        return False
    if program == "alias" and any("=" in it for it in texts[1:]):
        return False
    if program in _EVALUATES and any("[" in it for it in texts[1:]):
        return False
    if program in _RUNS_WORDS and spec.strip() not in ("", "*"):
        return False
    return bool(_pattern(spec).fullmatch(_written(words)))


def _all_certain(words: tuple[Word, ...]) -> bool:
    """Whether every word that is put together when it runs stands where it can only be text: no option, no name of a file."""
    if all(it.sure for it in words):
        return True
    if not all(it.sure or (it.single and not it.glob) for it in words):
        return False
    texts = [it.text for it in words if it.sure]
    program = texts[0] if texts and words[0].sure else ""
    if program in ("echo", "printf"):
        return program == "echo" or (len(words) > 1 and words[1].sure and not words[1].text.startswith("-"))
    speaks = next((it for it in _SPEAKS if tuple(it.split()) == tuple(texts[: len(it.split())])), None)
    rest = list(words[len(speaks.split()) :] if speaks else words[1:])
    known = frozenset(_SPEAKS[speaks].split()) if speaks else frozenset[str]()
    flags = True
    while rest:
        word = rest.pop(0)
        if not word.sure:
            if not (flags and word.lead.partition("=")[0] in known and "=" in word.lead) and not _begins_as_text(word):
                return False
        elif flags and word.text in known:
            if rest:
                rest.pop(0)
        elif word.text.startswith("-") and word.text not in _ALONE:
            flags = False
    return True


def _begins_as_text(word: Word) -> bool:
    """What begins with words and blanks is no option, and no file is called so."""
    return " " in word.lead and "/" not in word.lead and not word.lead.startswith(("-", "~", "."))


def concerns(spec: str, text: str) -> bool:
    """Whether a deny or ask rule's spec touches any part of this line, wrappers, assignments and quotes seen through."""
    line = read_line(text)
    pattern = _pattern(spec)
    if any(_touched(pattern, it) for it in inner(line)):
        return True
    return bool(line.unread) and any(pattern.fullmatch(it) for it in _readings(text))


def elsewhere(line: Line, roots: tuple[str, ...]) -> str | None:
    """What the line names that no allow rule is enough for, as a reason; None where its words name nothing such.

    Protected paths, secrets, and paths outside the roots: absolute ones, and those that climb (`..`), whichever folder
    the shell stands in. The program itself is left out: the rule says which may run. Links are not followed here.
    """
    for word in _named(line):
        names = _names_in(word)
        if any(secret(it) or protected(it) for it in names):
            return f"it names {word}, which is protected or may hold secrets"
        if any(".." in it.split("/") or _outside(it, roots) for it in names):
            return f"it names {word}, outside the workspace"
    return None


def files_named(line: Line, ground: Ground) -> tuple[str, ...]:
    """The paths that commands which only read may look at, and those that any command reads its input from, absolute but
    not normalised: whoever has the disk says where they lead. Empty for a line that was not read whole."""
    if line.unread:
        return ()
    found = [place for it in redirected(line, ground) if not it.writes for place in it.places]
    reading = [it for it in line.parts if it.words and only_reads(it)]
    for part in reading:
        moves = [part.words[1].text] if part.program == "cd" else []
        names = ["", *(it for it in _files(part) if it), *moves]
        found += [_joined(ground.here, below(it, name) or name) for it in part.folders for name in names]
    return tuple(dict.fromkeys(it.rstrip("/") or "/" for it in found))


def files_touched(line: Line, ground: Ground, *, writing: bool) -> Iterator[tuple[str, bool]]:
    """Absolute paths that commands name, and whether the command is known to read (or write) what it names."""
    for part in inner(line):
        known = part.program in (WRITERS if writing else _READERS)
        for word in part.words[1:]:
            for name in _names_in(word.text):
                yield from ((it, known) for it in _placed(name, part.folders, ground))
    for it in line.redirects:
        yield from ((place, it.writes == writing) for place in _placed(it.target.text, it.folders, ground))


def _placed(name: str, folders: Folders, ground: Ground) -> Iterator[str]:
    for home in ("~/", "$HOME/", "${HOME}/"):
        if name.startswith(home) and ground.home:
            yield normal(f"{ground.home}/{name[len(home) :]}")
            return
    yield from (normal(_joined(ground.here, below(it, name) or name)) for it in folders)


_READERS: Final = frozenset(
    """cat head tail less more bat nl tac rev od xxd hexdump strings base64 base32 grep egrep fgrep rg ag ack sed awk gawk
    cut sort uniq wc diff cmp comm paste join fold column tr cp mv dd tar zip gzip jq yq source . tee file stat md5sum
    sha1sum sha256sum sha512sum ls find du""".split()
)


def _files(part: Part) -> Iterator[str]:
    for word in part.words[1:]:
        name = word.text.partition("=")[2] if word.text.startswith("-") else word.text
        if word.sure and word.text != PIPE and not word.text.startswith("+") and not name.startswith("-"):
            yield name


def _joined(folder: str, name: str) -> str:
    return name if name.startswith("/") else f"{folder}/{name}"


def _named(line: Line) -> Iterator[str]:
    for part in line.parts:
        words = (*part.words[1:], *(value for _, value in part.assignments))
        yield from (it.text if it.sure else it.lead for it in words)


def _touched(pattern: re.Pattern[str], part: Part) -> bool:
    if not part.words:
        return False
    first = Word(part.program, part.words[0].glob, part.words[0].sure)
    return bool(pattern.fullmatch(_written(part.words)) or pattern.fullmatch(_written((first, *part.words[1:]))))


def _written(words: tuple[Word, ...]) -> str:
    return " ".join(re.sub(r"\s", _BLANK, it.text) for it in words)


@lru_cache(maxsize=512)
def _pattern(spec: str) -> re.Pattern[str]:
    """A spec as a regular expression over a part's words: `*` is any run of characters; behind a blank at the end, or as
    `:*` there, it also stands for nothing at all, and begins a new word."""
    spec = " ".join(spec.split(" ")).strip()
    if spec in ("", "*"):
        return re.compile(r".*", re.DOTALL)
    body, end = spec, ""
    for open_end in (" *", ":*"):
        if spec.endswith(open_end):
            body, end = spec[: -len(open_end)], r"( .*)?"
            break
    return re.compile(".*".join(map(re.escape, body.split("*"))) + end, re.DOTALL)


def _names_in(word: str) -> list[str]:
    """Every way in which a word may name a path: whole, behind `=`, `:` and the like, and behind a short option."""
    pieces = [word, *_BETWEEN.split(_ADDRESS.sub("", word))]
    options = [it for it in pieces if it.startswith("-")]
    ends = [it[at:] for it in options for at in range(1, _N_FLAGS)]
    ends += [it[at:] for it in options for at in (it.find("/"), it.find(".")) if at > 0]
    return [it for it in (*pieces, *ends) if it]


def _outside(name: str, roots: tuple[str, ...]) -> bool:
    if not name.startswith("/"):
        return name.startswith("~")
    plain = "/" + "/".join(part for part in name.split("/") if part not in ("", "."))
    return plain not in _HARMLESS and not inside(plain, roots)


def _readings(text: str) -> Iterator[str]:
    """What may be commands in a line that could not be read: every part of its text, behind any of its words."""
    for part in _TEXT_PARTS.split(text):
        words = _unquoted(part).split()
        for at, word in enumerate(words):
            yield " ".join([word.rsplit("/", 1)[-1], *words[at + 1 :]])


def _unquoted(text: str) -> str:
    return re.sub(r"[\"'\\]", "", text)


def names_said(text: str) -> Iterator[str]:
    """Every name in the text of a line that could not be read."""
    for word in re.split(r"[\s<>|&;()]+", _unquoted(text)):
        yield from _names_in(word)
