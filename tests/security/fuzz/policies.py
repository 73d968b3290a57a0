"""The rule sets that lines are judged by, and what each of them may have as its effect.

What may happen is said here a second time, by names of programs and patterns of paths, and shares nothing with the code
that it is held against.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from claw_lsp.facts.rule import Behavior, Mode, Rule

WORKSPACE, HOME, ELSEWHERE = "/tmp/ws", "/tmp/home", "/tmp/out"
CANARY = "canary-7f3a91"
"""Stands in files outside of the workspace."""

READS = frozenset(
    """ls cat head tail wc grep egrep fgrep rg nl tac rev cut tr uniq sort comm fold column diff cmp stat du df file tree
    basename dirname realpath readlink id uname md5sum sha1sum sha256sum sha512sum find sed date which whoami nproc
    hostname printf echo true false pwd test [ git jq seq""".split()
)
"""Programs that are really there: used as allowed, they change nothing."""
WRAPS = frozenset("timeout time nice nohup stdbuf xargs".split())
"""Programs that run another one, really there too: what they run is seen itself."""
MOVES = frozenset("mkdir touch mv cp rm rmdir ln tee".split())
"""Programs on files that acceptEdits knows; really there where it is on."""

_PROTECTED = re.compile(r"(.*/)?(\.git|\.claude|\.claw|\.vscode|\.bashrc|\.envrc|\.mcp\.json)(/.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules, and what a line that they allow may do: `runs` are the beginnings of command lines of programs that may be
    started beside those that read, `changes` is the pattern of the paths in the workspace that may change, None for
    any at all. `never` may not be started whatever else is. `real` are programs that do what they do, `reads_out`: a rule
    allows to look at a file, so it may be one behind a link."""

    name: str
    mode: Mode = Mode.DEFAULT
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    never: frozenset[str] = frozenset()
    changes: re.Pattern[str] | None = re.compile(r"(?!)")
    real: frozenset[str] = frozenset()
    reads_out: bool = False
    rules: tuple[Rule, ...] = field(init=False)

    def __post_init__(self) -> None:
        behaviors: tuple[tuple[Behavior, tuple[str, ...]], ...] = (("allow", self.allow), ("deny", self.deny))
        made = tuple(Rule(text=text, behavior=it) for it, texts in behaviors for text in texts)
        object.__setattr__(self, "rules", made)

    @property
    def programs(self) -> frozenset[str]:
        """Those that are really there; what a rule allows to start only says that it was."""
        return (READS | WRAPS | self.real) - {it.split()[0] for it in self.runs}

    def permits(self, words: list[str]) -> bool:
        """Whether a program may have been started with these words."""
        if words[0] in self.never:
            return False
        line = " ".join(words)
        known = words[0] in READS | WRAPS | self.real or words[1:] == ["--version"]
        return known or "*" in self.runs or any(f"{line} ".startswith(f"{it} ") for it in self.runs)

    def may_change(self, path: str) -> bool:
        if self.changes is None:
            return True
        inside = path.removeprefix(f"{WORKSPACE}/")
        return inside != path and not _PROTECTED.fullmatch(inside) and bool(self.changes.fullmatch(inside))


_USUAL = ("Bash(echo *)", "Bash(ls *)", "Bash(cat *)", "Bash(git *)", "Bash(npm test *)", "Bash(pytest *)")
_STARTED = ("git", "npm test", "pytest")
_NEVER = frozenset({"touch"})
_ANY = re.compile(r".*", re.DOTALL)

POLICIES = (
    Policy("default"),
    Policy("rules", allow=_USUAL, runs=_STARTED, reads_out=True),
    Policy("edit rule", allow=("Edit(src/**)", "Bash(pytest *)"), runs=("pytest",), changes=re.compile(r"src(/.*)?")),
    Policy("acceptEdits", Mode.ACCEPT_EDITS, changes=_ANY, real=MOVES),
    Policy("acceptEdits and rules", Mode.ACCEPT_EDITS, _USUAL, (), _STARTED, changes=_ANY, real=MOVES, reads_out=True),
    Policy("plan", Mode.PLAN, (*_USUAL, "Edit(src/**)")),
    Policy(
        "deny", allow=("Bash",), deny=("Bash(touch *)",), runs=("*", "git"), never=_NEVER, changes=None, reads_out=True
    ),
)
