"""`claw-lsp mcp`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, cast

from claw_lsp.cli.given import Misused, folder_of, port, positive, the_world, told

if TYPE_CHECKING:
    from claw_lsp.app.mcp import Folder
    from claw_lsp.facts.mcp import Configured, ServerView

SCOPES = ("local", "project", "user")
SECONDS = 30
"""How long one server may take to say what it offers; `npx` may have to fetch it first."""


def mcp_arguments(it: argparse.ArgumentParser) -> None:
    """List, add and remove MCP servers, and log in to them."""
    verbs = it.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listed = _verb(verbs, "list", _list, "the servers of a folder: where each stands, and how it is")
    listed.add_argument("--json", action="store_true", help="print JSON")
    _add_looking(listed)
    _add_arguments(_verb(verbs, "add", _add, "add a server: NAME COMMAND [ARGS…], or NAME URL with --transport http"))
    as_json = _verb(verbs, "add-json", _add_json, "add a server whose entry is given as JSON")
    as_json.add_argument("--scope", "-s", choices=SCOPES, default="local", help="which file it goes into (local)")
    as_json.add_argument("name", metavar="NAME")
    as_json.add_argument("entry", metavar="JSON", help='such as {"command": "npx", "args": ["-y", "x"]}')
    removed = _verb(verbs, "remove", _remove, "remove a server")
    removed.add_argument("--scope", "-s", choices=SCOPES, help="where it stands, if in several files")
    removed.add_argument("name", metavar="NAME")
    served = _verb(verbs, "serve", _serve, "be an MCP server that tells other agents what the editor shows")
    served.add_argument(
        "--http", type=port, metavar="PORT", help="listen on this machine, with a token; 0 picks a port"
    )
    for name, does, said in (
        ("get", _get, "all about one server"),
        ("approve", _approve, "say yes to a server of the folder's .mcp.json, as it stands there"),
        ("login", _login, "log in to a server, on a page that is printed"),
        ("logout", _logout, "forget a login"),
    ):
        one = _verb(verbs, name, does, said)
        one.add_argument("name", metavar="NAME")
        if name == "get":
            _add_looking(one)
        if name == "login":
            said = "ask for the secret of the entry's clientId, or take MCP_CLIENT_SECRET, and keep it"
            one.add_argument("--client-secret", action="store_true", help=said)


def do_mcp(args: argparse.Namespace) -> int:
    raise Misused("mcp: expected a command (claw-lsp mcp --help)")


def _verb(verbs: Any, name: str, does: Any, said: str) -> argparse.ArgumentParser:
    it: argparse.ArgumentParser = verbs.add_parser(name, help=said, description=said[0].upper() + said[1:] + ".")
    it.add_argument("--cwd", metavar="DIR", default=".", help="the folder")
    it.set_defaults(do=does)
    return it


def _add_looking(it: argparse.ArgumentParser) -> None:
    it.add_argument("--no-connect", action="store_true", help="start none, and say only what is configured")
    it.add_argument(
        "--timeout", metavar="SECONDS", type=positive, default=SECONDS, help=f"how long each may take ({SECONDS})"
    )


def _add_arguments(it: argparse.ArgumentParser) -> None:
    _add_options(it)
    it.add_argument("name", metavar="NAME")
    it.add_argument("command", metavar="COMMAND_OR_URL")
    it.add_argument("args", metavar="ARGS", nargs=argparse.REMAINDER, help="behind -- where they begin with -")


def _add_options(it: argparse.ArgumentParser) -> None:
    it.add_argument(
        "--scope",
        "-s",
        choices=SCOPES,
        default="local",
        help="local: you, in this folder (the default); project: .mcp.json, for everybody; user: you, everywhere",
    )
    it.add_argument("--transport", "-t", choices=("stdio", "http", "sse"), help="stdio if not given")
    it.add_argument("--env", "-e", metavar="NAME=VALUE", action="append", default=[], help="a variable for the program")
    it.add_argument(
        "--header", "-H", metavar="NAME: VALUE", action="append", default=[], help="a header for the address"
    )
    it.add_argument("--client-id", metavar="ID", help="the client id that the server knows, for a login")
    it.add_argument("--callback-port", metavar="PORT", type=int, help="where the browser comes back to after a login")


def _folder(args: argparse.Namespace) -> Folder:
    from claw_lsp.app.mcp import Folder

    return Folder(the_world(), folder_of(args.cwd))


def _serve(args: argparse.Namespace) -> int:
    from claw_lsp.app import mcp_serving
    from claw_lsp.facts.fault import ClawError

    folder = os.path.realpath(folder_of(args.cwd))
    if args.http is None:
        return mcp_serving.serve_stdio(the_world(), folder)
    try:
        return mcp_serving.serve_http(the_world(), folder, args.http)
    except ClawError as error:
        print(f"claw-lsp: {error}", file=sys.stderr)
        return 1


def _list(args: argparse.Namespace) -> int:
    import json

    from claw_lsp.core.mcp.page import summary

    found = _seen(args)
    if args.json:
        print(json.dumps({"servers": [_json(it) for it in found.servers], "problems": list(map(str, found.problems))}))
        return 0
    print(
        "\n".join(summary(it, str) for it in found.servers) or "No MCP server is configured (claw-lsp mcp add --help)."
    )
    for it in found.problems:
        print(it, file=sys.stderr)
    return 0


def _seen(args: argparse.Namespace, name: str | None = None) -> Configured:
    """What is configured, and how it is, unless nobody is to be connected to."""
    import asyncio

    folder = _folder(args)
    return folder.read() if args.no_connect else asyncio.run(folder.looked_at(args.timeout, name))


def _json(it: ServerView) -> dict[str, Any]:
    """A server without what may be secret: of variables and headers the names."""
    from claw_lsp.core.mcp.page import target

    config = it.config
    return {
        "name": config.name,
        "scope": config.scope,
        "transport": config.transport,
        "target": target(config),
        "file": config.file,
        "env": ", ".join(sorted(config.env)),
        "headers": ", ".join(sorted(config.headers)),
        "standing": it.standing,
        "why": it.why,
        "protocol": it.protocol,
        "tools": [one.name for one in it.tools],
        "resources": [one.uri for one in it.resources],
        "prompts": [one.name for one in it.prompts],
        "log": list(it.log),
    }


def _get(args: argparse.Namespace) -> int:
    for it in _seen(args, args.name).servers:
        if it.config.name == args.name:
            for name, value in _json(it).items():
                shown = ", ".join(cast("list[str]", value)) if isinstance(value, list) else value
                print(f"{name + ':':<11} {shown}".rstrip())
            return 0
    print(f"claw-lsp: There is no server {args.name} here (claw-lsp mcp list).", file=sys.stderr)
    return 1


def _add(args: argparse.Namespace) -> int:
    command, *rest = [it for n, it in enumerate((args.command, *args.args)) if n > 1 or it != "--"] or [""]
    if command.startswith(("http://", "https://")):
        # Behind an address there are no arguments of a program: what stands there are options of ours.
        more = argparse.ArgumentParser("claw-lsp mcp add", add_help=False)
        _add_options(more)
        more.parse_args(rest, args)
        if args.transport not in ("http", "sse"):
            raise Misused(f"mcp add: {command} is an address; say --transport http, or sse for an older server")
        return _added(args, _address(args, command))
    if args.transport in ("http", "sse"):
        raise Misused(
            f"mcp add: --transport {args.transport} wants an address that begins with https://, found {command!r}"
        )
    if args.header or args.client_id or args.callback_port:
        raise Misused("mcp add: --header, --client-id and --callback-port are for --transport http or sse")
    variables = dict(_pair(it, "=", "--env") for it in args.env)
    return _added(
        args, {"type": "stdio", "command": command, "args": rest, **({"env": variables} if variables else {})}
    )


def _address(args: argparse.Namespace, url: str) -> dict[str, Any]:
    if args.env:
        raise Misused("mcp add: --env is for programs; a server at an address takes --header")
    headers = dict(_pair(it, ":", "--header") for it in args.header)
    login = {"clientId": args.client_id, "callbackPort": args.callback_port}
    login = {name: it for name, it in login.items() if it}
    entry: dict[str, Any] = {"type": args.transport, "url": url}
    return entry | ({"headers": headers} if headers else {}) | ({"oauth": login} if login else {})


def _pair(text: str, between: str, option: str) -> tuple[str, str]:
    name, there, value = text.partition(between)
    if not there or not name.strip():
        raise Misused(f"{option}: expected NAME{between}VALUE, found {name[:40]!r}")
    return name.strip(), value.strip() if between == ":" else value


def _add_json(args: argparse.Namespace) -> int:
    import json

    try:
        entry: Any = json.loads(args.entry)
    except (ValueError, RecursionError) as error:
        raise Misused(f"mcp add-json: JSON: {error}") from None
    if not isinstance(entry, dict):
        raise Misused('mcp add-json: expected an object such as {"command": "…"}')
    return _added(args, cast("dict[str, Any]", entry))


def _added(args: argparse.Namespace, entry: dict[str, Any]) -> int:
    from claw_lsp.facts.fault import ClawError

    folder = _folder(args)

    async def add() -> str:
        path = folder.files.add(args.scope, folder.path, args.name, entry)
        said = f"{args.name} is added to {path}."
        if args.scope != "project":
            return said
        try:
            # Whoever types this says yes to it, here and as it stands.
            return f"{said} {await folder.approve(args.name)}"
        except ClawError as error:
            return f"{said} It is not approved: {error}"

    return told(add)


def _remove(args: argparse.Namespace) -> int:
    folder = _folder(args)

    async def remove() -> str:
        return f"{args.name} is removed from {folder.files.remove(args.scope, folder.path, args.name)}."

    return told(remove)


def _approve(args: argparse.Namespace) -> int:
    return told(lambda: _folder(args).approve(args.name))


def _login(args: argparse.Namespace) -> int:
    async def visit(url: str) -> None:
        print(f"Open this page in a browser on this machine to log in to {args.name}:\n{url}", flush=True)

    secret = None
    if args.client_secret:
        from getpass import getpass

        secret = os.environ.get("MCP_CLIENT_SECRET") or getpass(f"The secret of the client id of {args.name}: ")
    return told(lambda: _folder(args).login(args.name, visit, secret))


def _logout(args: argparse.Namespace) -> int:
    return told(lambda: _folder(args).logout(args.name))
