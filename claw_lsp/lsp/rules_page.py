"""The document of the permission rules in the editor: written, renewed, and the code actions on its lines, from memory."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.merge import minimal_edits
from claw_lsp.core.rules_page import BEHAVIORS, Listed
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.text import Change, Document
from claw_lsp.lsp.actions import QUICKFIX, Action, command
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.questions import flat
from claw_lsp.lsp.views import Views
from claw_lsp.ports.files import Workspace

NAME = "permissions.md"


class RulesPages:
    """Invariant: `_about` says of every document that was written, which rule each of its lines is about."""

    def __init__(self, buffers: Buffers, views: Views, workspace: Workspace) -> None:
        self._buffers = buffers
        self._views = views
        self._workspace = workspace
        self._about: dict[str, tuple[str | None, dict[str, Listed]]] = {}

    async def write(self, session: str | None, text: str, about: dict[str, Listed]) -> str:
        """The path of the document that now holds the text, in the editor too where it is open there."""
        path = await self._views.write(session or "workspace", NAME, text)
        self._about[path] = (session, about)
        here = self._buffers.get(path)
        if here is not None and here.text != text:
            document = Document(path, here.text, here.version)
            try:
                await self._workspace.apply(Change(path, document, minimal_edits(here.text, text)), "Claw: permissions")
            except ClawError:
                return path
            if self._workspace.can_save:
                await self._workspace.save((path,))
        return path

    def actions(self, path: str, line: int) -> list[Action]:
        """What can be done about the rule on this line."""
        here = self._buffers.get(path)
        if path not in self._about or here is None:
            return []
        session, about = self._about[path]
        start, end = here.index.span(line)
        it = about.get(here.text[start:end])
        if it is None:
            return []
        changes = [
            _action(f"Claw: Change to {to}", it, session, to) for to in BEHAVIORS[::-1] if to != it.rule.behavior
        ]
        removed = [_action(f"Claw: Remove {it.rule.text}", it, session, "remove"), *changes]
        opened = [_action("Claw: Open the settings file", it, session, "open")] if it.rule.file else []
        return [*(removed if it.changeable else []), *opened]


def _action(title: str, it: Listed, session: str | None, to: str) -> Action:
    title = flat(title, 120)
    given: dict[str, Any] = {"rule": it.rule.text, "behavior": it.rule.behavior, "to": to}
    given |= {"file": it.rule.file} if it.rule.file else {}
    given |= {"session": session} if session else {}
    return {"title": title, "kind": QUICKFIX, "command": command("claw.permissions", title, **given)}
