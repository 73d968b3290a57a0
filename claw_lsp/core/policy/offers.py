"""Which rules *Always allow* offers for a plan: never more than what the person can foresee from that one question.

Of a command line one rule for each part that asks, at most five. A rule with an open end (`pytest *`) only for the
project's own work: what is said after these words are targets and flags of a test runner, a build tool or a linter. Every
other command just as it stands. Nothing at all for programs that write or delete, change rights or settings, talk to
other hosts or run what they are given. Of git, `status` alone is open: `diff` and `log` can write any file (`--output`),
`add` takes what comes later into the next commit. Not open either are tools whose further words are any work the project
knows, publishing too: make, gradle, mvn, ninja, tox, nox.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from claw_lsp.core.policy import hosts, shell
from claw_lsp.core.policy.matching import covers
from claw_lsp.core.policy.paths import secret
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.words import Part
from claw_lsp.core.policy.wrappers import unwrapped
from claw_lsp.core.redaction import secret_in
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.rule import Rule

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
_TIMED = frozenset({"timeout", "time"})
"""Programs that change nothing of what the command behind them does."""
_PATTERN = re.compile(r"[\[\]*?!\\\n]")
"""What would make a pattern of a folder's name."""
MOST_RULES = 5
"""How many rules one answer may add."""
_PYTHON = re.compile(r"python[0-9.]*")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_:.-]*")
_SECRET = re.compile(
    r"token|passw|passphrase|secret|bearer|authorization|credential|api[_-]?key|://[^/ ]*@", re.IGNORECASE
)
"""Words beside which a key may stand; such a line is never written into a settings file."""
SHOWN_WHOLE = 400
"""Characters of a line that every question shows whole; what was seen in part is allowed once only."""


def offer(plan: Plan, rules: Iterable[Rule] = ()) -> tuple[str, ...]:
    """The rules that *Always allow* would add for plans like this one, beside those in force; () where there are none."""
    match plan.reach:
        case Reach.RUN:
            return _of_line(plan, [it for it in rules if it.behavior == "allow"])
        case Reach.FETCH:
            if plan.url is None:
                return (plan.call.name,)
            host = hosts.host_of(plan.url)
            return (f"{plan.call.name}(domain:{host})",) if host else ()
        case Reach.READ:
            folder = _common_folder(plan)
            secrets = any(secret(it.path) or secret(it.target) for it in plan.paths)
            readable = folder and not _PATTERN.search(folder)
            return (f"Read(//{folder.lstrip('/')}/**)",) if folder and readable and not secrets else ()
        case Reach.EDIT | Reach.NOTHING | Reach.PERSON:
            return ()


def _of_line(plan: Plan, allowing: list[Rule]) -> tuple[str, ...]:
    """One rule for each part that asks; () where a standing permission for any of them would be too much."""
    text = plan.command or ""
    line = read_line(text)
    if line.unread or len(text) > SHOWN_WHOLE or shell.elsewhere(line, ("/",)):
        return ()
    if _SECRET.search(text) or secret_in(text):
        return ()
    asked = shell.parts_asked(line) or line.parts[:1]
    specs = [_spec_of(it) for it in asked if not any(covers(rule, plan, it) for rule in allowing)]
    found = tuple(dict.fromkeys(f"Bash({it})" for it in specs))
    return found if all(specs) and len(found) <= MOST_RULES else ()


def _spec_of(part: Part) -> str | None:
    """What covers this part and, for the project's own work, those that differ in targets and flags."""
    if shell.plain_words(part.text) is None:
        return None
    spec = _spec((unwrapped(part) if part.program in _TIMED else part).texts)
    return spec if spec and shell.covers(spec, part) else None


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


def _common_folder(plan: Plan) -> str | None:
    folders = {it.path.rsplit("/", 1)[0] for it in plan.paths}
    return folders.pop() if len(folders) == 1 else None
