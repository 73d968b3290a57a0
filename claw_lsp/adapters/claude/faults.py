"""What went wrong with a request, as it really arrives from the SDK and the network, and what each fault means.

One fault says whether asking again may help, what the person sees meanwhile, and what they are told in the end.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from urllib.parse import urlsplit

from claw_lsp.adapters.claude.backoff import OBEYED, TRIES, asked_wait
from claw_lsp.adapters.claude.credentials import WAYS
from claw_lsp.facts.fault import ContextFull, ModelError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that went wrong.

    `why` is a phrase for people; `advice` is told after it when no try is left. `tries` is how many tries this kind may
    have in all; `asked` is the wait in seconds that the provider asked for, `said` its own words where it refused the
    request as it stands.
    """

    why: str
    advice: str
    reason: str
    tries: int = 1
    asked: float | None = None
    said: str = ""
    full: bool = False
    """What was sent is too long."""

    def error(self, n_tries: int) -> ModelError:
        counted = f" It was asked {n_tries} times." if n_tries > 1 else ""
        kind = ContextFull if self.full else ModelError
        return kind(f"{self.why[:1].upper()}{self.why[1:]}.{counted} {self.advice}", reason=self.reason)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked, for the sentences: the model, where the key came from, the address."""

    model: str
    source: str
    base_url: str
    secret: str = ""
    cloud: str = ""
    """The title of another provider that is asked, "" for an address that speaks the Messages API itself."""

    @property
    def host(self) -> str:
        # Split by hand at the last "@": a user and password in an address are not for the screen.
        return urlsplit(self.base_url).netloc.rpartition("@")[2] or "the address in ANTHROPIC_BASE_URL"

    def __repr__(self) -> str:
        return f"Asked(model={self.model!r}, host={self.host!r})"


class StreamBroke(Exception):
    """The stream cannot be read on; carries the fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.why)
        self.fault = fault


def of_status(status: int, headers: Mapping[str, str], body: object, asked: Asked, now: float) -> Fault:
    """The fault of an error answer. `headers` are read without regard to case by the caller's mapping."""
    kind, message = _kind_and_message(body)
    if 300 <= status < 400:
        return _moved(headers, asked)
    # A kind nobody knows, as other servers have them, says less than the status: what is refused is not asked again.
    known = kind if kind in _SAID or kind == "invalid_request_error" else None
    usual = _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    fault = _of_kind(known or usual, message, asked)
    if kind is None and status == 404 and not asked.cloud:
        fault = _wrong_address(asked)
    if asked.cloud and fault.reason in ("authentication_failed", "connection"):
        fault = replace(
            fault, advice=f"Check the credentials and the region of {asked.cloud}, and that it offers the model."
        )
    if fault.tries > 1 and headers.get("x-should-retry") == "false":
        fault = replace(fault, tries=1)
    wait = asked_wait(headers, now)
    if fault.tries > 1 and wait is not None and wait > OBEYED:
        advice = f"It asks to wait {_span(wait)}; ask again after that."
        return replace(fault, tries=1, advice=advice)
    return replace(fault, asked=wait, why=f"{fault.why} ({status})")


def of_event(body: object, asked: Asked) -> Fault:
    """The fault of an `error` event in mid-stream."""
    kind, message = _kind_and_message(body)
    return _of_kind(kind or "api_error", message, asked)


def of_connection(error: BaseException, asked: Asked) -> Fault:
    """The fault of a connection that was not made, or broke. TLS that cannot be trusted is not tried again."""
    chain = tuple(_chain(error))
    names = {type(it).__name__ for it in chain}
    untrusted = next((it for it in chain if isinstance(it, ssl.SSLCertVerificationError)), None)
    if untrusted is not None:
        return Fault(
            f"the certificate of {asked.host} is not trusted ({untrusted.verify_message})",
            "Behind a proxy that inspects traffic, set SSL_CERT_FILE to its certificate; else check ANTHROPIC_BASE_URL.",
            "connection",
        )
    if "ConnectError" in names and any(_spoke_no_tls(it) for it in chain):
        return Fault(
            f"{asked.host} did not speak TLS as expected",
            "Check that ANTHROPIC_BASE_URL begins with https:// only where the server really speaks it.",
            "connection",
        )
    if names & {"UnsupportedProtocol", "InvalidURL", "LocalProtocolError", "UnicodeError"}:
        return Fault(
            f"no request can be sent to {asked.host}",
            "Check ANTHROPIC_BASE_URL (it must begin with http:// or https://) and that the key was copied whole.",
            "connection",
        )
    what = next((text for name, text in _CONNECTION if name in names), "the connection failed")
    return Fault(
        f"{what} ({asked.host})",
        "Check the network, a proxy if there is one, and ANTHROPIC_BASE_URL; then ask again.",
        "connection",
        TRIES,
    )


def not_signed_in(error: BaseException, asked: Asked) -> Fault:
    """The cloud's credentials were not found, or do not hold."""
    why = _shown(str(error), asked) or type(error).__name__
    return Fault(
        f"no request could be signed for {asked.cloud}: {why}",
        f"Check {asked.source}; docs/models.md says what {asked.cloud} wants.",
        "authentication_failed",
    )


def stalled(seconds: float, asked: Asked) -> Fault:
    """Nothing came for that long. Asked once more only: the next wait would be as long."""
    return Fault(
        f"nothing came from {asked.host} for {seconds:g} seconds",
        "Ask again; if it happens often, check the network or a proxy between.",
        "connection",
        tries=2,
    )


def broken(what: str) -> Fault:
    """The stream ended or held what nobody can read."""
    return Fault(what, "Ask again; if it happens often, check a proxy or gateway between.", "server_error", TRIES)


def not_a_stream(content_type: str, asked: Asked) -> Fault:
    return Fault(
        f"{asked.host} answered with {content_type or 'an unnamed type'} where an event stream was expected",
        "Check that ANTHROPIC_BASE_URL is the address of a server that speaks the Anthropic Messages API.",
        "connection",
    )


def check_address(base_url: str) -> None:
    """Raises ModelError for what is no http(s) address."""
    try:
        address = urlsplit(base_url)
        sound = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ModelError(
            "ANTHROPIC_BASE_URL is not an address: it must look like https://api.anthropic.com or http://127.0.0.1:11434.",
            reason="connection",
        )


def no_key() -> ModelError:
    return ModelError(f"No key for the model is configured. {WAYS}", reason="no_key")


def _of_kind(kind: str, message: str, asked: Asked) -> Fault:
    message = _shown(message, asked)
    if kind == "invalid_request_error":
        return _invalid(message, asked)
    why, advice, reason, tries = _SAID.get(kind, _SAID["api_error"])
    names = {"model": asked.model, "source": asked.source, "host": asked.host}
    said = f": {message}" if message and kind in _TOLD else ""
    return Fault(why.format(**names) + said, advice, reason, tries, full=kind == "request_too_large")


def _invalid(message: str, asked: Asked) -> Fault:
    lower = message.lower()
    if any(it in lower for it in _TOO_LONG):
        return Fault(
            f"the session no longer fits the context of {asked.model}: {message}",
            "Start a new session (`/clear`), or choose a model with a larger context.",
            "invalid_request",
            full=True,
        )
    if "credit balance" in lower:
        return Fault(message, "Add credit in the console of the provider, then ask again.", "billing_error")
    return Fault(
        f"the provider refused the request: {message or 'it gave no reason'}",
        "Start a new session (`/clear`) or choose another model; if it happens again, please report it with this text.",
        "invalid_request",
        said=message,
    )


def _wrong_address(asked: Asked) -> Fault:
    return Fault(
        f"{asked.host} has no Messages API at {urlsplit(asked.base_url).path.rstrip('/')}/v1/messages",
        "Check ANTHROPIC_BASE_URL: it is the part before /v1/messages.",
        "connection",
    )


def _moved(headers: Mapping[str, str], asked: Asked) -> Fault:
    # A redirect is not followed: the key goes to the address the person named and to no other.
    target = urlsplit(headers.get("location", "")).netloc.rpartition("@")[2] or "another address"
    return Fault(
        f"{asked.host} redirects to {target}",
        "If that is right, set ANTHROPIC_BASE_URL to the new address; the key is not sent there by itself.",
        "connection",
    )


def _kind_and_message(body: object) -> tuple[str | None, str]:
    """The error's type and message where the body is an API error, else None and the text of the body."""
    if isinstance(body, str):
        text = body
        try:
            body = json.loads(text)
        except ValueError:
            # A page of a proxy is not for the person; a plain line may be.
            return None, "" if "<" in text else text
    if isinstance(body, list) and body:
        # As Vertex answers to a request that wants a stream.
        body = cast("list[Any]", body)[0]
    error: Any = cast(dict[str, Any], body).get("error") if isinstance(body, dict) else None
    if error is None and isinstance(body, dict) and isinstance(cast(dict[str, Any], body).get("message"), str):
        # As Bedrock does.
        return None, cast(dict[str, Any], body)["message"]
    if error is None and isinstance(body, dict) and (detail := cast(dict[str, Any], body).get("detail")):
        # As servers made with FastAPI say what they cannot take.
        return None, detail if isinstance(detail, str) else json.dumps(detail)
    if isinstance(error, str):
        return None, error
    if not isinstance(error, dict):
        return None, ""
    kind, message = cast(dict[str, Any], error).get("type"), cast(dict[str, Any], error).get("message")
    return (kind if isinstance(kind, str) else None), (message if isinstance(message, str) else "")


def _shown(message: str, asked: Asked) -> str:
    """The provider's words on one line, not endless, and without our key should it be repeated there."""
    text = " ".join(message.split())
    if asked.secret:
        text = text.replace(asked.secret, "(key)")
    return (text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…").rstrip(".")


def _spoke_no_tls(error: BaseException) -> bool:
    # An EOF in the handshake is a dropped connection and is tried again.
    return isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _span(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 180 else f"{seconds / 60:.0f} minutes"


_MOST_SHOWN: Final = 300
_TOO_LONG: Final = (
    "prompt is too long",
    "exceed context limit",
    # As Bedrock, llama.cpp, vLLM and LM Studio say it.
    "input is too long",
    "available context size",
    "context length",
)
_TOLD: Final = frozenset({"permission_error", "billing_error", "request_too_large", "rate_limit_error"})

_KINDS: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "api_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}

_AGAIN: Final = "Wait a little, then ask again."

_SAID: Final[dict[str, tuple[str, str, str, int]]] = {
    "authentication_error": (
        "{host} refused the key from {source}",
        f"Check that it is complete, not revoked, and meant for that address. {WAYS}",
        "authentication_failed",
        1,
    ),
    "permission_error": (
        "the key from {source} may not do this with {model}",
        "Choose another model (`/model`) or use a key that may.",
        "authentication_failed",
        1,
    ),
    "billing_error": (
        "the provider wants its bill settled first",
        "Add credit in its console, then ask again.",
        "billing_error",
        1,
    ),
    "not_found_error": (
        "{host} does not know the model {model}",
        "Choose another with `/model`: opus, sonnet, haiku, or an id that it offers.",
        "model_not_found",
        1,
    ),
    "request_too_large": (
        "the request is larger than the provider takes",
        "Start a new session (`/clear`), with fewer or smaller images and files.",
        "invalid_request",
        1,
    ),
    "rate_limit_error": ("the provider limits the rate", _AGAIN, "rate_limit", TRIES),
    "overloaded_error": ("the provider is overloaded", _AGAIN, "overloaded", TRIES),
    "timeout_error": ("the provider ran out of time", _AGAIN, "server_error", TRIES),
    "api_error": ("the provider failed", _AGAIN, "server_error", TRIES),
}

_CONNECTION: Final = (
    ("ConnectTimeout", "no connection within the time limit"),
    ("PoolTimeout", "no free connection within the time limit"),
    ("ProxyError", "the proxy refused the connection"),
    ("gaierror", "the address is not known; is this machine online?"),
    ("ConnectionRefusedError", "nothing answers at the address"),
    ("ConnectError", "no connection could be made"),
    ("ReadTimeout", "nothing came within the time limit"),
    ("WriteTimeout", "the request could not be sent within the time limit"),
    ("RemoteProtocolError", "the connection broke"),
    ("ReadError", "the connection broke"),
    ("WriteError", "the connection broke"),
    ("DecodingError", "the answer could not be decompressed"),
)
