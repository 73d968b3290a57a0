"""Which names and places a worktree may have, so that none becomes a part of a repository's own folder."""

from __future__ import annotations

import re
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}")
_NEVER = re.compile(r"\.\.|\.lock$|\.$|^git$", re.IGNORECASE)

_OWN = re.compile(r"(\.git|git~\d+|\.\.)[. ]*")


def refused(given: dict[str, Any]) -> str:
    """Why the input of EnterWorktree is refused; "" where it may be judged further."""
    name, path = given.get("name"), given.get("path")
    if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name) and not _NEVER.search(name)):
        return "the name of a worktree is one word of letters, digits, dashes, dots and underscores"
    if path is None:
        return ""
    parts = path.replace("\\", "/").casefold().split("/") if isinstance(path, str) else [".."]
    if any(_OWN.fullmatch(it) for it in parts):
        return "a worktree lies neither in a repository's own folder nor at a place that is reached by climbing"
    return ""
