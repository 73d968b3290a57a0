"""Files as they were before a prompt, from what a log says was changed since; what the person did since is kept."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from claw_lsp.core.difference import differences
from claw_lsp.core.hunks import groups
from claw_lsp.core.merge import sided
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Edited
from claw_lsp.facts.checkpoint import Checkpointed, Kept, Mode, Restored, RewindBegun, Rewound
from claw_lsp.facts.event import CallFinished, CallJudged, Entry, UserSpoke
from claw_lsp.facts.reviewed import Left, Reverted
from claw_lsp.facts.text import TextEdit, applied


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it is merged; of a binary one `text` has a character for each byte."""

    text: str
    mode: Mode = "file"
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One file became another: `was` before, `left` after; None where there is no file. Of an edit's the mode is not known."""

    path: str
    was: Content | None
    left: Content | None
    is_edit: bool = False


@dataclass(frozen=True, slots=True)
class Back:
    """A file on its way back. `now` has what the person wrote, also where that is in the way; `wished` is its text without what
    is in the way, None where nothing is."""

    now: Content | None
    wished: str | None = None


@dataclass(frozen=True, slots=True)
class Changing:
    """What changed files once, in the order of the log: a turn, with its edits and the checkpoints around it ("" where there
    is none), or a rewind or revert, which has `done` this. `unsaved` are files that no command can have changed."""

    prompt_id: str = ""
    before: str = ""
    after: str = ""
    ran: bool = False
    edits: tuple[Edited, ...] = ()
    unsaved: frozenset[str] = frozenset()
    left_out: tuple[str, ...] = ()
    done: tuple[Step, ...] = ()


def changings(entries: Sequence[Entry], prompt_id: str) -> tuple[Changing, ...] | None:
    """What changed files since that prompt; None for a prompt that nobody said."""
    found: list[Changing] = []
    begun = False
    for event in (it.event for it in entries):
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
    """What one changing made of each file, in order. `before` and `after` are the files that differ between its checkpoints:
    what no edit did there commands did, but for files that were not saved."""
    yield from it.done
    by_path: dict[str, list[Step]] = {}
    for edit in it.edits:
        was = None if edit.created else Content(edit.before)
        by_path.setdefault(edit.path, []).append(Step(edit.path, was, Content(edit.after), is_edit=True))
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
        was, left = (one and replace(one, mode=now.mode) for one in (step.was, step.left))
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
    back = Content(text, was.mode if now.mode == left.mode else now.mode)
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
    for mark, encoding in _MARKS:
        if kept.mode != "link" and kept.data.startswith(mark):
            try:
                return Content(kept.data[len(mark) :].decode(encoding), kept.mode)
            except UnicodeDecodeError:
                break
    binary = kept.mode == "link" or b"\0" in kept.data
    try:
        return Content(kept.data.decode("latin-1" if binary else "utf-8"), kept.mode, binary)
    except UnicodeDecodeError:
        return Content(kept.data.decode("latin-1"), kept.mode, binary=True)


def data_like(it: Content, before: Kept | None) -> bytes:
    """The bytes of a file with this content, in the encoding of what stands there."""
    if it.binary:
        return it.text.encode("latin-1")
    found = (pair for pair in _MARKS if before is not None and before.data.startswith(pair[0]))
    mark, encoding = next(found, (b"", "utf-8"))
    return mark + it.text.encode(encoding)


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


_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def _shifted(it: TextEdit, by: int) -> TextEdit:
    return TextEdit(it.start + by, it.end + by, it.new)


def _kept(it: Changing, event: Checkpointed) -> Changing:
    taken = event.taken
    left_out = tuple(dict.fromkeys((*it.left_out, *taken.left_out)))
    it = replace(it, unsaved=it.unsaved | frozenset(taken.unsaved), left_out=left_out)
    return replace(it, before=taken.checkpoint) if event.when == "before" else replace(it, after=taken.checkpoint)


def _between(path: str, ends: tuple[Content | None, Content | None], edits: Sequence[Step]) -> Iterator[Step]:
    """The edits of a file, and what happened between them."""
    at, last = ends
    for edit in edits:
        mode = at.mode if at is not None else "file"
        yield Step(path, at, edit.was and replace(edit.was, mode=mode))
        yield edit
        at = edit.left and replace(edit.left, mode=mode)
    yield Step(path, at, last)


def rewound_step(file: Restored) -> Step:
    """What a rewind made of a file, as far as it came."""
    return Step(
        file.path,
        None if file.before is None else Content(file.before, file.before_mode, file.binary),
        None if file.after is None else Content(file.after, file.after_mode, file.binary),
    )


def restored(path: str, before: Content | None, after: Content | None) -> Restored:
    """The same, to be written down."""
    return Restored(
        path=path,
        before=before and before.text,
        after=after and after.text,
        before_mode=before.mode if before else "file",
        after_mode=after.mode if after else "file",
        binary=any(it is not None and it.binary for it in (before, after)),
    )
