"""A server that is a program on this machine: started under a warden, spoken to in lines of JSON. Imported late."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from claw_lsp.adapters.process.environment import allowed
from claw_lsp.facts.fault import ProcessError
from claw_lsp.facts.mcp import ServerConfig

LONGEST = 32_000_000
"""Bytes of one message."""

PATIENCE, TO_END = 2.0, 6.5
"""Seconds a server has to end by itself once its input is closed, and its warden to end it."""

_ROOT = str(Path(__file__).parents[3])
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from claw_lsp.adapters.mcp.warden import main; main()"


@asynccontextmanager
async def program(
    config: ServerConfig,
    environment: Mapping[str, str],
    folder: str,
    say: Callable[[str], None],
    over: Callable[[], None],
) -> AsyncGenerator[TransportStreams]:
    """The streams to a server that runs until this ends, and nothing of it after. It sees an allowlisted environment and what
    its entry says; `say` gets the lines of its log, `over` is called when it says no more. Raises ProcessError."""
    flags = ("-I", "-S", "-X", "utf8") if sys.platform == "linux" else ("-I", "-X", "utf8")
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            sys.executable,
            *(*flags, "-c", _PROGRAM, _ROOT, str(os.getpid()), config.command, *config.args),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=allowed(environment) | config.env,
            start_new_session=True,
            limit=LONGEST,
        )
    )
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _called_off(starting)
        raise
    except (OSError, ValueError) as error:
        raise ProcessError(f"{config.name} could not be started in {folder}: {error}.") from None
    heard_into, heard = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_send, sent = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = [
        asyncio.create_task(it)
        for it in (_hear(process, heard_into, say), _send(process, sent), _keep_log(process, say))
    ]
    tasks[0].add_done_callback(lambda _: over())
    try:
        yield heard, to_send
    finally:
        try:
            # Cancelled in here, the end goes on behind; the warden sees to it that it comes.
            await asyncio.shield(asyncio.create_task(_end(process, tasks)))
        finally:
            for stream in (heard_into, heard, to_send, sent):
                stream.close()


async def _hear(
    process: asyncio.subprocess.Process,
    into: MemoryObjectSendStream[SessionMessage | Exception],
    say: Callable[[str], None],
) -> None:
    """Messages as they come; lines that are none go to the log. Ends, and with it the connection, at the end of the output
    and at a message that is too long."""
    assert process.stdout is not None
    with into, suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                say(f"It sent a message of more than {LONGEST} bytes, so the connection was closed.")
                return
            if not line:
                return
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError:
                if line.strip():
                    say(f"It printed what is no message: {line[:300].decode('utf-8', 'replace').strip()}")
                continue
            await into.send(SessionMessage(message))


async def _send(process: asyncio.subprocess.Process, sent: MemoryObjectReceiveStream[SessionMessage]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        async for it in sent:
            data = it.message.model_dump(mode="json", by_alias=True, exclude_unset=True)
            process.stdin.write(json.dumps(data).encode() + b"\n")
            await process.stdin.drain()


async def _keep_log(process: asyncio.subprocess.Process, say: Callable[[str], None]) -> None:
    """What it writes to its stderr, line by line; of one that is endless, its beginning."""
    assert process.stderr is not None
    rest = b""
    while data := await process.stderr.read(65_536):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines[-200:]:
            say(line.decode("utf-8", "replace"))
        rest = rest[:2_000]
    if rest:
        say(rest.decode("utf-8", "replace"))


async def _called_off(starting: asyncio.Task[asyncio.subprocess.Process]) -> None:
    """End what was about to start. asyncio would kill the warden alone, and the server would be nobody's."""
    await asyncio.wait([starting])
    if starting.exception() is not None:
        return
    process = starting.result()
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), TO_END)
    except TimeoutError:
        process.kill()


async def _end(process: asyncio.subprocess.Process, tasks: list[asyncio.Task[None]]) -> None:
    """Its input is closed first, as the protocol has it; what does not end by that is ended."""
    assert process.stdin is not None
    tasks[1].cancel()
    process.stdin.close()
    drained = asyncio.create_task(_drained(process, tasks[0]))
    for signal, seconds in ((process.terminate, PATIENCE), (process.kill, TO_END), (None, PATIENCE)):
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
        if process.returncode is not None or signal is None:
            break
        with suppress(ProcessLookupError):
            signal()
    # What it said last tells most often why it ended.
    await asyncio.wait({tasks[2]}, timeout=0.5)
    for it in (drained, *tasks):
        it.cancel()
    await asyncio.gather(drained, *tasks, return_exceptions=True)


async def _drained(process: asyncio.subprocess.Process, hearing: asyncio.Task[None]) -> None:
    """A server that still writes could not end for a full pipe."""
    assert process.stdout is not None
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
    while await process.stdout.read(65_536):
        pass
