"""The port `Workspace` as one session sees it: the files as they are, with what the session proposed and nobody answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from claw_lsp.core.hunks import synced
from claw_lsp.core.merge import merged
from claw_lsp.core.policy.notes import is_memory
from claw_lsp.core.proposals import overlaid
from claw_lsp.core.words import counted
from claw_lsp.engine.session import Session
from claw_lsp.facts.fault import NoSuchFile, StaleDocument
from claw_lsp.facts.plan import PlannedPath
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.text import Applied, Change, Document
from claw_lsp.ports.files import Workspace


class Kept(Protocol):
    """What says which edits only wait: the settings, and where the agent's notes are."""

    @property
    def settings(self) -> Settings: ...
    @property
    def home(self) -> str: ...
    @property
    def claw_home(self) -> str: ...


PROPOSED = "This is the text with what you proposed, which is not in the file yet."


def proposes(session: Session, path: str, ground: Kept) -> bool:
    """Whether an edit of this file waits for the person to apply it: so every note of the agent's does. Where proposals wait
    already, later edits build on them, so they wait too, whatever the setting says by now."""
    if ground.settings.review == "before" or session.proposals.open(path):
        return True
    return is_memory(path, ground.home, ground.claw_home, ground.settings)


def waiting_note(session: Session) -> str:
    """What the result of a command says of proposals: it saw the files without them. "" where there are none."""
    waiting = session.proposals.waiting
    if not waiting:
        return ""
    return (
        f"Note: what you proposed in {', '.join(waiting)} ({counted(sum(waiting.values()), 'change')}) waits for the person's "
        "answer: the command saw the files without it."
    )


class Proposing:
    """Fills `Workspace` for one session over that of its door.

    Invariant: nothing that waits for an answer reaches `below`; whoever else reads there does not see it.
    """

    def __init__(self, below: Workspace, session: Session, ground: Kept) -> None:
        self._below = below
        self._session = session
        self._ground = ground

    async def read(self, path: str) -> Document:
        document = await self._beneath(path)
        ledger = self._session.proposals.ledgers.get(path)
        if ledger is None or not ledger.hunks:
            return document
        ledger = synced(ledger, document.text)
        self._session.proposals = self._session.proposals.with_ledger(ledger)
        text = overlaid(ledger)
        notice = f"{document.notice} {PROPOSED}".strip()
        return document if text == document.text else replace(document, text=text, notice=notice)

    async def apply(self, change: Change, label: str) -> Applied:
        """As the port says; where edits are proposed, the answer's `beneath` is set and nothing else happened."""
        if not proposes(self._session, change.path, self._ground):
            return await self._below.apply(change, label)
        try:
            document = await self.read(change.path)
            beneath = (await self._beneath(change.path)).text
        except NoSuchFile as error:
            if change.document is not None:
                raise StaleDocument(f"{change.path} was deleted since it was read. Nothing was proposed.") from error
            return Applied(Document(change.path, change.after), saved=False, beneath="")
        if change.document is None:
            raise StaleDocument(f"{change.path} was made meanwhile. Nothing was proposed; read it first.")
        wanted = merged(change.before, change.after, document.text)
        if wanted is None:
            raise StaleDocument(
                f"{change.path} changed since it was read, in the same place. Nothing was proposed; read it again."
            )
        proposed = replace(document, text=wanted)
        return Applied(proposed, saved=False, merged=document.text != change.before, beneath=beneath)

    async def _beneath(self, path: str) -> Document:
        """What is really there; nothing yet, for a file that is only proposed."""
        try:
            return await self._below.read(path)
        except NoSuchFile:
            if not self._session.proposals.creates(path):
                raise
            return Document(path, "")

    # ---- what proposals do not touch --------------------------------------------------------------------------------

    async def read_bytes(self, path: str, limit: int) -> bytes:
        return await self._below.read_bytes(path, limit)

    def open_documents(self) -> tuple[Document, ...]:
        return self._below.open_documents()

    async def locate(self, path: str) -> PlannedPath:
        return await self._below.locate(path)

    def unsaved(self) -> tuple[str, ...]:
        return self._below.unsaved()

    @property
    def can_save(self) -> bool:
        return self._below.can_save

    async def save(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        return await self._below.save(paths)
