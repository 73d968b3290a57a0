"""What a command that searches whole folders would show of files that reading is asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.searching import Searched, searched, telling
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.scene import Scene


class Below(Protocol):
    """Finds files by name below a folder: the first few of them, the folder itself where there are too many to look at."""

    async def __call__(self, searched: Searched, wanted: Callable[[str], bool]) -> tuple[str, ...]: ...


async def looked_below(plan: Plan, scene: Scene, below: Below) -> Plan:
    """The plan of a command, with what stands below the folders that it searches."""
    folders = searched(read_line(plan.command or ""), scene.ground)
    if not folders:
        return plan
    wanted = telling(scene.rules, scene.ground)
    found = [path for it in folders for path in await below(it, wanted)]
    return replace(plan, below=tuple(dict.fromkeys(found)))
