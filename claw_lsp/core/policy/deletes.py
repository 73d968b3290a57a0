"""Deletes that nothing brings back: asked about in every mode, whatever is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from claw_lsp.core.policy.patterns import normal
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.words import Part, Word, below
from claw_lsp.core.policy.wrappers import inner
from claw_lsp.facts.scene import Ground


def critical(text: str, ground: Ground) -> str | None:
    """Why the person is asked about a line that deletes: the root and what lies directly below it, the home, the folder
    the shell stands in and those above it, all that lies in one of these, and whatever a variable may turn into one."""
    line = read_line(text)
    for part in inner(line):
        if part.program in _DELETES and (found := _named(part, ground)) is not None:
            return f"it deletes {found or 'what is only known when it runs'}"
        if part.words and not part.words[0].sure and _may_delete(part, ground):
            return "it may delete more than can be brought back"
        if part.program == "find" and (found := _found(part, ground)) is not None:
            return f"it deletes what it finds in {found}"
        if part.program.startswith("mkfs") or (part.program == "dd" and any(map(_DEVICE.match, part.texts))):
            return "it overwrites a device"
    if line.unread and _SAID.search(re.sub(r"[\"'\\]", "", text)):
        return f"it may delete files, and {line.unread}"
    return None


def _named(part: Part, ground: Ground) -> str | None:
    """The first critical name among what `rm` and the like are given."""
    operands = _operands(part.words[1:])
    deep = part.program == "rm" and any(re.fullmatch(r"-\w*[rR]\w*|--r.*", it.text) for it in part.words[1:])
    for word in operands:
        if word.sure and any(_critical(it, ground) for it in _places(word.text, part, ground)):
            return word.text
        if not word.sure and (word.text == "" or not word.lead) and (deep or "/" in word.text):
            return word.text
        if (
            not word.sure
            and word.lead.endswith("/")
            and any(_critical(it, ground) for it in _places(word.lead, part, ground))
        ):
            return word.text
        if not word.sure and any(_critical(it, ground) for it in _places(word.text, part, ground)):
            return word.text
    return None


def _may_delete(part: Part, ground: Ground) -> bool:
    """Whether a program that is only known when it runs is given what `rm -r` would be."""
    operands = [it for it in _operands(part.words[1:]) if it.sure]
    named = any(_critical(place, ground) for it in operands for place in _places(it.text, part, ground))
    return named and any(re.fullmatch(r"-\w*[rR]\w*|--r.*", it.text) for it in part.words[1:])


def _operands(words: Iterable[Word]) -> list[Word]:
    found: list[Word] = []
    ended = False
    for it in words:
        if it.sure and it.text == "--" and not ended:
            ended = True
        elif ended or not (it.sure and it.text.startswith("-")):
            found.append(it)
    return found


def _found(part: Part, ground: Ground) -> str | None:
    """Where a `find` that deletes begins, if that is critical. In the workspace it is one that deletes by name."""
    texts = part.texts
    runs = [after.rsplit("/", 1)[-1] for flag, after in zip(texts, texts[1:], strict=False) if flag in _EXECUTES]
    if "-delete" not in texts and _DELETES.isdisjoint(runs):
        return None
    starts: list[Word] = []
    for it in part.words[1:]:
        if it.text.startswith(("-", "(", "!")) and it.text not in ("-H", "-L", "-P"):
            break
        starts.append(it)
    chosen = any(flag in _CHOOSES and value.strip("*./") for flag, value in zip(texts, texts[1:], strict=False))
    for word in [it for it in starts if not it.text.startswith("-")] or [Word(".")]:
        if not word.sure and not word.lead:
            return word.text
        for place in _places(word.text, part, ground):
            own = place in (ground.here, *ground.roots)
            if _critical(place, ground) and not (own and chosen):
                return word.text
    return None


def _places(name: str, part: Part, ground: Ground) -> list[str]:
    """Where a name may lead, absolute; all that lies in a folder counts as the folder."""
    name = re.sub(r"(?<=[^/])/+$", "", name)
    name = re.sub(r"(?<=/)(\*+|\.\*|\{?\*,?\.\[?.*|\.\[.*)$", "", name)
    if re.fullmatch(r"\*+|\.\*", name):
        name = "."
    for home in ("~", "$HOME", "${HOME}"):
        if name == home or name.startswith(f"{home}/"):
            return [normal(f"{ground.home}/{name[len(home) :]}")]
    return [normal(it if it.startswith("/") else f"{ground.here}/{it}") for it in _below(part, name)]


def _below(part: Part, name: str) -> list[str]:
    return [found if (found := below(it, name)) is not None else name for it in part.folders]


def _critical(place: str, ground: Ground) -> bool:
    above = [it for it in (ground.here, ground.home, *ground.roots) if it]
    prefix = place.rstrip("/") + "/"
    return place.count("/") == 1 or any(it == place or it.startswith(prefix) for it in above)


_DELETES: Final = frozenset({"rm", "rmdir", "shred", "unlink"})
_EXECUTES: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_CHOOSES: Final = frozenset(
    "-name -iname -path -ipath -wholename -regex -iregex -newer -mtime -mmin -ctime -atime -size -empty -user".split()
)
_DEVICE: Final = re.compile(r"of=/dev/(?!null$)")
_SAID: Final = re.compile(r"(^|[^A-Za-z0-9_-])(rm|rmdir|shred|dd|mkfs(\.\w+)?)([^A-Za-z0-9_-]|$)")
