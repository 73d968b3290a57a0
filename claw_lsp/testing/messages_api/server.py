"""The scripted Messages API: a real HTTP server on loopback, as strict as the real one, that plays a scenario."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from types import TracebackType
from typing import Self

from claw_lsp.testing.messages_api.cache import CacheReport, PromptCache
from claw_lsp.testing.messages_api.events import events_of, parts_of, stop_reason
from claw_lsp.testing.messages_api.inspection import as_read, dropped, inspect, read_body
from claw_lsp.testing.messages_api.ledger import Ledger
from claw_lsp.testing.messages_api.local import LocalServer, plain_usage
from claw_lsp.testing.messages_api.models import MODELS, find, listing
from claw_lsp.testing.messages_api.moves import Move, Send, body_moves, moves_of
from claw_lsp.testing.messages_api.playing import Playing
from claw_lsp.testing.messages_api.recorded import Recorded
from claw_lsp.testing.messages_api.refusal import Refused, error_body
from claw_lsp.testing.messages_api.rules.asked import Asked
from claw_lsp.testing.messages_api.rules.thinking import may_drop
from claw_lsp.testing.messages_api.scenario import Improvised, Reply, Scenario, Status
from claw_lsp.testing.messages_api.shapes import CountRequest, JsonObject, Request
from claw_lsp.testing.messages_api.usage import usage_of
from claw_lsp.testing.messages_api.wire import MOST_BODY, Asking, Connection, Gone

Headers = list[tuple[str, str]]


class MessagesApi:
    """The server and what it saw. Leaving it raises what an improvised reply raised.

    `requests` are those to /v1/messages, `side_requests` all others, `unexpected` those the script had no reply for.
    With `local` it is a server of the person's own that knows less.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        key: str = "sk-ant-scripted",
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
        local: LocalServer | None = None,
    ) -> None:
        self.requests: list[Recorded] = []
        self.side_requests: list[Recorded] = []
        self.unexpected: list[Recorded] = []
        self.url = ""
        self._playing = Playing(scenario)
        self._key = key
        self._local = local
        self._port = port
        self._cache = PromptCache(clock)
        self._ledger = Ledger()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._bugs: list[BaseException] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
            for it in self._connections:
                it.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await self._server.wait_closed()
        if self._bugs and error is None:
            raise self._bugs[0]

    def leftover(self) -> list[Reply | Improvised]:
        """The lines of the script that are still to be played."""
        return self._playing.leftover()

    def cache_report(self) -> CacheReport:
        """What each answered request read from the cache, and what it could have read at best."""
        return self._cache.report()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep the task ourselves: Python 3.11 logs an error for a connection's own task that is cancelled."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Keep what broke a connection's task, an improvised reply perhaps, for the end of the server."""
        self._connections.discard(task)
        bug = None if task.cancelled() else task.exception()
        if bug:
            self._bugs.append(bug)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        try:
            while asking := await connection.next_asking():
                await self._answer(connection, asking)
        except Gone:
            pass
        finally:
            await connection.close()

    async def _answer(self, connection: Connection, asking: Asking) -> None:
        recorded = self._record(asking)
        request_id = f"req_scripted{recorded.number:04}"
        try:
            try:
                await self._route(connection, asking, recorded, request_id)
            except Refused as refused:
                await self._refuse(connection, recorded, request_id, refused, [])
        except Gone:
            recorded.abandoned = True
            raise

    def _record(self, asking: Asking) -> Recorded:
        number = len(self.requests) + len(self.side_requests) + 1
        recorded = Recorded(number, asking.path, asking.headers, {}, asking.n_bytes, asking.arrived)
        (self.requests if asking.path == "/v1/messages" else self.side_requests).append(recorded)
        return recorded

    async def _route(self, connection: Connection, asking: Asking, recorded: Recorded, request_id: str) -> None:
        self._check_headers(asking)
        match asking.method, asking.path:
            case "POST", "/v1/messages":
                recorded.body = read_body(asking.body)
                body = self._local.taken(recorded.body) if self._local else recorded.body
                request, asked = inspect(Request, body, self._ledger, _betas(asking))
                await self._play(connection, recorded, request, asked, request_id)
            case "POST", "/v1/messages/count_tokens" if self._local is None:
                recorded.body = read_body(asking.body)
                _, asked = inspect(CountRequest, recorded.body, self._ledger, _betas(asking))
                await _send_json(connection, recorded, {"input_tokens": as_read(asked).total}, request_id)
            case "GET", "/v1/models":
                data = [listing(it) for it in MODELS]
                ends = {"first_id": MODELS[0].id, "last_id": MODELS[-1].id, "has_more": False}
                await _send_json(connection, recorded, {"data": data, **ends}, request_id)
            case "GET", path if path.startswith("/v1/models/"):
                facts = find(path.removeprefix("/v1/models/"))
                if facts is None:
                    raise Refused(404, f"model: {path.removeprefix('/v1/models/')}")
                await _send_json(connection, recorded, listing(facts), request_id)
            case method, path:
                raise Refused(404, f"Not found: {method} {path}")

    def _check_headers(self, asking: Asking) -> None:
        given = asking.headers.get("x-api-key") or asking.headers.get("authorization", "").removeprefix("Bearer ")
        if given != self._key and self._local is None:
            raise Refused(401, "invalid x-api-key" if "x-api-key" in asking.headers else "invalid bearer token")
        if "anthropic-version" not in asking.headers:
            raise Refused(400, "anthropic-version: header is required")
        if asking.n_bytes > MOST_BODY:
            raise Refused(413, "Request exceeds the maximum size")

    async def _play(
        self, connection: Connection, recorded: Recorded, request: Request, asked: Asked, request_id: str
    ) -> None:
        reply = Reply(stop_reason="max_tokens") if request.max_tokens == 0 else self._take(recorded)
        if reply.delay:
            await connection.pause(reply.delay)
        for fault in reply.faults:
            if isinstance(fault, Status):
                refused = Refused(fault.status, fault.message, kind=fault.error_type)
                await self._refuse(connection, recorded, request_id, refused, _retry_headers(fault))
                return
        moves = self._moves(recorded, request, asked, reply, request_id)
        kind = "text/event-stream; charset=utf-8" if request.stream else "application/json"
        recorded.status = 200
        recorded.finished = await connection.answer(200, _headers(kind, request_id), moves)

    def _take(self, recorded: Recorded) -> Reply:
        try:
            return self._playing.take(recorded)
        except Refused:
            self.unexpected.append(recorded)
            raise

    def _moves(
        self, recorded: Recorded, request: Request, asked: Asked, reply: Reply, request_id: str
    ) -> Iterator[Move]:
        """Count, sign and remember the reply, and say how it goes out."""
        use = self._cache.use(as_read(asked), request, asked.facts)
        omit = request.thinking is not None and request.thinking.display == "omitted"
        prefix = asked.prompt.prefixes[-1]
        parts = parts_of(reply, prefix, recorded.number, omit_thinking=omit)
        blocks = [it.block for it in parts]
        self._ledger.note(prefix, blocks, paused=reply.stop_reason == "pause_turn")
        usage = usage_of(use, blocks)
        usage = recorded.usage = plain_usage(usage) if self._local else usage
        message = _message(request, recorded, reply, blocks, usage)
        if may_drop(asked):
            message["input_transformations"] = [
                {"type": "thinking_dropped", "path": it, "reason": "prefix_binding_mismatch"} for it in dropped(asked)
            ]
        if request.stream:
            return moves_of(events_of(message, parts, {**usage, "output_tokens": 1}), reply, request_id)
        return body_moves(json.dumps(message).encode(), reply)

    async def _refuse(
        self, connection: Connection, recorded: Recorded, request_id: str, refused: Refused, extra: Headers
    ) -> None:
        recorded.status, recorded.refusal = refused.status, refused.message
        body = json.dumps(error_body(refused.kind, refused.message, request_id)).encode()
        headers = [*_headers("application/json", request_id), *extra]
        recorded.finished = await connection.answer(refused.status, headers, iter([Send(body)]))


async def _send_json(connection: Connection, recorded: Recorded, value: JsonObject, request_id: str) -> None:
    recorded.status = 200
    moves = iter([Send(json.dumps(value).encode())])
    recorded.finished = await connection.answer(200, _headers("application/json", request_id), moves)


def _message(
    request: Request, recorded: Recorded, reply: Reply, blocks: list[JsonObject], usage: JsonObject
) -> JsonObject:
    return {
        "id": f"msg_scripted{recorded.number:04}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": blocks,
        "stop_reason": stop_reason(reply),
        "stop_sequence": reply.stop_sequence,
        "stop_details": reply.stop_details.model_dump() if reply.stop_details else None,
        "usage": usage,
    }


def _headers(kind: str, request_id: str) -> Headers:
    return [("content-type", kind), ("request-id", request_id), ("transfer-encoding", "chunked")]


def _retry_headers(fault: Status) -> Headers:
    given = {
        "retry-after": None if fault.retry_after is None else f"{fault.retry_after:g}",
        "retry-after-ms": None if fault.retry_after_ms is None else str(fault.retry_after_ms),
    }
    if fault.retry_at is not None:
        given["retry-after"] = formatdate(time.time() + fault.retry_at, usegmt=True)
    return [(name, value) for name, value in given.items() if value is not None]


def _betas(asking: Asking) -> frozenset[str]:
    return frozenset(it.strip() for it in asking.headers.get("anthropic-beta", "").split(","))
