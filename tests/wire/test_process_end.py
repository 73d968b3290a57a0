"""Everything a command started is gone: when it is cancelled, ends, runs over its time, or the server is killed."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.facts.fault import ProcessError
from claw_lsp.ports.processes import ShellLine

LAUNCHERS = {
    "plain": "sleep {n}",
    "pipe": "sleep {n} | cat",
    "setsid": "setsid sleep {n} & sleep {n}",
    "nohup": "nohup sleep {n} >/dev/null 2>&1 & sleep {n}",
    "double fork": "(setsid sh -c 'sleep {n} & exit' &) ; sleep {n}",
    "cleared environment": "(env -i setsid nohup sleep {n} >/dev/null 2>&1 &) ; sleep {n}",
    "ignores TERM": "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep {n}; sleep {n}' & sleep {n}; sleep {n}",
    "stopped": "sleep {n} & sleep 0.1; kill -STOP $!; sleep {n}",
}


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[ShellProcesses]:
    processes = ShellProcesses(os.environ, str(tmp_path / "output"))
    yield processes
    await processes.close()


def name_of_sleep() -> str:
    """A number of seconds nobody else sleeps for."""
    return f"{10_000_000 + secrets.randbelow(80_000_000)}"


def alive(n: str) -> list[int]:
    """Every process that has the number in its command line, zombies left out."""
    found: list[int] = []
    for process in psutil.process_iter():
        try:
            if any(n in word for word in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def sleeping(n: str) -> int:
    found = 0
    for process in psutil.process_iter():
        try:
            found += process.cmdline() == ["sleep", n]
        except psutil.Error:
            continue
    return found


SOON = 60.0
"""Seconds. They are gone within one where the machine is idle; here others work, too, and the sleeps would take minutes."""


async def until(condition: object, seconds: float) -> float:
    """How long it took for the condition to hold; fails after `seconds`."""
    assert callable(condition)
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def unheard(line: str) -> None:
    """Where lines go that these tests do not look at."""


def line(command: str, cwd: Path, timeout: float = 50) -> ShellLine:
    return ShellLine(command, str(cwd), timeout, secrets.token_hex(6), "s")


@pytest.mark.parametrize("launcher", LAUNCHERS)
async def test_r01_r50_a_cancelled_command_is_gone_with_all_it_started_within_a_second(
    shell: ShellProcesses, tmp_path: Path, launcher: str
) -> None:
    n = name_of_sleep()
    n_expected = LAUNCHERS[launcher].count("sleep {n}") - (2 if launcher == "ignores TERM" else 0)
    turn = asyncio.create_task(shell.run(line(LAUNCHERS[launcher].format(n=n), tmp_path), unheard))
    await until(lambda: sleeping(n) == n_expected, SOON)
    began = time.monotonic()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert time.monotonic() - began < SOON
    assert alive(n) == []


async def test_r01_cancelled_at_any_moment_nothing_is_left_and_nothing_happens_later(
    shell: ShellProcesses, tmp_path: Path
) -> None:
    n = name_of_sleep()
    for moment in range(20):
        command = f"(setsid sh -c 'sleep 0.4; touch later{moment}' &); sleep {n}"
        turn = asyncio.create_task(shell.run(line(command, tmp_path), unheard))
        await asyncio.sleep(moment * 0.004)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert alive(n) == []
    await asyncio.sleep(0.5)
    assert list(tmp_path.glob("later*")) == []


async def test_cancelled_twice_it_still_ends_everything(shell: ShellProcesses, tmp_path: Path) -> None:
    n = name_of_sleep()
    command = LAUNCHERS["ignores TERM"].format(n=n)
    turn = asyncio.create_task(shell.run(line(command, tmp_path), unheard))
    await until(lambda: sleeping(n) == 2, SOON)
    turn.cancel()
    await asyncio.sleep(0.05)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    await until(lambda: alive(n) == [], SOON)


@pytest.mark.parametrize(
    "launcher",
    [
        "sleep {n} &",
        "setsid sleep {n} &",
        "nohup sleep {n} >/dev/null 2>&1 &",
        "(setsid sh -c 'sleep {n} & exit' &)",
        "(env -i setsid nohup sleep {n} >/dev/null 2>&1 &)",
    ],
)
async def test_r50_at_the_end_of_a_command_nothing_it_left_goes_on(
    shell: ShellProcesses, tmp_path: Path, launcher: str
) -> None:
    n = name_of_sleep()
    answer = await shell.run(line(f"{launcher.format(n=n)}\nsleep 0.05; echo done; exit 3", tmp_path), unheard)
    assert alive(n) == []
    assert answer.code == 3
    assert answer.output.startswith("done\n[What it left running was ended with it: sleep.")


async def test_r50_what_is_declared_background_goes_on_until_it_is_stopped(
    shell: ShellProcesses, tmp_path: Path
) -> None:
    n = name_of_sleep()
    task = await shell.start(line(f"setsid sleep {n} & echo left it", tmp_path))
    await until(lambda: sleeping(n) == 1, SOON)
    seen = await shell.wait(task.id, 0.3)
    assert seen is not None
    assert (seen.running, seen.output) == (True, "left it\n")
    await shell.stop(task.id)
    assert alive(n) == []


async def test_a_process_that_ends_soon_after_its_shell_is_waited_for(shell: ShellProcesses, tmp_path: Path) -> None:
    answer = await shell.run(line("echo a > >(sleep 0.05; cat; echo b)", tmp_path), unheard)
    assert (answer.code, answer.output) == (0, "a\nb\n")


async def test_orphans_are_reaped_and_leave_no_zombies(shell: ShellProcesses, tmp_path: Path) -> None:
    command = "for i in 1 2 3 4 5; do (setsid true &); done; sleep 0.1; ps -o stat= --ppid $PPID"
    answer = await shell.run(line(command, tmp_path), unheard)
    assert "Z" not in answer.output
    assert [it for it in psutil.Process().children() if it.status() == psutil.STATUS_ZOMBIE] == []


async def test_r49_time_limit_sends_term_and_what_was_printed_is_reported(
    shell: ShellProcesses, tmp_path: Path
) -> None:
    command = "trap 'echo cleaning up; exit 9' TERM; echo begun; sleep 60 & wait"
    answer = await shell.run(line(command, tmp_path, timeout=0.3), unheard)
    assert (answer.code, answer.timed_out) == (None, True)
    assert answer.output.startswith("begun\ncleaning up\n[The time limit of 0.3 s was reached;")
    assert answer.seconds < 2


async def test_r49_what_ignores_term_is_killed_two_seconds_later(shell: ShellProcesses, tmp_path: Path) -> None:
    n = name_of_sleep()
    command = f"trap '' TERM; printf partial; sleep {n}; sleep {n}"
    answer = await shell.run(line(command, tmp_path, timeout=0.2), unheard)
    assert answer.timed_out
    assert answer.output.startswith("partial\n[The time limit")
    assert 2.1 < answer.seconds < 3.5
    assert alive(n) == []


async def test_r51_a_command_lives_in_a_session_of_its_own_and_cannot_signal_ours(
    shell: ShellProcesses, tmp_path: Path
) -> None:
    answer = await shell.run(line("ps -o sid=,pgid= -p $$; echo $$", tmp_path), unheard)
    sid, pgid, own = answer.output.split()
    assert sid == pgid == own
    assert int(sid) not in (os.getsid(0), os.getpgrp())
    killed = await shell.run(line("kill -TERM 0; sleep 5", tmp_path), unheard)
    assert (killed.code, killed.output) == (None, "[It was ended by signal SIGTERM.]")
    hung_up = await shell.run(line("kill -HUP $PPID; kill -TERM $PPID; kill -INT $PPID; echo on", tmp_path), unheard)
    assert (hung_up.code, hung_up.output) == (0, "on\n")


async def test_a_command_that_kills_its_supervisor_leaves_nothing_either(shell: ShellProcesses, tmp_path: Path) -> None:
    n = name_of_sleep()
    command = f"setsid sleep {n} & kill -KILL $PPID; sleep {n}"
    with pytest.raises(ProcessError, match="watches over the command was killed"):
        await shell.run(line(command, tmp_path), unheard)
    assert alive(n) == []


async def test_where_output_cannot_be_kept_the_command_is_ended_and_the_reason_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    processes = ShellProcesses(os.environ, str(tmp_path / "file" / "output"))
    n = name_of_sleep()
    with pytest.raises(
        ProcessError, match=r"could not be kept in .*/file/output/.*: Not a directory\. The command and"
    ):
        await processes.run(line(f"(env -i setsid sleep {n} &); seq 1 20000; sleep {n}", tmp_path), unheard)
    assert alive(n) == []
    with pytest.raises(ProcessError, match="Not a directory"):
        await processes.start(line(f"sleep {n}", tmp_path))
    assert alive(n) == []
    await processes.close()


async def test_r53_a_bounded_fork_bomb_is_ended_and_the_server_lives(shell: ShellProcesses, tmp_path: Path) -> None:
    n = name_of_sleep()
    bomb = f"f() {{ [ $1 = 0 ] && exec sleep {n}; f $(($1-1)) & f $(($1-1)) & wait; }}; f 6"
    turn = asyncio.create_task(shell.run(line(bomb, tmp_path), unheard))
    await until(lambda: sleeping(n) == 64, SOON)
    began = time.monotonic()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert time.monotonic() - began < SOON
    assert alive(n) == []
    assert (await shell.run(line("echo alive", tmp_path), unheard)).output == "alive\n"


async def test_close_ends_foreground_and_background(shell: ShellProcesses, tmp_path: Path) -> None:
    n = name_of_sleep()
    turn = asyncio.create_task(shell.run(line(f"sleep {n}", tmp_path), unheard))
    await shell.start(line(f"(setsid sleep {n} &); sleep {n}", tmp_path))
    await until(lambda: sleeping(n) == 3, SOON)
    await shell.close()
    await until(lambda: alive(n) == [], SOON)
    assert (await turn).code is None


SERVER = """
import asyncio, os, signal, sys
from claw_lsp.adapters.process.shell import ShellProcesses
from claw_lsp.ports.processes import ShellLine

async def unheard(line): pass

async def main(folder, n):
    shell = ShellProcesses(os.environ, folder)
    commands = [it.replace("{n}", n) for it in sys.argv[3:]]
    await shell.start(ShellLine(commands.pop(), folder, 60, "background", "s"))
    await asyncio.gather(*(shell.run(ShellLine(it, folder, 60, f"c{i}", "s"), unheard) for i, it in enumerate(commands)))

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # Whoever runs the tests may have it ignored, as nohup does.
asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


async def killed_server(number: signal.Signals, tmp_path: Path) -> None:
    """A server with three commands running dies of the signal; all they started is gone within two seconds."""
    n = name_of_sleep()
    commands = [LAUNCHERS[it] for it in ("setsid", "double fork", "cleared environment")]
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(tmp_path), n, *commands, cwd=Path(__file__).parents[2], stderr=-3
    )
    await until(lambda: sleeping(n) == 6, SOON)
    server.send_signal(number)
    await server.wait()
    await until(lambda: alive(n) == [], SOON)


async def test_r07_when_the_server_is_killed_no_process_of_a_tool_lives_on(tmp_path: Path) -> None:
    await killed_server(signal.SIGKILL, tmp_path)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_r08_whatever_signal_ends_the_server_the_tree_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    await killed_server(number, tmp_path)
