"""Commands that only look: help, status, cost, sessions, questions; and the answer to a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from claw_lsp.core.budget import used_percent
from claw_lsp.core.render import dollars, tokens
from claw_lsp.core.spending import lines, spending
from claw_lsp.core.words import counted
from claw_lsp.facts.fault import BadRequest
from claw_lsp.facts.past import SessionSummary
from claw_lsp.lsp.arguments import AnswerArguments, NoArguments, SessionArguments, SessionsArguments
from claw_lsp.lsp.commands.table import TABLE, Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.questions import choices_of
from claw_lsp.lsp.shim import Item
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.uris import uri_of

MOST_SESSIONS = 200
"""How many a list offers; `claw.sessions` answers all of them."""


@command("claw.help", NoArguments, slash=True)
async def help_(door: Door, args: NoArguments, request: RequestId | None) -> Answer:
    """Show what there is: commands, the chat, how to save it."""
    lines = ["Write below the last heading of a chat document and send it: code lens, code action or `claw.send`."]
    lines += ["", "In the chat:"]
    lines += [f"- `/{name.removeprefix('claw.')}`: {it.title}" for name, it in sorted(TABLE.items()) if it.slash]
    lines += ["", "Everywhere: the code actions *Claw: …*, and the commands"]
    lines += [f"- `{name}`: {it.title}" for name, it in sorted(TABLE.items()) if not it.slash]
    lines += [
        "",
        "A chat is an ordinary file: save it as you save any other (`:w`, Ctrl+S). Where the editor lets us, we save it.",
        "A question that you closed by mistake still waits: it is a diagnostic with code actions on the file it is about.",
    ]
    return {"text": "\n".join(lines), "commands": [{"command": it.name, "title": it.title} for it in TABLE.values()]}


@command("claw.status", SessionArguments, slash=True)
async def status(door: Door, args: SessionArguments, request: RequestId | None) -> Answer:
    """Show model, mode, context, cost and what is running."""
    session = await door.looked_at(args.session)
    settings = await door.settings_of(session)
    facts = door.house.facts_of(session.state.model if session else door.model or settings.model, settings)
    mode = session.state.mode if session else door.mode or settings.mode
    percent = used_percent(session.state.filled if session else 0, facts)
    cost = session.state.cost if session else 0.0
    runs = [{"run": it.id, "session": it.session, "title": it.title, "now": it.activity} for it in door.runs.active()]
    line = f"{facts.id} · {mode} · {percent} % of {tokens(facts.context)} tokens · {dollars(cost)}"
    waiting = len(door.questions.pending)
    extra = [f"running: {it['title']} ({it['now']})" for it in runs]
    extra += [f"{waiting} question{'s' if waiting != 1 else ''} waiting for you"] if waiting else []
    return {
        "session": session.id if session else None,
        "model": facts.id,
        "mode": mode,
        "effort": session.state.effort if session else door.effort or settings.effort,
        "context": {"percent": percent, "size": facts.context},
        "cost": cost,
        "runs": runs,
        "questions": waiting,
        "log": session.log.path if session else None,
        "text": "\n".join([line, *extra]),
    }


@command("claw.cost", SessionArguments, slash=True)
async def cost(door: Door, args: SessionArguments, request: RequestId | None) -> Answer:
    """Show what the session cost: by model, agent, tool and turn."""
    session = await door.looked_at(args.session)
    if session is None:
        return {"cost": 0.0, "models": {}, "costs": {}, "text": "Nothing was asked yet."}
    settings = await door.settings_of(session)
    spent = spending(session.entries, lambda model: door.house.facts_of(model, settings).price)
    told = [f"{dollars(session.state.cost)} in this session"]
    if (most := settings.max_cost) is not None:
        told[0] += (
            f", of {dollars(max(most, session.state.max_cost))} that it may cost before you are asked (`maxCost`)"
        )
    if session.state.cost is None:
        told.append("A model without a known price was used; set its price under `models` in the settings.")
    text = "\n".join([*told, "", *lines(spent)])
    answer: Answer = {
        "session": session.id,
        "cost": session.state.cost,
        "models": {model: it.model_dump() for model, it in spent.usage.items()},
        "costs": spent.models,
        "agents": {name: asdict(it) | {"usage": it.usage.model_dump()} for name, it in spent.agents.items()},
        "tools": {name: asdict(it) for name, it in spent.tools.items()},
        "turns": [asdict(it) for it in spent.turns],
        "text": text,
    }
    if request is None or door.powers.events:
        return answer  # A chat and a shim show the text themselves.
    path = await door.views.write(session.id, "cost.md", f"# What it cost\n\n{text}\n")
    return answer | {"path": path, "shown": await door.views.show(path)}


@command("claw.sessions", SessionsArguments)
async def sessions(door: Door, args: SessionsArguments, request: RequestId | None) -> Answer:
    """List the sessions of this workspace. A shim's list offers them, unless `pick` is false: the one that is picked opens
    its chat, and is the answer (`opened`)."""
    found = [it for folder in door.homes for it in await door.house.sessions.list(folder)]
    found.sort(key=lambda it: it.updated, reverse=True)
    picked = await _session_picked(door, found) if args.pick and request is not None else None
    if picked is not None:
        return {"opened": picked or None}
    return {
        "sessions": [
            {
                "session": it.session,
                "title": it.title,
                "model": it.model,
                "started": it.started,
                "updated": it.updated,
                "turns": it.n_turns,
                "folder": it.folder,
                "path": it.path,
            }
            for it in found
        ]
    }


async def _session_picked(door: Door, found: Sequence[SessionSummary]) -> str | None:
    """The session the person picked from a shim's list, its chat before them; "" where they closed it, None where there is
    no such list."""
    last = door.house.sessions.last
    items = [
        Item(
            it.session,
            it.title or "(nothing was asked)",
            f"{counted(it.n_turns, 'turn')} · {it.model}",
            picked=last is not None and last.id == it.session,
        )
        for it in found[:MOST_SESSIONS]
    ]
    picked = await door.shim.picked("Claw: which session?", items)
    if not picked:
        return None if picked is None else ""
    session = await door.session_for(picked[0], None, None, None)
    await door.chats.show(session.id)
    return session.id


@command("claw.questions", NoArguments)
async def questions(door: Door, args: NoArguments, request: RequestId | None) -> Answer:
    """List the questions that wait for an answer."""
    return {
        "questions": [
            {
                "question": it.id,
                "session": it.session,
                "run": it.run,
                "tool": it.plan.call.name,
                "title": it.title,
                "detail": it.detail,
                "uri": uri_of(it.path) if it.path else None,
                "choices": choices_of(it),
            }
            for it in door.questions.pending
        ]
    }


@command("claw.answer", AnswerArguments)
async def answer(door: Door, args: AnswerArguments, request: RequestId | None) -> Answer:
    """Answer a question: deny, once, session or always, with words for the model if you like."""
    question = door.questions.answer(args.question, args.choice, args.text)
    return {"question": question.id, "session": question.session, "run": question.run}


@command("claw.clear", SessionArguments, slash=True)
async def clear(door: Door, args: SessionArguments, request: RequestId | None) -> Answer:
    """Forget what was said in the session; the log keeps it."""
    session = await door.last_session(args.session)
    if session is None:
        return {"text": "There is nothing to forget."}
    if session.state.turn is not None:
        raise BadRequest("session: a turn is running in it; stop that first (claw.stop)")
    entry = await door.house.sessions.begin_anew(session, door.home_of(session))
    await door.saw(session.id, entry)
    return {"session": session.id, "text": "What was said before is forgotten; the log keeps it."}
