"""What hooks export for later commands (`CLAUDE_ENV_FILE`): read as plain assignments, never run by a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from claw_lsp.core.approvals import of_person

EVENTS = frozenset({"SessionStart", "Setup", "CwdChanged", "FileChanged"})
"""The events whose hooks may export."""
LONGEST = 64_000
"""Characters of what one hook exports."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELLS_WORK = re.compile(r"[$`]")
_IN_SINGLE_QUOTES = re.compile(r"'[^']*'")
_CHOOSES_PROGRAMS = re.compile(
    r"(?ix) PATH$ | OPTIONS$ | OPTS?$ | FLAGS$ | LIB(RARIES)?$ | WRAPPER$ | LINKER$ | PRELOAD | _CONFIG | ^NPM_CONFIG | ^PIP_"
    r"| ^UV_ | INDEX_URL | REGISTRY | _COMMAND$ | _CMD$ | _EXEC$ | RUNNER | PLUGINS? | STARTUP"
    r"| ^(CC|CXX|CPP|LD|AR|AS|MAKE|RUSTC|GOROOT|TERM|TMPDIR|PERL5DB|R_PROFILE|OPENSSL_CONF)$"
)


@dataclass(frozen=True, slots=True)
class Exported:
    """`kept` are variables for later commands, `unset` those that are no more; `refused` are lines that were not taken: names, or
    what stood in place of one."""

    kept: Mapping[str, str] = field(default_factory=dict[str, str])
    unset: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()

    def over(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment with this said."""
        return {name: it for name, it in environment.items() if name not in self.unset} | dict(self.kept)


def read(text: str) -> Exported:
    """What a hook wrote: `export NAME=value`, `NAME=value`, `declare -x NAME="value"` or `unset NAME`, one a line. What names
    keys or addresses, or may change which programs a command means, is refused: the rules read the command before."""
    kept: dict[str, str] = {}
    unset: set[str] = set()
    refused: list[str] = [] if len(text) <= LONGEST else [f"all behind the first {LONGEST} characters"]
    for line in text[:LONGEST].splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match _words(line):
            case ["unset", name] if _NAME.fullmatch(name):
                kept.pop(name, None)
                unset.add(name)
            case [assignment] | ["export", assignment] | ["declare", "-x", assignment]:
                name, is_set, value = assignment.partition("=")
                if is_set and _fit(name, value):
                    kept[name] = value
                else:
                    refused.append(name[:40])
            case _:
                refused.append(line.strip()[:40])
    return Exported(kept, frozenset(unset), tuple(dict.fromkeys(refused)))


def _words(line: str) -> list[str]:
    """The words of a line as a shell has them; none where a shell would have more to do than to take quotes off."""
    if _SHELLS_WORK.search(_IN_SINGLE_QUOTES.sub("", line)):
        return []
    try:
        return shlex.split(line)
    except ValueError:
        return []


def _fit(name: str, value: str) -> bool:
    told = _NAME.fullmatch(name) and not of_person(name) and not _CHOOSES_PROGRAMS.search(name)
    return bool(told) and "\0" not in value
