"""Whether a commit that the agent is about to make says so: the line that the person's settings name must be in it."""

from __future__ import annotations

import re

from claw_lsp.core.briefing import trailer
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.words import Part
from claw_lsp.core.policy.wrappers import inner
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.settings import Settings

_VALUED = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--exec-path"})
"""Options of git, before its command, whose value may be the next word."""
_MAKES_NONE = frozenset({"--dry-run", "-h", "--help", "--short", "--porcelain", "--long"})
"""Options with which `git commit` only tells."""


def attributed(command: str, settings: Settings) -> None:
    """Raises ToolError for a line with a `git commit` in it, and without the line that commit messages end with. What a
    script or an alias commits is not seen here; the model is told of the line when the session begins."""
    line = trailer(settings)
    if not line or _plain(line) in _plain(command):
        return
    if any(map(_commits, inner(read_line(command)))):
        raise ToolError(
            f"expected a commit message that ends with a blank line and {line!r}, and found no such line. Give it as the last "
            f"-m, or by --trailer {line!r}. The person's setting `attribution` asks for it, and only they change that."
        )


def _commits(part: Part) -> bool:
    """Whether this is `git commit`, whatever stands between the two words."""
    if part.program != "git":
        return False
    words = [*part.texts[1:]]
    while words and words[0].startswith("-"):
        taken = words.pop(0)
        if taken in _VALUED and words:
            words.pop(0)
    return bool(words) and words[0] == "commit" and _MAKES_NONE.isdisjoint(words)


def _plain(text: str) -> str:
    """`Key: value`, `Key=value` and their like are one to git."""
    return re.sub(r"\s*[:=]\s*", ":", " ".join(text.split())).lower()
