"""Logins to MCP servers in real processes with the package `keyring`: kept there where it keeps, else in a file of the person's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.command_line import Shell, heard, shell
from tests.wire.oauth_desk import Browser, Desk, serving

pytestmark = pytest.mark.timeout(240)


def with_keyring(tmp_path: Path, backend: str) -> Shell:
    return shell(tmp_path, PYTHON_KEYRING_BACKEND=backend, KEYRING_FILE=str(tmp_path / "ring.json"))


async def logged_in(it: Shell, desk: Desk) -> None:
    """Log in to the server `web` with the command, and see that it lets us in."""
    assert (await it.claw("mcp", "add", "-t", "http", "web", desk.url)).code == 0
    process = await it.start("mcp", "login", "web")
    await Browser().visit((await heard(process.stdout, f"{desk.base}/authorize")).splitlines()[-1])
    out, err = await process.communicate()
    assert (process.returncode, out.decode(), err.decode()) == (0, "You are logged in to web.\n", "")
    assert "standing:   up\n" in (await it.claw("mcp", "get", "web", "--timeout", "120")).out


async def test_a_login_is_kept_in_the_keyring_and_nowhere_else_and_forgotten_there(tmp_path: Path) -> None:
    async with serving(Desk()) as desk:
        it = with_keyring(tmp_path, "tests.e2e.keyrings.Keeping")
        await logged_in(it, desk)
        [(name, kept)] = json.loads((tmp_path / "ring.json").read_text()).items()
        assert name.startswith("claw-lsp mcp/web ")
        token = json.loads(kept)["tokens"]["access_token"]
        assert token in desk.tokens
        files = [one for one in (it.home / "claw").rglob("*") if one.is_file()]
        assert files and not [one for one in files if token in one.read_text("utf-8", "replace")]
        assert (await it.claw("mcp", "logout", "web")).out == "The login to web is forgotten.\n"
        assert json.loads((tmp_path / "ring.json").read_text()) == {}


@pytest.mark.parametrize(
    "backend", ["keyring.backends.fail.Keyring", "tests.e2e.keyrings.Locked", "tests.e2e.keyrings.Forgetting"]
)
async def test_where_no_keyring_keeps_it_a_login_is_in_a_file_of_the_persons_alone(
    tmp_path: Path, backend: str
) -> None:
    async with serving(Desk()) as desk:
        it = with_keyring(tmp_path, backend)
        await logged_in(it, desk)
        file = it.home / "claw" / "mcp-logins.json"
        assert file.stat().st_mode & 0o777 == 0o600
        [login] = json.loads(file.read_text()).values()
        assert login["tokens"]["access_token"] in desk.tokens
        assert (await it.claw("mcp", "logout", "web")).out == "The login to web is forgotten.\n"
        assert "access_token" not in file.read_text()
