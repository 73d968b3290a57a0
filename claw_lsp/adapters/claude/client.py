"""ClaudeModel fills the port Model: one request, streamed, with retries of our own.

The SDK carries requests and connections. Its retries are off and its event models are passed by: they cost more than
the network does, and blocks must go back to the letter.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sys
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from pydantic_core import PydanticSerializationError, to_json

from claw_lsp.adapters.claude import faults
from claw_lsp.adapters.claude.backoff import TRIES, pause
from claw_lsp.adapters.claude.credentials import Credential
from claw_lsp.adapters.claude.faults import Asked, Fault, StreamBroke
from claw_lsp.adapters.claude.frames import FrameReader
from claw_lsp.adapters.claude.gathering import Gathering
from claw_lsp.adapters.claude.lacks import SAID, Part, refused_part, without
from claw_lsp.adapters.claude.providers import Cloud
from claw_lsp.adapters.claude.sse import EventReader
from claw_lsp.adapters.interpreter import importing
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.signal import Retrying, Signal, Stalled
from claw_lsp.ports.model import Hear
from claw_lsp.ports.world import Clock

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from httpx2 import Response

KeyHeader = Literal["authorization", "x-api-key"]

T = TypeVar("T")

logger = logging.getLogger(__name__)

DEFAULT_BASE_URL: Final = "https://api.anthropic.com"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. `connect` for the connection, `notice` without a byte until the person is told, `stall` without a byte
    until the request is given up; `first_byte` is the same until the answer begins, which takes local models long.
    `count` is how long a count of tokens is worth waiting for."""

    connect: float = 10.0
    notice: float = 20.0
    stall: float = 120.0
    first_byte: float = 300.0
    count: float = 3.0


class ClaudeModel:
    """The Messages API at one address.

    Invariant: the key goes to `base_url` and nowhere else; nothing in the environment or on disk that the SDK knows of
    replaces it. `find_credential` is called in a thread when a key is first needed, again after none was found or it was
    refused, and when it lasts no longer; it may raise ModelError. So may `find_cloud`, which names another provider that is
    asked instead, with credentials of its own: then no key of ours is looked for.
    """

    def __init__(
        self,
        find_credential: Callable[[], Credential | None],
        clock: Clock,
        *,
        base_url: str | None = None,
        key_header: KeyHeader = "authorization",
        find_cloud: Callable[[], Cloud | None] | None = None,
        limits: Limits = Limits(),
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._find_credential = find_credential
        self._find_cloud = find_cloud
        self._clock = clock
        self._base_url = base_url or DEFAULT_BASE_URL
        self._key_header: KeyHeader = key_header
        self._limits = limits
        self._dice = dice
        self._line: _Line | None = None
        self._lines: list[_Line] = []
        self._opening = asyncio.Lock()
        # What each model cannot take here; the requests that taught it are not sent again in this process.
        self._lacking: dict[str, set[Part]] = {}
        self._counts = True

    async def warm(self) -> None:
        """Import the SDK and open its client, off the loop, so that the first request need not wait. Raises nothing
        for a missing key; the first request says it."""
        await asyncio.to_thread(_import_sdk)
        with suppress(ModelError):
            await self._open_line()

    async def close(self) -> None:
        """Close every connection. A later request opens new ones."""
        lines, self._line, self._lines = self._lines, None, []
        for line in lines:
            await line.client.close()

    async def consult(self, request: Request, hear: Hear) -> Reply:
        """One reply, as the port says."""
        line = await self._open_line()
        failed: Counter[int] = Counter()
        renewed = False
        lacking = self._lacking.setdefault(request.model, set())
        while True:
            asked = Asked(
                request.model, line.source, line.base_url, line.secret, line.cloud.title if line.cloud else ""
            )
            sent = without(request, lacking)
            reply, fault = await self._try_once(line, sent, asked, hear)
            if reply is not None:
                return reply
            if (part := _refused_part(fault, sent, asked)) is not None:
                lacking.add(part)
                why = f"{asked.host} does not take {SAID[part]} for {asked.model}: left out from now on"
                await hear(Retrying(len(lacking) + 1, TRIES, 0.0, why))
                continue
            failed[fault.tries] += 1
            if fault.reason == "authentication_failed" and line.stale_at is not None and not renewed:
                # A key that does not last may have been replaced before its time: asked for anew, once.
                renewed, line.stale_at = True, self._clock.monotonic()
                line = await self._open_line()
                continue
            if failed[fault.tries] >= fault.tries or failed.total() >= TRIES:
                break
            wait = pause(failed.total(), fault.asked, self._dice)
            await hear(Retrying(failed.total() + 1, TRIES, wait, fault.why))
            await self._clock.sleep(wait)
        if fault.reason == "authentication_failed":
            # A better key may be in place by the next request; others may still be reading from this line.
            self._line = None
        raise fault.error(failed.total())

    async def count(self, request: Request) -> int | None:
        """The tokens of a request by the server's own count, as the port says; a server that has none is asked once."""
        if not self._counts:
            return None
        try:
            line = await self._open_line()
            if line.cloud is not None:
                return None
            asked = Asked(request.model, line.source, line.base_url, line.secret)
            sent = without(request, self._lacking.get(request.model, set()))
            answer = await self._guarded(line, line.count(sent), self._limits.count, asked)
            return int(answer.json()["input_tokens"])
        except StreamBroke as broke:
            # What is not worth trying again is not asked again.
            self._counts = broke.fault.tries > 1
        except (ModelError, ValueError, KeyError, TypeError) as error:
            logger.info("Tokens could not be counted: %s", type(error).__name__)
        return None

    async def _try_once(self, line: _Line, request: Request, asked: Asked, hear: Hear) -> tuple[Reply | None, Fault]:
        """The reply, whole or cut; else None and the fault that left nothing to show."""
        gathering = Gathering(asked)
        fault = _NO_FAULT
        try:
            async with (
                _telling_of_stalls(hear, self._limits.notice) as pulse,
                aclosing(self._events(line, request, asked, pulse)) as lots,
            ):
                async for events in lots:
                    for signal in gathering.take(events):
                        await pulse.tell(signal)
                    if gathering.fault is not None:
                        raise StreamBroke(gathering.fault)
                    pulse.ended = gathering.stopped
        except StreamBroke as broke:
            fault = broke.fault
        if gathering.whole:
            return gathering.reply(), fault
        if fault is _NO_FAULT:
            fault = gathering.ending_fault
        return (gathering.cut_reply(fault) if gathering.shown else None), fault

    async def _events(
        self, line: _Line, request: Request, asked: Asked, pulse: _Pulse
    ) -> AsyncGenerator[list[bytes], None]:
        """The events of the answer in the lots in which the network brings them. Raises StreamBroke."""
        response = await self._guarded(line, line.send(request), self._limits.first_byte, asked)
        try:
            pulse.beat()
            if line.content_type not in (kind := response.headers.get("content-type", "")):
                raise StreamBroke(faults.not_a_stream(kind.partition(";")[0], asked))
            reader, chunks = line.reader(), aiter(response.aiter_bytes())
            while not pulse.ended:
                data = await self._guarded(line, anext(chunks, None), self._limits.stall, asked)
                if data is None:
                    yield reader.end()
                    return
                pulse.beat()
                yield reader.feed(data)
            await _see_the_end(chunks, line)
        finally:
            await response.aclose()

    async def _guarded(self, line: _Line, coming: Awaitable[T], limit: float, asked: Asked) -> T:
        """What comes, with every fault of the network and the API turned into StreamBroke."""
        try:
            async with asyncio.timeout(limit):
                return await coming
        except TimeoutError:
            fault = faults.stalled(limit, asked)
        except line.status_error as error:
            fault = faults.of_status(error.status_code, error.response.headers, error.body, asked, self._clock.now())
        except line.network_errors as error:
            fault = faults.of_connection(error, asked)
        except line.sign_in_errors as error:
            fault = faults.not_signed_in(error, asked)
        # Raised outside of the handlers: the SDK's exceptions hold the request, and that holds the key.
        raise StreamBroke(fault)

    async def _open_line(self) -> _Line:
        async with self._opening:
            now = self._clock.monotonic()
            if self._line is None:
                self._line = await asyncio.to_thread(self._connect, now)
                self._lines.append(self._line)
            elif self._line.stale_at is not None and now >= self._line.stale_at:
                self._line.use(await asyncio.to_thread(self._find_credential), now)
            return self._line

    def _connect(self, now: float) -> _Line:
        cloud = self._find_cloud() if self._find_cloud else None
        if cloud is not None:
            faults.check_address(cloud.base_url)
            return _Line(cloud.base_url, self._key_header, self._limits.connect, cloud)
        credential = self._find_credential()
        faults.check_address(self._base_url)
        if credential is None and self._base_url.rstrip("/") == DEFAULT_BASE_URL:
            raise faults.no_key()
        line = _Line(self._base_url, self._key_header, self._limits.connect)
        line.use(credential, now)
        return line


class _Line:
    """The SDK's client with exactly one credential at a time, or none for a local server that wants none. Made in a
    thread; `use` comes before the first `send`. From `stale_at` on another one is to be used, None for never.
    With a `cloud` it is that one's client, which has its credentials itself."""

    def __init__(self, base_url: str, key_header: KeyHeader, connect: float, cloud: Cloud | None = None) -> None:
        _import_sdk()
        from anthropic import AnthropicError, APIStatusError, AsyncAnthropic, AsyncStream, DefaultAsyncHttpxClient
        from httpx2 import HTTPError, Response, Timeout

        self.base_url = base_url
        self.cloud = cloud
        self.source = cloud.source if cloud else ""
        self.secret = ""
        self.reader = FrameReader if cloud and cloud.in_frames else EventReader
        self.content_type = "eventstream" if cloud and cloud.in_frames else "event-stream"
        self.stale_at: float | None = None
        self._key_header: KeyHeader = key_header
        self.status_error = APIStatusError
        self.network_errors = (AnthropicError, HTTPError, OSError, UnicodeError)
        self.sign_in_errors = cloud.errors() if cloud else ()
        # The time between bytes is watched by asyncio.timeout, which also covers what the HTTP library does not.
        timeout = Timeout(None, connect=connect, pool=connect)
        common: dict[str, Any] = {
            "max_retries": 0,
            "timeout": timeout,
            "open_telemetry": False,
            "http_client": DefaultAsyncHttpxClient(timeout=timeout, follow_redirects=False, base_url=base_url),
        }
        # A key is always given, if only for show, and the headers are set for each request: with none the SDK would
        # look in the environment and in profiles on disk, and ANTHROPIC_CUSTOM_HEADERS could replace it.
        self.client: AsyncAnthropic = (
            cloud.client(**common) if cloud else AsyncAnthropic(api_key="none", base_url=base_url, **common)
        )
        self._headers: dict[str, Any] = {}
        self._response_type: Any = Response
        self._stream_type: Any = AsyncStream[Any]

    def use(self, credential: Credential | None, now: float) -> None:
        """From now on this credential goes with every request."""
        from anthropic import Omit

        self.source = credential.source if credential else "nowhere (none is configured)"
        self.secret = credential.secret if credential else ""
        self.stale_at = now + credential.lasts if credential and credential.lasts is not None else None
        bearer = credential is not None and (credential.kind == "auth_token" or self._key_header == "authorization")
        own_header = credential is not None and not bearer
        self._headers = {
            "Authorization": f"Bearer {self.secret}" if bearer else Omit(),
            "X-Api-Key": self.secret if own_header else Omit(),
        }

    async def count(self, request: Request) -> Response:
        """The count of a request's tokens. Raises what the SDK raises."""
        return await self.client.post(
            "/v1/messages/count_tokens",
            cast_to=self._response_type,
            content=_json(_body(request)),
            options={"headers": self._headers},
        )

    async def send(self, request: Request) -> Response:
        """The answer's head. Raises what the SDK raises."""
        body = {**_body(request), "max_tokens": request.max_tokens, "stream": True}
        # Not by `messages.create`: it warns the person of old models, and its stream hides the answer's bytes. The body
        # goes as bytes: the SDK would walk and copy all that was ever said before each request. Where the address holds the
        # model it does: 20 ms for two megabytes, which are half a million tokens.
        by_model = self.cloud is not None and self.cloud.by_model
        return await self.client.post(
            "/v1/messages",
            cast_to=self._response_type,
            body=body if by_model else None,
            content=None if by_model else _json(body),
            options={"headers": self._headers},
            stream=True,
            stream_cls=self._stream_type,
        )


def _body(request: Request) -> dict[str, Any]:
    """What is asked, in the API's fields; without what says how the answer is to come."""
    body: dict[str, Any] = {"model": request.model, "messages": request.messages}
    for name in ("system", "tools", "thinking", "tool_choice"):
        if value := getattr(request, name):
            body[name] = value
    if request.effort:
        body["output_config"] = {"effort": request.effort}
    return body


class _Pulse:
    """When the last byte came, and the way to the person: signals are told one at a time."""

    def __init__(self, hear: Hear) -> None:
        self.ended = False
        self._hear = hear
        self._telling = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()

    def beat(self) -> None:
        self._last = self._loop.time()

    async def tell(self, signal: Signal) -> None:
        async with self._telling:
            await self._hear(signal)
        # The time the person's side took is not the network's.
        self.beat()

    async def watch(self, notice: float) -> None:
        """Tell of every `notice` seconds without a byte, for ever."""
        told = self._last
        while True:
            await asyncio.sleep(max(self._last, told) + notice - self._loop.time())
            now = self._loop.time()
            if now - max(self._last, told) >= notice:
                async with self._telling:
                    await self._hear(Stalled(now - self._last))
                told = now


@asynccontextmanager
async def _telling_of_stalls(hear: Hear, notice: float) -> AsyncGenerator[_Pulse, None]:
    pulse = _Pulse(hear)
    watching = asyncio.create_task(pulse.watch(notice))
    try:
        yield pulse
    finally:
        watching.cancel()
        (outcome,) = await asyncio.gather(watching, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome


def _refused_part(fault: Fault, sent: Request, asked: Asked) -> Part | None:
    """What another server than the provider's own cannot take."""
    own = asked.base_url.rstrip("/") == DEFAULT_BASE_URL
    return None if own or not fault.said else refused_part(fault.said, sent)


def _json(body: dict[str, Any]) -> bytes:
    """The body as it is sent. Raises UnicodeError for text that no JSON reader has to take."""
    try:
        return to_json(body, inf_nan_mode="null")
    except PydanticSerializationError:
        return json.dumps(body, ensure_ascii=False).encode()


async def _see_the_end(chunks: AsyncIterator[bytes], line: _Line) -> None:
    """After `message_stop` only the end of the body is awaited, and not for long: the connection can be used again."""
    with suppress(TimeoutError, *line.network_errors):
        async with asyncio.timeout(_FAREWELL):
            while await anext(chunks, None) is not None:
                pass


def _import_sdk() -> None:
    """Import what a request needs, in a thread; it takes a second or two the first time."""
    if not all(name in sys.modules for name in _SDK):
        with importing():
            for name in _SDK:
                import_module(name)
    # At DEBUG these loggers write requests and headers, and ANTHROPIC_LOG can set that for people who forgot it.
    for name in ("anthropic", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)


_SDK: Final = ("anthropic.resources.messages", "anthropic.types.shared.error_details", "httpcore2")
_FAREWELL: Final = 1.0
_NO_FAULT: Final = Fault("", "", "unknown")
