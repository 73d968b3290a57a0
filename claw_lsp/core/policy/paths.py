"""Which paths are inside the roots, which are protected, which hold secrets. Names are compared without case."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

PROTECTED_FOLDERS = frozenset(
    ".git .vscode .idea .husky .cargo .devcontainer .yarn .mvn .claude .claw .gemini .cursor .codex .venv venv".split()
)
PROTECTED_FILES = frozenset(
    """.gitconfig .gitmodules .bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv
    .zprofile .zlogin .zlogout .zsh_aliases .kshrc .envrc .npmrc .pnpmfile.cjs bunfig.toml .bazelrc .bazelversion .bazeliskrc
    .pre-commit-config.yaml gradle-wrapper.properties maven-wrapper.properties .devcontainer.json .ripgreprc
    pyrightconfig.json .mcp.json .claude.json""".split()
)
PROTECTED_PREFIXES = (".yarnrc", ".pnp.", "lefthook")
FREE_BELOW_PROTECTED = frozenset({(".claude", "worktrees"), (".claw", "worktrees"), (".claw", "chats")})
"""What lies below these is like any other file, unless it is protected by a name of its own."""
AGENT_FOLDERS = frozenset({".claw", ".claude"})
AGENT_FILES = frozenset({".mcp.json", ".claude.json"})

_SECRET_NAMES = re.compile(
    r"""^( \.env(\..*)? | .*\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|gpg|asc) | id_(rsa|dsa|ecdsa|ed25519)(\..*)?
        | \.netrc | _netrc | \.pgpass | \.git-credentials | \.htpasswd | credentials(\.json)? | \.credentials(\.json)?
        | service[-_]account.*\.json | secrets?\.(json|ya?ml|toml) | \.pypirc | \.dockercfg | \.vault-token
        | mcp-logins\.json(\.bad-\d+)? )$""",
    re.VERBOSE | re.IGNORECASE,
)
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure", "gcloud", "keyrings"})
_NOT_SECRET = re.compile(r"^\.env\.(example|sample|template|dist)$|\.pub$", re.IGNORECASE)


def inside(path: str, roots: Iterable[str]) -> bool:
    """Whether the path is one of the roots or below one, by whole components. Both are absolute and normalised."""
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def protected(path: str) -> bool:
    """Whether changing this file can make something else run code, or free an agent from its rules."""
    parts = _parts(path)
    name = parts[-1] if parts else ""
    config_git = any(pair == (".config", "git") for pair in zip(parts, parts[1:], strict=False))
    return (
        config_git
        or any(it in PROTECTED_FOLDERS for it in _not_freed(parts))
        or name in PROTECTED_FILES
        or name.startswith(PROTECTED_PREFIXES)
    )


def governs_agent(path: str, claw_home: str = "", notes: str = "") -> bool:
    """Whether the file tells this agent what it may do: settings, hooks, skills, agents, plugins, servers, schedules. All
    of `claw_home` does, but for the chats, and what it remembers: the folder `notes`."""
    parts = _parts(path)
    kept = _parts(notes)
    if kept and parts[: len(kept)] == kept:
        return True
    own = _parts(claw_home)
    if own and parts[: len(own)] == own and parts[len(own) : len(own) + 1] != ["chats"]:
        return True
    return any(it in AGENT_FOLDERS for it in _not_freed(parts)) or (bool(parts) and parts[-1] in AGENT_FILES)


def _not_freed(parts: list[str]) -> list[str]:
    """The components without those that free what lies below them."""
    return [it for n, it in enumerate(parts) if len(parts) < n + 3 or (it, parts[n + 1]) not in FREE_BELOW_PROTECTED]


@lru_cache(4096)
def secret(path: str) -> bool:
    """Whether the name says that the file holds keys or credentials; also below /proc/<id>/environ and the like."""
    parts = _parts(path)
    name = parts[-1] if parts else ""
    if _NOT_SECRET.search(name):
        return False
    process = parts[:1] == ["proc"] and name in ("environ", "mem", "maps", "cmdline")
    return process or bool(_SECRET_NAMES.match(name)) or not _SECRET_FOLDERS.isdisjoint(parts)


def _parts(path: str) -> list[str]:
    """Lower-case components; Windows' separators, streams and trailing dots are seen through."""
    plain = path.replace("\\", "/").casefold()
    return [part.split("::$")[0].rstrip(". ") or part for part in plain.split("/") if part]
