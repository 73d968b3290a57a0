"""Editors that other agents of the same person may ask: a Unix socket for each, and beside it a file with its token.

Where there are no Unix sockets, or the path is too long for one, it is a port of the loopback interface.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from claw_lsp.adapters.private import make_private, write_private
from claw_lsp.facts.fault import ClawError, HostError, ToolError
from claw_lsp.facts.shared import Asked
from claw_lsp.ports.editors import Answer

logger = logging.getLogger(__name__)

LONGEST = 32 * 1024 * 1024
"""Bytes of one line: a file with its text, or a proposal."""
PATIENCE = 10.0
"""Seconds in which whoever connects has to say what it wants."""
SLOWEST = 60.0
"""Seconds that an editor may take for its answer."""
LONGEST_PATH = 100
"""Bytes of a socket's path: some systems take no more than 103."""
GONE = "The editor went away meanwhile."


class EditorOffer:
    """Fills `Offer`.

    Invariant: nobody who does not know the token is answered, and only the owner can read it.
    """

    def __init__(self, claw_home: str) -> None:
        self._folder = Path(claw_home) / "editors"
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._token = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None
        self._answer: Answer | None = None

    async def open(self, answer: Answer) -> None:
        if self._server is not None:
            return
        self._answer = answer
        try:
            await asyncio.to_thread(_private_folder, self._folder)
            self._server, address = await self._listen()
            said = json.dumps({"address": address, "token": self._token})
            await asyncio.to_thread(self._write, said)
        except OSError as error:
            await self.close()
            raise ClawError(f"The editor cannot be shared with other agents ({self._folder}): {error}") from error

    async def close(self) -> None:
        server, self._server = self._server, None
        await asyncio.to_thread(_clear, self._folder, self._name)
        if server is not None:
            server.close()

    def _write(self, said: str) -> None:
        """Whole at once: whoever finds it can read it."""
        path = self._folder / f"{self._name}.new"
        write_private(path, said)
        path.replace(self._folder / f"{self._name}.json")

    async def _listen(self) -> tuple[asyncio.Server, str | int]:
        path = str(self._folder / f"{self._name}.sock")
        if hasattr(asyncio, "start_unix_server") and len(os.fsencode(path)) <= LONGEST_PATH:
            server = await asyncio.start_unix_server(self._meet, path, limit=LONGEST)
            await asyncio.to_thread(Path(path).chmod, 0o600)
            return server, path
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0, limit=LONGEST)
        return server, server.sockets[0].getsockname()[1]

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                line = await reader.readline()
            if (answer := await self._answered(line)) is not None:
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, ValueError, OSError) as error:
            logger.warning("Another agent was not answered: %s", error)
        finally:
            writer.close()

    async def _answered(self, line: bytes) -> dict[str, Any] | None:
        """What to say to this line; None for a stranger's, who is told nothing."""
        said: Any = json.loads(line)
        token = cast("dict[str, Any]", said).get("token") if isinstance(said, dict) else None
        if not (isinstance(token, str) and hmac.compare_digest(token.encode(errors="replace"), self._token.encode())):
            logger.warning("Somebody without the token asked for what the editor shows")
            return None
        assert self._answer is not None
        try:
            return {"told": await self._answer(Asked.model_validate(said["asked"]))}
        except (ClawError, ValidationError, KeyError) as error:
            return {"refused": str(error)}


class SharedEditors:
    """Fills `Editors`. What a process left behind that was killed is cleared away by the first who finds nobody there."""

    def __init__(self, claw_home: str) -> None:
        self._folder = Path(claw_home) / "editors"

    async def known(self) -> tuple[str, ...]:
        return await asyncio.to_thread(self._records)

    async def ask(self, editor: str, asked: Asked) -> dict[str, Any]:
        record = self._folder / f"{editor}.json"
        try:
            said = json.loads(await asyncio.to_thread(record.read_text, "utf-8"))
            address, token = said["address"], said["token"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HostError(GONE) from error
        try:
            reader, writer = await _connect(address)
        except OSError as error:
            await asyncio.to_thread(_clear, self._folder, editor)
            raise HostError(GONE) from error
        try:
            writer.write(json.dumps({"token": token, "asked": asked.model_dump()}).encode() + b"\n")
            async with asyncio.timeout(SLOWEST):
                answer = json.loads(await reader.readline())
        except (OSError, ValueError) as error:
            raise HostError(GONE) from error
        finally:
            writer.close()
        if "refused" in answer:
            raise ToolError(answer["refused"])
        return answer["told"]

    def _records(self) -> tuple[str, ...]:
        """Newest first."""
        found: list[tuple[float, str]] = []
        for it in self._folder.glob("*.json"):
            with suppress(OSError):
                found.append((it.stat().st_mtime, it.stem))
        return tuple(name for _, name in sorted(found, reverse=True))


def _private_folder(folder: Path) -> None:
    make_private(folder)
    folder.chmod(0o700)


def _clear(folder: Path, editor: str) -> None:
    for suffix in ("json", "sock", "new"):
        with suppress(OSError):
            (folder / f"{editor}.{suffix}").unlink()


async def _connect(address: str | int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(address, str):
        return await asyncio.open_unix_connection(address, limit=LONGEST)
    return await asyncio.open_connection("127.0.0.1", address, limit=LONGEST)
