"""The chat document in every kind of editor: answers stream in, typing stays, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from editor_desk import CONVERTER, HEAR, NAMES, powers_like

from claw_lsp.core.chat import marks
from claw_lsp.core.chat.marks import parse
from claw_lsp.core.chat.writer import render
from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.event import (
    CallFinished,
    CallJudged,
    Entry,
    Event,
    ModelSpoke,
    SessionStarted,
    Steered,
    TurnEnded,
    UserSpoke,
)
from claw_lsp.facts.fault import BadRequest, ClawError, ClientSilent, LogError
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import Question
from claw_lsp.facts.signal import TextArrived
from claw_lsp.lsp.buffers import Buffers, Piece
from claw_lsp.lsp.chat import Chats, Desk, Patience
from claw_lsp.lsp.powers import Powers
from claw_lsp.lsp.uris import uri_of
from claw_lsp.testing.memory_editor import Beside, MemoryEditor
from claw_lsp.testing.quirks import CLIENTS, Quirks
from claw_lsp.testing.wire import NoAnswer

SESSION = "0b9c1d2e-0000-4000-8000-000000000001"
OTHER = "77777777-0000-4000-8000-000000000002"
HASTE = Patience(
    interval=0.01, answer=1.0, echo=1.5, settling=0.02, flush=3.0, slow=0.02, between_writes=0.02, quick=0.1
)


class Wired(Beside):
    """An editor beside us that hears notifications too."""

    def __init__(self, editor: MemoryEditor) -> None:
        super().__init__(editor)
        self.told: list[tuple[str, Any]] = []

    async def ask(self, method: str, params: Any, *, timeout: float | None) -> Any:
        # The other side reads files, which only it may do inside the loop: so it gets a task of its own.
        return await asyncio.create_task(super().ask(method, params, timeout=timeout or 1.0))

    def notify(self, method: str, params: Any) -> None:
        self.told.append((method, params))


@dataclass
class Room:
    """A client, its chats, and sessions whose logs are lists."""

    editor: MemoryEditor
    wired: Wired
    buffers: Buffers
    home: str
    logs: dict[str, list[Entry]] = field(default_factory=dict)
    begun: list[tuple[str, str]] = field(default_factory=list)
    running: dict[str, str] = field(default_factory=dict)
    fails: ClawError | None = None
    at: float = 1000.0
    chats: Chats = field(init=False)

    async def write(self, event: Event, session: str = SESSION) -> None:
        log = self.logs.setdefault(session, [])
        self.at += 1
        entry = Entry(n=len(log) + 1, at=self.at, event=event)
        log.append(entry)
        await self.chats.saw(session, entry)

    async def start(self, session: str = SESSION) -> None:
        await self.write(
            SessionStarted(session=session, cwd=self.home, roots=(self.home,), model="m", system="", tools=()), session
        )

    async def fresh(self, path: str) -> str:
        await self.start(OTHER)
        return OTHER

    async def begin(self, session: str, words: str, request: Any) -> dict[str, Any]:
        if self.fails:
            raise self.fails
        if session in self.running:
            await self.write(Steered(text=words), session)
            return {"session": session, "run": self.running[session], "steered": True}
        self.begun.append((session, words))
        self.running[session] = "r1"
        await self.write(UserSpoke(run="r1", prompt_id="r1", text=words, blocks=()), session)
        return {"session": session, "run": "r1"}

    async def speak(self, *pieces: str, session: str = SESSION, pause: float = 0.0, before: str = "") -> None:
        for piece in pieces:
            await self.chats.heard(session, TextArrived(piece))
            await asyncio.sleep(pause)
        await self.write(ModelSpoke(blocks=({"type": "text", "text": before + "".join(pieces)},)), session)

    async def send(self, path: str, words: str) -> dict[str, Any]:
        """Type this into the prompt block and send it, once what was sent before has its place."""
        number = parse(self.text(path)).number
        self.editor.type(path, len(self.editor.text(path)), words)
        self.editor.flush()
        answer = await self.chats.send(uri_of(path), None)
        await self.until(lambda: parse(self.text(path)).number > number)
        return answer

    async def end(self, session: str = SESSION) -> None:
        self.running.pop(session, None)
        await self.write(TurnEnded(run="r1", stopped="done", cost=0.01), session)

    async def entries(self, session: str) -> list[Entry]:
        if session not in self.logs:
            raise LogError(f"there is no session {session}")
        return list(self.logs[session])

    def text(self, path: str) -> str:
        self.editor.flush()
        return self.editor.text(path).replace("\r\n", "\n")

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(40):
            while not true():
                await asyncio.sleep(0.005)

    async def opened(self) -> str:
        await self.start()
        path, shown = await self.chats.show(SESSION)
        if not shown:
            self.editor.open(path)
        return path


def room_of(quirks: Quirks, powers: Powers, home: Path, folders: tuple[str, ...] | None = None) -> Room:
    buffers = Buffers(quirks.encoding)
    editor = MemoryEditor(quirks)

    def hear(method: str, params: Any) -> None:
        kind, tell = HEAR[method]
        tell(buffers, CONVERTER.structure(params, kind))

    editor.outbox = hear
    wired = Wired(editor)
    room = Room(editor, wired, buffers, str(home))

    async def configured(folder: str) -> str | None:
        return None

    async def save(paths: tuple[str, ...]) -> None:
        await wired.ask("claw/save", {"uris": [uri_of(it) for it in paths]}, timeout=20)

    async def status(session: str | None, rest: str) -> str:
        return f"status of {session}: fine {rest}".strip()

    desk = Desk(
        editor=wired,
        buffers=buffers,
        powers=powers,
        entries=room.entries,
        fresh=room.fresh,
        begin=room.begin,
        running=room.running.get,
        again=lambda session: None,
        slash={"status": status},
        about_session={"status"},
        folders=lambda: (str(home),) if folders is None else folders,
        configured=configured,
        save=save,
        now=lambda: 1_763_800_000.0,
        claw_home=str(home / "claw_home"),
        patience=HASTE,
    )
    room.chats = Chats(desk)
    return room


def room_like(name: str, home: Path, **powers: Any) -> Room:
    quirks = CLIENTS[name]
    if quirks.echo == "idle":
        quirks = replace(quirks, echo_delay=0.02)
    return room_of(quirks, replace(powers_like(name), **powers), home)


@pytest.fixture(params=NAMES)
async def room(request, tmp_path):
    room = room_like(request.param, tmp_path)
    yield room
    await room.chats.close()


@pytest.fixture
async def plain_room(tmp_path):
    room = room_like("helix", tmp_path, show_document=True)
    yield room
    await room.chats.close()


def question(call: str = "c1") -> Question:
    plan = Plan(Call(id=call, name="Bash", input={}), Reach.RUN, "Bash pytest -q", detail="pytest -q\n```\n")
    choices = (Choice("deny", "Deny"), Choice("once", "Allow once"))
    return Question("q1", SESSION, "r1", plan, "Bash pytest -q", plan.detail, choices)


# ---- a whole turn ---------------------------------------------------------------------------------------------------


async def test_a_turn_streams_into_the_document_while_the_person_types_below(room: Room) -> None:
    path = await room.opened()
    room.editor.type(path, len(room.editor.text(path)), "fix the typo")
    room.editor.flush()
    assert await room.chats.send(uri_of(path), None) == {"session": SESSION, "run": "r1"}
    pieces = [f"word{n} " for n in range(30)]
    speaking = asyncio.create_task(room.speak(*pieces, pause=0.004))
    typed = ""
    for n in range(10):
        await asyncio.sleep(0.012)
        typed += f"t{n}."
        room.editor.type(
            path, len(room.editor.text(path).rstrip("\r\n")) if n else len(room.editor.text(path)), f"t{n}."
        )
    await speaking
    await room.end()
    await room.until(lambda: "1.0 s" in room.text(path) or " s_ <!--" in room.text(path))
    text = room.text(path)
    assert parse(text).words == typed
    assert text.count("".join(pieces).strip()) == 1
    expected = render(room.logs[SESSION], key=marks.key_of(SESSION))
    assert text.replace(typed, "").rstrip() == expected.rstrip()


async def test_r24_an_editor_that_is_always_ahead_of_us_still_gets_the_whole_answer(room: Room) -> None:
    path = await room.opened()
    waiting = ["a", "b", "c"]
    typed: list[str] = []

    def type_first(it: str) -> None:
        if waiting:
            typed.append(waiting.pop(0))
            room.editor.type(it, len(room.editor.text(it)), typed[-1])

    room.editor.before_edit = type_first
    await room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await room.speak("One. ", "Two.")
    await room.end()
    await room.until(lambda: "One. Two." in room.text(path) and " end -->" in room.text(path))
    assert room.text(path).count("One.") == 1
    assert "".join(parse(room.text(path)).words.split()) == "".join(typed) != ""


async def test_at_most_ten_edits_a_second_and_the_last_piece_is_there_when_the_turn_ends(tmp_path) -> None:
    room = room_like("helix", tmp_path)
    object.__setattr__(room.chats._desk, "patience", replace(HASTE, interval=0.1))
    path = await room.opened()
    await room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    begun = asyncio.get_running_loop().time()
    await room.speak(*[f"{n} " for n in range(60)], pause=0.01)
    await room.end()
    seconds = asyncio.get_running_loop().time() - begun
    edits = [it for it in room.editor.requests if it[0] == "workspace/applyEdit"]
    assert "59" in room.editor.text(path) and parse(room.editor.text(path)).number == 2
    assert " end -->" in room.editor.text(path)
    assert len(edits) <= 10 * seconds + 1
    await room.chats.close()


async def test_edits_are_versioned_and_one_document_each(plain_room: Room) -> None:
    path = await plain_room.opened()
    await plain_room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await plain_room.speak("Hi.")
    await plain_room.end()
    edits = [
        it["edit"]["documentChanges"] for method, it in plain_room.editor.requests if method == "workspace/applyEdit"
    ]
    assert edits and all(len(it) == 1 and it[0]["textDocument"]["version"] is not None for it in edits)
    assert all(it[0]["edits"][0]["range"]["start"] == it[0]["edits"][0]["range"]["end"] for it in edits)
    assert "Hi." in plain_room.editor.text(path)


async def test_what_is_sent_while_a_turn_runs_goes_with_it_and_the_prompt_moves_below(room: Room) -> None:
    path = await room.opened()
    await room.send(path, "fix the typo")
    await room.chats.heard(SESSION, TextArrived("Looking. "))
    await room.until(lambda: "Looking." in room.text(path))
    answer = await room.send(path, "and the other one")
    assert answer == {"session": SESSION, "run": "r1", "steered": True}
    await room.until(lambda: "- … goes with the next request: and the other one" in room.text(path))
    room.editor.type(path, len(room.editor.text(path)), "next draft")
    await room.speak("Here.", before="Looking. ")
    await room.speak("Both are mended.")
    await room.end()
    await room.until(lambda: " end -->" in room.text(path))
    text = room.text(path)
    assert parse(text).words == "next draft"
    assert "goes with the next request" not in text
    assert text.index("Looking. Here.") < text.index("and the other one") < text.index("Both are mended.")
    assert text.replace("next draft", "").rstrip() == render(room.logs[SESSION]).rstrip()


async def test_what_the_turn_did_not_get_to_is_answered_by_a_turn_of_its_own(room: Room) -> None:
    path = await room.opened()
    await room.send(path, "fix the typo")
    await room.chats.heard(SESSION, TextArrived("Looking."))
    await room.send(path, "stop, do this")
    await room.send(path, "and that")
    room.running.clear()
    stopped = ModelSpoke(blocks=({"type": "text", "text": "Looking."},), cut=True, fault="stopped", recovered=True)
    await room.write(stopped)
    await room.write(TurnEnded(run="r1", stopped="interrupted", by_loop=False))
    await room.write(UserSpoke(run="r2", prompt_id="r2", text="stop, do this\n\nand that", blocks=()))
    await room.speak("This and that.")
    await room.write(TurnEnded(run="r2", stopped="done", cost=0.01))
    await room.until(lambda: "This and that." in room.text(path) and room.text(path).count(" end -->") == 2)
    text = room.text(path)
    assert text.rstrip() == render(room.logs[SESSION]).rstrip()
    assert text.count("stop, do this") == 1


async def test_a_chat_with_words_that_wait_is_closed_and_goes_on_when_it_is_opened_again(room: Room) -> None:
    path = await room.opened()
    await room.send(path, "fix the typo")
    await room.chats.heard(SESSION, TextArrived("Looking."))
    await room.send(path, "and the other one")
    await room.until(lambda: parse(room.text(path)).number == 3)
    room.editor.save(path)
    room.editor.close(path)
    await asyncio.sleep(0.05)
    room.editor.open(path)
    await room.speak("", before="Looking.")
    await room.speak("Both.")
    await room.end()
    await room.until(lambda: " end -->" in room.text(path))
    assert room.text(path).rstrip() == render(room.logs[SESSION]).rstrip()


async def test_after_a_restart_words_that_waited_stand_once(tmp_path) -> None:
    first = room_like("helix", tmp_path, show_document=True)
    path = await first.opened()
    await first.send(path, "fix the typo")
    await first.chats.heard(SESSION, TextArrived("Looking."))
    await first.send(path, "and the other one")
    await first.until(lambda: parse(first.editor.text(path)).number == 3)
    first.editor.save(path)
    first.editor.close(path)
    await first.chats.close()
    second = room_like("helix", tmp_path, show_document=True)
    second.logs = first.logs
    await second.write(
        ModelSpoke(blocks=({"type": "text", "text": "Looking."},), cut=True, fault="crashed", recovered=True)
    )
    await second.write(TurnEnded(run="r1", stopped="interrupted", why="crashed", by_loop=False))
    await second.chats.show(SESSION)
    await second.send(path, "go on")
    await second.speak("Both are mended.")
    await second.end()
    assert second.editor.text(path) == render(second.logs[SESSION])
    assert second.editor.text(path).count("and the other one") == 1
    await second.chats.close()


async def test_a_prompt_that_is_on_its_way_is_not_sent_twice(plain_room: Room) -> None:
    path = await plain_room.opened()
    plain_room.editor.type(path, len(plain_room.editor.text(path)), "hello")
    await plain_room.chats.send(uri_of(path), None)
    with pytest.raises(BadRequest, match="being sent already"):
        await plain_room.chats.send(uri_of(path), None)
    assert plain_room.begun == [(SESSION, "hello")]


# ---- what stands in it ----------------------------------------------------------------------------------------------


async def test_a_question_stands_in_the_document_until_it_is_answered(plain_room: Room) -> None:
    path = await plain_room.opened()
    await plain_room.write(UserSpoke(run="r1", prompt_id="r1", text="test it", blocks=()))
    await plain_room.speak("Running the tests.")
    await plain_room.chats.asked(SESSION, question())
    await plain_room.until(lambda: "Claw asks" in plain_room.editor.text(path))
    assert "> ````\n> pytest -q\n> ```\n> ````" in plain_room.editor.text(path)
    titles = [it["title"] for it in plain_room.chats.actions(path, 0)]
    assert titles[:2] == ["Claw: Deny (Bash pytest -q)", "Claw: Allow once (Bash pytest -q)"]
    await plain_room.write(
        CallJudged(call_id="c1", decision="deny", by="person", title="Bash pytest -q", reason="later")
    )
    await plain_room.write(CallFinished(call_id="c1", result=Result(content="no", is_error=True)))
    await plain_room.end()
    text = plain_room.editor.text(path)
    assert "Claw asks" not in text
    assert "- refused `c1: Bash pytest -q` · later" in text
    assert [it["title"] for it in plain_room.chats.actions(path, 0)] == ["Claw: Retry"]


async def test_a_slow_call_is_shown_while_it_runs(plain_room: Room) -> None:
    path = await plain_room.opened()
    await plain_room.write(UserSpoke(run="r1", prompt_id="r1", text="test it", blocks=()))
    call = {"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": "make"}}
    await plain_room.write(ModelSpoke(blocks=(call,)))
    await plain_room.write(CallJudged(call_id="c1", decision="allow", by="rule"))
    await plain_room.until(lambda: "- … `Bash make`" in plain_room.editor.text(path))
    await plain_room.write(CallFinished(call_id="c1", result=Result(content="", summary="built")))
    await plain_room.until(lambda: "- ✓ `Bash make` · built" in plain_room.editor.text(path))
    assert "…" not in plain_room.editor.text(path).partition("## Claw")[2]


async def test_slash_commands_are_answered_in_the_document_also_while_a_turn_runs(room: Room) -> None:
    path = await room.opened()
    await room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await room.speak("First.")
    await room.until(lambda: "First." in room.text(path))
    room.running[SESSION] = "r1"
    room.editor.type(path, len(room.editor.text(path)), "/status now")
    room.editor.flush()
    answer = await room.chats.send(uri_of(path), None)
    assert answer["text"] == f"status of {SESSION}: fine now"
    await room.speak("Second.")
    await room.end()
    await room.until(lambda: " end -->" in room.text(path))
    text = room.text(path)
    assert text.index("First.") < text.index("Second.") < text.index("/status now") < text.index("fine now")
    assert room.begun == []
    room.editor.type(path, len(room.editor.text(path)), "/nonsense")
    room.editor.flush()
    await room.chats.send(uri_of(path), None)
    await room.until(lambda: "There is no command `/nonsense`" in room.text(path))
    assert "- `/status`" in room.text(path)


async def test_send_says_what_is_wrong(plain_room: Room) -> None:
    path = await plain_room.opened()
    with pytest.raises(BadRequest, match="nothing to send"):
        await plain_room.chats.send(uri_of(path), None)
    with pytest.raises(BadRequest, match="expected a chat document"):
        await plain_room.chats.send(uri_of("/nowhere/at/all.md"), None)
    plain_room.editor.type(path, len(plain_room.editor.text(path)), "hello")
    plain_room.fails = ClawError("no key is configured")
    with pytest.raises(ClawError, match="no key"):
        await plain_room.chats.send(uri_of(path), None)
    await plain_room.until(lambda: "_Not sent: no key is configured_" in plain_room.editor.text(path))
    plain_room.fails = None
    plain_room.editor.type(path, len(plain_room.editor.text(path)), "again")
    assert (await plain_room.chats.send(path, None))["run"] == "r1"


async def test_lenses_and_actions_are_send_or_stop(plain_room: Room) -> None:
    path = await plain_room.opened()
    [lens] = plain_room.chats.lenses(path)
    assert lens["command"]["command"] == "claw.send"
    assert plain_room.chats.actions(path, 0) == []
    plain_room.editor.type(path, len(plain_room.editor.text(path)), "hello")
    assert [it["command"]["command"] for it in plain_room.chats.actions(path, 0)] == ["claw.send"]
    plain_room.running[SESSION] = "r1"
    assert [it["title"] for it in plain_room.chats.actions(path, 0)] == ["Claw: Stop", "Claw: Send"]
    assert [it["command"]["title"] for it in plain_room.chats.lenses(path)] == ["Stop", "Send"]
    assert plain_room.chats.lenses(path)[0]["command"]["arguments"] == [{"run": "r1"}]
    assert plain_room.chats.lenses("/other.md") == []


async def test_what_is_asked_is_answered_by_lenses_beside_the_prompt(plain_room: Room) -> None:
    path = await plain_room.opened()
    plain_room.running[SESSION] = "r1"
    await plain_room.chats.asked(SESSION, question())
    lenses = plain_room.chats.lenses(path)
    assert [it["command"]["title"] for it in lenses] == ["Deny", "Allow once", "Stop"]
    assert lenses[1]["command"]["arguments"] == [{"question": "q1", "choice": "once"}]
    plain_room.chats.withdrawn(SESSION, "q1")
    assert [it["command"]["title"] for it in plain_room.chats.lenses(path)] == ["Stop"]


# ---- the file -------------------------------------------------------------------------------------------------------


async def test_a_chat_is_a_private_file_that_git_ignores(plain_room: Room) -> None:
    home = Path(plain_room.home)
    (home / ".claw").mkdir()
    (home / ".claw" / ".gitignore").write_text("mine\nchats/")
    path = await plain_room.opened()
    assert Path(path).parent == home / ".claw" / "chats"
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
    assert (home / ".claw" / ".gitignore").read_text() == "mine\nchats/\nsettings.local.json\n"
    assert parse(Path(path).read_text()).session == SESSION
    assert await plain_room.chats.latest(plain_room.home) == SESSION
    shown = [it for method, it in plain_room.editor.requests if method == "window/showDocument"]
    assert len(shown) == 1 and shown[0]["takeFocus"] is True


async def test_without_a_folder_or_with_one_that_leads_out_chats_go_home(tmp_path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "work" / ".claw").mkdir(parents=True)
    (tmp_path / "work" / ".claw" / "chats").symlink_to(tmp_path / "elsewhere")
    for folders in ((), (str(tmp_path / "work"),)):
        room = room_of(CLIENTS["helix"], powers_like("helix"), tmp_path / "work", folders)
        path = await room.opened()
        assert Path(path).parent == tmp_path / "work" / "claw_home" / "chats"
        await room.chats.close()
        Path(path).unlink()


async def test_a_closed_chat_is_written_on_disk_and_goes_on_when_it_is_opened_again(room: Room) -> None:
    path = await room.opened()
    await room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await room.chats.heard(SESSION, TextArrived("Open. "))
    await room.until(lambda: "Open." in room.text(path))
    room.editor.type(path, len(room.editor.text(path)), "my draft")
    room.editor.close(path)
    await room.chats.heard(SESSION, TextArrived("Closed. "))
    await room.until(lambda: "Open. Closed." in Path(path).read_text())
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert parse(Path(path).read_text()).words == "my draft"
    room.editor.open(path)
    await room.chats.heard(SESSION, TextArrived("Again."))
    await room.write(ModelSpoke(blocks=({"type": "text", "text": "Open. Closed. Again."},)))
    await room.end()
    await room.until(lambda: " end -->" in room.text(path))
    assert room.text(path).count("Open. Closed. Again.") == 1
    assert parse(room.text(path)).words == "my draft"


async def test_a_chat_closed_and_opened_in_one_breath_goes_on(room: Room) -> None:
    path = await room.opened()
    await room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await room.chats.heard(SESSION, TextArrived("One. "))
    await room.until(lambda: "One." in room.text(path))
    await room.chats.heard(SESSION, TextArrived("Two."))
    room.editor.save(path)
    room.editor.close(path)
    room.editor.open(path)
    await room.write(ModelSpoke(blocks=({"type": "text", "text": "One. Two."},)))
    await room.end()
    await room.until(lambda: " end -->" in room.text(path))
    assert room.text(path).rstrip() == render(room.logs[SESSION]).rstrip()


async def test_what_another_program_wrote_into_a_closed_chat_stays(plain_room: Room) -> None:
    path = await plain_room.opened()
    plain_room.editor.close(path)
    await asyncio.sleep(0.1)
    Path(path).write_text(Path(path).read_text() + "from elsewhere")
    await plain_room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await plain_room.speak("Hi.")
    await plain_room.end()
    text = Path(path).read_text()
    assert "Hi." in text and parse(text).words == "from elsewhere"


async def test_a_deleted_chat_is_written_anew_from_the_log(plain_room: Room) -> None:
    path = await plain_room.opened()
    await plain_room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    plain_room.editor.close(path)
    Path(path).unlink()
    await plain_room.speak("Hi.")
    await plain_room.chats.heard(SESSION, TextArrived("And more"))
    again, shown = await plain_room.chats.show(SESSION)
    assert shown
    await plain_room.chats.heard(SESSION, TextArrived(" to come."))
    await plain_room.write(ModelSpoke(blocks=({"type": "text", "text": "And more to come."},)))
    await plain_room.end()
    assert plain_room.editor.text(again) == render(plain_room.logs[SESSION])


async def test_a_renamed_chat_is_known_by_the_session_in_it(plain_room: Room) -> None:
    path = await plain_room.opened()
    plain_room.editor.save(path)
    plain_room.editor.close(path)
    renamed = Path(plain_room.home) / "notes.md"
    Path(path).rename(renamed)
    plain_room.editor.open(str(renamed))
    plain_room.editor.type(str(renamed), len(plain_room.editor.text(str(renamed))), "go on")
    await plain_room.chats.send(uri_of(str(renamed)), None)
    assert plain_room.begun == [(SESSION, "go on")]
    await plain_room.speak("On it.")
    await plain_room.end()
    await plain_room.until(lambda: "On it." in plain_room.editor.text(str(renamed)))
    assert plain_room.editor.text(str(renamed)) == render(plain_room.logs[SESSION])


async def test_after_a_restart_the_file_is_found_and_what_it_lacks_is_added(tmp_path) -> None:
    first = room_like("helix", tmp_path)
    path = await first.opened()
    first.editor.close(path)
    await first.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await first.chats.heard(SESSION, TextArrived("Half of it"))
    await first.chats.close()
    assert "Half of it" in Path(path).read_text()
    second = room_like("helix", tmp_path, show_document=True)
    second.logs = first.logs
    second.logs[SESSION].append(
        Entry(
            n=3, at=1009, event=ModelSpoke(blocks=({"type": "text", "text": "Half of it"},), cut=True, recovered=True)
        )
    )
    second.logs[SESSION].append(
        Entry(n=4, at=1009, event=TurnEnded(run="r1", stopped="interrupted", why="crashed", by_loop=False))
    )
    assert await second.chats.latest(str(tmp_path)) == SESSION
    assert await second.chats.show(SESSION) == (path, True)
    await second.until(lambda: "interrupted" in second.editor.text(path))
    assert second.editor.text(path) == render(second.logs[SESSION])
    await second.chats.close()


async def test_a_document_that_somebody_else_made_gets_a_session(plain_room: Room) -> None:
    folder = Path(plain_room.home) / ".claw" / "chats"
    folder.mkdir(parents=True)
    path = folder / "mine.md"
    path.write_text("please help\n")
    plain_room.editor.open(str(path))
    await plain_room.chats.send(uri_of(str(path)), None)
    await plain_room.speak("Sure.", session=OTHER)
    await plain_room.end(OTHER)
    text = plain_room.editor.text(str(path))
    found = parse(text)
    assert (found.session, found.words) == (OTHER, "")
    assert text.index("please help") < text.index("Sure.")


async def test_a_prompt_to_fill_in_stands_in_the_block(plain_room: Room) -> None:
    await plain_room.start()
    path, _ = await plain_room.chats.show(SESSION, "In `a.py`, line 3: ")
    assert parse(plain_room.editor.text(path)).words == "In `a.py`, line 3:"


# ---- clients that do not play along ---------------------------------------------------------------------------------


async def test_a_client_that_refuses_is_told_of_once_and_the_file_gets_the_answer_when_closed(plain_room: Room) -> None:
    path = await plain_room.opened()
    plain_room.editor.refusal = "read-only"
    object.__setattr__(plain_room.chats._desk, "patience", replace(HASTE, interval=0.001, flush=0.2))
    await plain_room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await plain_room.speak("Hi.")
    await plain_room.end()
    await plain_room.until(lambda: bool(plain_room.wired.told))
    [(method, said)] = plain_room.wired.told
    assert method == "window/showMessage" and path in said["message"]
    plain_room.editor.close(path)
    await plain_room.until(lambda: "Hi." in Path(path).read_text())


async def test_r20_a_client_that_never_answers_blocks_nothing(tmp_path) -> None:
    room = room_like("helix", tmp_path, show_document=True)
    object.__setattr__(room.chats._desk, "patience", replace(HASTE, answer=0.05, echo=0.05, flush=0.2))
    path = await room.opened()
    room.editor.silent_edits = True
    await room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await room.speak("Hi.")
    await room.end()
    room.editor.silent_edits = False
    room.editor.type(path, len(room.editor.text(path)), "x")
    await room.until(lambda: " end -->" in room.editor.text(path))
    assert room.editor.text(path).count("Hi.") == 1
    await room.chats.close()


@pytest.mark.parametrize("answer", [None, {"success": False}, ClientSilent("no")])
async def test_a_document_that_is_not_shown_has_a_path_to_say(tmp_path, answer: Any) -> None:
    room = room_like("helix", tmp_path, show_document=True)

    def answering(params: Any) -> Any:
        if isinstance(answer, Exception):
            raise NoAnswer
        return answer

    room.editor.answer["window/showDocument"] = answering
    await room.start()
    path, shown = await room.chats.show(SESSION)
    assert (Path(path).is_file(), shown) == (True, False)
    assert room.chats.path(SESSION) == path
    await room.chats.close()


async def test_r19_a_client_without_edits_gets_the_answer_in_the_file_when_it_closes(tmp_path) -> None:
    room = room_like("helix", tmp_path, show_document=True, apply_edit=False)
    path = await room.opened()
    await room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await room.speak("Hi.")
    await room.end()
    assert [it for it in room.editor.requests if it[0] == "workspace/applyEdit"] == []
    assert len(room.wired.told) == 1
    room.editor.close(path)
    await room.until(lambda: Path(path).read_text() == render(room.logs[SESSION]))
    await room.chats.close()


async def test_r15_no_edit_is_sent_for_a_text_that_is_not_certain(plain_room: Room) -> None:
    path = await plain_room.opened()
    buffer = plain_room.buffers.get(path)
    assert buffer is not None
    plain_room.buffers.change(buffer.uri, buffer.version - 1, [Piece("", (0, 0), (0, 0))])
    await plain_room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await plain_room.speak("Hi.")
    assert [it for it in plain_room.editor.requests if it[0] == "workspace/applyEdit"] == []
    plain_room.buffers.change(buffer.uri, buffer.version, [Piece(plain_room.editor.text(path))])
    await plain_room.end()
    assert plain_room.editor.text(path) == render(plain_room.logs[SESSION])


async def test_the_path_of_a_document_can_be_said_without_showing_it(plain_room: Room) -> None:
    await plain_room.start()
    assert plain_room.chats.path(SESSION) is None
    path = await plain_room.chats.document(SESSION)
    assert Path(path).read_text() == render(plain_room.logs[SESSION])
    assert plain_room.editor.requests == []


async def test_after_an_answer_the_document_is_saved_where_the_client_can(tmp_path) -> None:
    room = room_like("helix", tmp_path, show_document=True, saves="claw", save=True)
    room.editor.claw_saves = True
    path = await room.opened()
    await room.write(UserSpoke(run="r1", prompt_id="r1", text="hello", blocks=()))
    await room.speak("Hi.")
    await room.end()
    await room.until(lambda: Path(path).read_text() == render(room.logs[SESSION]))
    await room.chats.close()
