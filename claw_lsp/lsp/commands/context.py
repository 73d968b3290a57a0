"""The command that shows what is in the model's window, and drops items from it once the person knows what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from uuid import uuid4

from claw_lsp.core import window as windows
from claw_lsp.core.blocks import text_block
from claw_lsp.core.compacting import by_itself
from claw_lsp.core.fold import after
from claw_lsp.core.prompt import request as to_send
from claw_lsp.core.state import State
from claw_lsp.core.window import Window
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call
from claw_lsp.facts.dropped import Dropped
from claw_lsp.facts.fault import BadRequest, ClawError
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import DENY, ONCE, Question
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.usage import ModelFacts
from claw_lsp.lsp.arguments import ContextArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.messages import INFO, WARNING
from claw_lsp.lsp.transport.messages import RequestId


@command("claw.context", ContextArguments, slash=True)
async def context(door: Door, args: ContextArguments, request: RequestId | None) -> Answer:
    """Show what is in the model's window: system, tools, instructions, files, results, and what is free. With `drop`, ids of
    items that it lists, it asks whether to leave these out, and says before what reading the rest again costs."""
    session = await door.looked_at(args.session)
    if session is None:
        return {"text": "Nothing is in the model's window yet: nothing was asked."}
    settings = await door.settings_of(session)
    facts = door.house.facts_of(session.state.model, settings)
    window = await _window(door, session.state, facts, settings)
    if args.drop:
        return await _dropping(door, session, window, facts, args.drop)
    text, about = windows.written(window, facts.id)
    answer: Answer = {
        "session": session.id,
        "model": facts.id,
        "used": window.used,
        "free": window.free,
        "size": window.limit,
        "compactAt": window.compact_at,
        "measured": window.how,
        "items": [asdict(it) for it in window.parts],
        "text": text,
    }
    path = await door.window_pages.write(session.id, f"# Context\n\n{text}", about)
    shown = request is not None and await door.views.show(path)
    return answer | {"path": path, "shown": shown}


async def _window(door: Door, state: State, facts: ModelFacts, settings: Settings) -> Window:
    asked = None
    if state.messages and not state.calls:
        # A request ends with words of the person's: as if they said the least they can.
        said = replace(state, pending=state.pending or (text_block("."),))
        asked = await door.house.count(to_send(said, facts, settings.max_output_tokens))
    return windows.window(state, facts, by_itself(facts, settings), asked)


async def _dropping(door: Door, session: Session, before: Window, facts: ModelFacts, items: Sequence[str]) -> Answer:
    names = {it.id: it.name for it in before.parts if it.id}
    if unknown := [it for it in items if it not in names]:
        raise BadRequest(f"drop: expected ids of items that claw.context lists, found {unknown[0]!r}")
    now = replace(session.state, turn=None)
    then = windows.window(after(now, Dropped(items=tuple(items))), facts, before.compact_at, None)
    it = windows.dropping(before, then, facts.price)
    words = windows.asked_about(it, [names[one] for one in items])
    question = _question(session, words, items)
    door.later(_ask(door, session, question, tuple(items)), "asking whether to drop something from the context")
    return {"session": session.id, "question": question.id, "text": words, **asdict(it)}


def _question(session: Session, words: str, items: Sequence[str]) -> Question:
    id_ = str(uuid4())
    plan = Plan(Call(id=id_, name="Drop", input={"items": list(items)}), Reach.PERSON, words)
    choices = (Choice(DENY, "Keep it"), Choice(ONCE, "Drop it"))
    return Question(id=id_, session=session.id, run="", plan=plan, title=words, detail=words, choices=choices)


async def _ask(door: Door, session: Session, question: Question, items: tuple[str, ...]) -> None:
    answer = await door.questions.ask(question)
    if answer.choice != ONCE:
        return
    running = session.state.turn is not None
    try:
        await door.write(session, Dropped(items=items))
    except ClawError as error:
        door.messages.say(WARNING, f"Claw: nothing was dropped: {error}")
        return
    when = "as soon as the turn has ended" if running else "from the next request on"
    door.messages.say(INFO, f"Claw: it is left out {when}; the log keeps it.")
    door.events.touched()
