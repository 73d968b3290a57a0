"""One tool, as the engine sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Protocol

from pydantic import BaseModel

from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.question import Answer
from claw_lsp.facts.scene import Scene
from claw_lsp.ports.files import Workspace

Tell = Callable[[str], Awaitable[None]]
"""Where a running tool says, in one line, what it is doing now."""


class Tool(Protocol):
    """One tool. Its class docstring is what the model reads.

    Invariant: `plan` changes nothing; `perform` does exactly what the plan shows. Raise ToolError for what the model can
    mend; pydantic's ValidationError from `input` may pass, the engine turns it into one that names the field.
    `side_by_side` tools only look, and may run at the same time as each other.
    """

    name: ClassVar[str]
    input: ClassVar[type[BaseModel]]
    side_by_side: ClassVar[bool]

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan: ...

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        """`answers` are the person's, one for each of `plan.inquiries`; empty for every other plan."""
        ...
