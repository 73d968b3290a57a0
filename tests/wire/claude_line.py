"""What the tests of the model's line share: a clock that never waits, ears, a request, a recorded stream, a raw server."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from claw_lsp.adapters.claude.client import ClaudeModel, Limits
from claw_lsp.adapters.claude.credentials import Credential
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.signal import CallBegun, Retrying, Signal, Stalled, TextArrived, ThinkingArrived

KEY = "sk-ant-scripted"
CANARY = Credential("api_key", KEY, "ANTHROPIC_API_KEY")


@dataclass
class FakeClock:
    """Waits are noted and pass at once."""

    at: float = field(default_factory=time.time)
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Ears:
    signals: list[Signal] = field(default_factory=list)

    async def __call__(self, signal: Signal) -> None:
        self.signals.append(signal)

    @property
    def text(self) -> str:
        return "".join(it.text for it in self.signals if isinstance(it, TextArrived))

    @property
    def thinking(self) -> str:
        return "".join(it.text for it in self.signals if isinstance(it, ThinkingArrived))

    @property
    def retries(self) -> list[Retrying]:
        return [it for it in self.signals if isinstance(it, Retrying)]

    @property
    def stalls(self) -> list[Stalled]:
        return [it for it in self.signals if isinstance(it, Stalled)]

    @property
    def calls(self) -> list[str]:
        return [it.name for it in self.signals if isinstance(it, CallBegun)]


TOOL = {"name": "Edit", "description": "Edit.", "input_schema": {"type": "object", "properties": {}}}


def ask(text: str = "hello", **more: Any) -> Request:
    request = Request(
        model="claude-opus-5-5",
        system=({"type": "text", "text": "You are a test."},),
        tools=(TOOL,),
        messages=({"role": "user", "content": ({"type": "text", "text": text},)},),
        max_tokens=1000,
    )
    return replace(request, **more)


def going_on(request: Request, reply: Reply, *answers: dict[str, Any]) -> Request:
    """The request after a reply: the reply's blocks go back, then the answers and a word of the user."""
    called = [it["id"] for it in reply.blocks if it["type"] == "tool_use"]
    results = tuple({"type": "tool_result", "tool_use_id": it, "content": "ok"} for it in called)
    user = {"role": "user", "content": (*results, *answers, {"type": "text", "text": "go on"})}
    spoken = ({"role": "assistant", "content": reply.blocks},) if reply.blocks else ()
    return replace(request, messages=(*request.messages, *spoken, user))


@asynccontextmanager
async def line(url: str, clock: FakeClock | None = None, **more: Any) -> AsyncGenerator[ClaudeModel, None]:
    """A model at that address whose jitter is none."""
    limits = more.pop("limits", Limits(connect=2, notice=5, stall=10, first_byte=10))
    find = more.pop("find", lambda: CANARY)
    model = ClaudeModel(find, clock or FakeClock(), base_url=url, limits=limits, **{"dice": lambda: 0.0, **more})
    try:
        yield model
    finally:
        await model.close()


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n".encode()


def delta(index: int, kind: str, **fields: Any) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def block(index: int, begin: dict[str, Any], *deltas: bytes) -> list[bytes]:
    start = event("content_block_start", index=index, content_block=begin)
    return [start, *deltas, event("content_block_stop", index=index)]


def message(*blocks: list[bytes], stop_reason: str = "tool_use", usage: dict[str, Any] | None = None) -> list[bytes]:
    """The events of a whole reply."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5", "content": []}
    return [
        event("message_start", message={**head, "usage": usage or {"input_tokens": 7, "output_tokens": 1}}),
        *(it for one in blocks for it in one),
        event("message_delta", delta={"stop_reason": stop_reason, "stop_sequence": None}, usage={"output_tokens": 9}),
        event("message_stop"),
    ]


def text_block(index: int, *texts: str) -> list[bytes]:
    return block(index, {"type": "text", "text": ""}, *(delta(index, "text_delta", text=it) for it in texts))


def call_block(index: int, call_id: str, *json_texts: str) -> list[bytes]:
    begin = {"type": "tool_use", "id": call_id, "name": "Edit", "input": {}}
    return block(index, begin, *(delta(index, "input_json_delta", partial_json=it) for it in json_texts))


THOUGHT = block(
    0,
    {"type": "thinking", "thinking": "", "signature": ""},
    delta(0, "thinking_delta", thinking="Hm, ü"),
    delta(0, "signature_delta", signature="c2lnbmVk"),
)
RECORDED = message(
    THOUGHT,
    text_block(1, "Grüße ", "👩‍💻!"),
    call_block(2, "toolu_a", "", '{"path": "ä', '.py"}'),
    call_block(3, "toolu_b", '{"n": 2}'),
)
RECORDED_TEXT = "Grüße 👩‍💻!"
RECORDED_BLOCKS = (
    {"type": "thinking", "thinking": "Hm, ü", "signature": "c2lnbmVk"},
    {"type": "text", "text": RECORDED_TEXT},
    {"type": "tool_use", "id": "toolu_a", "name": "Edit", "input": {"path": "ä.py"}},
    {"type": "tool_use", "id": "toolu_b", "name": "Edit", "input": {"n": 2}},
)


@dataclass(frozen=True)
class Answer:
    """What the raw server sends to one request: bits of a body, then the end it comes to."""

    bits: tuple[bytes, ...]
    end: str = "whole"
    status: str = "200 OK"
    headers: tuple[str, ...] = ("content-type: text/event-stream",)


def address(server: asyncio.Server, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def cut(data: bytes) -> Answer:
    return Answer((data,), end="drop")


class RawApi:
    """A server of scripted bytes. `ends`: whole (the body ends properly), drop (the connection goes), hang (nothing
    more comes)."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers = list(answers)
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.n_connections = 0
        self.n_left = 0
        self.url = ""

    async def __aenter__(self) -> "RawApi":
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = address(self._server)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for it in self._tasks:
            it.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.n_connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.n_left += 1
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        length = next(it for it in head.lower().splitlines() if it.startswith("content-length"))
        self.bodies.append(await reader.readexactly(int(length.partition(":")[2])))
        answer = self.answers.pop(0)
        lines = (f"HTTP/1.1 {answer.status}", *answer.headers, "transfer-encoding: chunked")
        writer.write("\r\n".join((*lines, "", "")).encode())
        for bit in answer.bits:
            if bit:
                writer.write(b"%x\r\n%s\r\n" % (len(bit), bit))
                await writer.drain()
        if answer.end == "drop":
            return False
        if answer.end == "hang":
            await reader.readexactly(1)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True
