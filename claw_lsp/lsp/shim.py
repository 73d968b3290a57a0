"""What only a shim can do: a box for words, a list to pick from, a diff beside the text. Each may be missing or fail."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from claw_lsp.facts.fault import HostError
from claw_lsp.lsp.client import Client
from claw_lsp.lsp.powers import Powers
from claw_lsp.lsp.questions import flat

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be picked; `picked` says that it is the one now."""

    id: str
    label: str
    description: str = ""
    detail: str = ""
    picked: bool = False


@dataclass(frozen=True, slots=True)
class TwoTexts:
    """One file as it was, or is, and as it is, or would become."""

    uri: str
    before: str
    after: str


class Shim:
    """Nothing is sent where the client did not declare it. A person may take as long as they like."""

    def __init__(self, editor: Client, powers: Powers) -> None:
        self._editor = editor
        self._powers = powers

    async def words(self, title: str, *, value: str = "", placeholder: str = "") -> str | None:
        """What the person typed, "" where they closed the box; None where there is no such box."""
        if not self._powers.input:
            return None
        params = {"title": title, "value": value, "placeholder": placeholder}
        try:
            said = await self._editor.ask("claw/input", params, timeout=None)
        except HostError as error:
            logger.info("The box for words failed: %s", error)
            return None
        return said if isinstance(said, str) else ""

    async def picked(self, title: str, items: Sequence[Item], *, many: bool = False) -> tuple[str, ...] | None:
        """The ids the person picked, none where they closed the list; None where there is no such list."""
        if not self._powers.pick or not items:
            return None
        params = {"title": title, "items": [_item(it) for it in items], "many": many}
        try:
            said = await self._editor.ask("claw/pick", params, timeout=None)
        except HostError as error:
            logger.info("The list failed: %s", error)
            return None
        chosen = cast("list[object]", said) if isinstance(said, list | tuple) else []
        found = tuple(it.id for it in items if it.id in chosen)
        return found if many else found[:1]

    async def diff(self, title: str, files: Sequence[TwoTexts], *, proposal: str | None = None) -> bool:
        """Show what changed, or with `proposal` (its prompt_id) what would; False where that cannot be seen there."""
        if not self._powers.diff or not files:
            return False
        texts = [{"uri": it.uri, "before": it.before, "after": it.after} for it in files]
        params: dict[str, Any] = {"title": title, "proposal": proposal is not None, "files": texts}
        if proposal is not None:
            params["prompt_id"] = proposal
        try:
            return await self._editor.ask("claw/diff", params) is True
        except HostError as error:
            logger.info("The diff is not shown: %s", error)
            return False


def _item(it: Item) -> dict[str, Any]:
    said: dict[str, Any] = {"id": it.id, "label": flat(it.label, 200)}
    said |= {"description": flat(it.description, 200)} if it.description else {}
    said |= {"detail": flat(it.detail, 200)} if it.detail else {}
    return said | ({"picked": True} if it.picked else {})
