"""`claw-lsp run`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from claw_lsp.cli.given import MODES, Misused, folder_of, positive, the_world

if TYPE_CHECKING:
    from claw_lsp.facts.mcp import GivenServers


def run_arguments(it: argparse.ArgumentParser) -> None:
    """Do one turn from the terminal, without an editor; files are read from disk and written to it.

    Exits with 0 when done, 1 when it failed, 3 when it was refused permission, 130 when interrupted.
    """
    it.add_argument("prompt", metavar="PROMPT", help="what to do; - reads it from stdin")
    it.add_argument("--model", help="an alias (opus, sonnet, haiku) or a model id")
    it.add_argument("--permission-mode", choices=MODES, help="what happens to calls that no rule decides")
    it.add_argument("--output-format", choices=("text", "json", "stream-json"), default="text")
    which = it.add_mutually_exclusive_group()
    which.add_argument("--continue", dest="latest", action="store_true", help="go on with this folder's last session")
    which.add_argument("--resume", metavar="ID", help="go on with this session")
    it.add_argument("--cwd", metavar="DIR", default=".", help="work in this folder")
    it.add_argument("--max-turns", type=positive, metavar="N", help="how many replies of the model it may take")
    it.add_argument(
        "--mcp-config",
        action="append",
        default=[],
        metavar="FILE|JSON",
        help="MCP servers for this turn, as a .mcp.json has them; may be given several times",
    )
    it.add_argument("--strict-mcp-config", action="store_true", help="no other MCP servers than those of --mcp-config")
    it.add_argument("--review", action="store_true", help="print the edits as a diff and write them only after a yes")


def do_run(args: argparse.Namespace) -> int:
    from claw_lsp.adapters.disk import DiskWorkspace
    from claw_lsp.app.house import build
    from claw_lsp.facts.fault import BadRequest
    from claw_lsp.facts.rule import Mode
    from claw_lsp.term.asking import Lines, Nobody, Typist
    from claw_lsp.term.run import Order, run
    from claw_lsp.term.screens import FORMATS

    order = Order(
        prompt=_prompt(args.prompt),
        folder=folder_of(args.cwd),
        model=args.model,
        mode=Mode(args.permission_mode) if args.permission_mode else None,
        resume=args.resume,
        latest=args.latest,
        max_turns=args.max_turns,
        review=args.review,
    )
    given = _servers(args.mcp_config)
    world = replace(the_world(), servers=given, only_these_servers=args.strict_mcp_config)
    present = sys.stdin.isatty() and sys.stderr.isatty()
    person = Typist(Lines(sys.stdin.fileno()), sys.stderr) if present else Nobody()
    screen = FORMATS[args.output_format](sys.stdout, sys.stderr)
    try:
        return run(order, build(world), DiskWorkspace(), screen, person)
    except BadRequest as error:
        raise Misused(str(error)) from None


def _prompt(given: str) -> str:
    prompt = sys.stdin.read() if given == "-" else given
    if not prompt.strip():
        raise Misused("PROMPT: expected some words, found none")
    return prompt


def _servers(given: list[str]) -> tuple[GivenServers, ...]:
    """What each of these holds. Raises Misused for what cannot be read, and for what is no JSON object."""
    from claw_lsp.facts.mcp import GivenServers

    found: list[GivenServers] = []
    for it in given:
        written = it.lstrip().startswith("{")
        path = "--mcp-config" if written else str(Path(it).absolute())
        try:
            text = it if written else Path(it).read_text("utf-8-sig")
            well = isinstance(json.loads(text), dict)
        except OSError as error:
            raise Misused(f"--mcp-config: {it} cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise Misused(f"--mcp-config: {'it' if written else it} is not valid JSON: {error}") from None
        if not well:
            raise Misused(f'--mcp-config: {it}: expected an object such as {{"mcpServers": {{…}}}}')
        found.append(GivenServers(path, text))
    return tuple(found)
