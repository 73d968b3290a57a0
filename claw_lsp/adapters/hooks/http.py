"""Hooks that are addresses: the event is sent there, and what is answered decides."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from claw_lsp.core.approvals import ours
from claw_lsp.core.policy.rules import glob
from claw_lsp.core.web_address import host_of, normal_url
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.settings import Settings

if TYPE_CHECKING:
    import httpx2

MOST_ANSWER = 1_000_000
"""Bytes of an answer beyond which it is not read."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


async def post(hook: Hook, given: str, seconds: float, settings: Settings, environment: Mapping[str, str]) -> HookRan:
    """Send the event. Only an answer of 2xx says anything; no redirect is followed."""
    try:
        url = normal_url(hook.url)
    except ToolError as error:
        return HookRan(None, fault=str(error))
    if settings.hook_urls is not None and not any(glob(it).fullmatch(url) for it in settings.hook_urls):
        return HookRan(None, fault=f"{url} is none of the addresses that allowedHttpHookUrls lists")
    headers = {"content-type": "application/json"} | {
        name: _filled(value, hook, settings, environment) for name, value in hook.headers.items()
    }
    if any("\n" in it or "\r" in it for it in headers.values()):
        return HookRan(None, fault="a header would hold a line end")
    try:
        async with asyncio.timeout(seconds):
            return await _sent(url, given, headers, settings)
    except TimeoutError:
        return HookRan(None, fault=f"{host_of(url)} did not answer within {seconds:g} s")
    except ToolError as error:
        return HookRan(None, fault=str(error))


async def _sent(url: str, given: str, headers: Mapping[str, str], settings: Settings) -> HookRan:
    """Raises ToolError for an address that may not be reached, or cannot."""
    transport = await asyncio.to_thread(_transport)
    import httpcore2
    import httpx2

    # Who writes an address of this machine into their settings means it; a name that merely leads there is refused.
    private = settings.allow_private_addresses or host_of(url) in _THIS_MACHINE
    try:
        async with (
            transport.client(transport.resolved, allow_private=private) as web,
            web.stream("POST", url, content=given.encode("utf-8", "replace"), headers=headers, timeout=None) as answer,
        ):
            return await _read(answer, url)
    except (httpx2.HTTPError, httpx2.InvalidURL, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise ToolError(f"{host_of(url)} could not be reached: {error or type(error).__name__}") from None


async def _read(answer: httpx2.Response, url: str) -> HookRan:
    if not 200 <= answer.status_code < 300:
        return HookRan(None, fault=f"{host_of(url)} answered {answer.status_code}")
    pieces: list[bytes] = []
    n_bytes = 0
    async for piece in answer.aiter_bytes():
        n_bytes += len(piece)
        if n_bytes > MOST_ANSWER:
            return HookRan(None, fault=f"{host_of(url)} answered more than {MOST_ANSWER} bytes")
        pieces.append(piece)
    return HookRan(0, b"".join(pieces).decode("utf-8", "replace"))


def _filled(value: str, hook: Hook, settings: Settings, environment: Mapping[str, str]) -> str:
    """The header with the variables that may stand in it; any other, and what holds our own key, is nothing."""

    def meant(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        allowed = name in hook.allowed_env_vars and (settings.hook_env_vars is None or name in settings.hook_env_vars)
        return environment.get(name, "") if allowed and not ours(name) else ""

    return _VARIABLE.sub(meant, value)


def _transport():
    """Imports httpx2: once, and in a thread, since it reads many files."""
    from claw_lsp.adapters import web_transport

    return web_transport
