"""Documents of ours in the editor whose lines are about something: written, renewed, and the code actions on a line, from memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from claw_lsp.core.merge import minimal_edits
from claw_lsp.core.rules_page import BEHAVIORS, Listed
from claw_lsp.core.window import Part
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import ServerView
from claw_lsp.facts.text import Change, Document
from claw_lsp.lsp.actions import QUICKFIX, Action, command
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.questions import flat
from claw_lsp.lsp.views import Views
from claw_lsp.ports.files import Workspace

T = TypeVar("T")


class LinePages(Generic[T]):
    """One document a session, called `name`. `offered` says what can be done about the thing a line is about.

    Invariant: `_about` says of every document that was written, which thing each of its lines is about."""

    def __init__(
        self,
        buffers: Buffers,
        views: Views,
        workspace: Workspace,
        name: str,
        offered: Callable[[T, str | None], list[Action]],
    ) -> None:
        self._buffers = buffers
        self._views = views
        self._workspace = workspace
        self._name = name
        self._offered = offered
        self._about: dict[str, tuple[str | None, Mapping[str, T]]] = {}

    async def write(self, session: str | None, text: str, about: Mapping[str, T]) -> str:
        """The path of the document that now holds the text, in the editor too where it is open there."""
        path = await self._views.write(session or "workspace", self._name, text)
        self._about[path] = (session, about)
        here = self._buffers.get(path)
        if here is not None and here.text != text:
            document = Document(path, here.text, here.version)
            try:
                label = f"Claw: {self._name.removesuffix('.md')}"
                await self._workspace.apply(Change(path, document, minimal_edits(here.text, text)), label)
            except ClawError:
                return path
            if self._workspace.can_save:
                await self._workspace.save((path,))
        return path

    def actions(self, path: str, line: int) -> list[Action]:
        """What can be done about the thing on this line."""
        here = self._buffers.get(path)
        if path not in self._about or here is None:
            return []
        session, about = self._about[path]
        start, end = here.index.span(line)
        it = about.get(here.text[start:end])
        return [] if it is None else self._offered(it, session)


def of_rule(it: Listed, session: str | None) -> list[Action]:
    """What can be done about a permission rule."""
    changes = [_to(f"Claw: Change to {to}", it, session, to) for to in BEHAVIORS[::-1] if to != it.rule.behavior]
    removed = [_to(f"Claw: Remove {it.rule.text}", it, session, "remove"), *changes]
    opened = [_to("Claw: Open the settings file", it, session, "open")] if it.rule.file else []
    why = [_to("Claw: Why did it decide so?", it, session, "why")] if it.n else []
    return [*why, *(removed if it.changeable else []), *opened]


def _to(title: str, it: Listed, session: str | None, to: str) -> Action:
    given: dict[str, Any] = {"rule": it.rule.text, "behavior": it.rule.behavior, "to": to}
    given |= {"file": it.rule.file} if it.rule.file else {}
    return _action(title, "claw.permissions", given, session)


def of_part(it: Part, session: str | None) -> list[Action]:
    """What can be done about an item in the model's window."""
    return [_action(f"Claw: Drop {it.name}", "claw.context", {"drop": [it.id]}, session)] if it.id else []


def of_server(it: ServerView, session: str | None) -> list[Action]:
    """What can be done about an MCP server."""
    offered = {
        "approve": (f"Approve {it.config.name}", it.standing == "unapproved" or it.standing == "refused"),
        "login": (f"Log in to {it.config.name}", it.standing == "login"),
        "restart": (f"Restart {it.config.name}", it.standing in ("up", "failed", "starting", "waiting", "login")),
        "enable": (f"Switch {it.config.name} on", it.standing == "disabled"),
        "disable": (f"Switch {it.config.name} off", it.standing not in ("disabled", "unapproved", "refused")),
        "logout": (f"Log out of {it.config.name}", it.standing == "up" and it.config.transport != "stdio"),
        "open": ("Open the file", bool(it.config.file)),
    }
    return [
        _action(f"Claw: {title}", "claw.mcp", {"server": it.config.name, "do": do}, session)
        for do, (title, fits) in offered.items()
        if fits
    ]


def _action(title: str, name: str, given: dict[str, Any], session: str | None) -> Action:
    title = flat(title, 120)
    given |= {"session": session} if session else {}
    return {"title": title, "kind": QUICKFIX, "command": command(name, title, **given)}
