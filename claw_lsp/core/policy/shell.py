"""What little is read of a shell line until it is parsed by a grammar: lines of plain words, and names to refuse.

Allowing looks at plain words only: a line with anything else in it matches no allow rule. Denying looks everywhere.
"""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*")
_PARTS = re.compile(r"[;&|\n\r`(){}<>]|\$\(")
_FIND_RUNS = ("-exec", "-ok", "-delete", "-fprint", "-fls")
_WRAPPERS = frozenset(
    "sudo env timeout time nice nohup stdbuf command builtin noglob xargs watch setsid ionice exec".split()
)
_NEVER_OFFERED = frozenset(
    """rm rmdir dd mkfs shred curl wget nc ncat ssh scp rsync sudo su doas env xargs eval exec sh bash zsh fish dash
    source . chmod chown kill killall pkill find awk sed perl watch timeout nohup setsid docker kubectl""".split()
)
_RUNS_CODE = re.compile(r"^(python[0-9.]*|node|ruby|perl|php|deno|bun|lua)$")
_SECRET = re.compile(
    r"token|passw|passphrase|secret|bearer|authorization|credential|api[_-]?key|://[^/ ]*@", re.IGNORECASE
)
"""Words beside which a key may stand; such a line is never written into a settings file."""
LONGEST = 10_000
SHOWN_WHOLE = 400
"""Characters of a line that every question shows whole; what was seen in part is allowed once only."""


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
    if words is None or (_names("find", words) and any(word.startswith(_FIND_RUNS) for word in words)):
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


def offered(line: str) -> str | None:
    """The smallest useful rule for lines like this one; None where a standing permission would be too much."""
    words = plain_words(line)
    if (
        words is None
        or len(line) > SHOWN_WHOLE
        or words[0].rsplit("/", 1)[-1] in _NEVER_OFFERED
        or _SECRET.search(line)
    ):
        return None
    spec = _offered_spec(words)
    return f"Bash({spec})" if allows(spec, line) else None


def deletes(line: str) -> bool:
    """Whether the line names a program that deletes; asked even where nothing else is."""
    return bool(re.search(r"(^|[^A-Za-z0-9_-])(rm|rmdir|shred|mkfs[.a-z0-9]*|dd)([^A-Za-z0-9_-]|$)", _unquoted(line)))


def _offered_spec(words: tuple[str, ...]) -> str:
    if _RUNS_CODE.match(words[0].rsplit("/", 1)[-1]):
        return f"{' '.join(words[:3])} *" if len(words) > 2 and words[1] == "-m" else " ".join(words)
    kept = 1 if len(words) == 1 or words[1].startswith(("-", "/", ".")) else 2
    if words[0] in ("npm", "pnpm", "yarn", "bun", "make", "just") and len(words) > 2 and words[1] == "run":
        kept = 3
    return f"{' '.join(words[:kept])} *"


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
