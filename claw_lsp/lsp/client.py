"""The client as the door speaks to it: plain JSON both ways, and a time limit on every await."""

from __future__ import annotations

from typing import Any, cast

from claw_lsp.lsp.transport.client import ask_client
from claw_lsp.lsp.transport.server import DoorServer

QUICK = 10.0
"""Seconds for what a client answers by itself."""


class Client:
    """One client. Only a question to the person may wait for ever (`timeout=None`); nothing else waits over `longest`."""

    def __init__(self, server: DoorServer, longest: float = float("inf")) -> None:
        self._server = server
        self._longest = longest

    async def ask(
        self, method: str, params: dict[str, Any], *, timeout: float | None = QUICK, withdraws: bool = False
    ) -> Any:
        """The client's answer as JSON. With `withdraws` the client hears when nobody waits for it any more. Raises ClientSilent
        or ClientRefused."""
        limit = None if timeout is None else min(timeout, self._longest)
        answer = await ask_client(self._server, method, params, timeout=limit, withdraws=withdraws)
        return plain(self._server, answer)

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self._server.protocol.notify(method, params)


def plain(server: DoorServer, value: object) -> Any:
    """A value of lsprotocol's as JSON; what is JSON already stays as it is."""
    if hasattr(value, "__attrs_attrs__"):
        return server.protocol._converter.unstructure(value)  # pyright: ignore[reportPrivateUsage]  pygls 2.1 has no public one
    return value


def part(answer: object, name: str) -> Any:
    """One field of a JSON object; None where the answer is none, or lacks it."""
    return cast("dict[str, Any]", answer).get(name) if isinstance(answer, dict) else None
