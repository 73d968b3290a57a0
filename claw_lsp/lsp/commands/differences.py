"""The command that shows what changed, or would: since the session began, in a file, or by one prompt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from claw_lsp.core.book import prompt_line
from claw_lsp.core.policy.paths import inside
from claw_lsp.core.unified import unified
from claw_lsp.engine.session import Session
from claw_lsp.facts.event import CallFinished
from claw_lsp.facts.fault import BadRequest, ToolError
from claw_lsp.lsp.arguments import DiffArguments
from claw_lsp.lsp.commands.review import hunk_named
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.review import Shown
from claw_lsp.lsp.shim import TwoTexts
from claw_lsp.lsp.status import title_of
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.uris import filelike, path_of

GIT = "git"
"""In place of a file: what differs from HEAD."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One document before and after."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is to be shown; `prompt_id` is set where all of it is one prompt's proposal."""

    session: str
    title: str
    files: tuple[Compared, ...]
    prompt_id: str | None = None


@command("claw.diff", DiffArguments, slash=True)
async def diff(door: Door, args: DiffArguments, request: RequestId | None) -> Answer:
    """Show what changed or is proposed: in one file, by one prompt, or everything since the session began."""
    prompt_id = _prompt(door, args)
    if prompt_id is not None:
        return await _shown(door, await _of_prompt(door, prompt_id), request)
    session = await door.looked_at(args.session)
    if session is None:
        return {"diff": "", "files": [], "text": "Nothing was changed: there is no session yet."}
    if args.uri == GIT:
        text = await door.house.versions.diff(session.state.cwd)
        shown = _fenced(text) if text else "Nothing differs from HEAD."
        return {"session": session.id, "diff": text, "files": [], "text": shown}
    only = _path(args.uri, session.state.cwd) if args.uri else None
    return await _shown(door, await _since_it_began(door, session, only), request)


def _prompt(door: Door, args: DiffArguments) -> str | None:
    """The prompt whose changes are meant: named, or the last that proposed something in the file. Raises BadRequest."""
    if args.hunk is not None:
        return hunk_named(door, args.hunk).hunk.maker.prompt_id
    if args.prompt_id is not None:
        if not any(it.hunk.maker.prompt_id == args.prompt_id for it in _every(door)):
            raise BadRequest(
                f"prompt_id: expected the prompt_id of a hunk, found {args.prompt_id!r} (claw.hunks lists them)"
            )
        return args.prompt_id
    here = door.review.at(path_of(args.uri)) if args.uri and args.uri != GIT else ()
    proposed = [it for it in here if it.proposed]
    return max(proposed, key=lambda it: it.hunk.maker.at).hunk.maker.prompt_id if proposed else None


def _every(door: Door) -> list[Shown]:
    return [it for found in door.review.shown().values() for it in found]


async def _of_prompt(door: Door, prompt_id: str) -> Comparison:
    """What a prompt changed and nobody decided yet, taken back on the one side; what it proposes, made on the other."""
    every = [it for it in _every(door) if it.hunk.maker.prompt_id == prompt_id]
    files: list[Compared] = []
    for path in dict.fromkeys(it.hunk.path for it in every):
        if (now := await _now(door, path)) is not None:
            door.review.reads(path, now)
        here = [it for it in every if it.hunk.path == path]
        sides = (frozenset(it.hunk.id for it in here if it.proposed is proposed) for proposed in (False, True))
        before, after = (door.review.answered(path, ids).text for ids in sides)
        files.append(Compared(path, before, after))
    asked = prompt_line(door.review.book(every[0].session), every[0].hunk)
    proposed = prompt_id if all(it.proposed for it in every) else None
    return Comparison(every[0].session, f"Claw: {asked}", tuple(files), proposed)


async def _since_it_began(door: Door, session: Session, only: str | None) -> Comparison:
    """Everything the session changed, as it stands now and with what waits as a proposal."""
    first: dict[str, str] = {}
    for entry in session.entries:
        if isinstance(entry.event, CallFinished):
            for it in entry.event.result.edited:
                first.setdefault(it.path, "" if it.created else it.beneath if it.proposed else it.before)
    files: list[Compared] = []
    for path, before in first.items():
        if only in (None, path):
            now = await _now(door, path) or ""
            files.append(Compared(path, before, session.proposals.text(path, now)))
    return Comparison(session.id, f"Claw: {title_of(session) or 'changes'}", tuple(files))


async def _now(door: Door, path: str) -> str | None:
    """What the file holds now; None where it is gone, or not there yet."""
    try:
        return (await door.workspace.read(path)).text
    except ToolError:
        return None


async def _shown(door: Door, it: Comparison, request: RequestId | None) -> Answer:
    """The answer; where somebody asked for it outside a chat it is also opened, side by side if the client can."""
    files = [one for one in it.files if one.before != one.after]
    session = door.house.sessions.opened.get(it.session)
    root = session.state.cwd if session else ""
    text = "".join([await asyncio.to_thread(_unified, one, root) for one in files])
    answer: Answer = {
        "session": it.session,
        "diff": text,
        "files": [one.path for one in files],
        "text": _fenced(text),
    }
    if not text:
        return answer
    answer["path"] = await door.views.write(it.session, "changes.diff", text)
    texts = [TwoTexts(door.hunks.uri(one.path), one.before, one.after) for one in files]
    answer["shown"] = request is not None and (
        await door.shim.diff(it.title, texts, proposal=it.prompt_id) or await door.views.show(answer["path"])
    )
    return answer


def _path(named: str, cwd: str) -> str:
    """A URI or path as a path; what is relative, as in `/diff src/a.py`, counts from the working directory."""
    path = path_of(named)
    return f"{cwd.rstrip('/')}/{path}" if filelike(path) and not path.startswith("/") else path


def _unified(it: Compared, root: str) -> str:
    name = it.path[len(root) :].lstrip("/") if root and inside(it.path, (root,)) else it.path.lstrip("/")
    return unified(name, it.before, it.after)


def _fenced(text: str) -> str:
    return f"```diff\n{text}```" if text else "Nothing differs from how the session found it."
