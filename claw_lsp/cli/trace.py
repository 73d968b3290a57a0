"""`claw-lsp trace` and `claw-lsp replay`: what happened in a session, and whether it follows."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from claw_lsp.cli.given import the_archive, the_world, told

if TYPE_CHECKING:
    from claw_lsp.term.trace import Traced


def trace_arguments(it: argparse.ArgumentParser) -> None:
    """Show the facts of a session and the messages of the protocol in one timeline.

    Messages are kept when the server was started with CLAW_LOG=wire, or when the editor turns on the protocol's trace: their
    methods, ids, times and sizes, and never the text of files.
    """
    it.add_argument("session", metavar="SESSION", help="its id, or how it begins")
    how = it.add_mutually_exclusive_group()
    how.add_argument("--follow", action="store_true", help="go on as the session does, until Ctrl-C")
    how.add_argument("--html", action="store_true", help="one page of its own, with filters, on stdout")


def do_trace(args: argparse.Namespace) -> int:
    from claw_lsp.facts.fault import ClawError
    from claw_lsp.term import trace

    width = _width()
    if args.html:
        return told(lambda: trace.traced_page(_sources(), args.session))
    if not args.follow:
        return told(lambda: trace.traced(_sources(), args.session, width))
    try:
        # A shell starts what runs in its background deaf to it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return asyncio.run(trace.follow(_sources(), args.session, width, lambda it: print(it, flush=True)))
    except ClawError as error:
        print(f"claw-lsp: {error}", file=sys.stderr)
        return 1


async def _case(named: str) -> str:
    from claw_lsp.term.sessions import found
    from claw_lsp.testing.cases.from_log import case_of

    archive = the_archive()
    it = await found(archive, named)
    return case_of(await archive.read(it.session)).rstrip("\n")


def _sources() -> Traced:
    from claw_lsp.core.redaction import secrets_of
    from claw_lsp.term.trace import Traced

    world = the_world()
    return Traced(the_archive(), Path(world.claw_home), secrets_of(world.environment))


def _width() -> int | None:
    """Of the terminal; what goes into a file or a pipe is not cut."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def replay_arguments(it: argparse.ArgumentParser) -> None:
    """Fold a session's log again and say whether each step follows from the facts before it.

    Exits with 0 if it does, else with 1, after a line for each difference.
    """
    it.add_argument("session", metavar="SESSION", help="its id, or how it begins")
    it.add_argument(
        "--as-case",
        action="store_true",
        help="print a case file that can be played and attached to a report, without credentials: look at it first",
    )


def do_replay(args: argparse.Namespace) -> int:
    if args.as_case:
        return told(lambda: _case(args.session))
    from claw_lsp.facts.fault import ClawError
    from claw_lsp.term import replay

    try:
        text, same = asyncio.run(replay.replayed(the_archive(), args.session))
    except ClawError as error:
        print(f"claw-lsp: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0 if same else 1
