"""Plans of calls that only look, made side by side before the turn comes to them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from claw_lsp.facts.plan import Plan


class Ahead:
    """By call id. A plan is made once and taken once; what nobody took is dropped.

    Making a plan touches nothing, and what it says of a path is looked at again when the call is performed, so it may
    be made early.
    """

    def __init__(self) -> None:
        self._plans: dict[str, asyncio.Task[Plan]] = {}

    def begin(self, call_id: str, plan: Coroutine[Any, Any, Plan]) -> None:
        """Make a plan in the background; what it raises is raised to who takes it."""
        self._plans[call_id] = asyncio.create_task(plan)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._plans

    async def take(self, call_id: str) -> Plan:
        return await self._plans.pop(call_id)

    def drop(self) -> None:
        """Call off what was not taken, without waiting for it."""
        plans, self._plans = self._plans, {}
        for task in plans.values():
            task.add_done_callback(_heeded)
            task.cancel()


def _heeded(task: asyncio.Task[Plan]) -> None:
    """Look at the outcome, which nobody else does: asyncio warns of errors that no one saw."""
    with suppress(asyncio.CancelledError):
        task.exception()
