"""The agent's edits on the disk before a program looks there."""

from __future__ import annotations

from typing import Protocol

from claw_lsp.facts.settings import Settings


class Saves(Protocol):
    """The part of a workspace that knows what is saved."""

    @property
    def can_save(self) -> bool: ...
    def unsaved(self) -> tuple[str, ...]: ...
    async def save(self, paths: tuple[str, ...]) -> tuple[str, ...]: ...


async def saved_first(workspace: Saves, settings: Settings) -> tuple[str, ...]:
    """Save the agent's edits where that is wanted and possible; the paths that the disk still lacks."""
    unsaved = workspace.unsaved()
    if unsaved and workspace.can_save and settings.save_before_run == "save":
        return await workspace.save(unsaved)
    return unsaved
