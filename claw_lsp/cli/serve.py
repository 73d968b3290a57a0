"""`claw-lsp serve`."""

from __future__ import annotations

import argparse

from claw_lsp.cli.given import port, the_world


def serve_arguments(it: argparse.ArgumentParser) -> None:
    """Be a language server; an editor starts this.

    TCP and WebSocket listen on this machine only and print a token that the client must give.
    """
    how = it.add_mutually_exclusive_group()
    how.add_argument("--stdio", action="store_true", help="speak over stdin and stdout (the default)")
    how.add_argument("--tcp", type=port, metavar="PORT", help="listen on a TCP port; 0 picks a free one")
    how.add_argument("--ws", type=port, metavar="PORT", help="listen for a WebSocket; 0 picks a free one")
    it.add_argument("--clientProcessId", help=argparse.SUPPRESS)  # Some clients add it; `initialize` says it too.


def do_serve(args: argparse.Namespace) -> int:
    from claw_lsp.adapters.interpreter import starting

    with starting():
        from claw_lsp.app import serving

        server = serving.language_server(the_world())
    if args.tcp is not None:
        return serving.serve_tcp(server, args.tcp)
    if args.ws is not None:
        return serving.serve_ws(server, args.ws)
    return serving.serve_stdio(server)
