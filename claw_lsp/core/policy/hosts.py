"""Which host an address leads to, written one way, and whether that host is on this machine or in a private network."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, NetmaskValueError
from urllib.parse import urlsplit

from claw_lsp.core.web_address import refusal

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_HERE = ("localhost", "local", "internal", "lan", "home", "corp", "intranet", "arpa")
"""Last labels of names that never mean a public host."""


def fetchable(url: str) -> bool:
    """Whether the address is one of http or https."""
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def host_of(url: str | None) -> str | None:
    """The host of an address: small letters, no last dot, other alphabets in their ASCII form; IPv6 without brackets.

    None where there is none, or it is written in a way that others may read differently.
    """
    try:
        parts = urlsplit(url or "")
        # Others end the host at a backslash, and so go elsewhere.
        host = None if "\\" in parts.netloc or parts.port == 0 else parts.hostname
    except ValueError:
        return None
    return written(host) if host else None


def written(host: str) -> str | None:
    """A host name in the one way it is compared in; None for what is no name of a host."""
    if ":" in host:
        try:
            return str(IPv6Address(host))
        except (AddressValueError, ValueError):
            return None
    try:
        plain = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        return None
    return plain if _NAME.fullmatch(plain) else None


def same(wanted: str, host: str) -> bool | None:
    """Whether a rule's host means this one (as `host_of` writes it); None where the rule's is no name of a host.

    `*` is every host, `*.` and a name every host below it, any other `*` stays within its label."""
    meant = pattern(wanted)
    return None if meant is None else bool(meant.fullmatch(host))


def pattern(wanted: str) -> re.Pattern[str] | None:
    """A rule's host as a regular expression; None for what is no name of a host."""
    wanted = wanted.strip()
    if wanted == "*":
        return re.compile(r".*", re.DOTALL)
    plain = wanted.removeprefix("*.")
    if "*" not in plain:
        name = written(plain.removeprefix("[").removesuffix("]"))
        labels = None if name is None else [re.escape(name)]
    else:
        found = [_label(it) for it in plain.lower().removesuffix(".").split(".")]
        labels = [it for it in found if it is not None] if None not in found else None
    below = r"(?:[^.]+\.)+" if plain != wanted else ""
    return None if labels is None else re.compile(below + r"\.".join(labels))


def _label(text: str) -> str | None:
    """One label as a regular expression, `*` for any characters in it."""
    if "*" not in text:
        name = written(text)
        return None if name is None else re.escape(name)
    return "[^.]*".join(map(re.escape, text.split("*"))) if re.fullmatch(r"[a-z0-9_*-]+", text) else None


def private(host: str) -> bool:
    """Whether the host names this machine, a private network or a cloud's metadata; addresses in odd spellings do."""
    last = host.rsplit(".", 1)[-1]
    if ":" in host:
        return refusal(host, allow_private=False) is not None
    if _NUMBER.fullmatch(last):
        try:
            return refusal(str(IPv4Address(host)), allow_private=False) is not None
        except (AddressValueError, NetmaskValueError):
            return True
    return last in _HERE or "." not in host
