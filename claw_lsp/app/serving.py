"""The language server on each of its wires. What is slow to import is loaded when the handshake was answered."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from claw_lsp import __version__
from claw_lsp.app.logs import wants_wire
from claw_lsp.app.world import World
from claw_lsp.lsp.server import ClawServer

if TYPE_CHECKING:
    from claw_lsp.adapters.wire import WireLog
    from claw_lsp.engine.house import House
    from claw_lsp.ports.files import Workspace


def language_server(world: World) -> ClawServer:
    """A server for one connection; nothing is heard or said yet."""
    server = ClawServer(partial(_house_and_disk, world), __version__, tap=partial(_wire_log, world))
    if wants_wire(world.environment):
        server.wire.protocol.tap = _wire_log(world)
    return server


def serve_stdio(server: ClawServer) -> int:
    """The language server over stdin and stdout; the process's exit code."""
    from claw_lsp.lsp.transport.stdio import run_stdio

    return run_stdio(server.wire)


def serve_tcp(server: ClawServer, port: int) -> int:
    """The language server on a loopback port; the process's exit code."""
    from claw_lsp.lsp.transport.network import run_tcp

    return run_tcp(server.wire, port)


def serve_ws(server: ClawServer, port: int) -> int:
    """The language server on a loopback WebSocket; the process's exit code."""
    from claw_lsp.lsp.transport.network import run_websocket

    return run_websocket(server.wire, port)


def _wire_log(world: World) -> WireLog:
    from claw_lsp.adapters.clock import SystemClock
    from claw_lsp.adapters.wire import WireLog
    from claw_lsp.core.redaction import secrets_of

    return WireLog(Path(world.claw_home), SystemClock().now, secrets_of(world.environment))


def _house_and_disk(world: World) -> tuple[House, Workspace]:
    from claw_lsp.adapters.disk import DiskWorkspace
    from claw_lsp.adapters.interpreter import importing, share_arenas
    from claw_lsp.app.house import build

    share_arenas()
    with importing():
        return build(world), DiskWorkspace()
