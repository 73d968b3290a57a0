"""Two texts as a unified diff, which people read and `git apply` takes."""

from __future__ import annotations

import difflib
import re


def unified(name: str, before: str | None, after: str) -> str:
    """The diff of a file called `name`; "" where nothing differs. `before` is None for a file that is not there yet."""
    lines = difflib.unified_diff(
        _lines(before or ""), _lines(after), "/dev/null" if before is None else f"a/{name}", f"b/{name}"
    )
    return "".join(it if it.endswith("\n") else f"{it}\n\\ No newline at end of file\n" for it in lines)


def _lines(text: str) -> list[str]:
    """Lines as git sees them: a form feed or a lone \\r ends none."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
