"""Files as they were before a prompt, from what a log says was changed since; what the person did since is kept."""

from __future__ import annotations

import codecs
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from claw_lsp.core import proposals
from claw_lsp.core.difference import differences
from claw_lsp.core.hunks import groups, undone
from claw_lsp.core.merge import sided
from claw_lsp.core.proposals import Proposals
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Edited
from claw_lsp.facts.checkpoint import Checkpointed, Kept, Mode, Restored, RewindBegun, Rewound
from claw_lsp.facts.event import CallFinished, CallJudged, Entry, UserSpoke
from claw_lsp.facts.reviewed import FileMoved, Left, ProposalApplied, Reverted
from claw_lsp.facts.text import TextEdit, applied

UTF_8 = "utf-8"


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it is merged; of a binary one `text` has a character for each byte, of others none is a byte order mark: that
    goes with the encoding."""

    text: str
    mode: Mode = "file"
    binary: bool = False
    encoding: str = UTF_8

    def like(self, other: Content) -> Content:
        """With what no edit of the text changes as another has it."""
        return replace(self, mode=other.mode, encoding=other.encoding)


@dataclass(frozen=True, slots=True)
class Step:
    """One file became another: `was` before, `left` after; None where there is no file. Of an edit's mode and encoding are not known.
    `passing`: no checkpoint around it has the file, so commands may have made it before and deleted it behind."""

    path: str
    was: Content | None
    left: Content | None
    is_edit: bool = False
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Back:
    """A file on its way back. `now` has what the person wrote, also where that is in the way; `wished` is its text without what
    is in the way, None where nothing is."""

    now: Content | None
    wished: str | None = None


@dataclass(frozen=True, slots=True)
class Changing:
    """What changed files once, in the order of the log: a turn, with its edits and the checkpoints around it ("" where there
    is none), or a rewind or revert, or a proposal that was applied, which has `done` this. `unsaved` are files that no command
    can have changed; `moves` are the names that files were given since."""

    prompt_id: str = ""
    before: str = ""
    after: str = ""
    ran: bool = False
    edits: tuple[Edited, ...] = ()
    unsaved: frozenset[str] = frozenset()
    left_out: tuple[str, ...] = ()
    done: tuple[Step, ...] = ()
    moves: tuple[tuple[str, str], ...] = ()


def changings(entries: Sequence[Entry], prompt_id: str) -> tuple[Changing, ...] | None:
    """What changed files since that prompt; None for a prompt that nobody said."""
    found: list[Changing] = []
    begun = False
    known = Proposals()
    for entry in entries:
        event, proposed = entry.event, known
        known = proposals.after(known, entry)
        begun = begun or (isinstance(event, UserSpoke) and event.prompt_id == prompt_id)
        if not begun:
            continue
        match event:
            case UserSpoke():
                found.append(Changing(event.prompt_id))
            case RewindBegun():
                found.append(Changing(done=tuple(map(rewound_step, event.files))))
            case Reverted():
                before, after = Content(event.before), Content(event.after)
                found.append(Changing(done=(Step(event.path, before, after, is_edit=True),)))
            case Checkpointed():
                found = [_kept(it, event) if it.prompt_id == event.prompt_id else it for it in found]
            case CallJudged(decision="allow", reach="run") if found:
                found[-1] = replace(found[-1], ran=True)
            case CallFinished() if found:
                made = tuple(it for it in event.result.edited if not it.proposed)
                found[-1] = replace(found[-1], edits=(*found[-1].edits, *made))
            case ProposalApplied():
                found += _applied(event, proposed, {it.prompt_id for it in found})
            case FileMoved():
                found = [replace(it, moves=(*it.moves, (event.path, event.to))) for it in found]
            case _:
                pass
    return tuple(found) if begun else None


def ran_commands(entries: Sequence[Entry]) -> bool:
    """Whether a command was allowed since the person spoke last."""
    for entry in reversed(entries):
        match entry.event:
            case UserSpoke():
                return False
            case CallJudged(decision="allow", reach="run"):
                return True
            case _:
                continue
    return False


def kept_apart(roots: Iterable[str], chats: str | None) -> tuple[str, ...]:
    """What no checkpoint holds: chats, which show what was said, and what leaves them out of the person's repository."""
    ours = (f"{it}/.claw/{name}" for it in roots for name in ("chats", ".gitignore"))
    return (*ours, *((chats,) if chats else ()))


def steps(it: Changing, before: Mapping[str, Kept], after: Mapping[str, Kept]) -> Iterator[Step]:
    """What one changing made of each file, in order, by the names that files have now. `before` and `after` are the files that
    differ between its checkpoints, or were edited: what no edit did there commands did, but for files that were not saved."""
    for step in _steps(it, before, after):
        for path, to in it.moves:
            step = replace(step, path=to) if step.path == path else step
        yield step


def all_taken_back(every: Iterable[Step], now: Mapping[str, Content | None]) -> tuple[dict[str, Back], dict[str, str]]:
    """Each file without these steps, which are in order; and why others are left alone."""
    back = {path: Back(it) for path, it in now.items()}
    left: dict[str, str] = {}
    for step in reversed(tuple(every)):
        gone = back[step.path].now is None and (step.was is None or step.passing)
        if gone:
            # It is not to be there.
            left.pop(step.path, None)
        elif step.path not in left:
            made = taken_back(back[step.path], step)
            if isinstance(made, str):
                left[step.path] = made
            else:
                back[step.path] = made
    return {path: it for path, it in back.items() if path not in left}, left


def _steps(it: Changing, before: Mapping[str, Kept], after: Mapping[str, Kept]) -> Iterator[Step]:
    yield from it.done
    by_path: dict[str, list[Step]] = {}
    for edit in it.edits:
        was = None if edit.created else Content(edit.before)
        passing = it.ran and edit.path not in before and edit.path not in after
        step = Step(edit.path, was, Content(edit.after), is_edit=True, passing=passing)
        by_path.setdefault(edit.path, []).append(step)
    for path in before.keys() | after.keys() if it.ran else ():
        if path not in it.unsaved:
            ends = content(before.get(path)), content(after.get(path))
            by_path[path] = list(_between(path, ends, by_path.get(path, [])))
    for some in by_path.values():
        yield from some


def taken_back(it: Back, step: Step) -> Back | str:
    """The file without what one step did. Where all of it is in the way of that, the file is left alone: then the text says why."""
    now = it.now
    if step.is_edit and now is not None:
        was, left = (one and one.like(now) for one in (step.was, step.left))
        step = replace(step, was=was, left=left)
    was, left = step.was, step.left
    if it.wished is None and now == left:
        return Back(was)
    if was == left or (it.wished is None and now == was):
        return it
    if now is None:
        return "it was deleted since"
    if any(one is not None and one.binary for one in (now, was, left)):
        return "it is no text, and was changed since"
    before, after = was.text if was else "", left.text if left else ""
    _, wished = sided(after, before, now.text if it.wished is None else it.wished)
    if was is None or left is None:
        # A file that was made or deleted as a whole is not brought back by halves.
        return Back(now, None if wished == now.text else wished)
    text, _ = sided(after, before, now.text)
    mode = was.mode if now.mode == left.mode else now.mode
    back = Content(text, mode, encoding=was.encoding if now.encoding == left.encoding else now.encoding)
    return Back(back, None if wished == text else wished)


def places(text: str, wished: str) -> tuple[Left, ...]:
    """Where a file is not as wished, with what would stand there; changes of neighbouring lines are one place."""
    return tuple(
        Left(start=start, end=end, wanted=applied(text[start:end], tuple(_shifted(it, -start) for it in edits)))
        for edits in groups(text, differences(text, wished))
        for start, end in [(edits[0].start, edits[-1].end)]
    )


def content(kept: Kept | None) -> Content | None:
    """A file as it is merged: text without its byte order mark, as the editor has it."""
    if kept is None:
        return None
    for encoding, mark in _MARKS.items():
        if kept.mode != "link" and kept.data.startswith(mark):
            try:
                return Content(kept.data[len(mark) :].decode(encoding), kept.mode, encoding=encoding)
            except UnicodeDecodeError:
                break
    binary = kept.mode == "link" or b"\0" in kept.data
    try:
        return Content(kept.data.decode("latin-1" if binary else "utf-8"), kept.mode, binary)
    except UnicodeDecodeError:
        return Content(kept.data.decode("latin-1"), kept.mode, binary=True)


def data(it: Content) -> bytes:
    """The bytes of a file with this content."""
    if it.binary:
        return it.text.encode("latin-1")
    return _MARKS.get(it.encoding, b"") + it.text.encode(it.encoding.removesuffix("-sig"))


def rewound_in_words(event: Rewound) -> str:
    """One line for people."""
    if event.cut:
        return (
            f"{'taking a rewind back' if event.redo else 'a rewind'} was cut short: some files are as before it, others not. "
            "`claw.redo` takes it back, `claw.rewind` does it again"
        )
    what = {"code": "the files are", "chat": "the chat is", "both": "files and chat are"}[event.what]
    line = f"rewound: {what} as before this prompt" if not event.redo else f"rewind taken back: {what} as before it"
    n_places = sum(len(it.left) for it in event.contested)
    apart = [*event.left, *([counted(n_places, "place") + " to review"] if n_places else [])]
    return f"{line}, but for {', '.join(apart)}" if apart else line


_MARKS = {"utf-8-sig": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


def _shifted(it: TextEdit, by: int) -> TextEdit:
    return TextEdit(it.start + by, it.end + by, it.new)


def _applied(event: ProposalApplied, before: Proposals, prompts: Container[str]) -> Iterator[Changing]:
    """What was proposed since then, once the person made it so."""
    ledger = before.ledgers.get(event.path)
    hunk = ledger and next((it for it in ledger.hunks if it.id == event.hunk), None)
    if ledger is None or hunk is None or hunk.kind == "contested" or hunk.maker.prompt_id not in prompts:
        return
    if (made := undone(ledger, event.hunk)) is not None:
        was = None if hunk.kind == "created" else Content(ledger.text)
        yield Changing(done=(Step(event.path, was, Content(made.text), is_edit=True),))


def _kept(it: Changing, event: Checkpointed) -> Changing:
    taken = event.taken
    left_out = tuple(dict.fromkeys((*it.left_out, *taken.left_out)))
    it = replace(it, unsaved=it.unsaved | frozenset(taken.unsaved), left_out=left_out)
    return replace(it, before=taken.checkpoint) if event.when == "before" else replace(it, after=taken.checkpoint)


def _between(path: str, ends: tuple[Content | None, Content | None], edits: Sequence[Step]) -> Iterator[Step]:
    """The edits of a file, and what happened between them."""
    at, last = ends
    for edit in edits:
        like = at or Content("")
        yield Step(path, at, edit.was and edit.was.like(like))
        yield edit
        at = edit.left and edit.left.like(like)
    yield Step(path, at, last)


def rewound_step(file: Restored) -> Step:
    """What a rewind made of a file, as far as it came."""
    return Step(
        file.path,
        None if file.before is None else Content(file.before, file.before_mode, file.binary, file.before_encoding),
        None if file.after is None else Content(file.after, file.after_mode, file.binary, file.after_encoding),
    )


def restored(path: str, before: Content | None, after: Content | None) -> Restored:
    """The same, to be written down."""
    return Restored(
        path=path,
        before=before and before.text,
        after=after and after.text,
        before_mode=before.mode if before else "file",
        after_mode=after.mode if after else "file",
        before_encoding=before.encoding if before else UTF_8,
        after_encoding=after.encoding if after else UTF_8,
        binary=any(it is not None and it.binary for it in (before, after)),
    )
