"""The command that shows the MCP servers and does something about one: what a person would otherwise do in its file."""

from __future__ import annotations

import asyncio
from typing import Any

from claw_lsp.core.hooks import occasions
from claw_lsp.core.mcp.offering import size
from claw_lsp.core.mcp.page import target, written
from claw_lsp.engine.hooking import notice
from claw_lsp.engine.opening import Home
from claw_lsp.engine.session import Session
from claw_lsp.facts.fault import BadRequest, ClawError
from claw_lsp.facts.mcp import Configured, ServerView
from claw_lsp.lsp.arguments import McpArguments
from claw_lsp.lsp.commands.permissions import folder_of, short
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.mcp import served
from claw_lsp.lsp.messages import INFO, WARNING
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.uris import uri_of


@command("claw.mcp", McpArguments, slash=True)
async def mcp(door: Door, args: McpArguments, request: RequestId | None) -> Answer:
    """Show the MCP servers: where each is configured, how it is and why, and what it offers. With `server` and `do` that one is
    restarted, switched off or on here, approved as it stands in the folder's file, logged in to or out of, or its file opened."""
    session = await door.looked_at(args.session)
    folder = folder_of(door, session)
    await served.met(door.house.servers, _home(door, session), await door.settings_in(folder))
    said = ""
    if args.do is not None:
        it = _named((await _standing(door, folder)).servers, args.server)
        if args.do == "open":
            return await _opened(door, it)
        said = await _done(door, session, folder, it, args.do)
    found, text, path = await _page(door, session)
    return {
        "session": session.id if session else None,
        "servers": [_json(it) for it in found.servers if args.server in (None, it.config.name)],
        "problems": list(map(str, found.problems)),
        "path": path,
        "shown": request is not None and args.do is None and await door.views.show(path),
        "text": said or text,
    }


async def renewed(door: Door, session: str | None) -> None:
    """The page of a session is written as the servers are now."""
    if not door.closing:
        await _page(door, await door.looked_at(session) if session else None)


async def follow(door: Door) -> None:
    """Files of servers or the workspace folders changed: servers that are connected to hear of it, and what is wrong is said."""
    for home in map(door.home_for, map(uri_of, door.homes)):
        settings = await door.settings_in(home.folder)
        if door.house.servers.views(home.folder):
            door.house.servers.configure(home.folder, home.roots, settings)
            door.settings_files.tell((await door.house.entries.read(home.folder, settings)).problems)


async def _page(door: Door, session: Session | None) -> tuple[Configured, str, str]:
    """How the servers are, the page of the session that tells it, and its path."""
    found = await _standing(door, folder_of(door, session))
    text, about = written(found.servers, tuple(map(str, found.problems)), lambda path: short(door, path))
    return found, text, await door.server_pages.write(session.id if session else None, text, about)


def _home(door: Door, session: Session | None) -> Home:
    return door.home_of(session) if session else door.home_for(None)


async def _standing(door: Door, folder: str) -> Configured:
    """What is configured, and how it is where it was started."""
    found = await door.house.entries.read(folder, await door.settings_in(folder))
    now = {it.config.name: it for it in door.house.servers.views(folder)}
    servers = [now.get(it.config.name, it) if it.standing == "waiting" else it for it in found.servers]
    return Configured(tuple(servers), found.problems)


def _named(servers: tuple[ServerView, ...], name: str | None) -> ServerView:
    for it in servers:
        if it.config.name == name:
            return it
    names = ", ".join(it.config.name for it in servers) or "none"
    raise BadRequest(f"server: expected one of {names}, found {name!r}")


async def _opened(door: Door, it: ServerView) -> Answer:
    if not it.config.file:
        raise BadRequest(f"server: {it.config.name} stands in no file")
    shown = await door.views.show(it.config.file)
    return {"path": it.config.file, "shown": shown, "text": it.config.file}


async def _done(door: Door, session: Session | None, folder: str, it: ServerView, do: str) -> str:
    """Do it; what came of it in a sentence. Raises ClawError."""
    name = it.config.name
    match do:
        case "approve":
            await _approve(door, folder, name)
            said = f"{name} is approved as it stands in {short(door, it.config.file)}; changed, it asks again."
        case "disable" | "enable":
            await door.house.entries.switch(folder, name, on=do == "enable")
            said = f"{name} is switched {'on' if do == 'enable' else 'off'} in this folder."
        case "login":
            return await _logging_in(door, session, folder, it)
        case "logout":
            gone = await door.house.logins.logout(it.config)
            said = f"The login to {name} is forgotten." if gone else f"There was no login to {name}."
            await _restarted(door, folder, name)
            return said
        case _:
            await _restarted(door, folder, name)
            return f"{name} is started anew."
    await _configured(door, session, folder)
    return said


async def _approve(door: Door, folder: str, name: str) -> None:
    if door.trusting.restricted:
        raise ClawError("Your editor says that this workspace is not trusted, so no server of its files is approved.")
    sought = await door.house.trust.sought(folder)
    items = [it for it in (*sought.waiting, *sought.refused) if it.what == f"MCP server {name}"]
    if not items:
        raise BadRequest(f"server: {name} does not wait for a yes")
    await door.house.trust.trust(folder, items)


async def _restarted(door: Door, folder: str, name: str) -> None:
    await door.house.servers.restart(folder, name)


async def _configured(door: Door, session: Session | None, folder: str) -> None:
    """What was changed in the files holds from now on."""
    await served.met(door.house.servers, _home(door, session), await door.settings_in(folder))


async def _logging_in(door: Door, session: Session | None, folder: str, it: ServerView) -> str:
    """Begin a login; answers with its page as soon as that is known. The person has minutes for the rest."""
    page: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def visit(url: str) -> None:
        page.set_result(f"Log in to {it.config.name} on this page: {url}")
        if not await door.views.visit(url):
            path = await door.views.write(session.id if session else "workspace", "login.txt", f"{url}\n")
            door.messages.say(
                INFO, f"Open the page that stands in {path} in your browser to log in to {it.config.name}."
            )

    async def log_in() -> None:
        said = f"The login to {it.config.name} ended."
        try:
            said = await door.house.logins.login(it.config, visit)
            await _restarted(door, folder, it.config.name)
            door.messages.say(INFO, f"Claw: {said}")
            if session is not None:
                notice(occasions.notified("auth_success", said), session, await door.watched.wired(session))
        except ClawError as error:
            said = str(error)
            door.messages.say(WARNING, f"Claw: {said}")
        finally:
            if not page.done():
                page.set_result(said)

    door.later(log_in(), f"logging in to {it.config.name}")
    return await page


def _json(it: ServerView) -> dict[str, Any]:
    config = it.config
    return {
        "name": config.name,
        "scope": config.scope,
        "transport": config.transport,
        "target": target(config),
        "file": config.file or None,
        "standing": it.standing,
        "why": it.why or None,
        "protocol": it.protocol or None,
        "tools": [{"name": one.called or one.name, "tokens": size(one)} for one in it.tools],
        "resources": [one.uri for one in it.resources],
        "prompts": [one.called for one in it.prompts],
        "log": list(it.log),
    }
