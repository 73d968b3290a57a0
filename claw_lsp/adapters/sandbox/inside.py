"""Run inside the sandbox before a command that may reach some hosts: listen on the loopback of its network, hand the listening
sockets out over an inherited descriptor, and become the command. Standard library only; run as a file, without site-packages.

A socket belongs to the network it was made in, so what is outside accepts what connects in here, and nothing of ours runs on
beside the command.
"""

from __future__ import annotations

import os
import socket
import sys


def main() -> None:
    """`inside.py FD PORT[,PORT] PROGRAM ARGUMENT…`"""
    out = socket.socket(fileno=int(sys.argv[1]))
    listening = [socket.create_server(("127.0.0.1", int(it))) for it in sys.argv[2].split(",")]
    socket.send_fds(out, [b"x"], [it.fileno() for it in listening])
    out.close()
    for it in listening:
        it.close()
    os.execvp(sys.argv[3], sys.argv[3:])


if __name__ == "__main__":
    main()
