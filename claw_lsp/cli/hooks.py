"""`claw-lsp hooks`."""

from __future__ import annotations

import argparse

from claw_lsp.cli.given import Misused, folder_of, the_world


def hooks_arguments(it: argparse.ArgumentParser) -> None:
    """List the hooks in force, where each stands, and those that are not trusted."""
    verbs = it.add_subparsers(title="commands", metavar="COMMAND", required=True)
    one = verbs.add_parser("list", help="the hooks in force in a folder, and those that are not")
    one.add_argument("--cwd", metavar="DIR", default=".", help="the folder")
    one.set_defaults(do=_hooks_list)


def do_hooks(args: argparse.Namespace) -> int:
    raise Misused("hooks: expected list")


def _hooks_list(args: argparse.Namespace) -> int:
    from claw_lsp.app.hooks import page

    print(page(the_world(), folder_of(args.cwd)), end="")
    return 0
