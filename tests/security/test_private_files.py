"""S03: what is remembered about a folder is for its owner alone, in a world that keeps no file private by itself. What a
session writes is looked at in tests/e2e/test_secrets.py."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from claw_lsp.adapters.private import make_private
from claw_lsp.adapters.settings import RuleMemory
from claw_lsp.adapters.settings.files import write_whole
from claw_lsp.app.house import build
from claw_lsp.app.world import World


@pytest.fixture(params=[0o000, 0o022, 0o077])
def careless(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.security_case("S03")
@pytest.mark.usefixtures("careless")
async def test_rules_and_trust_are_remembered_in_private(tmp_path: Path) -> None:
    folder, home = tmp_path / "ws", tmp_path / "home"
    for it in (folder, home):
        it.mkdir(mode=0o755)
    claw_home = home / "deep" / "claw"
    await RuleMemory(str(claw_home)).add_rules(str(folder), ("Bash(make test)",))
    world = World({"PATH": "/usr/bin:/bin"}, str(home), str(claw_home), str(folder))
    house = await asyncio.to_thread(build, world)
    await house.trust.distrust(str(folder))
    await house.close()
    found = [it for it in claw_home.rglob("*") if it.is_file()]
    assert {it.name for it in found} >= {"allowed.json", "trust.json"}
    assert {it.name: mode(it) & 0o077 for it in found} == {it.name: 0 for it in found}
    assert mode(claw_home) == mode(claw_home.parent) == 0o700
    assert mode(folder / ".claw" / "settings.local.json") == 0o600
    assert mode(folder / ".claw") & 0o022 == 0


@pytest.mark.usefixtures("careless")
def test_a_file_is_replaced_in_private_and_its_folder_is_made_so(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.json"
    write_whole(path, "{}", 0o600)
    write_whole(path, "[]", 0o600)
    assert path.read_text() == "[]"
    assert [mode(it) for it in (path, path.parent, path.parent.parent)] == [0o600, 0o700, 0o700]
    assert list(path.parent.iterdir()) == [path], "no temporary file is left"
    make_private(path.parent)
    assert mode(path.parent) == 0o700
