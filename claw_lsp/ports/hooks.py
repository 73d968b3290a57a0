"""What runs hooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.rule import Rule
from claw_lsp.facts.settings import Settings


@dataclass(frozen=True, slots=True)
class HookPlace:
    """Where hooks run: the project's folder, the shell's, the session, and what of it their environment says. `roots` and
    `rules` are all of the session's: what a hook looks at is judged by them."""

    project: str
    cwd: str
    session: str
    settings: Settings
    effort: str = ""
    roots: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


class Hooks(Protocol):
    """What runs the hooks of a person's settings."""

    async def run(self, hook: Hook, given: str, seconds: float, place: HookPlace) -> HookRan:
        """Run one; `given` is the JSON it reads. Bounded in time and output, and nothing it starts outlives it. Never raises
        for what a hook does."""
        ...

    async def keep(self, text: str) -> str:
        """Write a text that is too long to be told into a file of its own; the file's path, "" where it cannot be written."""
        ...
