"""Entries of MCP servers in the text of a file: each read by itself, so that one that is wrong hides no other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import ValidationError

from claw_lsp.adapters.settings.place import Keys, place
from claw_lsp.core.approvals import canonical, digest, ours
from claw_lsp.core.redaction import redacted
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import OAuthSettings, Scope, ServerConfig, Transport
from claw_lsp.facts.mcp_file import OAuthEntry, ServerEntry
from claw_lsp.facts.settings import Problem

MOST_SERVERS, MOST_PROBLEMS = 200, 20
"""How many entries of one file are read, and how many of its problems told."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_KNOWN = {it.alias or name for name, it in ServerEntry.model_fields.items()}
_KNOWN_OF_LOGIN = {it.alias or name for name, it in OAuthEntry.model_fields.items()}
_TRANSPORTS: Mapping[str | None, Transport] = {
    "stdio": "stdio",
    "http": "http",
    "streamable-http": "http",
    "sse": "sse",
    None: "stdio",
}


@dataclass(frozen=True, slots=True)
class Read:
    """One entry: `content` is what stands there, and what an approval is bound to; `why` says what is wrong with it, "" for an
    entry that can be used."""

    config: ServerConfig
    content: Any
    why: str = ""


@dataclass(slots=True)
class Text:
    """A file of entries and what is wrong in it. `at` is the way to its `mcpServers`."""

    path: str
    text: str
    at: Keys = ("mcpServers",)
    problems: list[Problem] = field(default_factory=list[Problem])

    def note(self, keys: Keys, message: str) -> None:
        """Note a problem at its place; of a file with very many, the first ones."""
        if len(self.problems) < MOST_PROBLEMS:
            line, column = place(self.text, keys)
            self.problems.append(Problem(self.path, line, column, redacted(message)))


def parsed(file: Text) -> dict[str, Any]:
    """The JSON object of the text; an empty one, and a problem, where it is none."""
    if not file.text.strip():
        return {}
    left = "No server of this file is used until it is mended."
    try:
        data = json.loads(file.text)
    except json.JSONDecodeError as error:
        message = f"This is not valid JSON: {error.msg}. {left}"
        file.problems.append(Problem(file.path, error.lineno, error.colno, message))
        return {}
    except (ValueError, RecursionError):
        message = f"This JSON is nested too deep or holds a number too long. {left}"
        file.problems.append(Problem(file.path, 1, 1, message))
        return {}
    if not isinstance(data, dict):
        file.problems.append(Problem(file.path, 1, 1, f'Expected an object {{"mcpServers": {{…}}}}. {left}'))
        return {}
    return cast("dict[str, Any]", data)


def servers_of(data: Mapping[str, Any]) -> tuple[Keys, Any]:
    """Where the entries stand in a .mcp.json: under `mcpServers`, or, as some write it, at the top."""
    if "mcpServers" in data or not any(isinstance(it, dict) and {"command", "url"} & it.keys() for it in data.values()):
        return ("mcpServers",), data.get("mcpServers")
    return (), {name: it for name, it in data.items() if name != "$schema"}


def entries(file: Text, found: Any, scope: Scope, environment: Mapping[str, str] | None) -> Iterator[Read]:
    """Every entry, usable or not. Variables are filled in from `environment`, or left as they are where it is None."""
    if found is None:
        return
    if not isinstance(found, dict):
        file.note(file.at, "mcpServers: expected an object of servers by name. No server of this file is used.")
        return
    for n, (name, content) in enumerate(cast("dict[str, Any]", found).items()):
        if n == MOST_SERVERS:
            file.note((*file.at, name), f"Only the first {MOST_SERVERS} servers of a file are read.")
            return
        yield _entry(file, name, content, scope, environment)


def examined(text: str, path: str) -> tuple[Problem, ...]:
    """What is wrong in the text of a .mcp.json, as it stands in an editor. A variable may be missing there: it is told where
    the server would be started."""
    file = Text(path, text.removeprefix("\ufeff"))
    file.at, found = servers_of(parsed(file))
    for _ in entries(file, found, "project", None):
        pass
    return tuple(file.problems)


def _entry(file: Text, name: str, content: Any, scope: Scope, environment: Mapping[str, str] | None) -> Read:
    at: Keys = (*file.at, name)
    try:
        config = _config(file, at, name, content, scope, environment)
    except _Wrong as error:
        why = f"mcpServers.{error}"
        file.note((*at, *error.inside), f"{why} This server is left out.")
        return Read(ServerConfig(name=name, scope=scope, transport="stdio", file=file.path), content, redacted(why))
    return Read(config, content)


class _Wrong(ClawError):
    """An entry cannot be used; `inside` is where in it."""

    def __init__(self, message: str, *inside: str | int) -> None:
        super().__init__(message)
        self.inside = inside


def _config(
    file: Text, at: Keys, name: str, content: Any, scope: Scope, environment: Mapping[str, str] | None
) -> ServerConfig:
    if not name.strip() or not name.isprintable():
        raise _Wrong(f"{name!r}: a server needs a name of plain letters.")
    if not isinstance(content, dict):
        raise _Wrong(f'{name}: expected an object such as {{"command": "…", "args": […]}}.')
    facts = cast("dict[str, Any]", content)
    entry = _validated(name, facts)
    _tell_odd(file, at, name, facts)
    fill = _filling(name, environment, of_person=scope != "project")
    transport = _transport(name, entry)
    values = {
        "command": fill("command", entry.command or ""),
        "args": tuple(fill("args", it) for it in entry.args),
        "env": {key: fill("env", it) for key, it in entry.env.items()},
        "url": fill("url", entry.url or ""),
        "headers": {key: fill("headers", it) for key, it in entry.headers.items()},
    }
    if transport == "stdio":
        values |= {"url": "", "headers": {}}
    else:
        _check_address(name, cast("str", values["url"]))
        values |= {"command": "", "args": (), "env": {}, "headers_helper": entry.headers_helper or ""}
    config = ServerConfig.model_validate(
        {
            **values,
            "name": name,
            "scope": scope,
            "transport": transport,
            "oauth": _login(entry.oauth),
            "timeout": entry.timeout and entry.timeout / 1000,
            "always_load": entry.always_load,
            "file": file.path,
        }
    )
    said = config.model_dump(exclude={"file", "digest", "scope"})
    return config.model_copy(update={"digest": digest("MCP server", canonical(said))})


def _validated(name: str, facts: Mapping[str, Any]) -> ServerEntry:
    try:
        return ServerEntry.model_validate(facts)
    except ValidationError as error:
        # What stands there is not repeated: it may be a secret.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        wrong = first["msg"].replace("Input should be", "expected", 1)
        inside = tuple(it for it in first["loc"] if it not in ("str", "tuple[str, ...]"))
        raise _Wrong(f"{'.'.join(map(str, (name, *inside)))}: {wrong}.", *inside) from error


def _tell_odd(file: Text, at: Keys, name: str, facts: Mapping[str, Any]) -> None:
    """Tell of fields that nobody reads; the server is used all the same."""
    login = facts.get("oauth")
    inside = cast("dict[str, Any]", login) if isinstance(login, dict) else {}
    odd: list[Keys] = [(it,) for it in facts if it not in _KNOWN]
    odd += [("oauth", it) for it in inside if it not in _KNOWN_OF_LOGIN]
    for keys in odd:
        where = ".".join(map(str, (name, *keys)))
        file.note((*at, *keys), f"mcpServers.{where}: there is no such field; it is not read.")


def _transport(name: str, entry: ServerEntry) -> Transport:
    """How one speaks with the server. Raises _Wrong."""
    if entry.type == "ws":
        raise _Wrong(
            f"{name}.type: claw-lsp does not speak MCP over WebSocket; ask for the server's http address.", "type"
        )
    if entry.type is None and entry.url is not None:
        raise _Wrong(f'{name}.url: a url needs "type": "http", or "sse" for an older server.', "url")
    transport = _TRANSPORTS[entry.type]
    if transport == "stdio" and not (entry.command or "").strip():
        raise _Wrong(f'{name}: a server needs a "command", or a "url" with "type": "http".')
    if transport != "stdio" and not (entry.url or "").strip():
        raise _Wrong(f'{name}: a server of type {entry.type} needs a "url".')
    return transport


def _check_address(name: str, url: str) -> None:
    if _VARIABLE.search(url):
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        good = False
    if not good:
        raise _Wrong(f"{name}.url: expected an address that begins with https:// or http://.", "url")


def _login(entry: OAuthEntry | None) -> OAuthSettings | None:
    if entry is None:
        return None
    scopes = tuple(entry.scopes.split()) if isinstance(entry.scopes, str) else entry.scopes or ()
    return OAuthSettings(
        client_id=entry.client_id,
        callback_port=entry.callback_port,
        scopes=scopes,
        auth_server_metadata_url=entry.metadata_url,
    )


def _filling(name: str, environment: Mapping[str, str] | None, *, of_person: bool) -> Callable[[str, str], str]:
    """Fills variables into a text of a field; raises _Wrong for one that is missing, or that no project's entry may have."""

    def fill(key: str, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            variable, default = match.group(1), match.group(2)
            if not of_person and ours(variable):
                raise _Wrong(
                    f"{name}.{key}: {variable} is how claw-lsp reaches its provider, and no project's server gets it.",
                    key,
                )
            if environment is None:
                return match.group()
            if (found := environment.get(variable)) is not None and (found or default is None):
                return found
            if default is None:
                raise _Wrong(
                    f"{name}.{key}: the environment variable {variable} is not set; set it, or write"
                    f" ${{{variable}:-default}}.",
                    key,
                )
            return default

        return _VARIABLE.sub(value, text)

    return fill
