"""Real bash in a place of its own (bubblewrap), and what a line did there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from .policies import CANARY, ELSEWHERE, HOME, WORKSPACE, Policy

FILES = {
    f"{WORKSPACE}/src/a.py": "import os\nx = 1\nprint(x)\n",
    f"{WORKSPACE}/src/b.py": "y = 2\n",
    f"{WORKSPACE}/README.md": "# about\nx and y\n",
    f"{WORKSPACE}/list": "src/a.py\nsrc/b.py\n",
    f"{WORKSPACE}/touch": "p\n",
    f"{WORKSPACE}/.env": "KEY=1\n",
    f"{WORKSPACE}/.claude/settings.json": "{}\n",
    f"{WORKSPACE}/.vscode/settings.json": "{}\n",
    f"{HOME}/.bashrc": "",
    f"{HOME}/.ssh/id_rsa": f"{CANARY}\n",
    f"{ELSEWHERE}/f": f"{CANARY}\n",
}
LINKS = {f"{WORKSPACE}/key": f"{HOME}/.ssh/id_rsa", f"{WORKSPACE}/link": ELSEWHERE, f"{WORKSPACE}/near": "src"}
_ABSENT = (
    "npm node pytest cargo rustc go curl wget ssh docker rg tree python python3 make less vi sudo env rm p x".split()
)
"""Programs that have a stand-in even where the machine has none of the name."""
_STAND_IN = '#!/tmp/real/dash\nprintf "%s\\0" $# "${0##*/}" "$@" >> "$RECORD"\n'


@dataclass(frozen=True, slots=True)
class Effects:
    """What a line did: the words of each stand-in that it started, the paths it changed, and what it printed. `late`: it had
    to be ended."""

    ran: list[list[str]]
    changed: list[str]
    output: str
    late: bool

    def wrong(self, policy: Policy) -> list[str]:
        """What of this the policy's rules do not cover; a false allow if there is any."""
        found = [f"ran {' '.join(it)[:80]}" for it in self.ran if not policy.permits(it)]
        found += [f"changed {it}" for it in self.changed if not policy.may_change(it)]
        if CANARY in self.output and not policy.reads_out:
            found.append("showed a file outside of the workspace")
        return found


class Ground:
    """One sandbox for one policy: its programs, and a workspace that is put back after each line that changed it."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._bin = Path(tempfile.mkdtemp(prefix="claw-fuzz-"))
        _filled(self._bin, policy.programs)
        self._process = self._started()

    def __enter__(self) -> Ground:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()
        shutil.rmtree(self._bin)

    def effects(self, lines: Iterable[str]) -> Iterator[Effects]:
        """Runs each line and says what it did."""
        assert self._process.stdin and self._process.stdout
        for line in lines:
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            if not answer:
                raise RuntimeError(f"the sandbox went away over {line!r}: {self._process.communicate()[1]}")
            yield Effects(**json.loads(answer))

    def _started(self) -> subprocess.Popen[str]:
        python = os.path.realpath(sys.executable).replace("/usr/bin/", "/tmp/real/")
        words = [
            *("bwrap", "--unshare-all", "--unshare-user", "--cap-drop", "ALL", "--die-with-parent", "--new-session"),
            *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),
            *("--ro-bind", "/usr/bin", "/tmp/real", "--ro-bind", str(self._bin), "/usr/bin", "--chdir", "/tmp"),
            *(python, "-I", "-S", "-c", Path(__file__).with_name("inside.py").read_text("utf-8")),
        ]
        pipe = subprocess.PIPE
        process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        assert process.stdin
        process.stdin.write(json.dumps({"files": FILES, "links": LINKS}) + "\n")
        process.stdin.flush()
        return process


def _filled(folder: Path, real: frozenset[str]) -> None:
    """A name for each program of the machine: those that are `real` lead to it, all others, and scripts, to a stand-in."""
    stand_in = folder / "claw-stand-in"
    stand_in.write_text(_STAND_IN)
    stand_in.chmod(0o755)
    for name in {*os.listdir("/usr/bin"), *_ABSENT, *real} - {stand_in.name}:
        kept = name in real and _compiled(f"/usr/bin/{name}")
        # The stand-in is told by the name that it was called by.
        (folder / name).symlink_to(f"/tmp/real/{name}" if kept else stand_in.name)


def _compiled(path: str) -> bool:
    try:
        return Path(path).read_bytes()[:4] == b"\x7fELF"
    except OSError:
        return False
