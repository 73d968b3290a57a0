"""What is configured of MCP servers, over real folders: scopes, approval, variables, and what is wrong at its place."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.adapters.mcp.config import McpSources, configured
from claw_lsp.adapters.mcp.entries import examined
from claw_lsp.adapters.settings import TrustRecord, load
from claw_lsp.adapters.settings.seeking import Folder
from claw_lsp.facts.mcp import Configured, GivenServers, OAuthSettings, ServerConfig
from claw_lsp.facts.settings import Settings


class Places:
    """A home, a CLAW_HOME, a project folder and one that is managed."""

    def __init__(self, root: Path) -> None:
        self.home, self.folder, self.managed = root / "home", root / "home" / "project", root / "managed"
        self.claw_home = self.home / ".claw"
        self.folder.mkdir(parents=True)
        self.managed.mkdir()
        self.environment: dict[str, str] = {}
        self.session: dict[str, Any] = {}
        self.strict = False

    def write(self, path: Path, data: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data if isinstance(data, str) else json.dumps(data, indent=2), encoding="utf-8")
        return path

    def project(self, servers: object, inside: str = ".") -> Path:
        return self.write(self.folder / inside / ".mcp.json", {"mcpServers": servers})

    def own(self, servers: object = None, local: object = None, **more: object) -> Path:
        project = {"mcpServers": local or {}, **more}
        data = {"mcpServers": servers or {}, "projects": {str(self.folder): project}}
        return self.write(self.claw_home / "mcp.json", data)

    def settings(self, editor: dict[str, Any] | None = None) -> Settings:
        return load(
            home=str(self.home),
            claw_home=str(self.claw_home),
            folder=str(self.folder),
            command_line={},
            editor=editor or {},
        ).settings

    def read(self, settings: Settings | None = None, folder: Path | None = None) -> Configured:
        sources = McpSources(
            str(self.home),
            str(self.claw_home),
            self.environment,
            (GivenServers("--mcp-config", json.dumps({"mcpServers": self.session})),) if self.session else (),
            self.strict,
            (str(self.managed),),
            os.getuid(),
        )
        return configured(sources, str(folder or self.folder), settings or self.settings())

    def trust(self, folder: Path | None = None) -> None:
        """Say yes to all that the folder holds now."""
        record = TrustRecord(str(self.home), str(self.claw_home), self._seek, lambda: 0.0)
        here = str(folder or self.folder)

        async def said() -> None:
            await record.trust(here, (await record.sought(here)).waiting)

        asyncio.run(said())

    def _seek(self, folder: str) -> Folder:
        return load(
            home=str(self.home), claw_home=str(self.claw_home), folder=folder, command_line={}, editor={}
        ).sought


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def standings(found: Configured) -> dict[str, str]:
    return {it.config.name: f"{it.config.scope} {it.standing}" for it in found.servers}


def commands(found: Configured) -> dict[str, str]:
    return {it.config.name: it.config.command for it in found.servers if it.standing == "waiting"}


def test_nothing_is_configured_where_no_file_is(places: Places) -> None:
    assert places.read() == Configured()


def test_of_one_name_the_strongest_scope_counts(places: Places) -> None:
    places.write(places.home / ".claude.json", {"mcpServers": {"a": {"command": "claude"}}})
    assert commands(places.read()) == {"a": "claude"}
    places.own({"a": {"command": "user"}})
    assert commands(places.read()) == {"a": "user"}
    places.project({"a": {"command": "project"}})
    places.trust()
    assert commands(places.read()) == {"a": "project"}
    places.write(
        places.home / ".claude.json",
        {"projects": {str(places.folder): {"mcpServers": {"a": {"command": "theirs here"}}}}},
    )
    assert commands(places.read()) == {"a": "theirs here"}
    places.own({"a": {"command": "user"}}, {"a": {"command": "here"}})
    assert commands(places.read()) == {"a": "here"}
    places.session = {"a": {"command": "command line"}}
    assert commands(places.read()) == {"a": "command line"}
    places.write(places.managed / "managed-mcp.json", {"mcpServers": {"b": {"command": "managed"}}})
    assert commands(places.read()) == {"b": "managed"}


def test_strict_leaves_only_what_the_command_line_names(places: Places) -> None:
    places.own({"a": {"command": "user"}})
    places.session, places.strict = {"b": {"command": "b"}}, True
    assert standings(places.read()) == {"b": "session waiting"}


def test_managed_servers_count_only_from_files_that_nobody_else_can_write(places: Places) -> None:
    places.own({"a": {"command": "user"}})
    path = places.write(places.managed / "managed-mcp.json", {"mcpServers": {}})
    assert places.read().servers == ()
    path.chmod(0o666)
    found = places.read()
    assert commands(found) == {"a": "user"}
    assert "Others than root may write to" in found.problems[0].message


@pytest.mark.security_case("C10")
def test_an_entry_of_the_project_is_approved_as_it_stands_and_no_other(places: Places) -> None:
    places.project({"x": {"command": "a"}})
    assert standings(places.read()) == {"x": "project unapproved"}
    places.trust()
    assert standings(places.read()) == {"x": "project waiting"}
    places.project({"x": {"command": "b"}, "y": {"command": "c"}})
    found = places.read()
    assert standings(found) == {"x": "project unapproved", "y": "project unapproved"}
    assert found.servers[0].why == ("It was changed since you approved it (claw.mcp approves it, claw.trust all).")
    places.project({"x": {"args": [], "command": "a"}})
    assert standings(places.read()) == {"x": "project unapproved"}, "another content, if only by an empty list"


@pytest.mark.security_case("C04")
def test_a_repository_does_not_approve_its_own_servers(places: Places) -> None:
    places.project({"x": {"command": "touch", "args": ["p"]}})
    for name in ("settings.json", "settings.local.json"):
        asked = {"enableAllProjectMcpServers": True, "enabledMcpjsonServers": ["x"], "allowedMcpServers": []}
        places.write(places.folder / ".claude" / name, asked)
    assert standings(places.read()) == {"x": "project unapproved"}
    places.trust()
    places.project({"x": {"command": "touch", "args": ["q"]}})
    assert standings(places.read()) == {"x": "project unapproved"}


def test_a_server_of_a_repository_takes_no_place_before_it_is_approved(places: Places) -> None:
    places.own({"db": {"command": "mine"}})
    places.project({"db": {"command": "theirs"}, "broken": {"command": 3}})
    assert commands(places.read()) == {"db": "mine"}
    places.trust()
    assert commands(places.read()) == {"db": "theirs"}


def test_ones_own_settings_approve_by_name_in_folders_that_are_trusted(places: Places) -> None:
    places.write(places.claw_home / "settings.json", {"enabledMcpjsonServers": ["x"]})
    places.project({"x": {"command": "a"}, "y": {"command": "b"}})
    assert commands(places.read()) == {}, "nobody trusted the folder"
    places.trust()
    places.project({"x": {"command": "a2"}, "y": {"command": "b2"}})
    assert commands(places.read()) == {"x": "a2"}
    places.write(places.claw_home / "settings.json", {"enableAllProjectMcpServers": True})
    assert commands(places.read()) == {"x": "a2", "y": "b2"}
    assert commands(places.read(places.settings({"workspaceTrusted": False}))) == {}


def test_a_project_may_forbid_its_servers_and_any(places: Places) -> None:
    places.own({"mine": {"type": "http", "url": "https://a.example/mcp"}})
    places.project({"x": {"command": "a"}})
    places.trust()
    denied = {"disabledMcpjsonServers": ["x"], "deniedMcpServers": [{"serverUrl": "https://*.example/*"}]}
    places.write(places.folder / ".claude" / "settings.json", denied)
    found = places.read()
    assert [(it.config.name, it.standing, it.why) for it in found.servers] == [
        ("mine", "refused", "deniedMcpServers rules it out."),
        ("x", "disabled", "disabledMcpjsonServers names it."),
    ]


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        (None, ["run", "web"]),
        ([], []),
        ([{"serverName": "run"}], ["run"]),
        ([{"serverName": "run"}, {"serverCommand": ["npx", "other"]}], []),
        ([{"serverCommand": ["npx", "it"]}], ["run"]),
        ([{"serverCommand": ["npx", "it"]}, {"serverName": "web"}], ["run", "web"]),
        ([{"serverUrl": "https://*/mcp"}, {"serverName": "run"}], ["run", "web"]),
        ([{"serverUrl": "http://*"}], []),
    ],
)
def test_the_only_servers_that_are_allowed(places: Places, rules: Any, left: list[str]) -> None:
    places.own({"run": {"command": "npx", "args": ["it"]}, "web": {"type": "http", "url": "https://w.example/mcp"}})
    places.write(places.claw_home / "settings.json", {} if rules is None else {"allowedMcpServers": rules})
    found = places.read()
    assert [it.config.name for it in found.servers if it.standing == "waiting"] == left
    assert all(it.why == "allowedMcpServers does not have it." for it in found.servers if it.standing == "refused")


def test_a_server_that_was_switched_off_here_is_disabled_here_only(places: Places) -> None:
    places.own({"a": {"command": "a"}}, disabledMcpServers=["a"])
    assert standings(places.read()) == {"a": "user disabled"}
    assert standings(places.read(folder=places.home)) == {"a": "user waiting"}


def test_the_files_of_the_folders_around_count_up_to_the_root_of_the_repository(places: Places) -> None:
    inner = places.folder / "packages" / "one"
    inner.mkdir(parents=True)
    places.write(places.home / ".mcp.json", {"mcpServers": {"outside": {"command": "no"}}})
    places.project({"a": {"command": "root"}, "b": {"command": "root"}})
    places.project({"a": {"command": "near"}}, "packages/one")
    assert list(standings(places.read(folder=inner))) == ["a"]
    subprocess.run(["git", "init", "-q", str(places.folder)], check=True)
    assert standings(places.read(folder=inner)) == {"a": "project unapproved", "b": "project unapproved"}
    places.trust(inner)
    assert commands(places.read(folder=inner)) == {"a": "near", "b": "root"}


def test_the_whole_of_an_entry_is_read(places: Places) -> None:
    places.environment = {"HOST": "h.example", "EMPTY": "", "KEY": "k-1"}
    entry = {
        "type": "streamable-http",
        "url": "https://${HOST}/${PATH_OF:-mcp}",
        "headers": {"X-Key": "${KEY}", "X-Other": "${EMPTY:-none} $KEY"},
        "headersHelper": "helper ${KEY}",
        "oauth": {"clientId": "me", "callbackPort": 8080, "scopes": "a b", "authServerMetadataUrl": "https://as/x"},
        "timeout": 1500,
        "alwaysLoad": True,
    }
    file = places.own({"web": entry, "old": {"type": "sse", "url": "http://127.0.0.1:9/sse"}, "run": {"command": "x"}})
    web, old, run = (it.config for it in places.read().servers)
    assert web == ServerConfig(
        name="web",
        scope="user",
        transport="http",
        url="https://h.example/mcp",
        headers={"X-Key": "k-1", "X-Other": "none $KEY"},
        headers_helper="helper ${KEY}",
        oauth=OAuthSettings(
            client_id="me", callback_port=8080, scopes=("a", "b"), auth_server_metadata_url="https://as/x"
        ),
        timeout=1.5,
        always_load=True,
        file=str(file),
        digest=web.digest,
    )
    assert (old.transport, run.transport, len({web.digest, old.digest, run.digest})) == ("sse", "stdio", 3)
    places.environment["KEY"] = "k-2"
    assert places.read().servers[0].config.digest != web.digest


FAULTS = [
    ({"url": "https://x"}, 'x.url: a url needs "type": "http", or "sse" for an older server.'),
    ({"type": "ws", "url": "wss://x"}, "x.type: claw-lsp does not speak MCP over WebSocket"),
    ({"type": "stdio"}, 'x: a server needs a "command"'),
    ({}, 'x: a server needs a "command"'),
    ({"type": "http"}, 'x: a server of type http needs a "url".'),
    ({"type": "http", "url": "file:///etc"}, "x.url: expected an address that begins with https:// or http://."),
    ({"type": "http", "url": "https://"}, "x.url: expected an address"),
    ({"type": "http", "url": "http://[::1"}, "x.url: expected an address"),
    ({"type": "odd", "url": "https://x"}, "x.type: expected 'stdio', 'http'"),
    ({"command": 3}, "x.command: expected a valid string."),
    ({"command": "a", "args": ["b", 3]}, "x.args.1: expected a valid string."),
    ({"command": "a", "env": {"A": 3}}, "x.env.A: expected a valid string."),
    ({"command": "a", "timeout": 0}, "x.timeout: expected greater than 0."),
    ({"command": "a", "alwaysLoad": "yes"}, "x.alwaysLoad: expected a valid boolean."),
    (
        {"type": "http", "url": "https://x", "oauth": {"callbackPort": 70000}},
        "x.oauth.callbackPort: expected less than",
    ),
    ({"command": "${GONE}"}, "x.command: the environment variable GONE is not set; set it, or write ${GONE:-default}."),
    ({"command": "a", "env": {"A": "${GONE}"}}, "x.env: the environment variable GONE is not set"),
    ("npx it", 'x: expected an object such as {"command": "…", "args": […]}.'),
]


@pytest.mark.parametrize(("entry", "said"), FAULTS, ids=[said[:40] for _, said in FAULTS])
def test_what_is_wrong_is_told_at_its_place_and_hides_no_other(places: Places, entry: Any, said: str) -> None:
    file = places.own({"x": entry, "good": {"command": "g"}})
    found = places.read()
    assert commands(found) == {"good": "g"}
    [problem] = found.problems
    assert (problem.path, problem.message.startswith(f"mcpServers.{said}")) == (str(file), True), problem.message
    assert problem.message.endswith("This server is left out.")
    assert '"x"' in file.read_text().splitlines()[problem.line - 1] or problem.line > 3
    assert found.servers[0].standing == "failed"
    assert found.servers[0].why.startswith(f"mcpServers.{said}")


def test_a_field_that_nobody_knows_is_told_and_harms_nothing(places: Places) -> None:
    file = places.own({"x": {"command": "a", "cwd": "/", "oauth": {"odd": 1}}})
    found = places.read()
    assert commands(found) == {"x": "a"}
    assert [it.message for it in found.problems] == [
        "mcpServers.x.cwd: there is no such field; it is not read.",
        "mcpServers.x.oauth.odd: there is no such field; it is not read.",
    ]
    assert "cwd" in file.read_text().splitlines()[found.problems[0].line - 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This is not valid JSON"),
        ("[]", 'Expected an object {"mcpServers"'),
        ('{"mcpServers": []}', "mcpServers: expected an object of servers by name."),
        ("[" * 100_000, "This JSON is nested too deep"),
    ],
)
def test_a_file_that_cannot_be_read_leaves_the_others(places: Places, text: str, said: str) -> None:
    places.own({"a": {"command": "a"}})
    path = places.write(places.folder / ".mcp.json", text)
    found = places.read()
    assert commands(found) == {"a": "a"}
    assert [(it.path, it.message[: len(said)]) for it in found.problems] == [(str(path), said)]


def test_a_key_of_ours_goes_to_no_server_of_a_project(places: Places) -> None:
    places.environment = {"ANTHROPIC_API_KEY": "sk-ant-0123456789"}
    entry = {"type": "http", "url": "https://x", "headers": {"K": "${ANTHROPIC_API_KEY}"}}
    places.project({"x": entry})
    places.trust()
    found = places.read()
    assert found.servers[0].standing == "failed"
    assert "is how claw-lsp reaches its provider" in found.servers[0].why
    places.own({"x": entry})
    assert places.read().servers[0].standing == "failed", "what was approved takes the place"
    places.own(local={"x": entry})
    assert places.read().servers[0].config.headers == {"K": "sk-ant-0123456789"}


def test_the_text_of_an_open_file_is_examined_without_the_variables_of_this_machine(places: Places) -> None:
    good = {"mcpServers": {"a": {"type": "http", "url": "http://localhost:${PORT}/x", "headers": {"A": "${B}"}}}}
    assert examined("\ufeff" + json.dumps(good), "/p/.mcp.json") == ()
    assert examined('{"a": {"command": "x"}}', "/p/.mcp.json") == (), "some write servers at the top"
    [problem] = examined('{"mcpServers": {\n  "a": {"url": "x"}}}', "/p/.mcp.json")
    assert (problem.line, problem.column) == (2, 9)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["http", "stdio", "${A}", "npx"]),
    lambda it: (
        st.lists(it, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["mcpServers", "type", "url", "command", "args", "env", "headers", "oauth", "timeout", "x"]
            ),
            it,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON, st.integers(0, 200))
def test_no_text_whatever_raises(data: Any, cut: int) -> None:
    whole = json.dumps(data)
    for text in (whole, whole[:cut]):
        for it in examined(text, "/p/.mcp.json"):
            assert it.line >= 1 and it.column >= 1 and it.message
