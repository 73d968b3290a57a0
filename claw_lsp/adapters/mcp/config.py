"""Which MCP servers are configured for a folder, from every scope: what may be started, and what not and why."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from claw_lsp.adapters.mcp.entries import Read, Text, entries, parsed, servers_of
from claw_lsp.adapters.settings.files import read_start, read_text
from claw_lsp.adapters.settings.managed import MANAGED, fault
from claw_lsp.adapters.settings.seeking import mcp_files
from claw_lsp.adapters.settings.trust import approvals_of
from claw_lsp.core.approvals import NOTHING, Approvals, approved, changed, item
from claw_lsp.core.policy.rules import glob
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import Configured, GivenServers, Scope, ServerConfig, ServerView
from claw_lsp.facts.mcp_settings import ServerMatch
from claw_lsp.facts.settings import Problem, Settings

MOST_BYTES = 64_000_000
"""Of ~/.claude.json, which holds much else."""

OURS = "mcp.json"
"""In CLAW_HOME: shaped like ~/.claude.json, and stronger."""


@dataclass(frozen=True, slots=True)
class McpSources:
    """Where servers are configured. `session` are those of the command line, the strongest; with `strict` only those count,
    and what is managed. `owner` is who may own managed files, beside root."""

    home: str
    claw_home: str
    environment: Mapping[str, str]
    session: tuple[GivenServers, ...] = ()
    strict: bool = False
    managed: Sequence[str] = MANAGED
    owner: int = 0


def configured(sources: McpSources, folder: str, settings: Settings) -> Configured:
    """What is configured for a folder. Never raises. Reads the disk: call it off the loop."""
    gathered = _Gathered(sources)
    if not _take_managed(gathered):
        for given in sources.session:
            file = Text(given.path, given.text)
            file.at, found = servers_of(parsed(file))
            _take("session", gathered, file, found)
        if not sources.strict:
            _take_files(gathered, folder, settings)
    servers = [_switched(it, gathered.disabled) for it in gathered.servers.values()]
    return Configured(tuple(_ruled(it, settings) for it in servers), tuple(gathered.problems))


def files_of(claw_home: str, folders: Iterable[str]) -> tuple[str, ...]:
    """The files of these folders and of the person that are followed. Not ~/.claude.json, which others write all the time."""
    found = [str(it) for folder in folders for it in mcp_files(folder)]
    return tuple(dict.fromkeys((str(Path(claw_home) / OURS), *found)))


def local_folders(folder: str) -> list[str]:
    """The names under which a folder may stand in the person's own file: itself, the one that is written
    first, and the root of its repository."""
    names = [os.path.realpath(folder), folder]
    names += [str(it) for it in Path(folder).parents if os.path.lexists(it / ".git")][:1]
    return list(dict.fromkeys(names))


@dataclass(slots=True)
class _Gathered:
    """Invariant: of each name the first that came in stands, since the strongest scope is read first."""

    sources: McpSources
    servers: dict[str, ServerView] = field(default_factory=dict[str, ServerView])
    problems: list[Problem] = field(default_factory=list[Problem])
    disabled: set[str] = field(default_factory=set[str])

    def tell(self, problems: Iterable[Problem]) -> None:
        self.problems += [it for it in problems if it not in self.problems]


def _take_managed(gathered: _Gathered) -> bool:
    """Whether whoever runs the machine says which servers there are; then nobody else does."""
    found = False
    for folder in reversed(gathered.sources.managed):
        path = Path(folder) / "managed-mcp.json"
        if not os.path.lexists(path):
            continue
        if wrong := fault(path, gathered.sources.owner):
            gathered.tell([Problem(str(path), 1, 1, wrong)])
            continue
        found = True
        for it in _of_file(gathered, path, "managed"):
            gathered.servers.setdefault(it.config.name, _view(it))
    return found


def _take_files(gathered: _Gathered, folder: str, settings: Settings) -> None:
    """The scopes that stand in files. What a repository brings and nobody approved takes no other's place."""
    own = list(_own(gathered))
    for file, data in own:
        projects: Any = data.get("projects")
        for name in local_folders(folder) if isinstance(projects, dict) else ():
            _take_local(gathered, file, name, cast("dict[str, Any]", projects).get(name))
    project = _project(gathered, folder, settings)
    approved_ones = [it for it, yes in project if yes]
    for it in approved_ones:
        gathered.servers.setdefault(it.config.name, it)
    for file, data in own:
        file.at = ("mcpServers",)
        _take("user", gathered, file, data.get("mcpServers"))
    for it, _ in project:
        gathered.servers.setdefault(it.config.name, it)


def _take(scope: Scope, gathered: _Gathered, file: Text, found: Any) -> None:
    for it in entries(file, found, scope, gathered.sources.environment):
        gathered.servers.setdefault(it.config.name, _view(it))
    gathered.tell(file.problems)


def _own(gathered: _Gathered) -> Iterator[tuple[Text, dict[str, Any]]]:
    """The person's own files, the stronger first."""
    sources = gathered.sources
    for path in (Path(sources.claw_home) / OURS, Path(sources.home) / ".claude.json"):
        try:
            text = (read_start(path, MOST_BYTES) or b"").decode("utf-8-sig")
        except ClawError as error:
            gathered.tell([Problem(str(path), 1, 1, str(error))])
        except UnicodeDecodeError:
            gathered.tell([Problem(str(path), 1, 1, "This file is not UTF-8; save it as UTF-8.")])
        else:
            file = Text(str(path), text)
            yield file, parsed(file)
            gathered.tell(file.problems)


def _take_local(gathered: _Gathered, file: Text, folder: str, project: Any) -> None:
    facts = cast("dict[str, Any]", project) if isinstance(project, dict) else {}
    file.at = ("projects", folder, "mcpServers")
    _take("local", gathered, file, facts.get("mcpServers"))
    off = facts.get("disabledMcpServers")
    if isinstance(off, list):
        gathered.disabled |= {it for it in cast("list[Any]", off) if isinstance(it, str)}


def _project(gathered: _Gathered, folder: str, settings: Settings) -> list[tuple[ServerView, bool]]:
    """What the repository brings, the nearest file first, and whether the person said yes to it."""
    sources = gathered.sources
    try:
        said = approvals_of(Path(sources.claw_home), folder, sources.home)
    except ClawError:
        said = NOTHING  # The settings tell of a record that is broken.
    found = [it for path in mcp_files(folder) for it in _of_file(gathered, path, "project")]
    return [_held_against(it, said, settings) for it in found]


def _of_file(gathered: _Gathered, path: Path, scope: Scope) -> list[Read]:
    try:
        text = read_text(path)
    except ClawError as error:
        gathered.tell([Problem(str(path), 1, 1, str(error))])
        return []
    file = Text(str(path), text or "")
    file.at, found = servers_of(parsed(file))
    read = list(entries(file, found, scope, gathered.sources.environment))
    gathered.tell(file.problems)
    return read


def _view(it: Read) -> ServerView:
    return ServerView(it.config, "failed" if it.why else "waiting", it.why)


def _held_against(it: Read, said: Approvals, settings: Settings) -> tuple[ServerView, bool]:
    """A project's entry, and whether the person said yes to it: to its very content, or to its name in their own settings."""
    name = it.config.name
    try:
        wanted = item(f"MCP server {name}", it.content, it.config.file)
    except RecursionError:
        return ServerView(it.config, "refused", "Its entry is nested too deep to be looked at."), False
    by_name = settings.all_project_servers or name in settings.enabled_servers
    if {name, "*"} & set(settings.disabled_servers):
        return ServerView(it.config, "disabled", _DISABLED.get("*" in settings.disabled_servers, "")), False
    if approved(wanted, said) or (by_name and said.standing == "trusted"):
        return _view(it), True
    if said.standing == "refused" or wanted.digest in said.refused:
        return ServerView(it.config, "refused", f"You said no to it. {_ASKED_AGAIN}"), False
    if it.why:
        return _view(it), False
    why = "It was changed since you approved it" if changed(wanted, said) else "The folder's own files bring it"
    return ServerView(it.config, "unapproved", f"{why} (claw.mcp approves it, claw.trust all)."), False


_ASKED_AGAIN = "claw.mcp approves it after all."
_DISABLED = {
    True: "The folder is not trusted in your editor, or disabledMcpjsonServers rules out every server of a .mcp.json.",
    False: "disabledMcpjsonServers names it.",
}


def _switched(it: ServerView, off: Set[str]) -> ServerView:
    if it.config.name not in off or it.standing == "refused":
        return it
    return replace(it, standing="disabled", why="You switched it off in this folder.")


def _ruled(it: ServerView, settings: Settings) -> ServerView:
    """What is denied, or not among what is allowed, is refused whoever configured it."""
    config = it.config
    if any(_fits(config, rule) for rule in settings.denied_servers):
        return replace(it, standing="refused", why="deniedMcpServers rules it out.")
    if settings.allowed_servers is None or _allowed(config, settings.allowed_servers):
        return it
    return replace(it, standing="refused", why="allowedMcpServers does not have it.")


def _allowed(config: ServerConfig, rules: Sequence[ServerMatch]) -> bool:
    """A name is enough only where no rule says which commands, or which addresses, are meant."""
    strict = [it for it in rules if (it.server_command if config.transport == "stdio" else it.server_url) is not None]
    return any(_fits(config, it) for it in strict or rules)


def _fits(config: ServerConfig, rule: ServerMatch) -> bool:
    if rule.server_command is not None:
        return config.transport == "stdio" and rule.server_command == (config.command, *config.args)
    if rule.server_url is not None:
        return config.transport != "stdio" and glob(rule.server_url).fullmatch(config.url) is not None
    return rule.server_name == config.name
