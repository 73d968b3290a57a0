"""`claw-lsp sessions`: list, show, export, fork, delete."""

from __future__ import annotations

import argparse
import sys

from claw_lsp.cli.given import Misused, folder_of, the_archive, the_checkpoints, told


def sessions_arguments(it: argparse.ArgumentParser) -> None:
    """List, show, export, fork and delete what was said before."""
    verbs = it.add_subparsers(title="commands", metavar="COMMAND", required=True)
    one = verbs.add_parser("list", help="the sessions of this folder, the newest first")
    one.add_argument("--all", action="store_true", help="those of every folder")
    one.add_argument("--cwd", metavar="DIR", default=".", help="those of this folder")
    one.set_defaults(do=_sessions_list)
    two = verbs.add_parser("show", help="the transcript of a session")
    two.add_argument("session", metavar="ID", help="its id, or how it begins")
    two.set_defaults(do=_sessions_show)
    three = verbs.add_parser("export", help="a session as a document of its own")
    three.add_argument("session", metavar="ID", help="its id, or how it begins")
    three.add_argument("--format", choices=("markdown", "html", "json"), default="markdown")
    three.add_argument("--output", metavar="FILE", help="write a new file, not to stdout")
    three.set_defaults(do=_sessions_export)
    four = verbs.add_parser("fork", help="a new session that begins as this one did; prints its id")
    four.add_argument("session", metavar="ID", help="its id, or how it begins")
    four.add_argument("--at", metavar="PROMPT", help="only up to this prompt: its number from 1 on, or its id")
    four.set_defaults(do=_sessions_fork)
    five = verbs.add_parser("delete", help="remove a session and all that is kept of it")
    five.add_argument("session", metavar="ID", help="its id, or how it begins")
    five.add_argument("--yes", action="store_true", help="do not ask")
    five.set_defaults(do=_sessions_delete)


def do_sessions(args: argparse.Namespace) -> int:
    raise Misused("sessions: expected list, show, export, fork or delete")


def _sessions_list(args: argparse.Namespace) -> int:
    import asyncio

    from claw_lsp.term import sessions

    folder = None if args.all else folder_of(args.cwd)
    found = asyncio.run(the_archive().list(folder))
    if found:
        print(sessions.listed(found, folders=args.all))
    else:
        print(f"No sessions{'' if args.all else f' in {folder}'} yet.", file=sys.stderr)
    return 0


def _sessions_show(args: argparse.Namespace) -> int:
    from claw_lsp.term import sessions

    return told(lambda: sessions.transcript(the_archive(), args.session))


def _sessions_export(args: argparse.Namespace) -> int:
    from claw_lsp.term import sessions

    return told(lambda: sessions.exported_to(the_archive(), args.session, args.format, args.output))


def _sessions_fork(args: argparse.Namespace) -> int:
    from claw_lsp.term import sessions

    return told(lambda: sessions.forked_at(the_archive(), args.session, args.at))


def _sessions_delete(args: argparse.Namespace) -> int:
    from claw_lsp.term import sessions

    def sure(question: str) -> bool:
        print(question, end=" ", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    if not args.yes and not sys.stdin.isatty():
        raise Misused("sessions delete asks first, and there is no terminal to ask on: add --yes")
    about = the_archive(), the_checkpoints()
    return told(lambda: sessions.deleted(*about, args.session, sure=None if args.yes else sure))
