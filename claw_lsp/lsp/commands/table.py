"""The table of commands. A command is a function with typed arguments; the first sentence of its docstring is its title."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from claw_lsp.lsp.arguments import Arguments, decoded
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.transport.messages import RequestId

Answer = dict[str, Any]
A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `title` is what editors show, `arguments` what it takes, `slash` whether the chat has it too."""

    name: str
    title: str
    arguments: type[Arguments]
    run: Callable[[Door, Any, RequestId | None], Awaitable[Answer]]
    slash: bool = False

    async def __call__(self, door: Door, given: tuple[Any, ...], request: RequestId | None) -> Answer:
        """Decode and run. Raises BadRequest for arguments that do not fit."""
        return await self.run(door, decoded(self.arguments, given), request)


TABLE: dict[str, Command] = {}
"""Every command that is announced, by name. Filled when the modules beside this one are imported."""


def command(
    name: str, arguments: type[A], *, slash: bool = False
) -> Callable[
    [Callable[[Door, A, RequestId | None], Awaitable[Answer]]], Callable[[Door, A, RequestId | None], Awaitable[Answer]]
]:
    """Announce a function as a command."""

    def announce(
        function: Callable[[Door, A, RequestId | None], Awaitable[Answer]],
    ) -> Callable[[Door, A, RequestId | None], Awaitable[Answer]]:
        title = re.split(r"\.(?=\s|$)", " ".join((function.__doc__ or name).split()))[0]
        TABLE[name] = Command(name, title, arguments, function, slash)
        return function

    return announce
