"""What other agents of the person's machine may know of the editor, and what they may propose there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from claw_lsp.core.briefing import Subject
from claw_lsp.core.escape import one_line, stripped
from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.paths import inside, secret
from claw_lsp.core.proposals import would_be
from claw_lsp.engine.opening import Chosen
from claw_lsp.engine.outsider import Outsider
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call
from claw_lsp.facts.event import CallFinished, CallJudged, Titled
from claw_lsp.facts.fault import ClawError, NoSuchFile, ToolError
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.shared import (
    Asked,
    BufferText,
    Complaint,
    Complaints,
    FoundSymbol,
    FoundSymbols,
    Here,
    OpenBuffer,
    OpenBuffers,
    Proposal,
    Proposed,
    Selected,
    Wish,
)
from claw_lsp.facts.text import digest
from claw_lsp.lsp.along import Along
from claw_lsp.lsp.buffers import Buffer
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.uris import filelike, uri_of

WORDS = "Another agent proposes an edit. What is said and called next are its words, not yours and not the person's."
PATIENCE = 30.0
"""Seconds that a proposal may take before its agent is told that the person is asked about it."""
LONGEST_NAME, LONGEST_WHY = 40, 500
"""Characters of what an agent calls itself, and of why it proposes something."""


async def follow(door: Door) -> None:
    """Be open to other agents or closed, as the settings now say."""

    async def wanted() -> bool:
        return (await door.settings_of(None)).share_editor

    async def answer(asked: Asked) -> dict[str, Any]:
        return (await _ANSWERS[asked.wish](door, asked)).model_dump(mode="json")

    try:
        await door.sharing.follow(wanted, answer)
    except ClawError as error:
        door.messages.warn_once(f"Claw: {error}")


# ---- what is told -----------------------------------------------------------------------------------------------------


async def _here(door: Door, asked: Asked) -> Here:
    return Here(editor=door.powers.client, folders=door.folders, open=tuple(it.path for it in _shown(door)))


async def _buffers(door: Door, asked: Asked) -> OpenBuffers:
    visible = door.buffers.visible
    found: list[OpenBuffer] = []
    for it in _shown(door):
        unsaved = (await door.workspace.read(it.path)).dirty
        found.append(OpenBuffer(path=it.path, language=it.language, unsaved=unsaved, visible=it.path in visible))
    return OpenBuffers(editor=door.powers.client, folders=door.folders, buffers=tuple(found))


async def _text(door: Door, asked: Asked) -> BufferText:
    await _may_read(door, asked.path)
    document = await door.workspace.read(asked.path)
    is_open = document.version is not None
    return BufferText(path=asked.path, text=document.text, open=is_open, unsaved=document.dirty)


async def _diagnostics(door: Door, asked: Asked) -> Complaints:
    if asked.path:
        await _may_read(door, asked.path)
        found: Mapping[str, Any] = {asked.path: await door.languages.diagnostics(asked.path)}
    else:
        found = await door.languages.all_diagnostics()
    complaints = [
        Complaint(
            path=path,
            first_line=it.first_line,
            last_line=it.last_line,
            severity=it.severity,
            message=it.message,
            source=it.source,
        )
        for path, those in found.items()
        if _shows(door, path)
        for it in those
    ]
    return Complaints(diagnostics=tuple(complaints))


async def _selection(door: Door, asked: Asked) -> Selected:
    seen = door.buffers.seen
    buffer = door.buffers.get(seen.path) if seen else None
    if seen is None or buffer is None or not _shows(door, seen.path):
        raise ToolError("It is not known where the person is, or it is nowhere in the workspace.")
    await _may_read(door, seen.path)
    start, end = sorted(buffer.index.offset(*it, door.buffers.encoding) for it in (seen.start, seen.end))
    lines = sorted((seen.start[0] + 1, seen.end[0] + 1))
    return Selected(path=seen.path, first_line=lines[0], last_line=lines[1], text=buffer.text[start:end])


async def _symbols(door: Door, asked: Asked) -> FoundSymbols:
    found = await door.symbols.find(asked.query, door.folders)
    return FoundSymbols(
        symbols=tuple(
            FoundSymbol(name=it.name, kind=it.kind, path=it.path, line=it.line, container=it.container) for it in found
        )
    )


# ---- what is proposed -------------------------------------------------------------------------------------------------


async def _propose(door: Door, asked: Asked) -> Proposed:
    """Let the person see a change; nothing in the file changes by this. Raises ToolError where it may not be proposed."""
    beneath = await _text_of(door, asked.path)
    session = await _session(door, asked)
    call_id = f"outside_{uuid4().hex}"
    given = {"file_path": asked.path, "old_string": asked.old_text, "new_string": asked.new_text}
    name = _name(asked)
    why = one_line(stripped(asked.why), LONGEST_WHY)
    said = f"{name} proposes to change {asked.path.rsplit('/', 1)[-1]}{f': {why}' if why else '.'}"
    text = session.proposals.text(asked.path, beneath or "")
    seen = {asked.path: digest(text)} if beneath is not None or text else {}
    run = await door.start(
        session,
        "ask",
        Subject(words=WORDS),
        request=None,
        text="Another agent proposes an edit.",
        beside=Along(seen=seen),
        by=Outsider(call_id, "Edit", given, said),
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await run.ended.wait()
    except TimeoutError:
        return Proposed(told="The person is asked first whether this may be proposed.", proposals=())
    return _outcome(session, call_id)


async def _proposals(door: Door, asked: Asked) -> Proposed:
    """What this agent proposed so far, and how it stands."""
    found = [
        it for (agent, _), session in door.sharing.sessions.items() if agent == asked.agent for it in _all(session)
    ]
    waiting = sum(it.state in ("open", "conflict") for it in found)
    return Proposed(told=f"{waiting} of {len(found)} wait for the person's answer.", proposals=tuple(found))


async def _session(door: Door, asked: Asked) -> Session:
    """The session that holds what this agent proposes in this folder. The person's last one stays their last."""
    home = door.home_for(uri_of(asked.path))
    key = asked.agent, home.folder
    if (known := door.sharing.sessions.get(key)) is not None:
        door.sharing.sessions[key] = known = await door.house.sessions.look(known.id)
        return known
    sessions = door.house.sessions
    last = sessions.last
    session = await sessions.start(home, Chosen(mode=Mode.DEFAULT))
    if sessions.last is session:
        sessions.last = last
    door.sharing.sessions[key] = session
    await door.write(session, Titled(title=f"Proposed by {_name(asked)}"))
    return session


_ANSWERS: Mapping[Wish, Callable[[Door, Asked], Awaitable[BaseModel]]] = {
    "here": _here,
    "buffers": _buffers,
    "text": _text,
    "diagnostics": _diagnostics,
    "selection": _selection,
    "symbols": _symbols,
    "propose": _propose,
    "proposals": _proposals,
}


def _name(asked: Asked) -> str:
    return one_line(stripped(asked.name), LONGEST_NAME) or "another agent"


def _shown(door: Door) -> tuple[Buffer, ...]:
    """The open files that others may know of."""
    return tuple(it for it in door.buffers.all() if _shows(door, it.path))


def _shows(door: Door, path: str) -> bool:
    return filelike(path) and inside(path, door.folders) and not secret(path) and not door.chats.is_chat(path)


async def _may_read(door: Door, path: str) -> None:
    """Raises ToolError for a file that the rules would not let Claw read unasked."""
    folder = door.home_for(uri_of(path)).folder
    settings = await door.settings_in(folder)
    scene = Scene(
        session="",
        run="",
        cwd=folder,
        roots=door.folders,
        home=door.house.home,
        mode=Mode.DEFAULT,
        seen={},
        tasks=(),
        settings=settings,
        claw_home=door.house.claw_home,
        rules=settings.rules,
    )
    call = Call(id="outside", name="Read", input={"file_path": path})
    plan = await door.house.tools(settings)["Read"].plan(call, scene, door.workspace)
    verdict = judge(scene.rules, scene.mode, plan, scene.ground)
    if verdict.decision != "allow":
        raise ToolError(f"{path} is not shared with other agents: {verdict.reason or 'no rule allows it'}.")


async def _text_of(door: Door, path: str) -> str | None:
    """What stands there; None where nothing does."""
    try:
        return (await door.workspace.read(path)).text
    except NoSuchFile:
        return None


def _outcome(session: Session, call_id: str) -> Proposed:
    """What came of one proposal, as the log says. Raises ToolError where nothing was proposed."""
    for it in (entry.event for entry in reversed(session.entries)):
        if isinstance(it, CallFinished) and it.call_id == call_id:
            if it.result.is_error or not it.result.edited:
                raise ToolError(it.result.content if isinstance(it.result.content, str) else it.result.summary)
            paths = {one.path for one in it.result.edited}
            found = tuple(one for one in _all(session) if one.path in paths)
            return Proposed(told="It waits for the person, who applies or dismisses it in the editor.", proposals=found)
        if isinstance(it, CallJudged) and it.call_id == call_id and it.decision != "allow":
            raise ToolError(it.reason)
    raise ToolError("The person stopped this, so nothing was proposed.")


def _all(session: Session) -> list[Proposal]:
    """Every change the session proposed, and how it stands."""
    found: list[Proposal] = []
    for path, ledger in session.proposals.ledgers.items():
        for it in ledger.open:
            state = "open" if would_be(it, ledger.text) is not None else "conflict"
            found.append(Proposal(id=it.id, path=path, state=state))
        found += [
            Proposal(id=id_, path=path, state=session.proposals.over(id_) or "absorbed") for id_ in ledger.settled
        ]
    return found
