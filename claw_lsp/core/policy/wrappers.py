"""Commands that run another command: what is run behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.words import Line, Part, Word

_MORE: Final = Word("", glob=True, sure=False)
"""Words that are only known when it runs."""

_STRIPPED: Final[dict[str, tuple[str, int]]] = {
    "timeout": (r"-v|--verbose|--foreground|--preserve-status|--(kill-after|signal)=\S+", 1),
    "time": (r"-p", 0),
    "nice": (r"-\d+|-n-?\d+|--adjustment=-?\d+", 0),
    "nohup": (r"(?!)", 0),
    "stdbuf": (r"-[ioe](0|L|\d+[KMG]?)|--(input|output|error)=\S+", 0),
    "command": (r"(?!)", 0),
    "builtin": (r"(?!)", 0),
    "noglob": (r"(?!)", 0),
    "xargs": (r"(?!)", 0),
}
"""Wrappers that a rule sees through: which options they may have, each one word, and how many words come before the
command. With any other option it is not known where the command begins."""
_SEEN_THROUGH: Final = frozenset(_STRIPPED) | frozenset(
    "sudo doas env watch setsid ionice taskset chrt flock exec busybox toybox unbuffer strace ltrace script parallel "
    "entr chroot nsenter unshare runuser su pkexec caffeinate arch coproc then do else".split()
)
"""Wrappers behind which what is denied is looked for: whatever stands there may be the command."""
_SHELLS: Final = frozenset("sh bash zsh dash ksh ash mksh fish csh tcsh rbash".split())
_TAKE_LINES: Final = frozenset("trap su watch ssh complete compgen mapfile readarray bind hash".split())
"""Commands with words that are lines for a shell, now or later."""
_DEEPEST: Final = 5


def runs_its_words(program: str) -> bool:
    """Whether the command's own words, as the shell puts them together, may be what it runs."""
    return program in _SEEN_THROUGH or program in _SHELLS or runs_its_text(program)


def runs_its_text(program: str) -> bool:
    """Whether the command takes words for lines of the shell that it runs in."""
    return program in _TAKE_LINES or program in ("eval", "source", ".", "alias")


def unwrapped(part: Part) -> Part:
    """The command that is run, for a rule that allows: behind wrappers whose options are known."""
    words = part.words
    while words and all(it.sure and not it.glob for it in words[:1]) and (found := _STRIPPED.get(words[0].text)):
        options, n_before = found
        rest = list(words[1:])
        while rest and rest[0].sure and rest[0].text.startswith("-") and re.fullmatch(options, rest[0].text):
            rest.pop(0)
        if len(rest) <= n_before or any(it.glob or it.text.startswith("-") for it in rest[: n_before + 1]):
            return replace(part, words=words)
        words = (*rest[n_before:], _MORE) if words[0].text == "xargs" else tuple(rest[n_before:])
    return replace(part, words=words)


def inner(line: Line) -> Iterator[Part]:
    """Every command that a line may run, for what denies: behind any wrapper, in the words of `bash -c`, `eval` and
    `find -exec`, and in what a shell is given to read. More than there are, rather than one too few."""
    for each in nested(line):
        for part in each.parts:
            yield part
            yield from _behind(part)


def nested(line: Line, depth: int = 0) -> Iterator[Line]:
    """A line, and those that are run by it: words of `bash -c` and `eval`, and what is piped to a shell."""
    yield line
    if depth == _DEEPEST:
        return
    texts = [text for part in line.parts for it in (part, *_behind(part)) for text in _scripts(it)]
    if any(it.program in _SHELLS for part in line.parts for it in (part, *_behind(part))):
        texts += [*line.inputs, *(it.text for part in line.parts for it in part.words[1:] if " " in it.text)]
    for text in dict.fromkeys(texts):
        yield from nested(read_line(text), depth + 1)


def _behind(part: Part) -> Iterator[Part]:
    for at in _starts(part):
        yield replace(part, words=part.words[at:])


def _starts(part: Part) -> Iterator[int]:
    """Where in the words a command may begin."""
    yield 0
    wrapped = part.program in _SEEN_THROUGH or bool(part.words and not part.words[0].sure)
    for at, word in enumerate(part.words[1:], 1):
        if wrapped or part.words[at - 1].text in ("-exec", "-execdir", "-ok", "-okdir", "-x", "--exec", "--"):
            yield at
        if word.text.rsplit("/", 1)[-1] in _SEEN_THROUGH:
            wrapped = True


def _scripts(part: Part) -> Iterator[str]:
    """Shell lines among the words."""
    texts = part.texts
    if part.program in _SHELLS:
        yield from (after for flag, after in zip(texts[1:], texts[2:], strict=False) if re.fullmatch(r"-\w*c\w*", flag))
    elif part.program == "eval":
        yield " ".join(texts[1:])
    elif part.program in _TAKE_LINES:
        yield from texts[1:]
    elif part.program == "alias":
        yield from (it.partition("=")[2] for it in texts[1:])
