"""What looks like a credential, so that it is never written into a rule."""

from __future__ import annotations

import re

_SECRETS = {
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
    "an authorization header": r"(?i:\b(?:bearer|basic)\s+[\w.~+/=-]{6,}|\bauthorization:\s*\S+\s+[^\s\"'*]{4,})",
    "a key in a header": r"(?i:\bx-api-key:\s*[^\s\"'*]{4,})",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a password in an address": r"://[^\s/@:*]*:[^\s/@*]+@",
    "a token in an address": r"://[\w-]{16,}@",
    "a JSON web token": r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*",
    "a password": r"(?i:(?:password|passwd|secret|token|api_?key)\s*[=:]\s*[^\s\"'*$)]{6,})",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in _SECRETS.items()}


def secret_in(text: str) -> str | None:
    """What kind of credential the text seems to hold, in words, or None."""
    return next((name for name, pattern in _COMPILED.items() if pattern.search(text)), None)
