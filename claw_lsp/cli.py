"""The command line. What a subcommand needs is imported when it is chosen, so that `serve` starts at once."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claw_lsp import __version__

if TYPE_CHECKING:
    from pydantic import BaseModel

    from claw_lsp.app.world import World
    from claw_lsp.ports import Archive

USAGE = 2
"""The exit code for a command line that cannot be obeyed; argparse uses it too."""

MODES = ("default", "acceptEdits", "plan", "auto", "bypassPermissions", "dontAsk")
EDITORS = ("vscode", "neovim", "neovim-standard", "helix", "emacs", "vim", "sublime", "kakoune", "zed", "kate")


class Misused(Exception):
    """The command line cannot be obeyed; the text says why."""


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


def _world() -> World:
    from claw_lsp.app.world import World, environment_of_process

    return World.here(environment_of_process())


# ---- serve --------------------------------------------------------------------------------------------------------


def _serve_arguments(it: argparse.ArgumentParser) -> None:
    """Be a language server; an editor starts this.

    TCP and WebSocket listen on this machine only and print a token that the client must give.
    """
    how = it.add_mutually_exclusive_group()
    how.add_argument("--stdio", action="store_true", help="speak over stdin and stdout (the default)")
    how.add_argument("--tcp", type=_port, metavar="PORT", help="listen on a TCP port; 0 picks a free one")
    how.add_argument("--ws", type=_port, metavar="PORT", help="listen for a WebSocket; 0 picks a free one")
    it.add_argument("--clientProcessId", help=argparse.SUPPRESS)  # Some clients add it; `initialize` says it too.


def _serve(args: argparse.Namespace) -> int:
    from claw_lsp.adapters.interpreter import starting

    with starting():
        from claw_lsp.app import serving

        server = serving.language_server(_world())
    if args.tcp is not None:
        return serving.serve_tcp(server, args.tcp)
    if args.ws is not None:
        return serving.serve_ws(server, args.ws)
    return serving.serve_stdio(server)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, found {text!r}")
    return int(text)


# ---- run ----------------------------------------------------------------------------------------------------------


def _run_arguments(it: argparse.ArgumentParser) -> None:
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
    it.add_argument("--max-turns", type=_positive, metavar="N", help="how many replies of the model it may take")
    it.add_argument("--review", action="store_true", help="print the edits as a diff and write them only after a yes")


def _run(args: argparse.Namespace) -> int:
    from claw_lsp.adapters.disk import DiskWorkspace
    from claw_lsp.app.house import build
    from claw_lsp.facts.fault import BadRequest
    from claw_lsp.facts.rule import Mode
    from claw_lsp.term.asking import Lines, Nobody, Typist
    from claw_lsp.term.run import Order, run
    from claw_lsp.term.screens import FORMATS

    order = Order(
        prompt=_prompt(args.prompt),
        folder=_folder(args.cwd),
        model=args.model,
        mode=Mode(args.permission_mode) if args.permission_mode else None,
        resume=args.resume,
        latest=args.latest,
        max_turns=args.max_turns,
        review=args.review,
    )
    present = sys.stdin.isatty() and sys.stderr.isatty()
    person = Typist(Lines(sys.stdin.fileno()), sys.stderr) if present else Nobody()
    screen = FORMATS[args.output_format](sys.stdout, sys.stderr)
    try:
        return run(order, build(_world()), DiskWorkspace(), screen, person)
    except BadRequest as error:
        raise Misused(str(error)) from None


def _prompt(given: str) -> str:
    prompt = sys.stdin.read() if given == "-" else given
    if not prompt.strip():
        raise Misused("PROMPT: expected some words, found none")
    return prompt


def _folder(given: str) -> str:
    folder = Path(given).absolute()
    if not folder.is_dir():
        raise Misused(f"--cwd: {given} is not a folder")
    return os.path.normpath(folder)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, found {text!r}")
    return int(text)


# ---- demo ---------------------------------------------------------------------------------------------------------


def _demo_arguments(it: argparse.ArgumentParser) -> None:
    """Watch one whole turn: a real server, an editor without a screen, a bug that gets fixed. Needs no key.

    Everything happens in a temporary folder. Exits with 0 only if the sample's tests passed in the end.
    """
    it.add_argument("--yes", action="store_true", help="answer the permission questions with yes")
    it.add_argument("--live", action="store_true", help="ask the real model (needs ANTHROPIC_API_KEY)")


def _demo(args: argparse.Namespace) -> int:
    from claw_lsp.adapters.claude.credentials import WAYS
    from claw_lsp.app.world import environment_of_process
    from claw_lsp.testing.demo.show import demo

    environment = environment_of_process()
    if not args.yes and not sys.stdin.isatty():
        raise Misused("the demo asks questions, and there is no terminal to ask them on: add --yes to let it answer")
    if args.live and not environment.get("ANTHROPIC_API_KEY", "").strip():
        raise Misused(f"--live asks the real model and needs ANTHROPIC_API_KEY. {WAYS.split('; ')[0]}.")
    return demo(environment, by_itself=args.yes, live=args.live)


# ---- init ---------------------------------------------------------------------------------------------------------


def _init_arguments(it: argparse.ArgumentParser) -> None:
    """Print what makes an editor start claw-lsp; --write puts it there.

    Writing never replaces what is yours: it adds, keeps a backup, and doing it twice changes nothing.
    """
    it.add_argument("editor", metavar="EDITOR", choices=EDITORS, help=", ".join(EDITORS))
    it.add_argument("--write", action="store_true", help="install it instead of printing it")


def _init(args: argparse.Namespace) -> int:
    from claw_lsp.facts.fault import BadRequest
    from claw_lsp.term import vscode
    from claw_lsp.term.init import SETUPS, program, vscode_settings, write, write_vscode
    from claw_lsp.term.shipped import shipped

    world = _world()
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


# ---- sessions -----------------------------------------------------------------------------------------------------


def _sessions_arguments(it: argparse.ArgumentParser) -> None:
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


def _sessions(args: argparse.Namespace) -> int:
    raise Misused("sessions: expected list, show, export, fork or delete")


def _sessions_list(args: argparse.Namespace) -> int:
    import asyncio

    from claw_lsp.term import sessions

    folder = None if args.all else _folder(args.cwd)
    found = asyncio.run(_archive().list(folder))
    if found:
        print(sessions.listed(found, folders=args.all))
    else:
        print(f"No sessions{'' if args.all else f' in {folder}'} yet.", file=sys.stderr)
    return 0


def _sessions_show(args: argparse.Namespace) -> int:
    from claw_lsp.term import sessions

    return _told(lambda: sessions.transcript(_archive(), args.session))


def _sessions_export(args: argparse.Namespace) -> int:
    from claw_lsp.term import sessions

    return _told(lambda: sessions.exported_to(_archive(), args.session, args.format, args.output))


def _sessions_fork(args: argparse.Namespace) -> int:
    from claw_lsp.term import sessions

    return _told(lambda: sessions.forked_at(_archive(), args.session, args.at))


def _sessions_delete(args: argparse.Namespace) -> int:
    from claw_lsp.term import sessions

    def sure(question: str) -> bool:
        print(question, end=" ", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    if not args.yes and not sys.stdin.isatty():
        raise Misused("sessions delete asks first, and there is no terminal to ask on: add --yes")
    return _told(lambda: sessions.deleted(_archive(), args.session, sure=None if args.yes else sure))


def _told(work: Callable[[], Coroutine[Any, Any, str]]) -> int:
    """Print what comes of it, or why nothing does."""
    import asyncio

    from claw_lsp.facts.fault import ClawError

    try:
        print(asyncio.run(work()))
    except ClawError as error:
        print(f"claw-lsp: {error}", file=sys.stderr)
        return 1
    return 0


def _archive() -> Archive:
    from claw_lsp.adapters.clock import SystemClock
    from claw_lsp.adapters.jsonl import JsonlArchive

    return JsonlArchive(Path(_world().claw_home), SystemClock())


# ---- permissions --------------------------------------------------------------------------------------------------


def _permissions_arguments(it: argparse.ArgumentParser) -> None:
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


def _permissions(args: argparse.Namespace) -> int:
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
        answer = permissions.checked(_world(), args.tool, given, mode=mode, folder=_folder(args.cwd), files=files)
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
    world = _world()
    answers = [permissions.checked_line(world, it) for it in lines if it.strip()]
    for answer in answers:
        print(json.dumps(answer, ensure_ascii=False))
    return 1 if any("error" in it for it in answers) else 0


# ---- schema and doctor --------------------------------------------------------------------------------------------


def _schema_arguments(it: argparse.ArgumentParser) -> None:
    """Print the JSON schemas of settings, events and commands."""
    it.add_argument("of", nargs="?", choices=("settings", "events", "commands"), help="only this one")


def _schema(args: argparse.Namespace) -> int:
    import json

    from claw_lsp.adapters.settings import schema
    from claw_lsp.term.schemas import schemas

    found = schemas(schema(), _command_arguments())
    print(json.dumps(found[args.of] if args.of else found, indent=2))
    return 0


def _command_arguments() -> dict[str, type[BaseModel]]:
    from claw_lsp.lsp.answers import TABLE

    return {name: it.arguments for name, it in sorted(TABLE.items())}


def _doctor_arguments(it: argparse.ArgumentParser) -> None:
    """Say what is there and what is missing. Exits with 1 if something must be mended."""


def _doctor(args: argparse.Namespace) -> int:
    from claw_lsp.adapters.claude import credentials
    from claw_lsp.adapters.ripgrep import ripgrep_program
    from claw_lsp.adapters.sandbox.finding import find
    from claw_lsp.app import house
    from claw_lsp.term.doctor import findings

    world = _world()

    def find_key() -> str | None:
        found = house.find_key(world, house.own_settings(world))
        if found:
            # Whichever key is used, one in a file that others can read is no secret any more.
            credentials.from_file(credentials.file_of(world.environment, world.home))
        return found.source if found else None

    path = world.environment.get("PATH", "")
    found = findings(world.environment, world.claw_home, find_key, ripgrep_program, lambda: find(path, [world.cwd]))
    print("\n".join(str(it) for it in found))
    return 1 if any(it.grade == "broken" for it in found) else 0


Add = Callable[[argparse.ArgumentParser], None]
Do = Callable[[argparse.Namespace], int]

_COMMANDS: tuple[tuple[str, Do, Add], ...] = (
    ("serve", _serve, _serve_arguments),
    ("demo", _demo, _demo_arguments),
    ("init", _init, _init_arguments),
    ("run", _run, _run_arguments),
    ("sessions", _sessions, _sessions_arguments),
    ("permissions", _permissions, _permissions_arguments),
    ("doctor", _doctor, _doctor_arguments),
    ("schema", _schema, _schema_arguments),
)
