"""In what a shell command runs: the sandbox, or outside of it, and for what reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from claw_lsp.core.policy import shell
from claw_lsp.core.policy.reading import read_line
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.sandbox import Walls
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.processes import Sandbox

_HELD = re.compile(
    r"(?i)read-only file system|permission denied|operation not permitted|device or resource busy|invalid cross-device link"
    r"|could not resolve|name resolution|network is unreachable|connection refused|getaddrinfo|ENOTFOUND|EROFS|EACCES"
)
"""What programs say when walls stop them."""


async def walled(plan: Plan, scene: Scene, sandbox: Sandbox, *, outside: bool) -> Plan:
    """The plan of a command with the walls it is to run in; `outside`: the model asks for none.

    Raises ToolError where the settings want walls that cannot be had, or forbid to go without.
    """
    settings, command = scene.settings, plan.command or ""
    if not settings.sandbox_enabled:
        return plan
    if outside and not settings.sandbox_may_be_left:
        raise ToolError(
            "dangerouslyDisableSandbox: the settings allow no command outside of the sandbox "
            "(sandbox.allowUnsandboxedCommands is false). Send it without, or go on without the command."
        )
    if outside:
        return _shown(replace(plan, walls=Walls(why="the model asks to leave it"), breaks_out=True))
    if _excluded(settings.sandbox_excluded, command):
        return _shown(replace(plan, walls=Walls(why="sandbox.excludedCommands names it")))
    walls = await sandbox.walls(settings, scene.ground)
    if not walls.whole and settings.sandbox_required:
        raise ToolError(
            f"The command was not run: the settings want a sandbox (sandbox.failIfUnavailable) and there is no whole one. {walls.why}"
        )
    return _shown(replace(plan, walls=walls, enclosed=walls.whole and settings.sandbox_allows))


def stopped(plan: Plan, output: str, settings: Settings) -> Iterable[str]:
    """What the model is told of a command that failed inside and may have failed for its walls."""
    if not plan.walls.mechanism or not (_HELD.search(output) or "/tmp" in (plan.command or "")):
        return ()
    way = (
        ", or send it again with dangerouslyDisableSandbox, which asks the person"
        if settings.sandbox_may_be_left
        else ""
    )
    return (
        f"It ran in a sandbox ({plan.walls.mechanism}), which may be why it failed: only the workspace and $TMPDIR can be "
        f"written, not its protected files such as .git/config, .vscode or .venv, and there is no network but for "
        f"sandbox.network.allowedDomains. Each command has a /tmp of its own. Do it another way inside{way}.",
    )


def _shown(plan: Plan) -> Plan:
    """The plan as the person sees it, with a line on its walls."""
    return replace(plan, detail=f"{plan.detail}\n\n({plan.walls.line})")


def _excluded(patterns: tuple[str, ...], command: str) -> bool:
    """Whether every part of a line that does more than read is one of these commands."""
    line = read_line(command)
    parts = shell.parts_asked(line)
    return not line.unread and bool(parts) and all(any(shell.covers(it, part) for it in patterns) for part in parts)
