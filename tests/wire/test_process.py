"""ShellProcesses over real processes: what a command is given, and what comes back of it."""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from claw_lsp.adapters.process.shell import Limits, ShellProcesses
from claw_lsp.facts.fault import FolderGone, ProcessError
from claw_lsp.ports.processes import Ran, ShellLine
from claw_lsp.testing.lag import loop_lag

SECRETS = {
    "ANTHROPIC_API_KEY": "sk-ant-canary",
    "GITHUB_TOKEN": "ghp_canary",
    "AWS_SECRET_ACCESS_KEY": "canary",
    "HTTPS_PROXY": "http://user:canary@proxy:8080",
    "LD_PRELOAD": "canary.so",
    "BASH_FUNC_ls%%": "() { echo canary; }",
}


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[ShellProcesses]:
    processes = ShellProcesses({**os.environ, **SECRETS}, str(tmp_path / "output"))
    yield processes
    await processes.close()


async def ran(processes: ShellProcesses, command: str, cwd: Path | str, timeout: float = 20) -> Ran:
    return await processes.run(ShellLine(command, str(cwd), timeout, secrets.token_hex(4), "s"), unheard)


async def unheard(line: str) -> None:
    """Where lines go that a test does not look at."""


async def test_output_of_both_streams_comes_in_order_with_the_exit_code(shell: ShellProcesses, tmp_path: Path) -> None:
    answer = await ran(shell, "echo one; echo two >&2; echo three; exit 7", tmp_path)
    assert (answer.code, answer.output, answer.output_path) == (7, "one\ntwo\nthree\n", None)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("cd sub && true", 0),
        ("cd sub; exit 3", 3),
        ("cd sub && exec sh -c 'exit 4'", 4),
        ("trap 'echo bye' EXIT; cd sub; exit 5", 5),
        ("set -eu; cd sub; false; cd ..", 1),
        ("cd sub; (cd /; exit 6)", 6),
        ("function f { cd sub; return 2; }; f", 2),
    ],
)
async def test_the_working_directory_is_told_however_the_command_ends(
    shell: ShellProcesses, tmp_path: Path, command: str, code: int
) -> None:
    (tmp_path / "sub").mkdir()
    answer = await ran(shell, command, tmp_path)
    assert (answer.code, answer.cwd) == (code, str(tmp_path / "sub"))


async def test_a_folder_reached_through_a_link_is_told_by_its_real_name(shell: ShellProcesses, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert (await ran(shell, "cd link", tmp_path)).cwd == str(tmp_path / "real")


async def test_a_syntax_error_shows_the_persons_line_and_nothing_of_ours(shell: ShellProcesses, tmp_path: Path) -> None:
    answer = await ran(shell, "echo 'one\ntwo'\nif then", tmp_path)
    assert answer.code == 2
    assert "line 3: `if then'" in answer.output
    assert "trap" not in answer.output


async def test_a_folder_that_is_gone_is_an_error_of_its_own(shell: ShellProcesses, tmp_path: Path) -> None:
    with pytest.raises(FolderGone, match="cannot be entered: No such file"):
        await ran(shell, "echo hi", tmp_path / "gone")


async def test_a_command_too_long_for_the_system_is_a_sentence(shell: ShellProcesses, tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="could not be started: Argument list too long"):
        await ran(shell, "true " + "x" * 300_000, tmp_path)


async def test_a_command_of_impossible_characters_is_a_sentence(shell: ShellProcesses, tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="The command could not be started: it holds characters that cannot"):
        await ran(shell, "echo \ud800", tmp_path)


async def test_text_beyond_ascii_passes_whatever_the_locale(tmp_path: Path) -> None:
    processes = ShellProcesses({**os.environ, "LANG": "C", "LC_ALL": "C"}, str(tmp_path / "output"))
    answer = await ran(processes, "mkdir 漢字; cd 漢字; echo 'grüße 🎉'", tmp_path)
    await processes.close()
    assert (answer.output, answer.cwd) == ("grüße 🎉\n", str(tmp_path / "漢字"))


async def test_where_bash_is_missing_the_error_names_it(tmp_path: Path) -> None:
    processes = ShellProcesses({"PATH": str(tmp_path)}, str(tmp_path))
    with pytest.raises(ProcessError, match="bash could not be started"):
        await ran(processes, "true", tmp_path)
    await processes.close()


async def test_s01_no_secret_of_the_server_reaches_a_command(shell: ShellProcesses, tmp_path: Path) -> None:
    answer = await ran(shell, "env; cat /proc/$PPID/environ 2>/dev/null | tr '\\0' '\\n'; type ls", tmp_path)
    assert "canary" not in answer.output
    named = {line.partition("=")[0] for line in answer.output.splitlines()}
    assert named >= {"PATH", "HOME", "TERM", "NO_COLOR", "GIT_TERMINAL_PROMPT", "PAGER", "CLAW_CALL_ID"}
    assert "BASH_ENV" not in named


async def test_start_up_files_of_the_person_are_not_read(tmp_path: Path) -> None:
    for name in (".bashrc", ".bash_profile", ".profile"):
        (tmp_path / name).write_text("echo from start-up\n")
    processes = ShellProcesses({**os.environ, "HOME": str(tmp_path)}, str(tmp_path / "output"))
    assert (await ran(processes, "bash -c 'echo inner'; echo outer", tmp_path)).output == "inner\nouter\n"
    await processes.close()


async def test_r03_the_loop_stays_free_while_a_command_floods(tmp_path: Path) -> None:
    processes = ShellProcesses(os.environ, str(tmp_path / "output"), Limits(output=16 * 1024 * 1024))
    async with loop_lag() as lag:
        answer = await ran(processes, "yes 'a line of some length, with \x1b[31mcolour\x1b[0m'", tmp_path)
    await processes.close()
    assert answer.output_path is not None
    assert lag.worst < 0.05


async def test_r48_endless_output_ends_at_the_cap_with_head_tail_and_the_whole_in_a_private_file(
    tmp_path: Path,
) -> None:
    processes = ShellProcesses(os.environ, str(tmp_path / "output"), Limits(output=4 * 1024 * 1024))
    answer = await ran(processes, "echo first; yes", tmp_path)
    await processes.close()
    assert answer.code is None
    assert answer.output.startswith("first\ny\n")
    assert "more than may be kept" in answer.output
    assert len(answer.output) < 10_500
    assert answer.output_path is not None
    file = Path(answer.output_path)
    assert str(file) in answer.output
    assert 4 * 1024 * 1024 <= file.stat().st_size < 4 * 1024 * 1024 + 131_072
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_r48_long_output_of_success_keeps_thirty_thousand_characters(
    shell: ShellProcesses, tmp_path: Path
) -> None:
    answer = await ran(shell, "seq 1 20000", tmp_path)
    assert answer.output.startswith("1\n2\n")
    assert answer.output.endswith("19999\n20000\n")
    assert 29_000 < len(answer.output) < 30_300
    assert answer.output_path is not None
    assert Path(answer.output_path).read_text() == "".join(f"{n}\n" for n in range(1, 20_001))


async def test_r48_output_of_a_failure_is_cut_to_ten_thousand(shell: ShellProcesses, tmp_path: Path) -> None:
    answer = await ran(shell, "seq 1 4000; exit 1", tmp_path)
    assert answer.output.endswith("3999\n4000\n")
    assert 9_000 < len(answer.output) < 10_300
    assert answer.output_path is not None
    assert Path(answer.output_path).read_text() == "".join(f"{n}\n" for n in range(1, 4_001))


async def test_r48_binary_output_is_described(shell: ShellProcesses, tmp_path: Path) -> None:
    answer = await ran(shell, "echo before; head -c 400000 /dev/zero; echo; echo after it", tmp_path)
    before, remark, after = answer.output.splitlines()
    assert (before, after) == ("before", "after it")
    assert re.fullmatch(r"\[binary output: 40000\d bytes, not shown; redirect it to a file to keep it\]", remark)


async def test_d03_escapes_never_come_through(shell: ShellProcesses, tmp_path: Path) -> None:
    answer = await ran(
        shell, r"printf '\e]8;;https://evil.example\aok\e]8;;\a \e[1;31mred\e[0m\n10%%\r55%%\r100%%\n'", tmp_path
    )
    assert answer.output == "ok red\n100%\n"


async def test_progress_is_told_with_the_latest_line_now_and_then(shell: ShellProcesses, tmp_path: Path) -> None:
    lines: list[str] = []

    async def tell(line: str) -> None:
        lines.append(line)

    command = "for i in $(seq 1 60); do printf '\\rstep %s' $i; sleep 0.01; done; echo"
    began = time.monotonic()
    answer = await shell.run(ShellLine(command, str(tmp_path), 20, "c", "s"), tell)
    assert answer.output == "step 60\n"
    assert 2 <= len(lines) <= (time.monotonic() - began) * 5 + 2, "five times a second at most"
    assert all(line.startswith("step ") for line in lines)


async def test_r52_a_command_that_wants_input_gets_none(shell: ShellProcesses, tmp_path: Path) -> None:
    ask = f"{sys.executable} -c 'input()' 2>&1 | tail -n 1"
    answer = await ran(shell, f"read x; echo $?; tty; {ask}; (: </dev/tty) 2>/dev/null; echo $?", tmp_path)
    assert answer.output == "1\nnot a tty\nEOFError: EOF when reading a line\n1\n"


async def test_r53_limits_hold_for_core_files_sizes_memory_and_processes(tmp_path: Path) -> None:
    limits = Limits(file_size=1 << 20, memory=1 << 30, more_processes=20)
    processes = ShellProcesses(os.environ, str(tmp_path / "output"), limits)
    assert (await ran(processes, "ulimit -c", tmp_path)).output == "0\n"
    filled = await ran(processes, "head -c 3000000 /dev/zero > big; ls -s --block-size=1 big | cut -d' ' -f1", tmp_path)
    assert int(filled.output.split()[-1]) <= 1 << 20
    hog = await ran(processes, f"{sys.executable} -c 'x = bytearray(1 << 31)'", tmp_path)
    assert "MemoryError" in hog.output
    # Root is not held by the limit on processes, so the bomb is another user's where the tests run as root.
    bomb = (
        "import os, signal, sys\n"
        "os.getuid() or os.setuid(65534)\n"
        "for n in range(5000):\n"
        "    try:\n"
        "        os.fork() or (signal.pause(), os._exit(0))\n"
        "    except BlockingIOError:\n"
        "        sys.exit(f'stopped after {n}')\n"
    )
    (tmp_path / "bomb.py").write_text(bomb)
    answer = await ran(processes, f"exec {sys.executable} -I -S bomb.py", tmp_path)
    await processes.close()
    assert "stopped after" in answer.output
    assert "What it left running was ended with it" in answer.output


async def test_background_output_goes_to_a_file_while_it_runs(shell: ShellProcesses, tmp_path: Path) -> None:
    line = ShellLine("echo listening; printf prompt; sleep 60", str(tmp_path), 0.1, "c", "mine")
    task = await shell.start(line)
    assert (task.running, task.code, task.command) == (True, None, line.command)
    for _ in range(40):
        seen = await shell.wait(task.id, 0.05)
        assert seen is not None
        if seen.output == "listening\nprompt":
            break
    assert seen.output == "listening\nprompt"
    assert Path(seen.output_path).read_text() == "listening\nprompt"
    assert seen.running, "a time limit is for the foreground"
    assert [it.id for it in shell.background("mine")] == [task.id]
    assert shell.background("other") == ()
    stopped = await shell.stop(task.id)
    assert stopped is not None
    assert (stopped.running, stopped.code) == (False, None)


async def test_background_that_ends_by_itself_keeps_its_code_and_output(shell: ShellProcesses, tmp_path: Path) -> None:
    task = await shell.start(ShellLine("echo done; exit 5", str(tmp_path), 10, "c", "s"))
    ended = await shell.wait(task.id, 10)
    assert ended is not None
    assert (ended.running, ended.code, ended.output) == (False, 5, "done\n")
    assert await shell.wait("bash_unknown", 0) is None
    assert await shell.stop("bash_unknown") is None


async def test_after_close_nothing_is_started(shell: ShellProcesses, tmp_path: Path) -> None:
    await shell.close()
    with pytest.raises(ProcessError, match="shutting down"):
        await ran(shell, "true", tmp_path)
