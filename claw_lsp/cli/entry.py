"""The command line. What a subcommand needs is imported when it is chosen, so that `serve` starts at once."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from claw_lsp import __version__
from claw_lsp.cli.given import USAGE, Misused
from claw_lsp.cli.hooks import do_hooks, hooks_arguments
from claw_lsp.cli.mcp import do_mcp, mcp_arguments
from claw_lsp.cli.permissions import do_permissions, permissions_arguments
from claw_lsp.cli.run import do_run, run_arguments
from claw_lsp.cli.serve import do_serve, serve_arguments
from claw_lsp.cli.sessions import do_sessions, sessions_arguments
from claw_lsp.cli.setting_up import demo_arguments, do_demo, do_init, init_arguments
from claw_lsp.cli.sight import do_doctor, do_schema, doctor_arguments, schema_arguments
from claw_lsp.cli.trace import do_replay, do_trace, replay_arguments, trace_arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the process's exit code."""
    args = parser().parse_args(_with_command(list(sys.argv[1:] if argv is None else argv)))
    try:
        _log()
        return args.do(args)
    except Misused as error:
        print(f"claw-lsp: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Nobody reads on; without this the interpreter complains once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def parser() -> argparse.ArgumentParser:
    """Every command that works, and no other."""
    top = argparse.ArgumentParser(
        prog="claw-lsp",
        description="A Claude coding agent that speaks the Language Server Protocol. Without a command: serve.",
        epilog="Try `claw-lsp demo`: it needs no key and no network.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, does, add in _COMMANDS:
        said = (add.__doc__ or "").strip()
        one = commands.add_parser(name, help=said.split("\n")[0].rstrip("."), description=said)
        one.set_defaults(do=does)
        add(one)
    return top


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"claw-lsp {__version__}")
        parser.exit()


def _with_command(argv: list[str]) -> list[str]:
    """`serve` is what is meant where no command is named: editors start us bare, or with `--stdio`."""
    if not argv:
        if sys.stdin is not None and sys.stdin.isatty():
            print(
                "claw-lsp: this is a language server and waits for an editor to speak; Ctrl-C ends it."
                " `claw-lsp --help` lists what else it does.",
                file=sys.stderr,
            )
        return ["serve"]
    first = argv[0].split("=")[0]
    return ["serve", *argv] if first in ("--stdio", "--tcp", "--ws", "--clientProcessId") else argv


def _log() -> None:
    from claw_lsp.app import logs
    from claw_lsp.app.world import environment_of_process
    from claw_lsp.facts.fault import BadRequest

    try:
        logs.set_up(environment_of_process())
    except BadRequest as error:
        raise Misused(str(error)) from None


Add = Callable[[argparse.ArgumentParser], None]
Do = Callable[[argparse.Namespace], int]

_COMMANDS: tuple[tuple[str, Do, Add], ...] = (
    ("serve", do_serve, serve_arguments),
    ("demo", do_demo, demo_arguments),
    ("init", do_init, init_arguments),
    ("run", do_run, run_arguments),
    ("sessions", do_sessions, sessions_arguments),
    ("trace", do_trace, trace_arguments),
    ("replay", do_replay, replay_arguments),
    ("permissions", do_permissions, permissions_arguments),
    ("hooks", do_hooks, hooks_arguments),
    ("mcp", do_mcp, mcp_arguments),
    ("doctor", do_doctor, doctor_arguments),
    ("schema", do_schema, schema_arguments),
)
