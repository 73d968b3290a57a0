"""Real Kakoune reads what `claw-lsp init kakoune --write` writes, and hands the server on; kakoune-lsp could not be had."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from installing import Debian, needs

pytestmark = [pytest.mark.editor, needs(Debian("kakoune"))]

LIKE_KAKOUNE_LSP = """
declare-option str lsp_servers
hook global BufSetOption filetype=python %{ set-option buffer lsp_servers "[pylsp]
command = 'pylsp'
" }
"""


@pytest.mark.parametrize(("name", "servers"), [("a.py", ["pylsp", "claw"]), ("Makefile", ["claw"])])
def test_claw_stands_beside_the_servers_of_the_filetype(tmp_path: Path, name: str, servers: list[str]) -> None:
    config = tmp_path / "kak"
    config.mkdir()
    (config / "kakrc").write_text(LIKE_KAKOUNE_LSP)
    (tmp_path / name).write_text("text\n")
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    written = subprocess.run(
        [sys.executable, "-m", "claw_lsp", "init", "kakoune", "--write"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(config / "kakrc") in written.stdout
    told = tmp_path / "told.toml"
    tell = f'nop %sh{{ printf %s "$kak_opt_lsp_servers" > {told} }}; quit!'
    subprocess.run(
        ["kak", "-ui", "dummy", "-e", tell, str(tmp_path / name)],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=True,
    )  # fmt: skip
    said = tomllib.loads(told.read_text())
    assert list(said) == servers
    assert said["claw"]["args"] == ["serve"]
    assert Path(said["claw"]["command"]).name == "claw-lsp"
