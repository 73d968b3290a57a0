"""Commands that start, steer, stop and await turns."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from claw_lsp.core.briefing import Subject, with_complaints
from claw_lsp.core.words import message_in
from claw_lsp.engine.session import Session
from claw_lsp.facts.event import Steered, UserSpoke
from claw_lsp.facts.fault import BadRequest
from claw_lsp.facts.rule import Mode
from claw_lsp.lsp.along import Along
from claw_lsp.lsp.arguments import (
    AskArguments,
    ChatArguments,
    FixArguments,
    HunkArguments,
    InitArguments,
    ModeArguments,
    ModelArguments,
    OptionalRunArguments,
    Position,
    Range,
    RetryArguments,
    ReviewArguments,
    RunArguments,
    SteerArguments,
    TurnArguments,
)
from claw_lsp.lsp.commands.modes import ask_for_bypass
from claw_lsp.lsp.commands.modes import mode as set_mode
from claw_lsp.lsp.commands.modes import model as set_model
from claw_lsp.lsp.commands.review import hunk_named
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.messages import INFO
from claw_lsp.lsp.review import Shown
from claw_lsp.lsp.runs import Run
from claw_lsp.lsp.subjects import subject_of
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.uris import path_of, uri_of

Request = RequestId | None

COMPLAINED_ABOUT = ("fix", "edit")
"""The actions that are told what the editor's other language servers say of the file."""


@command("claw.ask", AskArguments)
async def ask(door: Door, args: AskArguments, request: Request) -> Answer:
    """Ask Claw."""
    return await _begin(door, "ask", args, request)


@command("claw.edit", TurnArguments)
async def edit(door: Door, args: TurnArguments, request: Request) -> Answer:
    """Edit as you say. Without `prompt` it asks for the words: by the shim's input box, else in a chat document."""
    if not args.prompt.strip():
        words = await door.shim.words("Claw: what should be edited?", placeholder="What to change, in your own words")
        if words is None:
            return await _chat_to_fill_in(door, args)
        if not words.strip():
            return {"cancelled": True}
        args = args.model_copy(update={"prompt": words})
    return await _begin(door, "edit", args, request)


@command("claw.fix", FixArguments)
async def fix(door: Door, args: FixArguments, request: Request) -> Answer:
    """Fix."""
    return await _begin(door, "fix", args, request)


@command("claw.explain", HunkArguments)
async def explain(door: Door, args: HunkArguments, request: Request) -> Answer:
    """Explain. The answer opens its chat document."""
    return await _begin(door, "explain", args, request, opens_chat=True)


@command("claw.tests", HunkArguments)
async def tests(door: Door, args: HunkArguments, request: Request) -> Answer:
    """Write tests."""
    return await _begin(door, "tests", args, request)


@command("claw.document", HunkArguments)
async def document(door: Door, args: HunkArguments, request: Request) -> Answer:
    """Document."""
    return await _begin(door, "document", args, request)


@command("claw.refactor", HunkArguments)
async def refactor(door: Door, args: HunkArguments, request: Request) -> Answer:
    """Refactor."""
    return await _begin(door, "refactor", args, request)


@command("claw.review", ReviewArguments)
async def review(door: Door, args: ReviewArguments, request: Request) -> Answer:
    """Review. With `base` (a git revision) it reviews what changed since; the answer opens its chat document."""
    extra: dict[str, str] = {}
    if args.base is not None:
        folder = door.home_for(args.uri).folder
        extra["What changed since " + args.base] = await door.house.versions.diff(folder, args.base) or "nothing"
    return await _begin(door, "review", args, request, opens_chat=True, extra=extra)


@command("claw.init", InitArguments, slash=True)
async def init(door: Door, args: InitArguments, request: Request) -> Answer:
    """Write a first CLAW.md for this project, or mend the one there is. With `prompt`, what to look after."""
    if not door.folders:
        raise BadRequest("This needs an open folder. Open one in the editor and try again.")
    session = await door.session_for(args.session, None, None, None)
    run = await start_about(door, session, "init", Subject(words=args.prompt or ""), request)
    return _answer(run) | {"text": "Claw reads the project and writes CLAW.md."}


@command("claw.chat", ChatArguments)
async def chat(door: Door, args: ChatArguments, request: Request) -> Answer:
    """Chat. Opens the workspace's latest chat, or a new one; with `prompt` it is sent; with `hunk` it is the chat that wrote
    that change, and the place stands in the prompt."""
    begun = None
    if args.hunk is not None:
        hunk = hunk_named(door, args.hunk)
        session = await _chat_session(door, hunk.session)
        begun = _place(_hunk_subject(session, hunk))
    else:
        session = await _chat_session(door, args.session)
    path, shown = await door.chats.show(session.id, prompt=begun)
    answer: Answer = {"session": session.id, "path": path, "shown": shown}
    if args.prompt and args.prompt.strip():
        run = await _start_words(door, session, args.prompt, request)
        answer["run"] = run.id
    elif not shown:
        door.messages.say(3, f"Claw: the chat is {path}")
    return answer


@command("claw.steer", SteerArguments)
async def steer(door: Door, args: SteerArguments, request: Request) -> Answer:
    """Say something to a running turn. Without `run`: the one that started last."""
    run = _named(door, args.run)
    if run.result is not None:
        raise BadRequest("run: this turn has ended; ask with its session to go on")
    session = await door.house.sessions.resume(run.session)
    turn = session.state.turn
    if turn is None or turn.run != run.id or await _steered(door, session, args.prompt) is None:
        raise BadRequest("run: this turn is over, or waits for another to end; ask with its session to go on")
    return {"session": run.session, "run": run.id}


@command("claw.retry", RetryArguments)
async def retry(door: Door, args: RetryArguments, request: Request) -> Answer:
    """Ask the same again in the same session, about the files as they are now. With `session` also a run of an earlier
    server's."""
    if args.run is not None and args.session is not None and not door.runs.repeats(args.run):
        return _answer(await _retry_from_log(door, args.session, args.run, request))
    run = _named(door, args.run)
    if run.result is None:
        raise BadRequest("run: this turn is still running; stop it first (claw.stop)")
    if run.again is None:
        raise BadRequest("run: it cannot be asked again")
    return _answer(await run.again(request))


async def _retry_from_log(door: Door, session: str, run: str, request: Request) -> Run:
    """Begin anew what the session's log says of its last prompt. Raises BadRequest."""
    found = await door.session_for(session, None, None, None)
    spoken = next((it.event for it in reversed(found.entries) if isinstance(it.event, UserSpoke)), None)
    if spoken is None or spoken.run != run:
        raise BadRequest(f"run: expected the session's last run, found {run!r}")
    if spoken.action != "ask":
        raise BadRequest("run: it began before this server was started, in a file; start it there again")
    return await _start_words(door, found, spoken.text, request)


@command("claw.stop", OptionalRunArguments)
async def stop(door: Door, args: OptionalRunArguments, request: Request) -> Answer:
    """Stop a running turn. Without `run`: all of them. Where nothing runs the person is told so."""
    runs = door.runs.active() if args.run is None else [door.runs.get(args.run)]
    stopped = [it.id for it in runs if door.runs.stop(it)]
    # A shim shows what is answered; elsewhere a person who picked this from a menu would see nothing at all.
    if not stopped and not door.powers.events:
        door.messages.say(INFO, "Claw: nothing is running.")
    return {"stopped": stopped}


@command("claw.wait", RunArguments)
async def wait(door: Door, args: RunArguments, request: Request) -> Answer:
    """Wait until a turn has ended."""
    run = door.runs.get(args.run)
    ended = await door.runs.wait(run, request)
    return {
        "stopped": ended.stopped,
        "text": message_in(ended.text) if run.action == "commit_message" else ended.text,
        "why": ended.why,
        "usage": {model: usage.model_dump() for model, usage in ended.usage.items()},
        "cost": ended.cost,
    }


async def send_words(door: Door, session: str, words: str, request: Request) -> Answer:
    """What a chat document sends: to the turn that runs in its session, else a turn of its own."""
    found = await door.session_for(session, None, None, None)
    if found.state.turn is not None and (run := await _steered(door, found, words)) is not None:
        return {"session": session, "run": run, "steered": True}
    return _answer(await _start_words(door, found, words, request))


async def _steered(door: Door, session: Session, words: str) -> str | None:
    """Say words to the turn that runs in a session, with what they mention; its run, None where none runs any more."""
    along = await door.along(session, words, await door.settings_of(session))
    turn = session.state.turn
    if turn is None:
        return None
    await door.write(session, Steered(text=words, blocks=along.blocks, **along.told))
    return turn.run


async def _start_words(door: Door, session: Session, words: str, request: Request) -> Run:
    again = partial(_start_words, door, session, words)
    beside = await beside_words(door, session)
    return await door.start(session, "ask", Subject(words=words), request=request, again=again, beside=beside)


async def beside_words(door: Door, session: Session) -> Along:
    """What goes with words that are about no place in a file."""
    return await door.around.along(session.state, await door.settings_of(session))


async def start_about(door: Door, session: Session, action: str, subject: Subject, request: Request) -> Run:
    """Begin a turn that is about this, and no place in a file."""
    again = partial(start_about, door, session, action, subject)
    return await door.start(session, action, subject, request=request, again=again)


async def _begin(
    door: Door,
    action: str,
    args: TurnArguments,
    request: Request,
    *,
    opens_chat: bool = False,
    extra: dict[str, str] | None = None,
) -> Answer:
    extra = extra or {}
    if isinstance(args, HunkArguments) and args.hunk is not None:
        hunk = hunk_named(door, args.hunk)
        before, after = hunk.texts
        if hunk.proposed:
            extra |= {"It is": before, "Your proposal, which is not in the file yet": after}
        else:
            extra |= {"It was, before your change": before, "Your change": after}
        args = _about(door, args, hunk)
    session = await door.session_for(args.session, args.uri, args.mode, args.model)
    if args.session is not None:
        await _chosen(door, session, args)
    elif args.mode is Mode.BYPASS:
        door.later(ask_for_bypass(door, session), "asking for bypassPermissions")
    place = args if args.uri is not None or action == "ask" else _where_the_person_is(door, args)
    start = partial(_start, door, session, action, place, opens_chat=opens_chat, extra=extra)
    answer = _answer(await start(request))
    if args.model is None:
        return answer
    warning = door.house.unknown(
        door.house.facts_of(args.model, settings := await door.settings_of(session)).id, settings
    )
    if warning:
        door.messages.warn_once(f"Claw: {warning}")
    return answer | {"known": not warning}


def _about(door: Door, args: HunkArguments, it: Shown) -> HunkArguments:
    """The arguments with the hunk's place, and its session: who wrote it knows why. One in a turn is not waited for."""
    own = None if door.runs.active(it.session) else it.session
    place = Range.model_validate(door.hunks.range(it))
    named = {"uri": door.hunks.uri(it.hunk.path), "range": place, "session": args.session or own}
    return args.model_copy(update=named)


async def _chosen(door: Door, session: Session, args: TurnArguments) -> None:
    """Mode and model that a command gives for a session that is there already."""
    if args.model is not None:
        await set_model(door, ModelArguments(session=session.id, model=args.model), None)
    if args.mode is not None:
        await set_mode(door, ModeArguments(session=session.id, mode=args.mode), None)


def _where_the_person_is(door: Door, args: TurnArguments) -> TurnArguments:
    """A command without a file, as a palette sends it, is about the last place seen."""
    seen = door.buffers.seen
    if seen is None:
        return args
    start, end = (Position(line=line, character=character) for line, character in (seen.start, seen.end))
    return args.model_copy(update={"uri": uri_of(seen.path), "range": args.range or Range(start=start, end=end)})


async def _start(
    door: Door,
    session: Session,
    action: str,
    args: TurnArguments,
    request: Request,
    *,
    opens_chat: bool,
    extra: dict[str, str],
) -> Run:
    subject = await subject_of(
        args.uri,
        args.range,
        buffers=door.buffers,
        workspace=door.workspace,
        root=session.state.cwd,
        words=args.prompt,
        diagnostics=args.diagnostics if isinstance(args, FixArguments) else (),
        falls_back=False,
    )
    again = partial(_start, door, session, action, args, opens_chat=opens_chat, extra=extra)
    subject = replace(subject, extra=extra)
    if action in COMPLAINED_ABOUT and args.uri is not None:
        subject = with_complaints(subject, await door.languages.diagnostics(path_of(args.uri)))
    beside = await beside_words(door, session) if action == "ask" and args.uri is None else Along()
    return await door.start(
        session, action, subject, request=request, opens_chat=opens_chat, again=again, beside=beside
    )


async def _chat_to_fill_in(door: Door, args: TurnArguments) -> Answer:
    """A chat document with the place filled in, where the person writes what they want."""
    session = await door.session_for(args.session, args.uri, args.mode, args.model)
    subject = await subject_of(
        args.uri,
        args.range,
        buffers=door.buffers,
        workspace=door.workspace,
        root=session.state.cwd,
        words="",
        falls_back=True,
    )
    path, shown = await door.chats.show(session.id, prompt=_place(subject))
    if not shown:
        door.messages.say(3, f"Claw: write what you want in {path} and send it")
    return {"session": session.id, "path": path, "shown": shown}


def _hunk_subject(session: Session, it: Shown) -> Subject:
    named = it.hunk.path.removeprefix(f"{session.state.cwd}/")
    return Subject(path=named, text=it.text, start=it.place[0], end=max(it.place[0], it.place[1] - 1))


def _place(subject: Subject) -> str:
    if not subject.path:
        return ""
    if subject.start is None or subject.end is None:
        return f"In `{subject.path}`: "
    first, last = ((subject.text or "").count("\n", 0, it) + 1 for it in (subject.start, subject.end))
    return (
        f"In `{subject.path}`, line {first}: " if first == last else f"In `{subject.path}`, lines {first} to {last}: "
    )


async def _chat_session(door: Door, named: str | None) -> Session:
    """The session named, else that of the latest chat unless another editor holds it, else a fresh one."""
    if named is not None:
        return await door.session_for(named, None, None, None)
    latest = await door.chats.latest(door.home_for(None).folder)
    return await door.resume_or_start(latest, None) if latest else await door.session_for(None, None, None, None)


def _named(door: Door, run: str | None) -> Run:
    if run is not None:
        return door.runs.get(run)
    latest = door.runs.latest
    if latest is None:
        raise BadRequest("run: expected the id of a run, and none was started yet")
    return latest


def _answer(run: Run) -> dict[str, Any]:
    return {"session": run.session, "run": run.id, "along": list(run.along)}
