"""The text of an open chat document and what is still to be put into it, while a person types in the same text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from claw_lsp.core.chat import marks
from claw_lsp.core.chat.task import Begin, Draft, Name, Offer, Put, Restore, Send, Steer, Take, Task
from claw_lsp.core.chat.writer import Asked, asked, closing_fence
from claw_lsp.core.position import common
from claw_lsp.facts.text import TextEdit


@dataclass(frozen=True, slots=True)
class Weave:
    """One chat document. Offsets are code points of `text`, the document as the editor last told it.

    `anchor` is where the answer's next text goes. `tail` stands at `tail_at`: ours too, but only for now (questions,
    running calls); `want` is what should stand there. `number` is that of the prompt block, `below` that of the block
    that follows the anchor. `marked_at` is the end of the prompt that is being sent, `sending` its words; `waiting` are the
    numbers of those that were sent and that no request holds yet, `unread` their words. `offers` were sent and not heard
    of. `spoiled` is a tail that the person wrote into.

    Invariant: no offer removes anything but the tail, which is only what we wrote there, and what is to be restored.
    """

    key: str
    text: str
    anchor: int
    number: int
    below: int
    waiting: tuple[int, ...] = ()
    unread: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    want: str = ""
    tail: str = ""
    tail_at: int = 0
    offers: tuple[Offer, ...] = ()
    spoiled: str | None = None
    n_offers: int = 0
    marked_at: int | None = None
    sending: str = ""

    @property
    def is_sending(self) -> bool:
        """Whether what stands in the prompt block is on its way already."""
        return self.marked_at is not None or any(isinstance(it, Send | Steer) for it in self.tasks)

    @property
    def idle(self) -> bool:
        """Whether the document is as it should be."""
        return not self.tasks and not self.offers and _tail_is_right(self)


def begun(text: str, key: str = "") -> Weave:
    """A document as it was opened or created; `key` is for a text that has no markers."""
    found = marks.parse(text)
    key = found.key or key
    number = found.number if found.key else 1
    waiting = tuple(marks.waiting(text, key))
    below = waiting[0] if waiting else number
    anchor = marks.before_heading(text, key, below)
    if anchor is None:
        anchor = found.start if found.key else len(text)
    unread = tuple(marks.words_of(text.replace("\r\n", "\n"), key, it) for it in waiting)
    return Weave(key, text, min(anchor, len(text)), number, below, waiting, unread)


def put(weave: Weave, text: str) -> Weave:
    """More text for the end of the answer."""
    if not text:
        return weave
    match weave.tasks:
        case (*before, Put(waiting)):
            return replace(weave, tasks=(*before, Put(waiting + text)))
        case _:
            return replace(weave, tasks=(*weave.tasks, Put(text)))


def marked(weave: Weave, end: int, words: str = "") -> Weave:
    """The prompt that ends at `end` is being sent: it will be `said`, `steered`, `replied` to, or `unmarked`."""
    return replace(weave, marked_at=end, sending=words.strip())


def unmarked(weave: Weave) -> Weave:
    return replace(weave, marked_at=None, sending="")


def said(weave: Weave, it: Asked) -> Weave:
    """The person's words. Those that were sent from this document stand in it already, with what is typed after them
    below the answer."""
    if weave.sending and weave.sending == it.words.strip():
        return _did(weave, lambda at: Send(at, "", streams=True))
    if weave.unread and weave.unread[0] == asked(it.words):
        return replace(weave, tasks=(*weave.tasks, Take(it.meanwhile)), unread=weave.unread[1:])
    return replace(weave, tasks=(*weave.tasks, Begin(asked(it.words), it.meanwhile)))


def steered(weave: Weave, words: str) -> Weave:
    """These words were said to a running turn: if they are the marked prompt, it waits, and the answer goes on above."""
    if not weave.sending or weave.sending != words.strip():
        return weave
    return replace(_did(weave, Steer), unread=(*weave.unread, asked(words)))


def replied(weave: Weave, body: str, *, streaming: bool) -> Weave:
    """The marked prompt is answered. While another answer is `streaming` that goes on where it was; else what is said next
    stands below this one."""
    return _did(weave, lambda at: Send(at, body, streams=False, goes_on=not streaming))


def named(weave: Weave, session: str) -> Weave:
    """The document belongs to this session from now on."""
    return replace(weave, tasks=(*weave.tasks, Name(session)))


def drafted(weave: Weave, words: str) -> Weave:
    """Words are put at the beginning of the prompt block, for the person to complete."""
    return replace(weave, tasks=(*weave.tasks, Draft(words)))


def restored(weave: Weave, start: int, end: int, words: str) -> Weave:
    """An earlier prompt that went elsewhere as it was edited becomes what was sent once."""
    return replace(weave, tasks=(*weave.tasks, Restore(start, end, words)))


def wants(weave: Weave, tail: str) -> Weave:
    """What should stand below the answer for now."""
    return replace(weave, want=tail)


def offer(weave: Weave) -> tuple[Weave, Offer] | None:
    """The next edit for the editor, or None when there is nothing to do."""
    made = _next_offer(weave)
    if made is None:
        return None
    made = replace(made, id=weave.n_offers + 1, base=weave.text, base_at=made.at)
    return replace(weave, offers=(*weave.offers, made), n_offers=made.id), made


def refused(weave: Weave, offer_id: int) -> Weave:
    """The editor did not take this edit, and never will."""
    return replace(weave, offers=tuple(it for it in weave.offers if it.id != offer_id))


def forgotten(weave: Weave) -> Weave:
    """Nothing that was sent can arrive any more."""
    return replace(weave, offers=())


def settled(weave: Weave) -> Weave:
    """Everything that waits is put into the text at once: for a document that no editor holds open."""
    weave = forgotten(weave)
    while (made := offer(weave)) is not None:
        weave = took(made[0], made[1].edit)
    return weave


def took(weave: Weave, edit: TextEdit) -> Weave:
    """The editor's text changed: by the person, by an offer of ours, or by both at once."""
    before = weave.text
    text = before[: edit.start] + edit.new + before[edit.end :]
    for it in reversed(weave.offers):
        exact = edit == it.edit or text == _made(before, it)
        if text != before and (exact or text == it.expected):
            weave = _without_restored(weave, it)
            return _landed(_moved(weave, it.edit if exact else edit, text), it, _place_in(it, text))
    edit = _trimmed(before, edit)
    moved = _moved(weave, edit, text)
    for it, shifted in zip(reversed(weave.offers), reversed(moved.offers), strict=True):
        at = _found(before, text, it, shifted, edit)
        if at is not None:
            moved = _moved(_without_restored(weave, it), edit, text)
            return _landed(moved, _as_written(it, text, at), at)
    return moved


def _without_restored(weave: Weave, made: Offer) -> Weave:
    """Without the task that this offer does, if it restores: the edit itself touches what that is about."""
    match weave.tasks:
        case (Restore(start=start), *rest) if made.does == "restore" and start == made.at:
            return replace(weave, tasks=tuple(rest))
        case _:
            return weave


def _did(weave: Weave, task: Callable[[int], Task]) -> Weave:
    """With what is to be done about the marked prompt, if there is one."""
    if weave.marked_at is None:
        return weave
    return unmarked(replace(weave, tasks=(*weave.tasks, task(weave.marked_at))))


# ---- what to send ------------------------------------------------------------------------------------------------


def _next_offer(weave: Weave) -> Offer | None:
    task = weave.tasks[0] if weave.tasks else None
    moves_on = isinstance(task, Begin | Take) or (isinstance(task, Send) and (task.streams or task.goes_on))
    if weave.tail and (moves_on or (weave.tail_at != weave.anchor and not _tail_is_right(weave))):
        return Offer("tail", weave.tail_at, "", len(weave.tail), tail="")
    match task:
        case Put(text):
            return _at_anchor(weave, text)
        case Send():
            return _sending(weave, task)
        case Begin():
            return _beginning(weave, task)
        case Steer(at):
            # The answer comes above what is typed next, also where its own heading was deleted and this prompt is the one above.
            at = max(at, weave.anchor)
            return Offer("steer", at, _closed(weave, at) + _next_prompt(weave, at))
        case Take(meanwhile):
            return _taking(weave, meanwhile=meanwhile)
        case Name(session):
            return _naming(weave, session)
        case Draft(words):
            return Offer("draft", marks.parse(weave.text).start, _with_line_ends(weave, words))
        case Restore(start, end, words):
            return Offer("restore", start, _with_line_ends(weave, words), end - start)
        case None:
            return None if _tail_is_right(weave) else _at_anchor(weave, "")


def _tail_is_right(weave: Weave) -> bool:
    return weave.tail == _with_line_ends(weave, weave.want) or weave.want == weave.spoiled


def _at_anchor(weave: Weave, text: str) -> Offer:
    new = _with_line_ends(weave, text)
    does = "put" if text else "tail"
    if _tail_is_right(weave):
        return Offer(does, weave.anchor, new, n_put=len(text), anchor=len(new))
    tail = _with_line_ends(weave, weave.want)
    return Offer(does, weave.anchor, new + tail, len(weave.tail), len(text), len(new), tail)


def _sending(weave: Weave, it: Send) -> Offer:
    key, number = weave.key, weave.number
    heading = marks.answer(key, number) if it.streams else marks.reply(key, number)
    above = _closed(weave, it.at) + _with_line_ends(weave, f"\n\n{heading}{it.body}")
    does = "turn" if it.streams else "reply"
    anchor = len(above) if it.streams or it.goes_on else None
    return Offer(does, it.at, above + _next_prompt(weave, it.at), anchor=anchor)


def _closed(weave: Weave, at: int) -> str:
    """What closes a code fence left open in the prompt that ends there."""
    return _with_line_ends(weave, closing_fence(weave.text[_prompt_start(weave, at) : at]))


def _next_prompt(weave: Weave, at: int) -> str:
    return _with_line_ends(weave, f"\n\n{marks.you(weave.key, weave.number + 1)}{_missing_blanks(weave.text, at)}")


def _missing_blanks(text: str, at: int) -> str:
    """What makes two line ends of those that follow: a heading and the empty line below it."""
    n_there = 0
    for found in _LINE_ENDS.finditer(text, at, at + 4):
        if found.start() != at:
            break
        at = found.end()
        n_there += 1
    return "\n" * max(0, 2 - n_there)


def _prompt_start(weave: Weave, end: int) -> int:
    heading = marks.after_heading(weave.text, weave.key, weave.number)
    return heading if heading is not None and heading <= end else min(weave.anchor, end)


def _beginning(weave: Weave, task: Begin) -> Offer:
    key, number = weave.key, weave.number
    at = marks.after_heading(weave.text, key, number)
    above = f"\n\n{task.words}\n\n{marks.answer(key, number, meanwhile=task.meanwhile)}"
    if at is None:
        # The last heading was deleted: what the person is typing gets a new one, below this turn.
        at = weave.anchor
        above = f"\n\n{marks.you(key, number)}{above}"
    above = _with_line_ends(weave, above)
    return Offer("turn", at, above + _next_prompt(weave, at), anchor=len(above))


def _taking(weave: Weave, *, meanwhile: bool) -> Offer:
    """The heading of an answer below the prompt that waits longest, above the next one that is still there."""
    key, text, number = weave.key, weave.text, weave.waiting[0] if weave.waiting else weave.number - 1
    below = (marks.before_heading(text, key, it) for it in range(number + 1, weave.number + 1))
    at = next((it for it in below if it is not None), weave.anchor)
    new = _with_line_ends(weave, f"\n\n{marks.answer(key, number, meanwhile=meanwhile)}")
    return Offer("take", at, new, anchor=len(new))


def _naming(weave: Weave, session: str) -> Offer:
    at = marks.place_of_session(weave.text, weave.key)
    if at is not None:
        return Offer("name", at, f" {session}")
    return Offer("name", 0, _with_line_ends(weave, f"{marks.mark(weave.key, 'chat', session)}\n\n"))


def _with_line_ends(weave: Weave, text: str) -> str:
    return text.replace("\n", marks.line_end(weave.text))


# ---- what came of it ---------------------------------------------------------------------------------------------


def _landed(weave: Weave, made: Offer, at: int) -> Weave:
    """The offer is in the text, at `at`; every other that is still on its way is for a text that is gone."""
    weave = replace(weave, offers=())
    match made.does:
        case "put":
            weave = replace(weave, tasks=_without(weave.tasks, made.n_put))
        case "turn" | "reply":
            weave = replace(weave, tasks=weave.tasks[1:], number=weave.number + 1)
        case "steer":
            weave = replace(weave, tasks=weave.tasks[1:], waiting=(*weave.waiting, weave.number))
            weave = replace(weave, number=weave.number + 1)
        case "take":
            waiting = weave.waiting[1:]
            below = waiting[0] if waiting else weave.number
            weave = replace(weave, tasks=weave.tasks[1:], waiting=waiting, below=below)
        case "name" | "draft":
            weave = replace(weave, tasks=weave.tasks[1:])
        case "tail" | "restore":
            pass
    if made.does == "turn" or (made.does == "reply" and made.anchor is not None):
        weave = replace(weave, below=weave.number)
    if made.anchor is not None:
        weave = replace(weave, anchor=at + made.anchor)
    if made.tail is not None:
        weave = replace(weave, tail=made.tail, tail_at=weave.anchor, spoiled=None)
    return weave if weave.tail else replace(weave, tail_at=weave.anchor)


def _without(tasks: tuple[Task, ...], n_put: int) -> tuple[Task, ...]:
    match tasks:
        case (Put(text), *rest) if text[n_put:]:
            return (Put(text[n_put:]), *rest)
        case _:
            return tasks[1:]


def _moved(weave: Weave, edit: TextEdit, text: str) -> Weave:
    """Every place in the text after somebody's edit. What is typed at the anchor comes after the answer's next text."""
    tail_end = weave.tail_at + len(weave.tail)
    tail, tail_at, spoiled = weave.tail, _shifted(weave.tail_at, edit, after=bool(weave.tail)), weave.spoiled
    if weave.tail and edit.start < tail_end and edit.end > weave.tail_at:
        whole = edit.start <= weave.tail_at and edit.end >= tail_end
        tail, spoiled = "", (spoiled if whole else weave.want)
    elif weave.tail and weave.tail_at < edit.start == edit.end < tail_end:
        tail, spoiled = "", weave.want
    anchor = _shifted(weave.anchor, edit)
    if edit.start < weave.anchor < edit.end:
        anchor = _place_again(weave, edit, text)
    if not tail:
        tail_at = anchor
    return replace(
        weave,
        text=text,
        anchor=anchor,
        tail=tail,
        tail_at=tail_at,
        spoiled=spoiled,
        tasks=tuple(task for it in weave.tasks if (task := _task_moved(it, edit)) is not None),
        offers=tuple(replace(it, at=_shifted(it.at, edit)) for it in weave.offers),
        marked_at=None if weave.marked_at is None else _shifted(weave.marked_at, edit),
    )


def _task_moved(task: Task, edit: TextEdit) -> Task | None:
    """The task where its place is now; None where the person changed what it is about."""
    match task:
        case Send() | Steer():
            return replace(task, at=_shifted(task.at, edit))
        case Restore(start, end, _):
            if edit.start < end and edit.end > start:
                return None
            return replace(task, start=_shifted(start, edit, after=True), end=_shifted(end, edit))
        case Put() | Begin() | Take() | Name() | Draft():
            return task


def _place_again(weave: Weave, edit: TextEdit, text: str) -> int:
    """A place for the anchor when the text around it was replaced: above the prompt's heading if that was written anew with it,
    else where the replaced text began."""
    for number in (weave.below, weave.number):
        at = marks.before_heading(text, weave.key, number, edit.start)
        if at is not None and at < edit.start + len(edit.new):
            return at
    return edit.start


def _shifted(at: int, edit: TextEdit, *, after: bool = False) -> int:
    """Where an offset is after an edit; what is inserted right there comes before it only if `after`."""
    if at < edit.start or (at == edit.start and not (after and edit.start == edit.end)):
        return at
    if at >= edit.end:
        return at + len(edit.new) - (edit.end - edit.start)
    return edit.start


def _trimmed(text: str, edit: TextEdit) -> TextEdit:
    """The edit without what it leaves as it is at its beginning and end."""
    old, new = text[edit.start : edit.end], edit.new
    most = min(len(old), len(new))
    if not most:
        return edit
    head = common(old, new, most)
    tail = _common_tail(old, new, most - head)
    return TextEdit(edit.start + head, edit.end - tail, new[head : len(new) - tail])


def _common_tail(one: str, other: str, most: int) -> int:
    """As `common`, from the end."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[-middle:] == other[-middle:] else (low, middle - 1)
    return low


def _made(text: str, it: Offer) -> str:
    return text[: it.at] + it.new + text[it.at + it.n_removed :]


def _place_in(it: Offer, text: str) -> int:
    """Where an offer stands in a text that is exactly what was expected of it."""
    return it.at if text.startswith(it.new, it.at) else max(text.find(it.new), 0)


def _found(before: str, text: str, it: Offer, shifted: Offer, edit: TextEdit) -> int | None:
    """Where an offer stands in a text which somebody else changed in the same breath; None if it is not there."""
    for new in _spellings(it.new):
        if text.startswith(new, shifted.at) and not before.startswith(new, it.at):
            return shifted.at
        rest = before[it.at + it.n_removed :]
        if rest and text.endswith(new + rest) and not before.endswith(new + rest):
            return len(text) - len(rest) - len(new)
        # A few characters may also be what the person typed, unless they were typed around our very place.
        around = edit.start <= it.at <= edit.end and bool(new.strip())
        if (around or len(new.strip()) >= _TELLING) and text.count(new) == before.count(new) + 1:
            first, last = text.find(new), text.rfind(new)
            return min((first, last), key=lambda at: abs(at - shifted.at))
    return None


def _as_written(it: Offer, text: str, at: int) -> Offer:
    r"""The offer as the client wrote it: some have their own line ends."""
    new = next(it for it in _spellings(it.new) if text.startswith(it, at))
    if new == it.new:
        return it
    spelt = _to_crlf if "\r\n" in new else _to_lf
    anchor = None if it.anchor is None else len(spelt(it.new[: it.anchor]))
    return replace(it, new=new, anchor=anchor, tail=None if it.tail is None else spelt(it.tail))


def _spellings(text: str) -> tuple[str, ...]:
    return (text, _to_crlf(text), _to_lf(text)) if "\n" in text else ((text,) if text else ())


def _to_lf(text: str) -> str:
    return text.replace("\r\n", "\n")


def _to_crlf(text: str) -> str:
    return _to_lf(text).replace("\n", "\r\n")


_LINE_ENDS = re.compile(r"\r?\n")
_TELLING = 4
