"""A compaction: what the model is sent is made shorter. Nothing of it holds before its one fact is written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import ValidationError

from claw_lsp.core import compacting
from claw_lsp.core.blocks import PER_TOKEN
from claw_lsp.core.compacting import Kept
from claw_lsp.core.fold import begun, compacted
from claw_lsp.core.models import can_stand_in
from claw_lsp.core.policy.judge import judge
from claw_lsp.core.prompt import request
from claw_lsp.core.state import State
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Block, Call, text_in
from claw_lsp.facts.compacted import Compacted, CompactionFailed, Trigger
from claw_lsp.facts.event import SessionStarted
from claw_lsp.facts.fault import ContextFull, ModelError, ToolError
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.signal import Retrying, Signal, Stalled, UsageReported, Working
from claw_lsp.facts.usage import ModelFacts, Usage, cost
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.model import Model
from claw_lsp.ports.person import Host
from claw_lsp.ports.tools import Tool

AS_IT_WAS = "The session goes on as it was. Try /compact again, choose a model with a larger context (/model), or start anew with /clear."


class Means(Protocol):
    """What a compaction needs of a turn's hands; `reopened` is what a session would begin with now."""

    @property
    def model(self) -> Model: ...
    @property
    def tools(self) -> Mapping[str, Tool]: ...
    @property
    def workspace(self) -> Workspace: ...
    @property
    def host(self) -> Host: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def facts_of(self) -> Callable[[str], ModelFacts]: ...
    @property
    def compact_prompt(self) -> str: ...
    @property
    def reopened(self) -> Callable[[State], Awaitable[SessionStarted]] | None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Why it is done. `room` is what the turns that stay whole are measured by, in tokens, and `window` what the person's words
    are: at how many tokens a session is compacted by itself."""

    trigger: Trigger
    focus: str
    room: int
    window: int


@dataclass(slots=True)
class _Bill:
    """What was asked for so far; `asked` is not the model that a turn may run with by the time it is paid."""

    asked: ModelFacts
    usage: Usage = field(default_factory=Usage)
    cost: float | None = 0.0
    under_way: Usage = field(default_factory=Usage)

    def pay(self, usage: Usage) -> None:
        more = cost(usage, self.asked.price)
        self.usage += usage
        self.cost = None if self.cost is None or more is None else self.cost + more
        self.under_way = Usage()

    def failed(self, trigger: Trigger, why: str) -> CompactionFailed:
        why = f"The session could not be compacted: {why} {AS_IT_WAS}"
        return CompactionFailed(trigger=trigger, why=why, model=self.asked.id, usage=self.usage, cost=self.cost)


def wanted(session: Session, hands: Means, trigger: Trigger, focus: str) -> Wanted:
    """A compaction for the model that the session has now: by itself it makes room in the window, by hand it makes what there
    is shorter, however much would fit."""
    window = compacting.threshold(hands.facts_of(session.state.model), hands.settings)
    room = min(window, session.state.filled) if trigger == "manual" else window
    return Wanted(trigger, focus, room, window)


async def made_shorter(session: Session, scene: Scene, hands: Means, it: Wanted) -> Compacted | CompactionFailed:
    """The fact of a compaction, or of one that came to nothing, for the caller to write before anything else happens."""
    state = session.state
    notes = compacting.notes_for(state, compacting.first_kept(state, it.room))
    if it.trigger == "auto" and compacting.enough(state, notes, it.room):
        return _measured(state, Compacted(trigger=it.trigger, notes=notes, kept=len(state.messages)))
    await hands.host.heard(Working("", "compacting the session"))
    bill = _Bill(hands.facts_of(state.model))
    try:
        summary, why = await _summary(session, hands, it, bill)
    except asyncio.CancelledError:
        # What was asked for is paid, whatever comes of it.
        bill.pay(bill.under_way)
        await hands.host.saw(session.write(bill.failed(it.trigger, "it was interrupted.")))
        raise
    if not why and session.state.prefix != state.prefix:
        why = "its model or its beginning was changed meanwhile."
    if why:
        return bill.failed(it.trigger, why)
    fresh = await hands.reopened(session.state) if hands.reopened is not None else None
    found, seen = await _files(session, scene, hands, it.room)
    # From here on nothing is awaited: what is kept is told by where it stands.
    state = session.state
    first = compacting.first_kept(state, it.room)
    events = [it.event for it in session.entries]
    kept = Kept(fresh.context if fresh else "", compacting.edited(events), tuple(found.values()))
    instructions = fresh.instructions if fresh else None
    if instructions is not None:
        instructions = compacting.still_instructed(events, state, first) | instructions
    event = Compacted(
        trigger=it.trigger,
        focus=it.focus,
        summary=summary,
        head=compacting.head(state, kept, summary, it.window, first),
        kept=len(state.messages) - first,
        seen={**compacting.still_known(state, first), **seen},
        attached=tuple(found),
        instructions=instructions,
        model=bill.asked.id,
        usage=bill.usage,
        cost=bill.cost,
    )
    measured = _measured(state, event)
    if measured.after <= it.window // 2:
        return measured
    # What stays whole is itself too long: its large results go, too.
    notes = compacting.notes_for(state, len(state.messages)) | compacting.notes_in(state.pending, state)
    return _measured(state, event.model_copy(update={"notes": notes}))


def _measured(state: State, event: Compacted) -> Compacted:
    after = compacted(state, event).filled
    return event.model_copy(update={"before": state.filled, "after": after})


async def _summary(session: Session, hands: Means, it: Wanted, bill: _Bill) -> tuple[str, str]:
    """The summary, or why there is none: by the session's model, else by the first of those that stand in for one that
    cannot be had."""
    state = session.state
    others = [one for one in hands.settings.fallback_models if one != state.model]
    while True:
        try:
            return await _written(state, hands, it, bill)
        except ModelError as error:
            # One fact names one model, so nothing may have been paid before.
            if bill.usage != Usage() or not others or not can_stand_in(error):
                return "", str(error)
        bill.asked = hands.facts_of(others.pop(0))
        state = begun(session.state, session.state.messages)


async def _written(state: State, hands: Means, it: Wanted, bill: _Bill) -> tuple[str, str]:
    """The same by one model. It is asked for behind what the model was sent, so that the cache is used; where that is too long
    or comes to nothing, with less. Raises ModelError."""
    settings = hands.settings
    too_long = state.turn is not None and state.turn.full
    whole = not too_long and state.filled + min(settings.max_output_tokens, bill.asked.max_output) <= bill.asked.context
    why = "the conversation is too long to be summarised."
    for one in (*((state,) if whole else ()), *compacting.shorter(state)):
        asked = request(compacting.asking(one, hands.compact_prompt, it.focus), bill.asked, settings.max_output_tokens)
        try:
            reply = await _consult(hands, asked, bill)
        except ContextFull:
            continue
        text = text_in(reply.blocks).strip()
        match reply.stop_reason:
            case "refusal":
                return "", "the model declined to summarise it."
            case "model_context_window_exceeded":
                continue
            case "max_tokens":
                text = f"{text}\n[The notes were cut here.]" if text else ""
            case _:
                pass
        if text and not reply.cut:
            return text, ""
        why = f"the reply broke off ({reply.fault})." if reply.cut else "the model wrote no summary."
    return "", why


async def _consult(hands: Means, asked: Request, bill: _Bill) -> Reply:
    """One reply, which nobody is shown; what it took is paid. Raises ModelError."""

    async def hear(signal: Signal) -> None:
        if isinstance(signal, UsageReported):
            bill.under_way = signal.usage
        elif isinstance(signal, Retrying | Stalled):
            await hands.host.heard(signal)

    reply = await hands.model.consult(asked, hear)
    bill.pay(reply.usage)
    return reply


async def _files(session: Session, scene: Scene, hands: Means, room: int) -> tuple[dict[str, Block], dict[str, str]]:
    """The files read lately as the Read tool shows them now, by path, and what the model knows of them then. What the rules
    do not let the model see unasked, what is gone and what is too long is left out."""
    state = session.state
    events = [it.event for it in session.entries]
    left = int(room * compacting.FILES * PER_TOKEN)
    found: dict[str, Block] = {}
    seen: dict[str, str] = {}
    for path in compacting.read_lately(events, state, compacting.first_kept(state, room)):
        text, digests = await _read(path, scene, hands)
        if 0 < len(text) <= min(left, compacting.LONGEST_FILE):
            left -= len(text)
            found[path] = {"type": "text", "text": f"{path}\n{text}"}
            seen |= digests
    return found, seen


async def _read(path: str, scene: Scene, hands: Means) -> tuple[str, dict[str, str]]:
    call = Call(id="attached", name="Read", input={"file_path": path})
    tool = hands.tools.get(call.name)
    if tool is None:
        return "", {}
    try:
        plan = await tool.plan(call, scene, hands.workspace)
        if judge(scene.rules, scene.mode, plan, scene.ground).decision != "allow":
            return "", {}
        result = await tool.perform(plan, scene, hands.workspace, (), _unheard)
    except (ToolError, ValidationError):
        return "", {}
    return (result.content, result.seen) if isinstance(result.content, str) else ("", {})


async def _unheard(line: str) -> None:
    return None
