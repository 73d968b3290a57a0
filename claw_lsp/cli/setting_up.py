"""`claw-lsp demo` and `claw-lsp init`: the first things that somebody does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from claw_lsp.cli.given import Misused, the_world

EDITORS = ("vscode", "neovim", "neovim-standard", "helix", "emacs", "vim", "sublime", "kakoune", "zed", "kate")


def demo_arguments(it: argparse.ArgumentParser) -> None:
    """Watch one whole turn: a real server, an editor without a screen, a bug that gets fixed. Needs no key.

    Everything happens in a temporary folder. Exits with 0 only if the sample's tests passed in the end.
    """
    it.add_argument("--yes", action="store_true", help="answer the permission questions with yes")
    it.add_argument("--live", action="store_true", help="ask the real model (needs ANTHROPIC_API_KEY)")


def do_demo(args: argparse.Namespace) -> int:
    from claw_lsp.adapters.claude.credentials import WAYS
    from claw_lsp.app.world import environment_of_process
    from claw_lsp.testing.demo.show import demo

    environment = environment_of_process()
    if not args.yes and not sys.stdin.isatty():
        raise Misused("the demo asks questions, and there is no terminal to ask them on: add --yes to let it answer")
    if args.live and not environment.get("ANTHROPIC_API_KEY", "").strip():
        raise Misused(f"--live asks the real model and needs ANTHROPIC_API_KEY. {WAYS.split('; ')[0]}.")
    return demo(environment, by_itself=args.yes, live=args.live)


def init_arguments(it: argparse.ArgumentParser) -> None:
    """Print what makes an editor start claw-lsp; --write puts it there.

    Writing never replaces what is yours: it adds, keeps a backup, and doing it twice changes nothing.
    """
    it.add_argument("editor", metavar="EDITOR", choices=EDITORS, help=", ".join(EDITORS))
    it.add_argument("--write", action="store_true", help="install it instead of printing it")


def do_init(args: argparse.Namespace) -> int:
    from claw_lsp.facts.fault import BadRequest
    from claw_lsp.term import vscode
    from claw_lsp.term.init import SETUPS, program, vscode_settings, write, write_vscode
    from claw_lsp.term.shipped import shipped

    world = the_world()
    setup, home = SETUPS[args.editor], Path(world.home)
    try:
        claw = program(sys.argv[0], world.environment.get("PATH", ""))
        text = setup.text(claw)
        if args.write and args.editor == "vscode":
            print(text, flush=True)
            print(f"\n{vscode.install(shipped('editors') / 'vscode', world.environment)}", flush=True)
            print(write_vscode(vscode_settings(world.environment, home), claw))
        else:
            print(write(setup, text, world.environment, home) if args.write else text)
    except BadRequest as error:
        raise Misused(str(error)) from None
    return 0
