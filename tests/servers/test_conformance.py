"""The client scenarios of @modelcontextprotocol/conformance, each with our own connection and login."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
from server_desk import NPM, needs_npm

pytestmark = [needs_npm, pytest.mark.timeout(900)]

ADAPTER = Path(__file__).with_name("conformance_client.py")

FAIL = {
    "auth/basic-cimd": "a warning: we have no page on the web that describes us, so we register with each server",
    "auth/2025-03-26-oauth-metadata-backcompat": "its metadata names another issuer than the address it stands at, and the SDK"
    " refuses that (RFC 8414, 3.3)",
    "auth/client-credentials-jwt": "an extension: there is a person who logs in",
    "auth/client-credentials-basic": "an extension: there is a person who logs in",
    "auth/cross-app-access-complete-flow": "an extension for what an employer manages",
}
"""Scenarios that we do not pass, and why."""

ASIDE = {
    "sse-retry": "it measures times, which a busy machine does not have; what it looks at is the SDK's",
}
"""Scenarios that are not tried here, and why."""


async def conformance(*arguments: str) -> tuple[int, str]:
    script = NPM.module("@modelcontextprotocol/conformance") / "dist" / "index.js"
    process = await asyncio.create_subprocess_exec(
        "node",
        str(script),
        *arguments,
        env=NPM.environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def scenarios() -> set[str]:
    _, said = await conformance("list", "--client")
    return set(re.findall(r"^  - (\S+) \[", said, re.MULTILINE))


async def test_every_scenario_that_connects_calls_or_logs_in_is_passed_and_the_others_are_known() -> None:
    every = await scenarios()
    assert every >= FAIL.keys() | ASIDE.keys()
    at_once = asyncio.Semaphore(2)

    async def passes(name: str) -> str:
        """Empty, or what the suite said."""
        async with at_once:
            client = f"{sys.executable} {ADAPTER}"
            code, said = await conformance("client", "--command", client, "--scenario", name, "--timeout", "120000")
        return "" if code == 0 else f"{name}:\n{said[-3000:]}"

    found = await asyncio.gather(*(passes(it) for it in sorted(every - FAIL.keys() - ASIDE.keys())))
    assert not [it for it in found if it], "\n\n".join(filter(None, found))
