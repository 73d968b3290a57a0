"""A person at a terminal, for the tests of the command line."""

from __future__ import annotations

import asyncio
import os
import pty

from command_line import CLAW, Shell


async def at_a_terminal(
    here: Shell, argv: tuple[str, ...], dialog: list[tuple[str, str]], *, out: bool = False
) -> tuple[int, str]:
    """Run with a terminal for stdin and stderr (and stdout, with `out`); after each text awaited, type something.

    Answers the exit code and what the terminal showed.
    """
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *CLAW,
        *argv,
        cwd=here.folder,
        env=here.environment,
        stdin=theirs,
        stdout=theirs if out else asyncio.subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_own_terminal,
    )
    os.close(theirs)
    shown = ""
    try:
        for awaited, typed in dialog:
            seen = len(shown)
            while awaited not in shown[seen:]:
                shown += (await asyncio.to_thread(os.read, ours, 65536)).decode()
            os.write(ours, typed.encode())
        reading = asyncio.create_task(asyncio.to_thread(_rest, ours))
        await process.communicate()
        shown += await reading
    finally:
        os.close(ours)
    assert process.returncode is not None
    return process.returncode, shown


def _own_terminal() -> None:
    """Make the terminal on stdin the controlling one, so that Ctrl-C is a signal there."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _rest(fd: int) -> str:
    """Everything up to the end of the terminal, which Linux tells by an error."""
    text = ""
    while True:
        try:
            text += os.read(fd, 65536).decode()
        except OSError:
            return text
