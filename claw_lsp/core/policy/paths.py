"""Which paths are inside the roots, which are protected, which hold secrets. Names are compared without case."""

from __future__ import annotations

import re
from collections.abc import Iterable

PROTECTED_FOLDERS = frozenset(
    ".git .vscode .idea .husky .cargo .devcontainer .yarn .mvn .claude .claw .gemini .cursor .codex .venv venv".split()
)
PROTECTED_FILES = frozenset(
    """.gitconfig .gitmodules .bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv
    .zprofile .zlogin .zlogout .envrc .npmrc .pnpmfile.cjs bunfig.toml .bazelrc .bazelversion .bazeliskrc
    .pre-commit-config.yaml gradle-wrapper.properties maven-wrapper.properties .devcontainer.json .ripgreprc
    pyrightconfig.json .mcp.json .claude.json""".split()
)
PROTECTED_PREFIXES = (".yarnrc", ".pnp.", "lefthook")
FREE_BELOW_PROTECTED = (".claude/worktrees/", ".claw/worktrees/", ".claw/chats/")
AGENT_FOLDERS = frozenset({".claw", ".claude"})
AGENT_FILES = frozenset({".mcp.json", ".claude.json"})

_SECRET_NAMES = re.compile(
    r"""^( \.env(\..*)? | .*\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|gpg|asc) | id_(rsa|dsa|ecdsa|ed25519)(\..*)?
        | \.netrc | _netrc | \.pgpass | \.git-credentials | \.htpasswd | credentials(\.json)? | \.credentials(\.json)?
        | service[-_]account.*\.json | secrets?\.(json|ya?ml|toml) | \.pypirc | \.dockercfg | \.vault-token )$""",
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
    if any(free in "/".join(parts) + "/" for free in FREE_BELOW_PROTECTED):
        return False
    name = parts[-1] if parts else ""
    config_git = any(pair == (".config", "git") for pair in zip(parts, parts[1:], strict=False))
    return (
        config_git
        or not PROTECTED_FOLDERS.isdisjoint(parts)
        or name in PROTECTED_FILES
        or name.startswith(PROTECTED_PREFIXES)
    )


def governs_agent(path: str) -> bool:
    """Whether the file tells this agent what it may do: settings, hooks, skills, agents, plugins, servers."""
    parts = _parts(path)
    return protected(path) and (not AGENT_FOLDERS.isdisjoint(parts) or (bool(parts) and parts[-1] in AGENT_FILES))


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
