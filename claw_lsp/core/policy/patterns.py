"""Path rules: gitignore patterns, and the folder that each hangs on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import cast
from unicodedata import normalize

from claw_lsp.core.policy.paths import inside
from claw_lsp.facts.rule import Rule
from claw_lsp.facts.scene import Ground

_DRIVE = re.compile(r"([A-Za-z]):[\\/]")


def matches(rule: Rule, spec: str, path: str, ground: Ground) -> bool:
    """Whether a path rule's spec means this absolute path.

    `//a` hangs on the root of the disk, `~/a` on the home, `/a` on the folder of the settings the rule comes from, `a` and
    `./a` on the working directory. A name without a slash means every depth below it. What denies or asks is found below
    every workspace folder, at any depth, in any case, and with accents written in any way. A drive of Windows, `C:\\a`, is written `//c/a`.
    """
    strict = rule.behavior != "allow"
    spec, path = _without_drive(spec, "//"), _without_drive(path, "/")
    if strict:
        spec, path = normalize("NFC", spec), normalize("NFC", path)
    for anchor, pattern in _anchored(spec, rule.base, ground, strict=strict):
        anchor = normalize("NFC", anchor) if strict else anchor
        if inside(path, (anchor,)) or (strict and inside(path.casefold(), (anchor.casefold(),))):
            below = path[len(anchor.rstrip("/")) + 1 :]
            if _means(pattern, below, strict=strict):
                return True
    return False


def readable(spec: str) -> bool:
    """Whether a path rule's spec is a pattern at all."""
    return bool(spec.strip()) and _compiled(spec) is not None


def _without_drive(path: str, root: str) -> str:
    drive = _DRIVE.match(path)
    return f"{root}{drive[1].lower()}/{path[3:].replace(chr(92), '/')}" if drive else path


def negated(rule: Rule, rules: tuple[Rule, ...], path: str, ground: Ground) -> bool:
    """Whether a later rule `Tool(!pattern)` of the same source takes this path out again."""
    same = [it for it in rules if (it.source, it.behavior, it.base) == (rule.source, rule.behavior, rule.base)]
    later = same[same.index(rule) + 1 :] if rule in same else []
    tool = rule.text.partition("(")[0]
    specs = [it.text[len(tool) + 2 : -1] for it in later if it.text.startswith(f"{tool}(!") and it.text.endswith(")")]
    return any(matches(rule, spec, path, ground) for spec in specs)


def normal(path: str) -> str:
    """An absolute path without `.`, `..` and doubled slashes."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _anchored(spec: str, base: str, ground: Ground, *, strict: bool) -> Iterator[tuple[str, str]]:
    """The folders a spec hangs on, and what it says below each."""
    if spec.startswith("//"):
        yield "/", "/" + spec.lstrip("/")
    elif spec == "~" or spec.startswith("~/"):
        if ground.home:
            yield ground.home, "/" + spec[2:]
    elif spec.startswith("/"):
        yield base or ground.here, spec
    else:
        relative = spec.removeprefix("./")
        anchored = spec.startswith("./") or "/" in relative.rstrip("/")
        anchors = dict.fromkeys((ground.here, *ground.roots)) if strict else (ground.here,)
        for anchor in anchors:
            yield anchor, f"/{relative}" if anchored and not strict else relative
            if anchored and strict:
                yield anchor, f"**/{relative}"


def _means(pattern: str, below: str, *, strict: bool) -> bool:
    if strict:
        pattern, below = pattern.casefold(), below.casefold()
    if not below:
        return pattern.strip("/") in ("", "**")
    regex = _compiled(pattern)
    # A pattern that ends in a slash means a folder; the path may be that folder itself.
    return regex is not None and bool(regex.match(below) or regex.match(f"{below}/"))


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern as a regular expression; None for what is none. It is one pattern, neither a comment nor a negation."""
    # The handshake must not wait for it (tests/wire/test_start_up.py).
    from pathspec import GitIgnoreSpec

    try:
        spec = GitIgnoreSpec.from_lines([f"\\{pattern}" if pattern.startswith(("#", "!")) else pattern])
    except ValueError:
        return None
    # Asked of the pattern itself: the spec would first look at the whole path again, and searches ask about many files.
    patterns = [cast("re.Pattern[str] | None", it.regex) for it in spec.patterns]
    return patterns[0] if patterns else None
