"""Instructions that come in after a session began: for files that are touched, and where a file of them changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from claw_lsp.core.briefing import instructed, news
from claw_lsp.core.hooks import occasions
from claw_lsp.engine.hooking import notice
from claw_lsp.engine.session import Session
from claw_lsp.facts.event import Instructed
from claw_lsp.facts.instructions import Around, Instructions
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.checkpoints import Checkpoints
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.guidance import Guidance
from claw_lsp.ports.hooks import Hooks
from claw_lsp.ports.person import Host

_LOADS = {"startup": "session_start", "clear": "session_start", "compact": "compact"}
"""Why files are told of when a session begins so; one that goes on was told of them."""


class Guided(Protocol):
    """What this needs of a turn's hands."""

    @property
    def checkpoints(self) -> Checkpoints | None: ...
    @property
    def guidance(self) -> Guidance: ...
    @property
    def hooks(self) -> Hooks: ...
    @property
    def host(self) -> Host: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def workspace(self) -> Workspace: ...


async def guide(plans: Iterable[Plan], session: Session, hands: Guided) -> None:
    """Tell what holds for the files that are touched before their results, once in a session, so that it is read with them.
    One look for all calls of a reply."""
    paths = [path.path for it in plans if it.reach in (Reach.READ, Reach.EDIT) for path in it.paths]
    for told in await hands.guidance.for_files(paths, _around(session, hands)) if paths else ():
        if told.path not in session.state.instructed:
            reason = "path_glob_match" if told.paths else "nested_traversal"
            notice(occasions.instructed(told, reason), session, hands)
            event = Instructed(path=told.path, text=instructed(told), digest=told.digest)
            await hands.host.saw(session.write(event))


async def refresh(session: Session, hands: Guided) -> None:
    """Tell what changed in files of instructions since the model was told of them: behind what it knows, since what was sent
    stays as it was. Nothing where the log does not say what the session began with."""
    state = session.state
    if not state.follows:
        return
    around = _around(session, hands)
    found = (await hands.guidance.beginning(around)).files
    _loaded(found, session, hands)
    others = state.instructed.keys() - {it.path for it in found}
    found = (*found, *await hands.guidance.again(others, around))
    for event in news(state.instructed, state.seen, found):
        await hands.host.saw(session.write(event))


def _loaded(files: Iterable[Instructions], session: Session, hands: Guided) -> None:
    """Tell hooks of the files that a session begins with, or is told anew since it was compacted."""
    if (reason := _LOADS.get(session.begins or "")) is not None:
        for it in files:
            notice(occasions.instructed(it, "include" if it.by else reason), session, hands)


def _around(session: Session, hands: Guided) -> Around:
    state = session.state
    texts = {it.path: it.text for it in hands.workspace.open_documents()}
    return Around(state.roots[0] if state.roots else state.cwd, state.roots, hands.settings, texts)
