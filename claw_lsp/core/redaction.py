"""What looks like a credential, and texts with those taken out: for logs, messages, error texts and rules; never for the
text of files or what a tool found, which must stay what it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Final, cast

SHORTEST: Final = 8
"""Characters; a shorter value of a variable is not looked for, since it may be any word."""

_SECRETS: Final = {
    "a private key": r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?:(?s:.*?)-----END [A-Z ]{0,40}PRIVATE KEY-----|(?s:.*))",
    "an authorization header": (
        r"(?i:\bauthorization:\s{0,9}[^\s\"'*]{4,}(?:[ \t]+[^\s\"'*]{4,})?"
        r"|\b(?:bearer|basic)\s{1,9}(?=[a-z.~/-]{0,200}[\d=+_])[\w.~+/=-]{6,})"
    ),
    "a key in a header": r"(?i:\bx-api-key:\s{0,9}[^\s\"'*]{4,})",
    "an Anthropic key": r"sk-ant-[\w-]{3,}",
    "an API key": r"\bsk-[A-Za-z0-9_-]{20,}",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{6,}|github_pat_\w{6,})",
    "a GitLab token": r"\bglpat-[\w-]{8,}",
    "an AWS key": r"\b(?:AKIA|ASIA)[A-Z0-9]{8,}",
    "a Google key": r"\bAIza[\w-]{20,}",
    "a Slack token": r"\bxox[abposr]-[\w-]{6,}",
    "a Stripe key": r"\b[rs]k_(?:live|test)_\w{8,}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{20,}",
    "a PyPI token": r"\bpypi-[\w-]{20,}",
    "a password in an address": r"://[^\s/@:*]*:[^\s/@*]+@",
    "a token in an address": r"://[\w-]{16,}@",
    "a JSON web token": r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*",
}
_PASSWORD: Final = r"(?i:(?:password|passwd|secret|token|api_?key)\s{0,9}[=:]\s{0,9}[^\s\"'*$)]{6,})"
"""In a rule, which is kept for ever, any word behind these is too much."""
_WRITTEN_PASSWORD: Final = (
    r"(?i:(?:password|passwd|secret|token|api_?key)[\"']?\s{0,9}[=:]\s{0,9}[\"']?"
    r"(?=[^\s\"']{0,200}\d)[^\s\"',)]{6,})"
)
"""In a sentence, only what no word of a language is."""
_SECRET_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL", re.IGNORECASE)


def secret_in(text: str) -> str | None:
    """What kind of credential the text seems to hold, in words, or None."""
    return next((name for name, pattern in _patterns(_PASSWORD) if pattern.search(text)), None)


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """The text without what looks like a credential, and without the values that are `known` to be some. Takes time in
    proportion to the text's length."""
    for value in known:
        text = text.replace(value, "‹a credential, left out›")
    return _short(text) if len(text) < _SHORT else _without_patterns(text)


def _without_patterns(text: str) -> str:
    for name, pattern in _patterns(_WRITTEN_PASSWORD):
        text = pattern.sub(f"‹{name}, left out›", text)
    return text


_SHORT: Final = 300
_short: Final = lru_cache(512)(_without_patterns)
"""Sentences such as why a call was allowed are said again and again."""


def redacted_within(value: Any) -> Any:
    """The same of every text in a JSON value; names of fields stay."""
    match value:
        case str():
            return redacted(value)
        case list() | tuple():
            return [redacted_within(it) for it in cast("list[Any]", value)]
        case dict():
            return {name: redacted_within(it) for name, it in cast("dict[str, Any]", value).items()}
        case _:
            return value


def names_secret(name: str) -> bool:
    """Whether a variable of this name is likely to hold a credential."""
    return _SECRET_NAME.search(name) is not None


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values that variables with telling names hold, the longest first, since one may be part of another."""
    values = {it for name, it in environment.items() if names_secret(name) and len(it) >= SHORTEST}
    return tuple(sorted(values, key=len, reverse=True))


@cache
def _patterns(password: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compiled when first wanted: a server that has nothing to hide answers its handshake without them."""
    return tuple((name, re.compile(pattern)) for name, pattern in {**_SECRETS, "a password": password}.items())
