"""Where the key comes from and where it never goes: helper commands, the environments of children."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import claw_lsp
from claw_lsp.adapters.claude.client import ClaudeModel, Limits
from claw_lsp.adapters.claude.credentials import Credential, find, from_helper
from claw_lsp.adapters.process.environment import allowed
from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.adapters.ripgrep import Ripgrep
from claw_lsp.adapters.settings import load
from claw_lsp.app.house import find_key, own_settings
from claw_lsp.app.world import World
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.search import Query
from claw_lsp.ports.processes import ShellLine
from claw_lsp.testing.fakes import FakeClock
from claw_lsp.testing.messages_api import MessagesApi, script
from tests.wire.claude_line import Ears, ask

KEYS = {"ANTHROPIC_API_KEY": "sk-ant-x", "GITHUB_TOKEN": "ghp_xxxxxxxx", "AWS_SECRET_ACCESS_KEY": "yyyyyyyy"}


def no_keyring() -> None:
    return None


def test_a_helper_prints_the_key_behind_environment_and_keyring(tmp_path: Path) -> None:
    home, helper = str(tmp_path), "echo sk-helped; echo noise >&2"
    found = find({"PATH": os.environ["PATH"]}, home, helper=helper, from_keyring=no_keyring)
    assert found == Credential("api_key", "sk-helped", "the apiKeyHelper of your settings", 300.0)
    ring = find({}, home, helper=helper, from_keyring=lambda: "ring")
    assert ring is not None and ring.source == "the system keyring"
    first = find({"ANTHROPIC_API_KEY": "sk-env"}, home, helper="exit 1", from_keyring=no_keyring)
    assert first is not None and first.secret == "sk-env"


@pytest.mark.parametrize(
    ("helper", "why"),
    [
        ("echo sk-half; echo sk-noise >&2; exit 3", "exit code 3"),
        ("true", "empty"),
        ("echo sk-one; echo sk-two", "empty or holds a space"),
        ("kill -9 $$", "exit code -9"),
        ("no-such-program-here", "exit code 127"),
    ],
)
def test_a_helper_that_fails_is_said_to_without_what_it_printed(helper: str, why: str) -> None:
    with pytest.raises(ModelError, match="apiKeyHelper") as caught:
        from_helper(helper, {"PATH": os.environ["PATH"]})
    assert why in str(caught.value)
    assert "sk-" not in str(caught.value)
    assert caught.value.reason == "no_key"


def test_a_helper_that_hangs_is_given_up_with_all_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    with pytest.raises(ModelError, match=r"within 0\.2 s"):
        from_helper(f"(sleep 1; touch {mark}) & sleep 60", {"PATH": os.environ["PATH"]}, seconds=0.2)
    deadline = time.monotonic() + 1.2
    while time.monotonic() < deadline:
        assert not mark.exists()
        time.sleep(0.05)


@pytest.mark.parametrize("file", ["settings.json", "settings.local.json"])
def test_only_the_persons_own_settings_name_a_helper(tmp_path: Path, file: str) -> None:
    home, folder = tmp_path / "home", tmp_path / "ws"
    for inside in (folder / ".claw", home / ".claw"):
        inside.mkdir(parents=True)
    (folder / ".claw" / file).write_text('{"apiKeyHelper": "touch p"}')
    said = {"apiKeyHelper": "touch q"}
    where = {"home": str(home), "claw_home": str(home / ".claw"), "folder": str(folder), "command_line": {}}
    loaded = load(**where, editor=said)
    assert loaded.settings.api_key_helper is None
    assert sum("apiKeyHelper" in it for it in loaded.withheld) == 2
    world = World({"PATH": os.environ["PATH"]}, str(home), str(home / ".claw"), str(folder))
    assert find_key(world, own_settings(world)) is None
    (home / ".claw" / "settings.json").write_text('{"apiKeyHelper": "echo sk-mine"}')
    found = find_key(world, own_settings(world))
    assert found is not None and found.secret == "sk-mine"


class Vault:
    """A helper's keys, one after the other; how often it was asked."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.n_asked = 0

    def __call__(self) -> Credential:
        self.n_asked += 1
        return Credential("api_key", self.keys.pop(0) if len(self.keys) > 1 else self.keys[0], "the helper", 300.0)


async def test_a_helpers_key_is_asked_for_anew_after_five_minutes() -> None:
    vault, clock = Vault("sk-ant-scripted"), FakeClock()
    async with MessagesApi(script("a", "b", "c")) as api:
        model = ClaudeModel(vault, clock, base_url=api.url, limits=Limits())
        for passed, n_asked in ((0.0, 1), (299.0, 1), (2.0, 2)):
            await clock.sleep(passed)
            await model.consult(ask(), Ears())
            assert vault.n_asked == n_asked
        await model.close()


async def test_a_helpers_key_that_was_refused_is_asked_for_anew_once() -> None:
    vault = Vault("sk-old", "sk-ant-scripted")
    async with MessagesApi(script("Hello.")) as api:
        model = ClaudeModel(vault, FakeClock(), base_url=api.url, limits=Limits())
        reply = await model.consult(ask(), Ears())
        await model.close()
    assert reply.blocks == ({"type": "text", "text": "Hello."},)
    assert vault.n_asked == 2
    vault = Vault("sk-old", "sk-older", "sk-ant-scripted")
    async with MessagesApi(script("Hello.")) as api:
        model = ClaudeModel(vault, FakeClock(), base_url=api.url, limits=Limits())
        with pytest.raises(ModelError) as caught:
            await model.consult(ask(), Ears())
        await model.close()
        api.requests.clear()
    assert (caught.value.reason, vault.n_asked) == ("authentication_failed", 2)
    assert "sk-old" not in str(caught.value)


@pytest.mark.security_case("S01", "M05")
def test_what_we_start_gets_no_credential_of_ours(tmp_path: Path) -> None:
    parent = KEYS | {
        "PATH": "/bin",
        "LC_ALL": "C",
        "LC_MY_TOKEN": "t",
        "MY_PASSWORD": "p",
        "SSH_AUTH_SOCK": "/s",
        "http_proxy": "http://me:pw@proxy:1",
        "https_proxy": "http://proxy:1",
        "DATABASE_URL": "postgres://me:pw@db/x",
    }
    given = allowed(parent)
    assert {"PATH", "LC_ALL", "SSH_AUTH_SOCK", "https_proxy"} <= set(given)
    assert not set(given) & {*KEYS, "LC_MY_TOKEN", "MY_PASSWORD", "http_proxy", "DATABASE_URL"}


@pytest.mark.security_case("S01")
async def test_a_command_sees_no_key_unless_the_person_set_it(tmp_path: Path) -> None:
    processes = ShellProcesses({**os.environ, **KEYS}, str(tmp_path / "output"))

    async def unheard(line: str) -> None:
        """Lines that nobody looks at."""

    bare = await processes.run(ShellLine("env", str(tmp_path), 10, "c1", "s"), unheard)
    given = await processes.run(ShellLine("env", str(tmp_path), 10, "c2", "s", {"GITHUB_TOKEN": "mine"}), unheard)
    await processes.close()
    assert "PATH=" in bare.output
    assert not any(name in bare.output or value in bare.output for name, value in KEYS.items())
    assert "GITHUB_TOKEN=mine" in given.output


async def test_the_search_program_gets_no_environment_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its configuration file is named by a variable, and could make it run a program for each file."""
    program, seen = tmp_path / "rg", tmp_path / "seen"
    program.write_text(f"#!/bin/sh\n/usr/bin/env > {seen}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-x")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(tmp_path / "config"))
    (tmp_path / "a.txt").write_text("a\n")
    await Ripgrep(str(program)).matches(Query("a"), str(tmp_path))
    names = {it.partition("=")[0] for it in seen.read_text().splitlines()}
    assert names <= {"PWD", "_", "SHLVL", "OLDPWD", "PATH"}


RINGS = [
    (
        "get_keyring = lambda: type('R', (), {'priority': 5})()\nget_password = lambda *of: 'ring-' + of[0] + of[1]",
        "ring-claw-lspanthropic",
    ),
    ("get_keyring = lambda: type('R', (), {'priority': 5})()\nget_password = lambda *of: None", None),
    ("get_keyring = lambda: type('Fail', (), {'priority': 0})()\nget_password = lambda *of: 'never asked'", None),
    ("get_keyring = lambda: type('Null', (), {'priority': -1})()\nget_password = lambda *of: 'never asked'", None),
    ("from keyring.errors import KeyringError\ndef get_keyring(): raise KeyringError('locked')", None),
    ("def get_keyring(): raise RuntimeError('no bus')", None),
    ("", None),
]


@pytest.mark.parametrize(("ring", "secret"), RINGS, ids=range(len(RINGS)))
def test_a_keyring_without_a_real_backend_is_no_key(tmp_path: Path, ring: str, secret: str | None) -> None:
    """In a process of its own, with a package `keyring` made for it, or none."""
    if ring:
        (tmp_path / "keyring").mkdir()
        (tmp_path / "keyring" / "__init__.py").write_text(ring)
        (tmp_path / "keyring" / "errors.py").write_text("class KeyringError(Exception): pass")
    asking = "from claw_lsp.adapters.claude.credentials import keyring_secret; print(keyring_secret())"
    path = os.pathsep.join([str(tmp_path), str(Path(claw_lsp.__file__).parents[1])])
    ran = subprocess.run(
        [sys.executable, "-c", asking],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert ran.stdout == f"{secret}\n"


def test_the_keyring_is_imported_by_nothing_but_the_search_for_a_key() -> None:
    asking = "import sys, claw_lsp.app.house, claw_lsp.adapters.claude.client; print('keyring' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", asking], env=dict(os.environ), capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"
