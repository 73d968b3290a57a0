"""A layout as a profile of macOS's Seatbelt. Its text is tested; it has not been run: nobody here has a Mac."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from claw_lsp.adapters.sandbox import bubblewrap
from claw_lsp.adapters.sandbox.finding import SANDBOX_EXEC
from claw_lsp.adapters.sandbox.layout import Layout
from claw_lsp.facts.sandbox import SandboxSettings

_TEMPORARY = ("/private/tmp", "/private/var/tmp", "/private/var/folders")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty")
_FAREWELL = "/dev/fd"


def profile(settings: SandboxSettings, layout: Layout) -> str:
    """The rules; of several that match the last one counts, so they stand in the order of the mounts."""
    return "\n".join(["(version 1)", *_files(layout), *_network(settings), ""])


class Seatbelted:
    """Fills `Confined`. Nothing has to be made on the disk: a rule holds for what does not exist, too."""

    def __init__(self, settings: SandboxSettings, layout: Layout) -> None:
        self._profile = profile(settings, layout)
        self._settings = settings

    @property
    def fds(self) -> tuple[int, ...]:
        return ()

    def inside(self, argv: Sequence[str], environment: Mapping[str, str]) -> tuple[tuple[str, ...], Mapping[str, str]]:
        hidden, kept = bubblewrap.divided(environment)
        ports = {"HTTP": self._settings.sandbox_http_port, "ALL": self._settings.sandbox_socks_port}
        for name, port in ports.items():
            if port is not None:
                scheme = "http" if name == "HTTP" else "socks5h"
                names = ("HTTP_PROXY", "HTTPS_PROXY") if name == "HTTP" else ("ALL_PROXY",)
                kept |= {it: f"{scheme}://127.0.0.1:{port}" for upper in names for it in (upper, upper.lower())}
        words = tuple(f"{name}={value}" for name, value in hidden.items())
        return (SANDBOX_EXEC, "-p", self._profile, "/usr/bin/env", *words, *argv), kept

    async def leave(self) -> tuple[str, ...]:
        return ()


def _files(layout: Layout) -> Iterator[str]:
    yield "(allow default)"
    yield "(deny file-write*)"
    yield _rule("allow", "file-write*", "subpath", *_TEMPORARY, _FAREWELL)
    yield _rule("allow", "file-write*", "literal", *_DEVICES)
    for mount in layout.mounts:
        match mount.kind:
            case "write":
                yield _rule("allow", "file-read* file-write*", "subpath", mount.path)
            case "read":
                yield _rule("allow", "file-read*", "subpath", mount.path)
                yield _rule("deny", "file-write*", "subpath", mount.path)
            case "hide":
                yield _rule("deny", "file-read* file-write*", "subpath", mount.path)
    for it in layout.placeholders:
        yield _rule("deny", "file-write*", "subpath", it.path)
    # Whoever moves a folder away that holds something protected, moves that away, too.
    held = [mount.path for mount in layout.mounts if mount.kind != "write" or mount.path.endswith("/.git")]
    for path in dict.fromkeys((*layout.roots, *held)):
        yield _rule("deny", "file-write-unlink", "literal", path)


def _network(settings: SandboxSettings) -> Iterator[str]:
    yield "(deny network*)"
    ports = [it for it in (settings.sandbox_http_port, settings.sandbox_socks_port) if it is not None]
    for port in ports:
        yield f'(allow network-outbound (remote ip "localhost:{port}"))'
    if settings.sandbox_listens:
        yield '(allow network-bind network-inbound (local ip "localhost:*"))'
    for path in settings.sandbox_sockets:
        yield f"(allow network* (remote unix-socket (path-literal {_text(path)})))"
    yield "(deny signal (target others))"
    yield '(deny mach-lookup (global-name "com.apple.SecurityServer"))'
    yield "(deny appleevent-send)"


def _rule(action: str, operations: str, kind: str, *paths: str) -> str:
    return f"({action} {operations} {' '.join(f'({kind} {_text(it)})' for it in paths)})"


def _text(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
