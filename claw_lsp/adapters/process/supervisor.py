"""The program that runs one command and answers for everything the command starts.

It is the child subreaper of the command's processes, so that whatever they do (setsid, nohup, double forks, a cleared
environment) their parentage leads here. Its standard input is a pipe the server holds: when that closes, because the
call was cancelled or the server was killed, every one of them is ended. Standard library only, started without
site-packages on Linux; the server talks to it with one line of JSON and reads lines of JSON.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any, NoReturn

from claw_lsp.adapters.process.descendants import below, send
from claw_lsp.adapters.process.output import KEPT, KEPT_OF_FAILURE, AsItCame, Cleaner, Kept

CWD_FD = 199
"""Where farewell.bash says in which folder the shell stands; high, so that no script's own numbers meet it."""

POLITE = 0.3
"""Seconds between TERM and KILL when a call is cancelled or a command leaves processes behind."""

POLITE_AT_TIME_LIMIT = 2.0
LINGER = 0.2
"""Seconds that what a finished command left running may take to end by itself."""

GIVE_UP = 5.0
"""Seconds after which processes that cannot be killed (another user's) are left to the person."""

_IGNORED = (signal.SIGPIPE, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""The end comes through standard input only, so that `kill $PPID` in a script orphans nobody."""

_SANDBOX = "bwrap"
_TELL_EVERY = 0.2
_FLUSH_AFTER = 0.4
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Read the job, run it, say what came of it."""
    job = _read_job()
    if job is None:
        return
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    _adopt_orphans()
    try:
        supervisor = Supervisor(job)
    except OSError as error:
        _say({"fault": error.strerror or str(error), "at": error.filename})
        return
    _say({"started": True})
    try:
        report = supervisor.run()
    except OSError as error:
        supervisor.abandon()
        report = {"fault": error.strerror or str(error), "at": job["output_path"]}
    _say(report)


def _read_job() -> dict[str, Any] | None:
    """The first line of standard input, read byte-exact: nothing of what follows is buffered away from `select`."""
    data = b""
    while not data.endswith(b"\n"):
        piece = os.read(0, 65_536)
        if not piece:
            return None
        data += piece
    return json.loads(data)


class Supervisor:
    """One command from start to end.

    Invariant: when `run` returns no process the command started is alive, but for those that `stubborn` counts.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        self._kept = Kept(job["output_path"], at_once=job["background"])
        self._cleaner = AsItCame() if job["apart"] else Cleaner()
        self._output, output_end = os.pipe()
        self._cwd_pipe, cwd_end = os.pipe()
        self._wake, wake_end = os.pipe()
        self._errors, errors_end = os.pipe() if job["apart"] else (-1, output_end)
        self._said_apart = b""
        for fd in (self._output, self._cwd_pipe, self._wake, wake_end):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, _woken)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        self._began = time.monotonic()
        self._shell = _spawn(job, (output_end, errors_end), cwd_end)
        os.close(output_end)
        if job["apart"]:
            os.close(errors_end)
        os.close(cwd_end)
        self._status: int | None = None
        self._alone = False
        self._n_raw = 0
        self._cwd = b""
        self._line = ""
        self._told = 0.0
        self._open = [0, self._output, self._cwd_pipe, self._wake, *([self._errors] if job["apart"] else [])]
        self._why = "ended"

    def run(self) -> dict[str, Any]:
        self._why = self._until_it_ends()
        left: list[str] = []
        if self._why == "ended":
            left = self._end_leftovers()
        elif self._why == "time":
            self._end_politely(POLITE_AT_TIME_LIMIT, group_only=True)
        elif self._why == "stop":
            self._end_politely(POLITE, group_only=False)
        stubborn = self._kill()
        self._drain()
        self._kept.add(self._cleaner.end())
        return self._report(left, stubborn)

    def abandon(self) -> None:
        """End everything; what is still printed goes nowhere."""
        self._n_raw = self._job["cap"] + 1
        self._kill()

    def _until_it_ends(self) -> str:
        """Watch until the shell ended, the time is over, the output is too much, or the server wants an end."""
        limit = self._job["timeout"]
        deadline = self._began + limit if limit else None
        while True:
            self._reap()
            if self._status is not None and (self._alone or not self._job["background"]):
                return "ended"
            if deadline and time.monotonic() >= deadline:
                return "time"
            wait = min(_FLUSH_AFTER, max(0.0, deadline - time.monotonic())) if deadline else _FLUSH_AFTER
            if not self._watch(wait):
                return "stop"
            if self._n_raw > self._job["cap"]:
                return "cap"

    def _watch(self, wait: float) -> bool:
        """Take in what arrived within `wait` seconds; False when the server wants an end."""
        ready, _, _ = select.select(self._open, (), (), wait)
        if self._wake in ready:
            os.read(self._wake, 4096)
        if self._cwd_pipe in ready:
            self._take_cwd()
        if self._errors in ready:
            self._take_errors()
        if self._output in ready:
            self._take_output()
        elif not ready and self._job["background"]:
            self._kept.add(self._cleaner.flush())
        self._tell()
        return 0 not in ready

    def _take_output(self) -> None:
        data = os.read(self._output, 65_536)
        if not data:
            self._open.remove(self._output)
            return
        self._n_raw += len(data)
        text = self._cleaner.feed(data)
        self._kept.add(text)
        last = text.rstrip("\n").rpartition("\n")[2]
        self._line = (self._cleaner.unfinished.strip() or last.strip() or self._line)[:200]

    def _take_errors(self) -> None:
        data = os.read(self._errors, 65_536)
        if not data:
            self._open.remove(self._errors)
        self._n_raw += len(data)
        self._said_apart += data[: max(0, KEPT_OF_FAILURE - len(self._said_apart))]

    def _take_cwd(self) -> None:
        data = os.read(self._cwd_pipe, 65_536)
        if not data:
            self._open.remove(self._cwd_pipe)
        # Only the last line counts; a script with its own traps writes many.
        self._cwd = b"\0".join((self._cwd + data).split(b"\0")[-2:])

    def _tell(self) -> None:
        now = time.monotonic()
        if self._line and now - self._told >= _TELL_EVERY:
            _say({"line": self._line})
            self._line, self._told = "", now

    def _reap(self) -> None:
        """Take the ends of all children, adopted ones too; `_alone` when there is none left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._alone = True
                return
            if pid == 0:
                self._alone = False
                return
            if pid == self._shell:
                self._status = status

    def _pause(self, seconds: float) -> bool:
        """Keep reading and reaping for a while; True as soon as nothing is left."""
        end = time.monotonic() + seconds
        while not self._is_over() and time.monotonic() < end:
            self._read_on(0.02)
        return self._is_over()

    def _is_over(self) -> bool:
        self._reap()
        return self._alone and not _below_here()

    def _read_on(self, wait: float) -> None:
        """Take output in, whatever the server says meanwhile: the end has begun."""
        ready, _, _ = select.select([fd for fd in self._open if fd], (), (), wait)
        if self._wake in ready:
            os.read(self._wake, 4096)
        if self._cwd_pipe in ready:
            self._take_cwd()
        if self._errors in ready:
            self._take_errors()
        if self._output in ready:
            if self._n_raw > self._job["cap"]:
                os.read(self._output, 65_536)
            else:
                self._take_output()

    def _end_leftovers(self) -> list[str]:
        """End what the finished command left running; answers the names."""
        if self._pause(LINGER):
            return []
        left = sorted(_below_here().values())
        self._end_politely(POLITE, group_only=False)
        return left

    def _end_politely(self, seconds: float, *, group_only: bool) -> None:
        """TERM, and some time to obey."""
        confined = self._job["confined"]
        if group_only and not confined and self._status is None and self._shell != os.getpgrp():
            os.killpg(self._shell, signal.SIGTERM)
        elif confined or not group_only:
            for pid, name in _below_here().items():
                # A sandbox's own processes end with the command; their end would be a KILL for what is in it.
                if not (confined and name == _SANDBOX):
                    send(pid, signal.SIGTERM)
        self._pause(seconds)

    def _kill(self) -> int:
        """KILL until none is left; stopped first, so that none can fork away meanwhile. Answers how many would not die."""
        end = time.monotonic() + GIVE_UP
        while not self._is_over() and time.monotonic() < end:
            stopped: set[int] = set()
            while new := below(os.getpid()).keys() - stopped:
                for pid in new:
                    send(pid, signal.SIGSTOP)
                stopped |= new
            for pid in stopped:
                send(pid, signal.SIGKILL)
            self._read_on(0.005)
        return len(_below_here())

    def _drain(self) -> None:
        """Take in what is still in the pipes; nobody is left to write more."""
        end = time.monotonic() + 0.5
        while (self._output in self._open or self._errors in self._open) and time.monotonic() < end:
            self._read_on(0.05)
        if self._cwd_pipe in self._open and select.select([self._cwd_pipe], (), (), 0)[0]:
            self._take_cwd()

    def _report(self, left: list[str], stubborn: int) -> dict[str, Any]:
        status = self._status
        exited = self._why == "ended" and status is not None and os.WIFEXITED(status)
        code = os.WEXITSTATUS(status) if exited and status is not None else None
        output = self._kept.cut(KEPT if code == 0 else KEPT_OF_FAILURE)
        self._kept.close()
        return {
            "code": code,
            "signal": os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
            "why": self._why,
            "cwd": os.fsdecode(self._cwd.split(b"\0")[-2].removesuffix(b"\n")) if b"\0" in self._cwd else None,
            "output": output,
            "output_path": self._kept.path,
            "errors": self._said_apart.decode("utf-8", "replace"),
            "left": left,
            "stubborn": stubborn,
            "seconds": time.monotonic() - self._began,
        }


def _woken(number: int, frame: object) -> None:
    """Exists so that the signal writes to the wake-up pipe."""


def _below_here() -> dict[int, str]:
    return below(os.getpid())


def _spawn(job: dict[str, Any], output: tuple[int, int], cwd_pipe: int) -> int:
    """Start the shell in a session of its own. Raises OSError when the folder or the shell cannot be used."""
    fault, fault_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become_shell(job, output, cwd_pipe, fault_end)
    os.close(fault_end)
    with os.fdopen(fault, "rb") as reader:
        said = reader.read()
    if said:
        os.waitpid(pid, 0)
        raise OSError(*json.loads(said))
    return pid


def _become_shell(job: dict[str, Any], output: tuple[int, int], cwd_pipe: int, fault: int) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        for number in (*_IGNORED, signal.SIGXFSZ, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        os.chdir(job["cwd"])
        for source, target in ((_input(job), 0), (output[0], 1), (output[1], 2), (cwd_pipe, CWD_FD)):
            os.dup2(source, target)
        _limit(job["limits"])
        os.execvpe(job["argv"][0], job["argv"], job["environment"])
    except OSError as error:
        # The search along PATH names files in bytes.
        at = job["cwd"] if error.filename == job["cwd"] else job["argv"][0]
        os.write(fault, json.dumps([error.errno, error.strerror, at]).encode())
    except ValueError:
        why = "it holds characters that cannot be passed to a program"
        os.write(fault, json.dumps([errno.EINVAL, why, "The command"]).encode())
    finally:
        os._exit(127)


def _input(job: dict[str, Any]) -> int:
    """What the command reads: a file without a name, since a pipe would have to be waited for."""
    if not job["input"]:
        return os.open(os.devnull, os.O_RDONLY)
    path = f"{job['output_path']}.input"
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    os.unlink(path)  # noqa: PTH108
    data = memoryview(job["input"].encode("utf-8", "replace"))
    while data:
        data = data[os.write(file, data) :]
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _limit(limits: dict[str, int]) -> None:
    """Lower the soft and hard limits; what cannot be lowered stays as it is."""
    for name, wanted in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        if name == "NPROC":
            wanted += _n_running()
        wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(kind, (wanted, wanted))
        except (ValueError, OSError):
            continue


def _n_running() -> int:
    """How many threads this machine runs now: never fewer than the person's own, whom the limit counts."""
    with open("/proc/loadavg") as file:  # noqa: PTH123
        return int(file.read().split()[3].partition("/")[2])


def _adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (Linux; elsewhere the mark in the environment serves)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _say(message: dict[str, Any]) -> None:
    """One line to the server. When it is gone there is nobody to tell, and the end comes through standard input."""
    data = memoryview(json.dumps(message).encode() + b"\n")
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        return
