"""The person of a case: types, saves, answers and cancels as the script says, through the editor and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from claw_lsp.core.merge import minimal_edits
from claw_lsp.lsp.uris import path_of, uri_of
from claw_lsp.testing.cases.places import Places
from claw_lsp.testing.cases.story import WORDLESS, Act, Answered, CaseError, Did, Json, Story
from claw_lsp.testing.memory_editor import MemoryEditor
from claw_lsp.testing.wire import NoAnswer, WireClient, WireError

POLL = 0.005
"""Seconds between two looks at something that is about to happen."""


class Person:
    """`patience` are the seconds after which a story that stands still has failed.

    Invariant: what goes wrong with the story is in `faults`, the first of them first; `failed` is set with it.
    """

    def __init__(self, story: Story, places: Places, editor: MemoryEditor, client: WireClient, patience: float) -> None:
        self._story = story
        self._places = places
        self._editor = editor
        self._client = client
        self.patience = patience
        self._boxed: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._progress: list[Json] = []
        self.boxes: list[str] = []
        self.faults: list[BaseException] = []
        self.failed = asyncio.Event()
        self.cancelled = asyncio.Event()
        editor.answer["window/showMessageRequest"] = self._asked

    # ---- what the story asks of them ------------------------------------------------------------------------------

    async def command(self, name: str, arguments: Json | None = None) -> Json:
        """Run a command of the server's."""
        params = {"command": name, "arguments": [arguments or {}]}
        return cast("Json", await self._client.request("workspace/executeCommand", params))

    async def settle(self) -> None:
        """Wait until what was said on both sides has been heard: a few questions and answers on the same wire."""
        for _ in range(3):
            await self.command("claw.status")

    def look_ahead(self) -> None:
        """Do what comes next in the story where nobody has to ask for it first."""
        match self._story.next:
            case Did(when=str()) as it:
                self._later(self._once_there(it))
            case _:
                pass

    async def finish(self) -> None:
        """Wait for what is still being done."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def fail(self, error: BaseException) -> None:
        self.faults.append(error)
        self.failed.set()

    # ---- acts -----------------------------------------------------------------------------------------------------

    async def do(self, act: Act) -> None:
        match act.verb:
            case "types":
                for name, text in act.texts().items():
                    self._types(self._places.path(name), text)
            case "writes":
                for name, text in act.texts().items():
                    _write(self._places.path(name), text)
            case "moves":
                for name, to in act.texts().items():
                    self._moves(Path(self._places.path(name)), Path(self._places.path(to)))
            case "saves":
                for path in self._editor.paths():
                    if self._editor.dirty(path):
                        self._editor.save(path)
            case "opens":
                self._editor.open(self._places.path(act.given))
            case "closes":
                self._editor.close(self._places.path(act.given))
            case "undoes":
                self._editor.undo(self._places.path(act.given))
            case "cancels":
                await self._cancels()
            case "stops":
                self.cancelled.set()
                await self.command("claw.stop")
            case "steers":
                await self.command("claw.steer", {"prompt": act.given})
            case "refuses":
                self._editor.refusal = act.given
            case "keeps":
                await self._reviews("claw.keep", "Claw: Keep", act.given)
            case "reverts":
                await self._reviews("claw.undo", "Claw: Revert", act.given)
            case "takes-back":
                await self.command("claw.revert", {"prompt_id": act.given})
            case "applies":
                await self._reviews("claw.apply", "Claw: Apply", act.given)
            case "dismisses":
                await self._reviews("claw.dismiss", "Claw: Dismiss", act.given)
            case _:
                raise CaseError(f"nobody can do {act.verb!r}")

    def on_edit(self, acts: tuple[Act, ...]) -> None:
        """Do these (they must be quick) when the next edit reaches the editor, before it is made."""
        if not acts:
            return

        def now(path: str) -> None:
            self._editor.before_edit = lambda _: None
            for act in acts:
                for name, text in act.texts().items():
                    self._types(self._places.path(name), text)

        self._editor.before_edit = now

    def progress(self) -> list[Json]:
        """Every progress message so far."""
        self._progress += self._client.notifications("$/progress")
        return self._progress

    def _types(self, path: str, text: str) -> None:
        if path not in self._editor.paths():
            self._editor.open(path)
        for edit in reversed(minimal_edits(self._editor.text(path), text)):
            self._editor.replace(path, edit.start, edit.end, edit.new)

    def _moves(self, path: Path, to: Path) -> None:
        """The path becomes a link to another place."""
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            path.rename(path.with_name(f"{path.name}.before"))
        path.symlink_to(to)

    async def _reviews(self, command: str, title: str, which: str) -> None:
        """Decide about all hunks, or by its code action about one of them."""
        if which == "all":
            await self.command(command, {"all": True})
            return
        hunks = await self.hunks()
        if not which.isdigit() or not 0 < int(which) <= len(hunks):
            raise CaseError(f"the person wanted hunk {which!r}, and there are {len(hunks)}")
        hunk = hunks[int(which) - 1]
        params: Json = {
            "textDocument": {"uri": hunk["uri"]},
            "range": hunk["range"],
            "context": {"diagnostics": []},
        }
        actions: list[Json] = await self._client.request("textDocument/codeAction", params)
        for it in actions:
            if it["title"].startswith(title) and it["command"]["arguments"][0].get("hunk") == hunk["hunk"]:
                await self.command(command, it["command"]["arguments"][0])
                return
        raise CaseError(f"no code action {title!r} stands at hunk {which}")

    async def hunks(self) -> list[Json]:
        """What there is to review."""
        return cast("list[Json]", (await self.command("claw.hunks"))["hunks"])

    async def _cancels(self) -> None:
        self.cancelled.set()
        for _ in range(round(self.patience / POLL)):
            messages = self.progress()
            ended = {it["token"] for it in messages if it["value"]["kind"] == "end"}
            begun = [it["token"] for it in messages if it["value"]["kind"] == "begin" and it["token"] not in ended]
            if begun:
                self._client.notify("window/workDoneProgress/cancel", {"token": begun[-1]})
                return
            await asyncio.sleep(POLL)
        raise CaseError("the person wanted to cancel, and nothing was in progress")

    async def _once_there(self, item: Did) -> None:
        assert item.when is not None
        file = self._places.path(item.when)
        for _ in range(round(self.patience / POLL)):
            if _exists(file):
                self._story.take(Did, "a file was there")
                await self.do(item.act)
                self.look_ahead()
                return
            await asyncio.sleep(POLL)
        raise CaseError(f"line {item.line}: the file {item.when} never appeared")

    # ---- answers --------------------------------------------------------------------------------------------------

    async def _asked(self, params: Json) -> Json | None:
        """A message box came up. Whatever is wrong with the story is kept: the server must not be told."""
        try:
            return await self._answer(params)
        except (NoAnswer, WireError):
            raise
        except Exception as error:
            self.fail(error)
            raise NoAnswer from error

    async def _answer(self, params: Json) -> Json | None:
        titles = [it["title"] for it in params["actions"]]
        if titles[1:2] == ["Trust this folder"]:
            # No turn waits for this one, so it stands in no story: it is put off, which is what saying nothing is, too.
            return {"title": titles[0]}
        buttons = " ".join(f"[{it}]" for it in titles)
        self.boxes.append(f"{self._places.plain(params['message'])}\n  {self._places.plain(buttons)}")
        question = await self._question()
        why = f"the person was asked {params['message']!r} {buttons}"
        while isinstance(self._story.next, Did):
            item = self._story.take(Did, why)
            await self.do(item.act)
            if item.act.verb in ("cancels", "stops"):
                self.look_ahead()
                return None
        item = self._story.take(Answered, why)
        for act in item.first:
            await self.do(act)
        self.on_edit(item.on_edit)
        if item.choice in WORDLESS:
            self._later(self._still_pending(question, item.line))
            return _no_answer(item.choice)
        if item.choice == "shows":
            self._boxed.discard(question["question"])
            return {"title": next(it for it in titles if it.startswith("Show "))}
        choice = _chosen(question, item)
        self.look_ahead()
        if item.way == "box":
            title = next((it for it in titles if it == choice["title"]), None)
            if title is None:
                raise CaseError(f"line {item.line}: the box offers {buttons} and not {choice['title']!r}")
            return {"title": title}
        await self._by_other_way(question, choice, item)
        return None

    async def _question(self) -> Json:
        """The pending question this box is about: boxes come in the order of the questions."""
        found = (await self.command("claw.questions"))["questions"]
        new = next((it for it in found if it["question"] not in self._boxed), None)
        if new is None:
            raise CaseError("a question was asked that claw.questions does not list")
        self._boxed.add(new["question"])
        return cast("Json", new)

    async def _still_pending(self, question: Json, line: int) -> None:
        """After what is no answer the question must wait; then the story goes on with it another way."""
        await self.settle()
        listed = [it["question"] for it in (await self.command("claw.questions"))["questions"]]
        if question["question"] not in listed:
            raise CaseError(f"line {line}: the question was not pending any more after no answer was given")
        while isinstance(self._story.next, Did):
            await self.do(self._story.take(Did, "a question is pending").act)
            if self.cancelled.is_set():
                return
        if isinstance(self._story.next, Answered) and self._story.next.way != "box":
            item = self._story.take(Answered, "a question is pending")
            for act in item.first:
                await self.do(act)
            await self._by_other_way(question, _chosen(question, item), item)
            self.look_ahead()

    async def _by_other_way(self, question: Json, choice: Json, item: Answered) -> None:
        if item.way == "command":
            given = {"question": question["question"], "choice": choice["choice"], "text": item.words}
            await self.command("claw.answer", given)
            return
        path = path_of(question["uri"])
        where = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
        params: Json = {"textDocument": {"uri": uri_of(path)}, "range": where, "context": {"diagnostics": []}}
        actions: list[Json] = await self._client.request("textDocument/codeAction", params)
        for it in actions:
            command = it["command"]
            given: Json = command["arguments"][0]
            meant = (given.get("question"), given.get("choice")) == (question["question"], choice["choice"])
            if command["command"] == "claw.answer" and meant:
                await self.command("claw.answer", given)
                return
        raise CaseError(f"line {item.line}: no code action answers the question with {choice['title']!r}")

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(_kept(work, self.fail), name="person")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _write(path: str, text: str) -> None:
    Path(path).write_bytes(text.encode())


def _exists(path: str) -> bool:
    return Path(path).exists()


async def _kept(work: Any, fail: Callable[[BaseException], None]) -> None:
    try:
        await work
    except Exception as error:
        fail(error)


def _no_answer(kind: str) -> Json | None:
    match kind:
        case "unknown":
            return {"title": "Something that was not offered"}
        case "error":
            raise WireError(-32603, "the box could not be shown")
        case "silent":
            raise NoAnswer
        case _:
            return None


def _chosen(question: Json, item: Answered) -> Json:
    """The choice of the question that the script means, by its word, its key or its title."""
    key = {"yes": "once", "no": "deny", "saved": "once"}.get(item.choice, item.choice)
    for choice in question["choices"]:
        if key in (choice["choice"], choice["title"]):
            return cast("Json", choice)
    offered = ", ".join(f"{it['choice']} ({it['title']})" for it in question["choices"])
    raise CaseError(f"line {item.line}: {item.choice!r} was not offered; there were {offered}")
