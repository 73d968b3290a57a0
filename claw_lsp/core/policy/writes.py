"""Files that a shell line changes by name: where it sends its output, and what simple file commands are given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from claw_lsp.core.policy.free import Options, only_reads
from claw_lsp.core.policy.patterns import normal
from claw_lsp.core.policy.words import Folders, Line, Part, Word, below
from claw_lsp.core.policy.wrappers import inner, nested
from claw_lsp.facts.scene import Ground


@dataclass(frozen=True, slots=True)
class Use:
    """One name of a file that is read or written. `places` is where it may lead, absolute; empty where only the shell knows."""

    said: str
    writes: bool
    places: tuple[str, ...]


def redirected(line: Line, ground: Ground) -> Iterator[Use]:
    """The files that redirections name, but for those that keep nothing."""
    for it in line.redirects:
        sinks = _SINKS if it.writes else {*_SINKS, "/dev/stdin"}
        if not (it.target.sure and not it.target.glob and it.target.text in sinks):
            yield Use(it.target.text, it.writes, places(it.target, it.folders, ground))


def simple(part: Part, ground: Ground) -> tuple[Use, ...] | None:
    """What a file command changes that does nothing else, options included; None for every other command."""
    if part.assignments or not part.words or not all(it.sure and not it.glob for it in part.words):
        return None
    program, words = part.words[0].text, part.words[1:]
    names = _edited_by_sed(words) if program == "sed" else _plain(program, words)
    if not names:
        return None
    return tuple(Use(it.text, True, places(it, part.folders, ground)) for it in (*names, *_into(program, names)))


def below_moved(line: Line, ground: Ground) -> str | None:
    """A file that the line writes to below what it has itself moved or linked there: where that leads nobody could look up."""
    uses = [(part, it) for part in line.parts for it in simple(part, ground) or ()]
    moved = [(part, place) for part, it in uses if part.program in ("mv", "ln") for place in it.places]
    every = [*uses, *((Part(()), it) for it in redirected(line, ground))]
    return next(
        (
            it.said
            for by, it in every
            for at in it.places
            if any(at.startswith(f"{to}/") and by != of for of, to in moved)
        ),
        None,
    )


def named(line: Line, ground: Ground) -> tuple[str, ...]:
    """Every path that the line may write to, as far as its words tell, absolute: whoever has the disk says where it leads."""
    found = [place for it in redirected(line, ground) if it.writes for place in it.places]
    for part in line.parts:
        found += [place for it in simple(part, ground) or () for place in it.places]
    return tuple(dict.fromkeys(found))


def touched(line: Line, ground: Ground) -> Iterator[str]:
    """Paths that the line is known to write to, and those that it names in writing commands: for what is always asked."""
    for it in (redirect for each in nested(line) for redirect in each.redirects):
        if it.writes:
            yield from _anywhere(it.target.text, it.folders, ground)
    for part in inner(line):
        if part.program in WRITERS and not only_reads(part):
            plain = [it for it in part.words[1:] if not it.text.startswith("-")]
            last_only = part.program in _COPIES and not any(it.text.startswith(("-t", "--t")) for it in part.words)
            into = _into(part.program, plain) if len(plain) > 1 else []
            for word in (*(plain[-1:] if last_only else plain), *into):
                yield from _anywhere(word.text.removeprefix("of="), part.folders, ground)


def places(word: Word, folders: Folders, ground: Ground) -> tuple[str, ...]:
    """Where a word leads for certain, by every folder it may hang on; empty where only the shell knows."""
    text = word.text
    if not word.sure or word.glob or not text or text.startswith("~") or ".." in text.split("/") or None in folders:
        return ()
    return tuple(_anywhere(text, folders, ground))


def _anywhere(text: str, folders: Folders, ground: Ground) -> Iterator[str]:
    for home in ("~/", "$HOME/", "${HOME}/"):
        if text.startswith(home) and ground.home:
            yield normal(f"{ground.home}/{text[len(home) :]}")
            return
    for folder in folders:
        found = below(folder, text) or text
        yield normal(found if found.startswith("/") else f"{ground.here}/{found}")


def _plain(program: str, words: tuple[Word, ...]) -> list[Word]:
    """The words that are names, for options that are known; none for others."""
    options = _SIMPLE.get(program)
    if options is None or not options.fit(words) or any(it.text == "--" for it in words):
        return []
    names = [it for it in words if not it.text.startswith("-")]
    if any(not it.text for it in names) or (program in ("mv", "cp") and len(names) < 2):
        return []
    if program == "ln":
        linked = len(names) == 2 and any(it.text == "-s" for it in words)
        return names if linked and not names[0].text.startswith("/") else []
    return names


def _into(program: str, names: Iterable[Word]) -> list[Word]:
    """What the last name becomes if it is a folder; for a link, also where it leads from there."""
    names = list(names)
    if program not in ("mv", *_COPIES) or len(names) < 2:
        return []
    folder = names[-1].text.rstrip("/")
    found = [Word(f"{folder}/{it.text.rstrip('/').rsplit('/', 1)[-1]}") for it in names[:-1]]
    if program == "ln":
        parent = folder.rpartition("/")[0]
        found += [Word(f"{it}/{names[0].text}") for it in (folder, parent) if it]
    return found


def _edited_by_sed(words: tuple[Word, ...]) -> list[Word]:
    """The files that `sed -i` edits with one script that only puts in and takes out."""
    texts = [it.text for it in words]
    n_options = next((n for n, it in enumerate(texts) if not it.startswith("-")), len(texts))
    options, rest = texts[:n_options], words[n_options:]
    fine = "-i" in options and all(it in ("-i", "-E", "-r", "-n") for it in options)
    if not fine or len(rest) < 2 or not _SCRIPT.fullmatch(rest[0].text):
        return []
    return [] if any(it.text.startswith("-") for it in rest[1:]) else list(rest[1:])


WRITERS: Final = frozenset(
    "tee cp mv ln touch install rm rmdir mkdir truncate dd sed rsync patch chmod chown shred unlink".split()
)
"""Programs that change the files they name."""
_COPIES: Final = frozenset({"cp", "ln", "install", "rsync"})
_SINKS: Final = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})
_SIMPLE: Final[dict[str, Options]] = {
    "mkdir": Options("pv", "", "parents verbose"),
    "touch": Options("acm", "", "no-create"),
    "rm": Options("rRfvd", "", "recursive force verbose dir"),
    "rmdir": Options("v", "", "verbose"),
    "mv": Options("fnvu", "", "force no-clobber verbose update"),
    "cp": Options("fnvup", "", "force no-clobber verbose update"),
    "ln": Options("sfnv", "", ""),
    "tee": Options("a", "", "append"),
}
"""Commands that only change the files they name, with the options that leave it at that."""
_SCRIPT: Final = re.compile(r"(\d+(,(\d+|\$))?|\$)?(d|s([/|#,])((?!\5)[^\\\n]|\\.)*\5((?!\5)[^\\\n]|\\.)*\5[gIip0-9]*)")
