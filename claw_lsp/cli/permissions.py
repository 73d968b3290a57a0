"""`claw-lsp permissions`."""

from __future__ import annotations

import argparse
from pathlib import Path

from claw_lsp.cli.given import MODES, Misused, folder_of, the_world


def permissions_arguments(it: argparse.ArgumentParser) -> None:
    """Say what the permission rules decide, without doing anything.

    `check` exits with 0 for allow, 3 for ask, 4 for deny, or 0 when every line of a batch was answered.
    """
    check = it.add_subparsers(metavar="ACTION", required=True).add_parser("check", help="judge a tool call, or a batch")
    check.add_argument("--tool", metavar="NAME", help="the tool, such as Bash")
    check.add_argument("--input", metavar="JSON", help="its input, as the model writes it")
    check.add_argument(
        "--settings", metavar="FILE", action="append", default=[], help="a settings file beside those in force"
    )
    check.add_argument("--mode", choices=MODES, help="the permission mode")
    check.add_argument("--cwd", metavar="DIR", default=".", help="the folder to judge in")
    check.add_argument(
        "--batch", metavar="FILE", help="a file of calls with rules of their own, one JSON object a line"
    )


def do_permissions(args: argparse.Namespace) -> int:
    import json

    from pydantic import ValidationError

    from claw_lsp.app import permissions
    from claw_lsp.facts.fault import ClawError
    from claw_lsp.facts.rule import Mode

    if args.batch is not None:
        return _batch(args.batch)
    if args.tool is None or args.input is None:
        raise Misused("permissions check: give --tool NAME and --input JSON, or --batch FILE")
    try:
        given = permissions.INPUT.validate_json(args.input)
    except ValidationError:
        raise Misused(f"--input: expected a JSON object, found {args.input[:80]}") from None
    files = tuple(str(Path(it).absolute()) for it in args.settings)
    if missing := [it for it in files if not Path(it).is_file()]:
        raise Misused(f"--settings: there is no file {missing[0]}")
    mode = Mode(args.mode) if args.mode else None
    try:
        answer = permissions.checked(the_world(), args.tool, given, mode=mode, folder=folder_of(args.cwd), files=files)
    except ClawError as error:
        raise Misused(str(error)) from None
    print(json.dumps(answer, ensure_ascii=False))
    return permissions.EXIT_CODES[answer["decision"]]


def _batch(path: str) -> int:
    import json

    from claw_lsp.app import permissions

    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise Misused(f"--batch: {path} cannot be read: {error}") from None
    world = the_world()
    answers = [permissions.checked_line(world, it) for it in lines if it.strip()]
    for answer in answers:
        print(json.dumps(answer, ensure_ascii=False))
    return 1 if any("error" in it for it in answers) else 0
