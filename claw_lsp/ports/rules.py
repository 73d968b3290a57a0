"""Rules: who judges by them, where they are written, and what the person trusts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from claw_lsp.facts.event import Event
from claw_lsp.facts.opinion import Opinion
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.rule import Behavior, Kept, Verdict
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.settings import Change
from claw_lsp.facts.trust import Item, Sought


class Assessor(Protocol):
    """Who judges calls in auto mode, by written rules."""

    async def assess(self, past: Iterable[Event], plan: Plan, verdict: Verdict, ground: Ground) -> Opinion:
        """The verdict on a call that the policy asks about; `past` is all that happened in the session. Never raises:
        whatever goes wrong is a question."""
        ...


class Memory(Protocol):
    """Where permission rules that are always allowed are written."""

    async def add_rules(
        self, folder: str, rules: tuple[str, ...], behavior: Behavior = "allow", kept: Kept = "local"
    ) -> str:
        """Add rules to these settings, all or none; answers the file's path. Raises ClawError."""
        ...

    def file(self, folder: str, kept: Kept) -> str:
        """The path of these settings."""
        ...

    async def change_rule(self, file: str, behavior: Behavior, rule: str, to: Behavior | None) -> None:
        """Give a rule of a settings file another behavior, or take it out; nothing else in the file moves. Raises ClawError."""
        ...

    async def keep_in_step(self, file: str, rule: str, to: Behavior | None) -> None:
        """The person changed a rule of this file so: what they always allowed there is remembered, and else forgotten."""
        ...


class Trust(Protocol):
    """What the person said of the folders they opened. A home folder, and what holds it, is never trusted."""

    async def sought(self, folder: str) -> Sought:
        """What the folder's own files ask for and is not in force. Never raises."""
        ...

    async def trust(self, folder: str, items: Iterable[Item]) -> None:
        """Remember that the folder is trusted, and these of its contents approved. Raises ClawError."""
        ...

    async def refuse(self, folder: str, items: Iterable[Item]) -> None:
        """Remember that these are not approved and not to be asked about. Raises ClawError."""
        ...

    async def distrust(self, folder: str) -> None:
        """Remember that nothing of the folder is approved, nor to be asked about. Raises ClawError."""
        ...


class ChangeGate(Protocol):
    """Changes of settings files that count only once hooks were asked."""

    @property
    def guarded(self) -> bool:
        """Whether any hook in force wants to be asked."""
        ...

    def waiting(self) -> tuple[Change, ...]:
        """Those nobody decided about. Changes of managed files are among them, and count already."""
        ...

    def admit(self, change: Change) -> None:
        """It counts from the next reading of the settings on."""
        ...

    def refuse(self, change: Change) -> None:
        """What the file said before stays in force until it changes again."""
        ...
