"""Which rule *Always allow* offers for a command line: never more than what the person can foresee from that one line.

A rule with an open end (`pytest *`) only for the project's own work: what is said after these words are targets and
flags of a test runner, a build tool or a linter. Every other line just as it stands. Nothing at all for programs that
write or delete, change rights or settings, talk to other hosts or run what they are given. Of git, `status` alone is
open: `diff` and `log` can write any file (`--output`), `add` takes what comes later into the next commit. Not open either
are tools whose further words are any work the project knows, publishing too: make, gradle, mvn, ninja, tox, nox.
"""

from __future__ import annotations

import re

from claw_lsp.core.policy import shell
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.redaction import secret_in

_ANY = "*"
"""Stands for one name, such as that of a script."""
_OPEN = {
    **dict.fromkeys("pytest mypy pyright basedpyright flake8 pylint unittest".split(), ((),)),
    **dict.fromkeys("jest vitest mocha eslint tsc rspec phpunit ctest".split(), ((),)),
    **dict.fromkeys("npm pnpm yarn bun".split(), (("test",), ("run", _ANY))),
    "ruff": (("check",),),
    "cargo": (("test",), ("build",), ("check",), ("clippy",)),
    "go": (("test",), ("build",), ("vet",)),
    "dotnet": (("test",), ("build",)),
    "swift": (("test",), ("build",)),
    "mix": (("test",), ("compile",)),
    "git": (("status",),),
}
"""Programs, and the words after which the rest may be left open."""
_LAUNCHERS = {"uv": "run", "poetry": "run", "pipenv": "run", "bundle": "exec"}
"""Programs that run what is open by itself in the project's own environment."""
_ONLY_OPEN = frozenset("npm pnpm yarn bun cargo go dotnet swift mix".split()) | set(_LAUNCHERS)
"""Programs whose other work installs, publishes or runs anything."""
_GIT_AS_IT_STANDS = frozenset("diff log show add blame shortlog describe rev-parse ls-files".split())
_NEVER = frozenset(
    """rm rmdir dd mkfs shred unlink truncate wipe cp mv ln tee touch mkdir install mktemp split csplit patch ed ex vi
    vim nvim nano emacs tar zip unzip gzip gunzip bzip2 bunzip2 xz unxz zstd 7z cpio ar
    chmod chown chgrp chattr setfacl umask mount umount crontab at systemctl launchctl git-config
    curl wget nc ncat netcat socat telnet ftp sftp ssh scp rsync ping dig host nslookup openssl gh glab aws gcloud az
    pip pip3 pipx npx pnpx bunx uvx gem brew apt apt-get dnf yum pacman conda ensurepip twine docker podman kubectl helm
    terraform ansible sudo su doas env printenv export set alias xargs eval exec sh bash zsh fish dash ksh csh tcsh pwsh
    busybox toybox source . kill killall pkill find fd awk gawk mawk sed perl watch timeout nohup setsid time nice
    stdbuf command builtin ionice parallel entr script tmux screen gdb strace history""".split()
)
_PYTHON = re.compile(r"python[0-9.]*")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_:.-]*")
_SECRET = re.compile(
    r"token|passw|passphrase|secret|bearer|authorization|credential|api[_-]?key|://[^/ ]*@", re.IGNORECASE
)
"""Words beside which a key may stand; such a line is never written into a settings file."""
SHOWN_WHOLE = 400
"""Characters of a line that every question shows whole; what was seen in part is allowed once only."""


def offered(line: str) -> str | None:
    """The rule that covers this line and, for the project's own work, lines that differ in targets and flags.

    None where a standing permission would be too much.
    """
    words = shell.plain_words(line)
    read = read_line(line)
    if words is None or len(line) > SHOWN_WHOLE or shell.elsewhere(read, ("/",)):
        return None
    if _SECRET.search(line) or secret_in(line):
        return None
    spec = _spec(words)
    covered = spec and not read.unread and all(shell.covers(spec, it) for it in read.parts)
    return f"Bash({spec})" if covered else None


def _spec(words: tuple[str, ...]) -> str | None:
    n_open = _n_open(words)
    if n_open:
        return f"{' '.join(words[:n_open])} *"
    return " ".join(words) if _as_it_stands(words) else None


def _n_open(words: tuple[str, ...]) -> int:
    """After how many words the rest may be left open; 0 where it may not."""
    if not words:
        return 0
    program = _program(words[0])
    led = 2 if (_PYTHON.fullmatch(program) and words[1:2] == ("-m",)) or words[1:2] == (_LAUNCHERS.get(program),) else 0
    if led:
        behind = _n_open(words[led:])
        return led + behind if behind else 0
    for wanted in _OPEN.get(program, ()):
        given = words[1 : 1 + len(wanted)]
        if len(given) == len(wanted) and all(map(_means, wanted, given)):
            return 1 + len(wanted)
    return 0


def _as_it_stands(words: tuple[str, ...]) -> bool:
    """Whether the line may be offered to the letter."""
    program = _program(words[0])
    if program in _NEVER or program in _ONLY_OPEN:
        return False
    if program == "git":
        return len(words) > 1 and words[1] in _GIT_AS_IT_STANDS
    if _PYTHON.fullmatch(program) and words[1:2] == ("-m",):
        return len(words) > 2 and _as_it_stands(words[2:])
    return True


def _program(word: str) -> str:
    return word.rsplit("/", 1)[-1].lower()


def _means(wanted: str, given: str) -> bool:
    return bool(_NAME.fullmatch(given)) if wanted == _ANY else wanted == given
