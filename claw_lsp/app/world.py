"""What is read of the process, once: nothing below reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claw_lsp.facts.mcp import GivenServers


@dataclass(frozen=True, slots=True)
class World:
    """What is read of the process once, at its start; nothing below reads the environment. Paths are absolute;
    `claw_home` is where links really lead, since what is changed is compared with it. `servers` are MCP servers of the command
    line, beside which `only_these_servers` lets no others count but managed ones."""

    environment: Mapping[str, str]
    home: str
    claw_home: str
    cwd: str
    command_line: Mapping[str, Any] = field(default_factory=dict[str, Any])
    servers: tuple[GivenServers, ...] = ()
    only_these_servers: bool = False

    @classmethod
    def here(cls, environment: Mapping[str, str], command_line: Mapping[str, Any] | None = None) -> World:
        home = environment.get("HOME") or str(Path.home())
        claw_home = environment.get("CLAW_HOME", "").strip() or str(Path(home) / ".claw")
        return cls(environment, home, os.path.realpath(claw_home), str(Path.cwd()), command_line or {})


def environment_of_process() -> Mapping[str, str]:
    """The one place where the environment is read."""
    return dict(os.environ)
