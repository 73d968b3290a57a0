"""The environment that whatever we start gets: an allowlist of the server's own, never keys or tokens (S01, M05)."""

from __future__ import annotations

import os
from collections.abc import Mapping

from claw_lsp.adapters.programs import absolute
from claw_lsp.core.redaction import names_secret

_NAMES = frozenset(
    (
        "PATH HOME USER LOGNAME SHELL TMPDIR TZ LANG LANGUAGE SSH_AUTH_SOCK "
        "VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV PYENV_ROOT UV_CACHE_DIR PIP_CACHE_DIR "
        "NVM_DIR NVM_BIN VOLTA_HOME PNPM_HOME BUN_INSTALL DENO_DIR "
        "JAVA_HOME ANDROID_HOME ANDROID_SDK_ROOT GRADLE_USER_HOME MAVEN_HOME "
        "GOPATH GOROOT GOBIN GOCACHE GOMODCACHE CARGO_HOME RUSTUP_HOME RBENV_ROOT GEM_HOME GEM_PATH DOTNET_ROOT "
        "XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_DATA_DIRS XDG_RUNTIME_DIR "
        "LD_LIBRARY_PATH LIBRARY_PATH CPATH PKG_CONFIG_PATH CMAKE_PREFIX_PATH NIX_PATH NIX_PROFILES "
        "HOMEBREW_PREFIX HOMEBREW_CELLAR HOMEBREW_REPOSITORY DEVELOPER_DIR SDKROOT "
        "SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS NIX_SSL_CERT_FILE "
        "DOCKER_HOST KUBECONFIG WSL_DISTRO_NAME WSLENV"
    ).split()
)
_PROXIES = frozenset("http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY".split())

QUIET = {
    "TERM": "dumb",
    "NO_COLOR": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "MANPAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "true",
    "SSH_ASKPASS_REQUIRE": "never",
}
"""What makes programs neither ask, nor page, nor paint."""


def allowed(parent: Mapping[str, str]) -> dict[str, str]:
    """What of the server's environment a command may see, and what keeps it from asking. Whatever its name says to be a
    credential is left out, and a proxy whose address holds a password."""
    kept = {
        name: value
        for name, value in parent.items()
        if (name in _NAMES or name.startswith("LC_") or (name in _PROXIES and "@" not in value))
        and not names_secret(name)
    }
    if "PATH" in kept:
        # Else a command that only reads, such as `ls`, could be one that lies in the folder it is run in.
        kept["PATH"] = os.pathsep.join(absolute(kept["PATH"]))
    return kept | QUIET
