"""Headers that a command prints: the `headersHelper` of an entry, run anew for each connection."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from claw_lsp.adapters.process.environment import allowed
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import ServerConfig

SECONDS, MOST_BYTES = 10.0, 64_000


async def headers_of(config: ServerConfig, environment: Mapping[str, str], seconds: float = SECONDS) -> dict[str, str]:
    """The headers of an entry and those its helper prints, which are the stronger. What it printed is never repeated. Raises
    ClawError for a helper that fails, takes too long, or prints anything but an object of texts.

    A helper of the person's own gets their environment, as what fetches a key needs keys; a project's gets what every command
    gets.
    """
    if not config.headers_helper:
        return dict(config.headers)
    own = config.scope != "project"
    given = dict(environment) if own else allowed(environment)
    about = {"CLAUDE_CODE_MCP_SERVER_NAME": config.name, "CLAUDE_CODE_MCP_SERVER_URL": config.url}
    about |= {name.replace("CLAUDE_CODE", "CLAW"): value for name, value in about.items()}
    what = f"The headersHelper of {config.name}"
    printed = await asyncio.to_thread(_run, config.headers_helper, given | about, seconds, what)
    try:
        found: Any = json.loads(printed)
    except (ValueError, RecursionError):
        found = None
    pairs = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    plain = {name: it for name, it in pairs.items() if isinstance(it, str) and it.isprintable() and it.isascii()}
    if not isinstance(found, dict) or len(plain) < len(pairs):
        raise ClawError(f"{what} must print one JSON object of headers, each a line of plain text.")
    return {**config.headers, **plain}


def _run(command: str, environment: Mapping[str, str], seconds: float, what: str) -> bytes:
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ClawError(f"{what} cannot be started: {error.strerror}.") from None
    late = threading.Event()
    timer = threading.Timer(seconds, lambda: (late.set(), _end(process)))
    timer.start()
    with process:
        assert process.stdout is not None
        printed = process.stdout.read(MOST_BYTES + 1)
        if len(printed) > MOST_BYTES:
            _end(process)
        code = process.wait()
        timer.cancel()
    if late.is_set():
        raise ClawError(f"{what} did not end within {seconds:g} s. Try it in a terminal.")
    if len(printed) > MOST_BYTES:
        raise ClawError(f"{what} printed more than {MOST_BYTES} bytes.")
    if code != 0:
        raise ClawError(f"{what} failed with exit code {code}. Try it in a terminal.")
    return printed


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and whatever it left behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
