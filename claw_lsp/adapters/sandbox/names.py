"""The names that the sandbox knows: what is protected in a workspace, where secrets lie, what no workspace may be."""

from __future__ import annotations

import re
from typing import Final

from claw_lsp.core.policy import paths

PROTECTED_FOLDERS: Final = tuple(sorted(paths.PROTECTED_FOLDERS))

PROTECTED_FILES: Final = tuple(
    """.mcp.json .claude.json .gitmodules .envrc .npmrc .pnpmfile.cjs bunfig.toml .bazelrc .bazelversion .bazeliskrc
    .pre-commit-config.yaml .devcontainer.json pyrightconfig.json""".split()
)
"""What is held at the top of a workspace even where it does not exist. Start-up files of shells are not among them: they
count in a home, and a home is no workspace."""

FREE: Final = (".claude/worktrees", ".claw/worktrees")

GIT: Final = ("config", "config.worktree", "hooks", "commondir", "modules", "info/attributes")
"""What of a repository's own folder can make git run something: read only."""

MADE_OF_GIT: Final = {"config": "", "config.worktree": "", "hooks": None, "commondir": ".\n"}
"""What stands in where one of these is missing: to git it says nothing. A `commondir` of somebody else's would lead git to
another configuration; this one says that the folder is its own."""

CALLED: Final = re.compile(r'(?im)^\s*(hookspath|path|fsmonitor|sshcommand)\s*=\s*"?([^"\n#;]+)')
"""Settings of git that name a file which is run, or read as more settings."""

ENV_FILE: Final = re.compile(r"/\.env(?!\.(example|sample|template|dist)$)(\.[^/]*)?$")

SYSTEM: Final = frozenset("/ /bin /boot /home /lib /lib64 /opt /root /run /sbin /srv /usr /var".split())

SECRETS: Final = tuple(
    """~/.ssh ~/.aws ~/.gnupg ~/.azure ~/.kube ~/.docker ~/.config/gcloud ~/.config/gh ~/.config/git/credentials
    ~/.config/op ~/.config/rclone ~/.config/sops ~/.local/share/keyrings ~/.local/share/kwalletd ~/.password-store
    ~/.netrc ~/.git-credentials ~/.pgpass ~/.my.cnf ~/.pypirc ~/.npmrc ~/.yarnrc.yml ~/.vault-token ~/.terraform.d
    ~/.cargo/credentials ~/.cargo/credentials.toml ~/.gem/credentials ~/.m2/settings.xml ~/.gradle/gradle.properties
    ~/.mozilla ~/.thunderbird ~/.config/google-chrome ~/.config/chromium ~/.config/BraveSoftware ~/.config/Signal
    ~/.claude.json ~/.claude/.credentials.json ~/.codex ~/.gemini ~/.config/github-copilot
    ~/.bash_history ~/.zsh_history ~/.python_history ~/.psql_history ~/.node_repl_history
    ~/Library/Keychains /etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/ssh /etc/sudoers /etc/sudoers.d
    /etc/kubernetes /var/lib/docker /var/lib/kubelet""".split()
)
"""Where keys, credentials and what people typed lie. Hidden from commands unless the person says otherwise."""
