"""Asking the client: every await has a time limit, and every way it can go wrong is a HostError."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

from pygls.exceptions import JsonRpcException

from claw_lsp.facts.fault import ClientRefused, ClientSilent
from claw_lsp.lsp.transport.server import DoorServer


async def ask_client(
    server: DoorServer, method: str, params: Any = None, *, timeout: float | None, withdraws: bool = False
) -> Any:
    """The client's result, structured where lsprotocol knows the method; None when it answers null.

    Raises ClientSilent after `timeout` seconds (None: only a person's question may wait for ever) and when the client
    is gone; ClientRefused when it answers with an error or with what does not fit. A late answer is dropped; with
    `withdraws` the client is told that it may stop looking for one.
    """
    protocol = server.protocol
    request_id = protocol.next_request_id()
    answer: Future[Any] | None = None
    try:
        async with asyncio.timeout(timeout):
            await protocol.drain()
            answer = protocol.send_request(method, params, msg_id=request_id)
            return await asyncio.wrap_future(answer)
    except TimeoutError as error:
        raise ClientSilent(f"the editor did not answer {method} within {timeout} s") from error
    except ConnectionError as error:
        raise ClientSilent(f"the editor is gone ({error}); {method} was not answered") from error
    except JsonRpcException as error:
        raise ClientRefused(f"the editor refused {method}: {error.message[:300]}") from error
    finally:
        if withdraws and answer is not None and answer.cancelled():
            protocol.notify("$/cancelRequest", {"id": request_id})
        protocol.forget(request_id)
