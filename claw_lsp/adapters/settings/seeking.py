"""What a folder's own files would allow, run or redirect, each held against what the person approved of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from claw_lsp.adapters.settings.files import read_start, read_text
from claw_lsp.core.approvals import NOTHING, Approvals, approved, item, of_person
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.trust import Item

MOST_FILES, MOST_BYTES = 300, 64_000
"""How many skills, commands and agents are looked through, and how much of each."""

FROM_TRUSTED = frozenset(
    {
        "additionalDirectories",
        "aiComments",
        "aliases",
        "allowPrivateAddresses",
        "attribution",
        "chats.directory",
        "claudeMdExcludes",
        "defaultMode",
        "disableAllHooks",
        "env",
        "models",
        "respectGitignore",
        "review",
        "saveBeforeRun",
    }
)
"""What a folder's files may say once the person approved it; what is neither here nor harmless is the person's alone."""

_NEVER = (("defaultMode", Mode.BYPASS), ("defaultMode", Mode.AUTO), ("aiComments", "run"))
_HELPERS = ("awsAuthRefresh", "awsCredentialExport", "gcpAuthRefresh", "otelHeadersHelper")
_LATER = ("statusLine", "fileSuggestion")
_LATER_BY_NAME = {
    "enabledPlugins": "plugin",
    "extraKnownMarketplaces": "marketplace",
    "pluginConfigs": "plugin options",
}
_INJECTS = re.compile(r"^.*(?:!`[^`\n]+`|^\s*```!).*$|^(?:hooks|allowed-tools|mcpServers)\s*:.*$", re.MULTILINE)


@dataclass(slots=True)
class Folder:
    """Invariant: `items` is everything that was asked about, approved or not; `never` what no approval can bring."""

    approvals: Approvals = NOTHING
    items: list[Item] = field(default_factory=list[Item])
    never: list[str] = field(default_factory=list[str])

    def allows(self, what: str, content: Any, path: str) -> bool:
        """Whether the person approved this very content."""
        try:
            it = item(what, content, path)
        except RecursionError:
            self.never.append(f"{path}: {what} is nested too deep to be looked at.")
            return False
        self.items.append(it)
        return approved(it, self.approvals)

    def part(self, alias: str, value: Any, path: str) -> Any:
        """What of a setting the person approved; None when that is nothing."""
        if alias not in FROM_TRUSTED or (alias, value) in _NEVER:
            self.never.append(f"{path}: {alias} counts only in your own settings file.")
            return None
        if isinstance(value, dict):
            entries = cast("dict[str, Any]", value).items()
            return {k: v for k, v in entries if self._entry(alias, k, v, path)} or None
        if isinstance(value, list):
            return [it for it in cast("list[Any]", value) if self.allows(f"{alias} {it}", it, path)] or None
        return value if self.allows(alias, value, path) else None

    def _entry(self, alias: str, name: str, value: Any, path: str) -> bool:
        if alias == "env" and of_person(name):
            self.never.append(f"{path}: env.{name} counts only in your own settings file.")
            return False
        return self.allows(f"{alias} {name}", value, path)

    def others(self, data: Mapping[str, Any], path: str) -> None:
        """Ask about everything in a settings file that is no setting of ours, and runs or redirects something."""
        for what, content in _hooks(data.get("hooks")):
            self.allows(what, content, path)
        for key in _LATER:
            if data.get(key):
                self.allows(key, data[key], path)
        for key, kind in _LATER_BY_NAME.items():
            for name, content in _entries(data.get(key)):
                self.allows(f"{kind} {name}".strip(), content, path)
        self.never += [f"{path}: {it} counts only in your own settings file." for it in _HELPERS if data.get(it)]

    def beside(self, folder: str) -> None:
        """Ask about what stands beside the settings files: the servers of .mcp.json, and skills that run something."""
        for path in mcp_files(folder):
            try:
                text = read_text(path)
                data: Any = json.loads(text) if text and text.strip() else {}
            except (ClawError, ValueError, RecursionError):
                data = None
            facts = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
            for name, content in _entries(facts.get("mcpServers", facts)):
                self.allows(f"MCP server {name}", content, str(path))
        for file in _written(Path(folder)):
            text = _start_of(file)
            if lines := [it.group().strip() for it in _INJECTS.finditer(text)]:
                name = file.relative_to(folder).as_posix()
                self.allows(f"{name} runs or allows {lines[0]}", text, str(file))


def mcp_files(folder: str) -> list[Path]:
    """Where a folder's .mcp.json may be: in it, and in the folders around it up to the root of its repository, the nearest
    first."""
    around = [Path(folder), *Path(folder).parents]
    root = next((n for n, it in enumerate(around) if os.path.lexists(it / ".git")), 0)
    return [it / ".mcp.json" for it in around[: root + 1]]


def _hooks(hooks: Any) -> Iterator[tuple[str, Any]]:
    """Every hook by itself; what has not the shape of hooks is one thing."""
    if not hooks:
        return
    for event, groups in _entries(hooks):
        for group in cast("list[Any]", groups) if isinstance(groups, list) else [groups]:
            facts = cast("dict[str, Any]", group) if isinstance(group, dict) else {}
            handlers = facts.get("hooks")
            others = {name: it for name, it in facts.items() if name != "hooks"}
            if not isinstance(handlers, list):
                yield f"hook {event}".strip(), group
                continue
            for handler in cast("list[Any]", handlers):
                yield f"hook {event}".strip(), {**others, "hook": handler}


def _entries(found: Any) -> list[tuple[str, Any]]:
    """The entries of an object; anything else that says something is one without a name."""
    if isinstance(found, dict):
        return list(cast("dict[str, Any]", found).items())
    return [("", found)] if found else []


def _written(folder: Path) -> list[Path]:
    """The skills, commands and agents of a folder: Markdown below `.claude` and `.claw`, in order, and bounded."""
    found: list[Path] = []
    for inside in (".claude", ".claw"):
        for kind in ("skills", "commands", "agents"):
            # Path.rglob does not go through links to folders, and so cannot go in circles.
            found += sorted((folder / inside / kind).rglob("*.md"))[: MOST_FILES - len(found)]
    return found


def _start_of(path: Path) -> str:
    try:
        return (read_start(path, MOST_BYTES) or b"").decode("utf-8", "replace")
    except ClawError:
        return ""
