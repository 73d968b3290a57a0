"""Addresses on the web: the one way to write a URL, and which machines a fetched page may come from."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit, urlunsplit

from claw_lsp.facts.fault import ToolError

_UNWRITABLE = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_METADATA = frozenset(map(ip_address, ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254")))
"""Where clouds hand credentials to whoever asks from inside; never fetched, whatever is allowed."""

_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
_NAT64 = ip_network("64:ff9b::/96")
_EMBEDDING = (_NAT64, ip_network("::/96"))
"""IPv6 networks whose last four bytes are an IPv4 address."""
_LOCAL = (ip_network("64:ff9b:1::/48"), ip_network("192.0.0.0/24"))
"""Networks of a machine or its provider that Python 3.11 takes for public ones."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


def normal_url(url: str) -> str:
    """The URL with its host in lower case, in ASCII, without a trailing dot, a default port or a fragment.

    Raises ToolError for what is not http(s), names no host, or could be read in two ways: user names, backslashes,
    control characters.
    """
    text = url.strip()
    if _UNWRITABLE.search(text):
        raise ToolError("The URL holds spaces, backslashes or control characters; percent-encode or leave them out.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ToolError(f"{text!r} is not a URL: {error}.") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise ToolError(f"Only http and https URLs can be fetched, not {parts.scheme or 'one without a scheme'!r}.")
    if "@" in parts.netloc:
        raise ToolError("The URL names a user before the host (user@host), which hides where it leads; leave that out.")
    host = _normal_host(parts)
    netloc = host if port is None or port == _DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))


def host_of(url: str) -> str:
    """The host of a normal URL, as a person reads it."""
    return urlsplit(url).hostname or ""


def same_place(url: str, other: str) -> bool:
    """Whether a redirect from one normal URL to another stays on the host, port and at least the safety of the first."""
    here, there = urlsplit(url), urlsplit(other)
    upgraded = (here.scheme, there.scheme) == ("http", "https") and here.port is None and there.port is None
    return here.hostname == there.hostname and ((here.scheme, here.port) == (there.scheme, there.port) or upgraded)


def openable(url: str) -> str:
    """The URL that a person's browser may be shown, in its one form; it is opened by the editor or as one argument of a
    program, never in a shell line. Raises ToolError for everything but https."""
    plain = normal_url(url)
    if not plain.startswith("https://"):
        raise ToolError(f"Only https addresses are opened in a browser, not {plain}.")
    return plain


def callback(url: str) -> str:
    """The URL that a sign-in may begin at or lead back to: https, or http on this machine alone. Raises ToolError."""
    plain = normal_url(url)
    if plain.startswith("https://") or host_of(plain) in _THIS_MACHINE:
        return plain
    raise ToolError(f"A sign-in is a page on https, or on http of this machine (127.0.0.1), not {plain}.")


def refusal(address: str, *, allow_private: bool) -> str | None:
    """Why nothing is fetched from this IP address; None when it is a public one, or private ones are allowed."""
    ip = ip_address(address.partition("%")[0])
    for each in (ip, *_embedded(ip)):
        if each in _METADATA:
            return f"{address} serves the credentials of a cloud machine"
        if each.is_multicast or each.is_unspecified:
            return f"{address} is not the address of one machine"
        if (not each.is_global or any(each in it for it in _LOCAL)) and not allow_private:
            return f"{address} is a private or local address; the setting allowPrivateAddresses would allow it"
    return None


def _normal_host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if not host or "%" in host:
        raise ToolError(
            "The URL names no host that can be looked up; expected something like https://example.com/page."
        )
    if ":" in host:
        return f"[{ip_address(host).compressed}]"
    if host.isascii():
        return host
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ToolError(f"The host name {host!r} is not valid: {error}.") from None


def _embedded(ip: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(ip, IPv4Address):
        return ()
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if any(ip in it for it in _EMBEDDING) and int(ip) >> 24:
        found.append(IPv4Address(int(ip) & 0xFFFFFFFF))
    return tuple(it for it in found if it is not None)
