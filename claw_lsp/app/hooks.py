"""The hooks in force in a folder, as the command line tells them."""

from __future__ import annotations

from claw_lsp.adapters.settings import MANAGED, load, managed
from claw_lsp.app.world import World
from claw_lsp.core.hooks_page import listed, written


def page(world: World, folder: str) -> str:
    """The document of `claw.hooks` without a session. Reads the disk."""
    found = load(
        home=world.home,
        claw_home=world.claw_home,
        folder=folder,
        command_line=world.command_line,
        editor={},
        policy=managed(MANAGED),
    )
    withheld = [it for it in found.withheld if ": hook " in it]
    problems = [str(it) for it in found.problems if it.message.startswith("hooks")]
    return written(listed(found.settings.hooks, ()), withheld, problems, str, str)
