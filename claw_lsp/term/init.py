"""`claw-lsp init EDITOR`: the lines an editor needs, printed or put where the editor reads them.

What is written stands between two marker lines, so that it can be found again; nothing outside of them is changed, and
a file that existed is copied aside first.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from claw_lsp.facts.fault import BadRequest
from claw_lsp.term import jsonc
from claw_lsp.term.shipped import shipped

Place = Callable[[Mapping[str, str], Path], Path]
"""(environment, home) -> the file the editor reads."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One editor: its template below `editors/`, where it goes, and how a comment begins there.

    `fits` makes the text fit what the file already says, and answers what is left to do by hand. With `keys` the file is
    JSON, and what the template has under these keys is all that is written.
    """

    template: str
    place: Place
    comment: str
    fits: Callable[[str, str], tuple[str, str]] = lambda text, existing: (text, "")
    keys: tuple[str, ...] = ()

    def text(self, program: str) -> str:
        """The template with the program's path; the text ends without a line end."""
        path = shipped("editors") / self.template
        # The extension's sources are in a clone only; the plugin is wherever claw-lsp is.
        there = any((path.parent / it).exists() for it in ("package.json", "plugin"))
        folder = str(path.parent) if there else "claw-lsp/editors/vscode"
        text = path.read_text("utf-8").replace("@CLAW@", _quoted(program)).replace("@FOLDER@", folder).rstrip("\n")
        return re.sub(r"@SHIPPED:(.+?)@", lambda it: _quoted(str(shipped("editors") / it[1])), text)


def program(argv0: str, search_path: str) -> str:
    """The absolute path of the `claw-lsp` that runs. Raises BadRequest where it was started without one."""
    beside = Path(sys.executable).parent / "claw-lsp"
    candidates = [Path(argv0).absolute()] if Path(argv0).name == "claw-lsp" else []
    candidates += [beside, *filter(None, [_on_path(search_path)])]
    found = next((it for it in candidates if it.is_file()), None)
    if found is None:
        raise BadRequest("no `claw-lsp` program was found: install the package (`pip install -e .`) and run that")
    return str(found)


def write(setup: Setup, text: str, environment: Mapping[str, str], home: Path) -> str:
    """Put the text where the editor reads it; answers what was done, in a sentence. Twice is as good as once."""
    path = setup.place(environment, home)
    existing = path.read_text("utf-8") if path.exists() else ""
    if setup.keys:
        return _entered(path, existing or "{}\n", setup.keys, _at(jsonc.read(text), setup.keys))
    before, ours, after = _parted(existing, setup.comment)
    fitting, by_hand = setup.fits(text, before + after)
    block = f"{setup.comment} >>> claw-lsp\n{fitting}\n{setup.comment} <<< claw-lsp\n"
    said = f"\n{by_hand}" if by_hand else ""
    if ours == block:
        return f"{path} has it already; nothing was changed.{said}"
    gap = "\n" if before.strip() and not before.endswith("\n\n") else ""
    kept = _backed_up(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((before if ours else _ended(before) + gap) + block + after, "utf-8")
    aside = f" What was there before is in {kept}." if kept else ""
    return f"Written to {path}.{aside}{said}"


def write_vscode(settings: Path, program: str) -> str:
    """Put `claw.server.path` into VS Code's settings, comments and all else kept; answers what was done."""
    existing = settings.read_text("utf-8") if settings.exists() else "{}\n"
    return _entered(settings, existing, ("claw.server.path",), program)


def _entered(path: Path, existing: str, keys: tuple[str, ...], value: Any) -> str:
    """Write a value into a JSON file, unless there is one at its place already; answers what was done."""
    name, said = ".".join(keys), json.dumps(value, ensure_ascii=False)
    try:
        present = _at(jsonc.read(existing), keys)
        wanted = jsonc.added(existing, keys, value) if present is None else existing
    except jsonc.NotJson as error:
        raise BadRequest(
            f"{path} is no JSON object ({error}), so nothing was written. Add {name} by hand: {said}"
        ) from None
    if present == value:
        return f"{path} has it already; nothing was changed."
    if present is not None:
        return f"{path} says {name} is {json.dumps(present, ensure_ascii=False)}; it was left so. To change it, write: {said}"
    kept = _backed_up(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(wanted, "utf-8")
    aside = f" What was there before is in {kept}." if kept else ""
    return f"Written to {path}.{aside}"


def _at(tree: Any, keys: tuple[str, ...]) -> Any:
    """What is under these keys; None where nothing is."""
    for key in keys:
        tree = cast("dict[str, Any]", tree).get(key) if isinstance(tree, dict) else None
    return tree


def vscode_settings(environment: Mapping[str, str], home: Path) -> Path:
    """Where VS Code keeps a user's settings."""
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Code" / "User" / "settings.json"
    return _config(environment, home) / "Code" / "User" / "settings.json"


def _helix_fits(text: str, existing: str) -> tuple[str, str]:
    """Without the languages the person's own file already has: two entries for one language would contradict."""
    try:
        theirs = tomllib.loads(existing)
    except tomllib.TOMLDecodeError as error:
        raise BadRequest(f"languages.toml cannot be read ({error}), so nothing was written. Mend it first.") from None
    if "claw" in theirs.get("language-server", {}):
        raise BadRequest("languages.toml has a [language-server.claw] of its own already; nothing was written")
    names = {it.get("name") for it in theirs.get("language", [])}
    head, *languages = text.split("\n[[language]]\n")
    kept = [it for it in languages if tomllib.loads(it)["name"] not in names]
    left = sorted(str(tomllib.loads(it)["name"]) for it in languages if it not in kept)
    by_hand = f'Your file has entries of its own for {", ".join(left)}: add "claw" to their language-servers.'
    return "\n[[language]]\n".join([head, *kept]).rstrip("\n"), by_hand if left else ""


def _config(environment: Mapping[str, str], home: Path) -> Path:
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config")


def _neovim_plugin(environment: Mapping[str, str], home: Path) -> Path:
    return _config(environment, home) / "nvim" / "plugin" / "claw.lua"


def _below_config(path: str) -> Place:
    return lambda environment, home: _config(environment, home) / path


def _sublime_settings(environment: Mapping[str, str], home: Path) -> Path:
    mac = home / "Library" / "Application Support" / "Sublime Text"
    folder = mac if sys.platform == "darwin" else _config(environment, home) / "sublime-text"
    return folder / "Packages" / "User" / "LSP.sublime-settings"


def _emacs_init(environment: Mapping[str, str], home: Path) -> Path:
    """The first of the files Emacs would read that exists, else the one to create."""
    xdg = _config(environment, home) / "emacs" / "init.el"
    known = (home / ".emacs", home / ".emacs.el", home / ".emacs.d" / "init.el", xdg)
    return next((it for it in known if it.exists()), home / ".emacs.d" / "init.el")


def _parted(text: str, comment: str) -> tuple[str, str, str]:
    """What stands before our block, the block, and what stands after it."""
    start, end = f"{comment} >>> claw-lsp\n", f"{comment} <<< claw-lsp\n"
    begin = text.find(start)
    stop = text.find(end, begin)
    if begin < 0 or stop < 0:
        return text, "", ""
    return text[:begin], text[begin : stop + len(end)], text[stop + len(end) :]


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _backed_up(path: Path) -> Path | None:
    """A copy of the file beside it, under a name that is free; None where there was no file."""
    if not path.exists():
        return None
    names = (path.with_name(f"{path.name}.before-claw{it}") for it in ("", *(f"-{n}" for n in range(2, 1000))))
    copy = next(it for it in names if not it.exists())
    shutil.copy2(path, copy)
    return copy


def _quoted(text: str) -> str:
    """As JSON, Lua, Lisp, TOML and C write a string."""
    return json.dumps(text, ensure_ascii=False)


def _on_path(search_path: str) -> Path | None:
    found = shutil.which("claw-lsp", path=search_path)
    return Path(found).absolute() if found else None


SETUPS: dict[str, Setup] = {
    "neovim": Setup("neovim/setup.lua", _neovim_plugin, "--"),
    "neovim-standard": Setup("neovim/standard.lua", _neovim_plugin, "--"),
    "helix": Setup(
        "helix/languages.toml", lambda env, home: _config(env, home) / "helix" / "languages.toml", "#", _helix_fits
    ),
    "emacs": Setup("emacs/init.el", _emacs_init, ";;"),
    "vim": Setup("vim/claw.vim", lambda env, home: home / ".vim" / "plugin" / "claw.vim", '"'),
    "sublime": Setup("sublime/LSP.sublime-settings", _sublime_settings, "//", keys=("clients", "claw")),
    "kakoune": Setup("kakoune/claw.kak", _below_config("kak/kakrc"), "#"),
    "zed": Setup("zed/settings.json", _below_config("zed/settings.json"), "//", keys=("lsp", "claw-lsp")),
    "kate": Setup("kate/settings.json", _below_config("kate/lspclient/settings.json"), "//", keys=("servers", "claw")),
    "vscode": Setup("vscode/install.txt", vscode_settings, "//"),
}
"""By the names `init` takes. VS Code's settings are JSON: `write_vscode` writes them."""
