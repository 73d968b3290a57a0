"""The SDK's client as a connection uses it: what it answers a server, and what it hears from it. Imported late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import mcp_types as types
from mcp import MCPError
from mcp.client import Client
from mcp.client._transport import Transport, TransportStreams
from mcp.client.session import ClientRequestContext, IncomingMessage
from mcp.client.subscriptions import (
    ListenNotSupportedError,
    PromptsListChanged,
    ResourcesListChanged,
    SubscriptionLost,
    ToolsListChanged,
)
from pydantic import ValidationError

from claw_lsp import __version__
from claw_lsp.adapters.mcp.calls import Peer, elicits
from claw_lsp.facts.mcp import Elicitation

AGAIN = 5.0
"""Seconds until a stream of changes that broke off is asked for again."""


def client_of(streams: AbstractAsyncContextManager[TransportStreams], peer: Peer, *, legacy: bool) -> Client:
    """A client that is not connected yet. What the server asks goes to whoever runs the call it asks during."""
    answers = _Answers(peer)
    return Client(
        cast("Transport", streams),
        elicitation_callback=answers.elicit,
        sampling_callback=answers.sample,
        list_roots_callback=answers.roots,
        logging_callback=answers.log,
        log_level="info",
        message_handler=answers.hear,
        client_info=types.Implementation(name="claw-lsp", version=__version__),
        mode="legacy" if legacy else "auto",
        cache=None,
    )


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a server hears of us when it asks, and where what it tells goes."""

    peer: Peer

    async def elicit(
        self, context: ClientRequestContext, params: types.ElicitRequestParams
    ) -> types.ElicitResult | types.ErrorData:
        if (running := elicits(self.peer)) is None:
            return types.ElicitResult(action="cancel")
        async with running.waiting():
            answer = await running.asked.elicit(_elicitation(self.peer.config.name, params))
        return types.ElicitResult(action=answer.action, content=answer.content if answer.action == "accept" else None)

    async def sample(
        self, context: ClientRequestContext, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult | types.ErrorData:
        nobody = types.ErrorData(code=types.INVALID_REQUEST, message="The user did not allow it.")
        if (running := elicits(self.peer)) is None:
            return nobody
        request = params.model_dump(mode="json", by_alias=True, exclude_none=True)
        async with running.waiting():
            written = await running.asked.sample(self.peer.config.name, request)
        return nobody if written is None else types.CreateMessageResult.model_validate(dict(written.message))

    async def roots(self, context: ClientRequestContext) -> types.ListRootsResult:
        found = [{"uri": Path(it).as_uri(), "name": Path(it).name} for it in self.peer.roots]
        return types.ListRootsResult(roots=[types.Root.model_validate(it) for it in found])

    async def log(self, params: types.LoggingMessageNotificationParams) -> None:
        self.peer.say(f"{params.level}: {params.data}")

    async def hear(self, message: IncomingMessage) -> None:
        match message:
            case types.ToolListChangedNotification():
                self.peer.heard("tools")
            case types.PromptListChangedNotification():
                self.peer.heard("prompts")
            case types.ResourceListChangedNotification():
                self.peer.heard("resources")
            case Exception():
                self.peer.say(f"The connection had a fault: {message}")
            case _:
                return


async def listening(client: Client, heard: Callable[[str], None]) -> None:
    """Hear of changes where the protocol has a stream for them; older servers tell by themselves."""
    words = {ToolsListChanged: "tools", PromptsListChanged: "prompts", ResourcesListChanged: "resources"}
    while True:
        try:
            stream = client.listen(tools_list_changed=True, prompts_list_changed=True, resources_list_changed=True)
            async with stream as events:
                async for it in events:
                    if (word := words.get(cast("Any", type(it)))) is not None:
                        heard(word)
            return
        except (ListenNotSupportedError, MCPError, TimeoutError):
            return
        except SubscriptionLost:
            await asyncio.sleep(AGAIN)
            for word in words.values():
                heard(word)


async def tell_roots(client: Client) -> None:
    """Tell an older server that the workspace folders are others; newer ones ask when they want to know."""
    if client.session.initialize_result is not None:
        with suppress(MCPError):
            await client.session.send_notification(types.RootsListChangedNotification())


def _elicitation(name: str, params: types.ElicitRequestParams) -> Elicitation:
    try:
        data: dict[str, Any] = params.model_dump(mode="json", by_alias=True, exclude_none=True)
    except ValidationError:
        data = {}
    return Elicitation(name, params.message, data.get("requestedSchema") or {}, str(data.get("url") or ""))
