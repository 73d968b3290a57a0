"""Commands that read every file below a folder: which folders those are, and what in them is asked about by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from claw_lsp.core.policy.matching import kept_back
from claw_lsp.core.policy.paths import secret
from claw_lsp.core.policy.patterns import normal
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.words import Line, Part, below
from claw_lsp.core.policy.wrappers import inner
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.scene import Ground

OTHERS = frozenset("node_modules bower_components site-packages dist-packages .venv venv .tox .git .hg .svn".split())
"""Folders in which what others wrote is kept: certificates and test keys there are no secrets of the person's."""

_GREPS = frozenset({"grep", "egrep", "fgrep", "zgrep", "rgrep"})
_FINDERS = frozenset({"rg", "ag", "ack"})
_RECURSIVE = re.compile(r"-[a-zA-Z]*[rR][a-zA-Z]*|--(dereference-)?recursive|--directories=recurse")
_HIDDEN_TOO = re.compile(r"-[a-zA-Z]*[u.][a-zA-Z]*|--(hidden|no-ignore.*|unrestricted|all-types)")


@dataclass(frozen=True, slots=True)
class Searched:
    """A folder whose files a command reads. `hidden`: also those that git ignores, and those whose names begin with a dot."""

    folder: str
    hidden: bool


def searched(line: Line, ground: Ground) -> tuple[Searched, ...]:
    """The folders that a line searches. A file among them is harmless: it is named, and judged by its name."""
    return tuple(dict.fromkeys(it for part in inner(line) for it in _of_part(part, ground)))


def telling(rules: tuple[Rule, ...], ground: Ground) -> Callable[[str], bool]:
    """Tells whether a file below a searched folder is one that reading is asked about."""
    kept = kept_back(rules, "Read", ground)
    return lambda path: (secret(path) and OTHERS.isdisjoint(path.split("/"))) or kept(path)


def asked(rules: tuple[Rule, ...], mode: Mode, plan: Plan, ground: Ground) -> str | None:
    """Why a command is asked about that shows what stands below the folders it searches; None where it need not be. What a
    rule keeps back is asked about in every mode."""
    below = plan.below if plan.command and searched(read_line(plan.command), ground) else ()
    kept = kept_back(rules, "Read", ground)
    if denied := next(filter(kept, below), None):
        return f"it shows what stands in {denied}, which a rule denies to read or asks about"
    if mode is Mode.BYPASS or not below:
        return None
    if hidden := next(filter(secret, below), None):
        return f"it shows what stands in {hidden}, which may hold secrets"
    return f"there are more files below {below[0]} than could be looked at for secrets"


def _of_part(part: Part, ground: Ground) -> Iterator[Searched]:
    texts = [it.text for it in part.words[1:]]
    hidden = part.program in _GREPS
    if hidden and not (part.program == "rgrep" or any(_RECURSIVE.fullmatch(it) for it in texts)):
        return
    if not hidden and part.program not in _FINDERS:
        return
    hidden = hidden or any(_HIDDEN_TOO.fullmatch(it) for it in texts)
    words = [it for it in texts if not it.startswith("-")]
    # With one word that is the pattern, and the folder the shell stands in is searched; with more it may be either.
    for word in words if len(words) > 1 else ["."]:
        text = f"{ground.home}{word[1:]}" if word == "~" or word.startswith("~/") else word
        for place in (below(it, text) or text for it in part.folders):
            yield Searched(normal(place if place.startswith("/") else f"{ground.here}/{place}"), hidden)
