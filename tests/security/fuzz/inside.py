"""Runs in the sandbox, by itself: takes a line of JSON for each shell line, gives one back for what it did.

Only the standard library is there. Everything lies below /tmp, which is in memory; `/usr/bin` holds stand-ins that write
down how they were called, the real programs are in /tmp/real.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress

TREES = ("/tmp/ws", "/tmp/home", "/tmp/out")
KEPT = "/tmp/kept"
RECORD = "/tmp/record/ran"
BASH = "/tmp/real/bash"
PATIENCE = 5.0
SHOWN = 60_000
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp/home",
    "LANG": "C.UTF-8",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "RECORD": RECORD,
}


def main() -> None:
    given = json.loads(sys.stdin.buffer.readline())
    os.makedirs(os.path.dirname(RECORD))
    planted(given["files"], given["links"])
    before = seen()
    for raw in sys.stdin.buffer:
        open(RECORD, "wb").close()
        output, late = run(json.loads(raw))
        after = seen()
        changed = sorted(it for it in before.keys() | after.keys() if before.get(it) != after.get(it))
        if changed:
            restored()
            before = seen()
        answer = {"ran": recorded(), "changed": changed, "output": output, "late": late}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def planted(files: dict[str, str], links: dict[str, str]) -> None:
    for path, text in files.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
    for path, target in links.items():
        os.symlink(target, path)
    git = ["/tmp/real/git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", TREES[0]]
    for words in (["init", "-q", "-b", "main"], ["add", "-f", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    shutil.rmtree(f"{TREES[0]}/.git/hooks", ignore_errors=True)
    os.mkdir(f"{TREES[0]}/.git/hooks")
    os.mkdir(KEPT)
    for tree in TREES:
        shutil.copytree(tree, KEPT + tree, symlinks=True)
    restored()


def restored() -> None:
    """Puts everything back as it was at first."""
    for name in os.listdir("/tmp"):
        path = f"/tmp/{name}"
        if path in ("/tmp/kept", "/tmp/record", "/tmp/real"):
            continue
        for folder, names, _ in os.walk(path):
            for it in names:
                os.path.islink(f"{folder}/{it}") or os.chmod(f"{folder}/{it}", 0o700)
        (shutil.rmtree if os.path.isdir(path) and not os.path.islink(path) else os.unlink)(path)
    for tree in TREES:
        shutil.copytree(KEPT + tree, tree, symlinks=True)


def seen() -> dict[str, tuple[object, ...]]:
    """Every file, folder and link that a line may reach, and what would tell that it changed."""
    found: dict[str, tuple[object, ...]] = {}
    rest = ["/tmp"]
    while rest:
        for entry in os.scandir(rest.pop()):
            if entry.path in ("/tmp/kept", "/tmp/record", "/tmp/real", "/tmp/ws/.git/index"):
                continue
            facts = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(facts.st_mode):
                found[entry.path] = (facts.st_mode,)
                rest.append(entry.path)
            else:
                found[entry.path] = (facts.st_mode, facts.st_size, facts.st_mtime_ns, facts.st_nlink)
    return found


def run(line: str) -> tuple[str, bool]:
    """What the line printed, and whether it had to be ended. Waits for what it left in the background."""
    alive, held = os.pipe()
    words = [BASH, "--norc", "--noprofile", "-c", line.encode("utf-8", "surrogatepass")]
    process = subprocess.Popen(
        words,
        cwd=TREES[0],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=(held,),
    )
    os.close(held)
    assert process.stdout
    open_ends, said, deadline = selectors.DefaultSelector(), b"", time.monotonic() + PATIENCE
    for end in (alive, process.stdout.fileno()):
        open_ends.register(end, selectors.EVENT_READ)
    while open_ends.get_map() and len(said) < SHOWN:
        ready = open_ends.select(max(0.0, deadline - time.monotonic()))
        if not ready:
            break
        for key, _ in ready:
            got = os.read(key.fd, 65536)
            said += got
            if not got:
                open_ends.unregister(key.fd)
    late = bool(open_ends.get_map())
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    os.close(alive)
    open_ends.close()
    return said.decode("utf-8", "replace"), late


def recorded() -> list[list[str]]:
    """The words of every stand-in that was started: their number first, then they."""
    with open(RECORD, "rb") as file:
        pieces = file.read().decode("utf-8", "replace").split("\0")
    found: list[list[str]] = []
    while len(pieces) > 1:
        n_words = int(pieces[0]) + 1
        found.append(pieces[1 : n_words + 1])
        pieces = pieces[n_words + 1 :]
    return found


main()
