"""What little is read of a shell line until it is parsed by a grammar: lines of plain words, and names to refuse.

Allowing looks at plain words only: a line with anything else in it matches no allow rule. Denying looks everywhere.
"""

from __future__ import annotations

import re

from claw_lsp.core.policy.paths import inside, protected, secret

_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*")
_PARTS = re.compile(r"[;&|\n\r`(){}<>]|\$\(")
_FIND_RUNS = ("-exec", "-ok", "-delete", "-fprint", "-fls")
_WRAPPERS = frozenset(
    "sudo env timeout time nice nohup stdbuf command builtin noglob xargs watch setsid ionice exec".split()
)
_RUNS = ("-exec", "--exec", "-toolexec", "--toolexec", "-vettool", "--vettool")
"""Flags of tools that run what they are given."""
_BETWEEN = re.compile(r"[=:,@%+]")
_ADDRESS = re.compile(r"(?<![a-z0-9+.-])(?!file:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HARMLESS = frozenset({"/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr"})
_N_FLAGS = 16
"""How many letters of short options in one word are looked behind."""
LONGEST = 10_000


def plain_words(line: str) -> tuple[str, ...] | None:
    """The words of a line that is nothing but plain words; None for every other line.

    Plain: letters, digits and `_ @ % + = : , . / -`, no word beginning with `=`, the first one without `=` at all.
    """
    words = line.strip(" ").split(" ")
    words = [word for word in words if word]
    if not words or len(line) > LONGEST or "=" in words[0]:
        return None
    return tuple(words) if all(_PLAIN.fullmatch(word) for word in words) else None


def allows(spec: str, line: str) -> bool:
    """Whether an allow rule's spec (`prefix *`, `prefix:*` or a whole line) covers this line."""
    words = plain_words(line)
    if words is None or any(word.startswith(_RUNS) for word in words):
        return False
    if _names("find", words) and any(word.startswith(_FIND_RUNS) for word in words):
        return False
    if spec in ("*", ""):
        return True
    prefix, open_ended = _prefix(spec)
    wanted = tuple(prefix.split())
    return words[: len(wanted)] == wanted if open_ended else words == wanted


def concerns(spec: str, line: str) -> bool:
    """Whether a deny or ask rule's spec touches any part of this line, wrappers, assignments and quotes seen through."""
    if spec in ("*", ""):
        return True
    prefix, open_ended = _prefix(spec)
    wanted = prefix.split()
    return any(
        words[: len(wanted)] == wanted if open_ended else words == wanted
        for part in _PARTS.split(line)
        for words in _readings(part)
    )


def elsewhere(line: str, roots: tuple[str, ...]) -> str | None:
    """What the line names that no allow rule is enough for, as a reason; None where its words name nothing such.

    Protected paths, secrets, and paths outside the roots: absolute ones, and those that climb (`..`), whichever folder
    the shell stands in. The program itself is left out: the rule says which may run. Links are not followed here.
    """
    for word in (plain_words(line) or ())[1:]:
        names = _names_in(word)
        if any(secret(it) or protected(it) for it in names):
            return f"it names {word}, which is protected or may hold secrets"
        if any(".." in it.split("/") or _outside(it, roots) for it in names):
            return f"it names {word}, outside the workspace"
    return None


def deletes(line: str) -> bool:
    """Whether the line names a program that deletes; asked even where nothing else is."""
    return bool(re.search(r"(^|[^A-Za-z0-9_-])(rm|rmdir|shred|mkfs[.a-z0-9]*|dd)([^A-Za-z0-9_-]|$)", _unquoted(line)))


def _names_in(word: str) -> list[str]:
    """Every way in which a word may name a path: whole, behind `=`, `:` and the like, and behind a short option."""
    pieces = [word, *_BETWEEN.split(_ADDRESS.sub("", word))]
    options = [it for it in pieces if it.startswith("-")]
    ends = [it[at:] for it in options for at in range(1, _N_FLAGS)]
    ends += [it[at:] for it in options for at in (it.find("/"), it.find(".")) if at > 0]
    return [it for it in (*pieces, *ends) if it]


def _outside(name: str, roots: tuple[str, ...]) -> bool:
    if not name.startswith("/"):
        return False
    plain = "/" + "/".join(part for part in name.split("/") if part not in ("", "."))
    return plain not in _HARMLESS and not inside(plain, roots)


def _names(program: str, words: tuple[str, ...]) -> bool:
    return any(word.rsplit("/", 1)[-1] == program for word in words)


def _prefix(spec: str) -> tuple[str, bool]:
    for end in (" *", ":*"):
        if spec.endswith(end):
            return spec[: -len(end)], True
    return spec, False


def _readings(part: str) -> list[list[str]]:
    """The ways to read a part: as it stands, and behind each assignment or wrapper it begins with."""
    words = _unquoted(part).split()
    readings: list[list[str]] = []
    for index, word in enumerate(words):
        name = word.rsplit("/", 1)[-1]
        readings.append([name, *words[index + 1 :]])
        wrapped = index > 0 and (word.startswith("-") or word.isdigit())
        if not ("=" in word or name in _WRAPPERS or wrapped):
            break
    return readings


def _unquoted(text: str) -> str:
    return re.sub(r"[\"'\\]", "", text)
