"""A shell line as it was read: its commands with their words, and where it sends what it prints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the command gets it, quotes and backslashes taken out.

    `sure` is False where bash puts something else in its place; `text` is then what can be read of it, and `lead` what it
    certainly begins with. `single`: whatever is put in, it stays one word. `glob`: an unquoted pattern, for which names of
    files take its place.
    """

    text: str
    glob: bool = False
    sure: bool = True
    single: bool = True
    lead: str = ""


Folders = tuple[str | None, ...]
"""Where a command may run: "" for where the line begins, "sub" below that, "/abs"; None for what only the shell knows."""
START: Final[Folders] = ("",)
PIPE: Final = "/dev/fd/63"
"""What `<( )` becomes: a pipe from or to the commands in it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One simple command. `text` is how it is written; `assignments` stand before its first word, or are all there is."""

    words: tuple[Word, ...]
    assignments: tuple[tuple[str, Word], ...] = ()
    text: str = ""
    folders: Folders = START

    @property
    def program(self) -> str:
        """The last piece of the first word's path; "" where there is no word."""
        return self.words[0].text.rsplit("/", 1)[-1] if self.words else ""

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(it.text for it in self.words)


@dataclass(frozen=True, slots=True)
class Redirect:
    """A file that a command's input comes from or its output goes to."""

    target: Word
    writes: bool
    folders: Folders = START


@dataclass(frozen=True, slots=True)
class Line:
    """A line as far as it could be read. `unread` says why that is not all of it, "" for a line read whole.

    `parts` are all simple commands that stand anywhere in it, in their order, inside substitutions too; one in a loop
    stands there once for each value that its variable gets. `inputs` are texts that commands get to read (heredocs).
    """

    parts: tuple[Part, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    unread: str = ""
    inputs: tuple[str, ...] = ()


def harmless(name: str) -> bool:
    """Whether a variable of this name is the line's own: no program and no shell looks at it."""
    return bool(_OWN_NAME.fullmatch(name)) and not _LOOKED_AT.search(name)


def moved(part: Part) -> Folders:
    """Where the shell may stand after a command."""
    timed = part.program == "time" and not _MOVES.isdisjoint(part.texts)
    if (part.program not in _MOVES and not timed) or (
        part.program == "command" and part.texts[1:2] in (("-v",), ("-V",))
    ):
        return part.folders
    to = part.words[1] if len(part.words) == 2 else Word("-")
    certain = to.sure and not to.glob and not to.text.startswith(("-", "~")) and to.text and not part.assignments
    if part.texts[:1] != ("cd",) or not certain:
        return (None,)
    return tuple(dict.fromkeys(below(it, to.text) for it in part.folders))


def below(folder: str | None, name: str) -> str | None:
    """Where a name leads from a folder; None where that is not known."""
    if name.startswith("/"):
        return name
    return None if folder is None else f"{folder}/{name}" if folder else name


def either(one: Folders, other: Folders) -> Folders:
    both = tuple(dict.fromkeys((*one, *other)))
    return both if len(both) <= _MOST_FOLDERS else (None,)


def put_together(words: list[Word]) -> Word:
    lead = ""
    for it in words:
        lead += it.text if it.sure else it.lead
        if not it.sure:
            break
    return Word(
        "".join(it.text for it in words),
        any(it.glob for it in words),
        all(it.sure for it in words),
        all(it.single for it in words),
        lead,
    )


_MOVES: Final = frozenset("cd chdir pushd popd eval source . builtin command trap".split())
"""Builtins after which the shell may stand elsewhere."""
_OWN_NAME: Final = re.compile(r"[a-z][a-z0-9_]*|[A-Z]")
_LOOKED_AT: Final = re.compile(r"proxy|^npm_|^histchars$|^auto_resume$")
_MOST_FOLDERS: Final = 6
