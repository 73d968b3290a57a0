"""Which of its own files a path is, by its shape."""

from __future__ import annotations

import re
from typing import Final, Literal

Kind = Literal["settings", "mcp", "hooks", "skill", "agent", "plugin", "marketplace"]

_SHAPES: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("settings", re.compile(r"/\.(?:claw|claude)/settings(?:\.local)?\.json")),
    ("settings", re.compile(r"/managed-settings\.json|/managed-settings\.d/[^/]+\.json")),
    ("mcp", re.compile(r"/\.mcp\.json|/managed-mcp\.json")),
    ("plugin", re.compile(r"/\.claude-plugin/plugin\.json")),
    ("marketplace", re.compile(r"/\.claude-plugin/marketplace\.json")),
    ("hooks", re.compile(r"/hooks/hooks\.json")),
    ("skill", re.compile(r"/SKILL\.md|/\.(?:claw|claude)/commands/(?:[^/]+/)*[^/]+\.md")),
    ("agent", re.compile(r"/\.(?:claw|claude)/agents/(?:[^/]+/)*[^/]+\.md")),
)
FRONTMATTER: Final = frozenset[Kind]({"skill", "agent"})
"""Markdown files; what they are stands between two lines of dashes at the top. The others are JSON."""


def kind_of(path: str, claw_home: str = "") -> Kind | None:
    """The kind of a file, None for a file that is none of ours. `claw_home` is our folder in the person's home."""
    path = path.replace("\\", "/")
    if claw_home:
        ours: dict[str, Kind] = {"settings.json": "settings", "mcp.json": "mcp"}
        folder, _, name = path.rpartition("/")
        if folder == claw_home.replace("\\", "/").rstrip("/") and name in ours:
            return ours[name]
    return next((kind for kind, shape in _SHAPES if re.search(f"(?:{shape.pattern})$", path)), None)
