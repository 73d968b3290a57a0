"""What each layer of settings is believed. A project's files can forbid and ask; an editor's section opens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claw_lsp.core.files.keys import KEYS
from claw_lsp.facts.rule import Mode

OF_FOLDER = ("project", "local")
"""The sources that stand in the folder itself. A local file proves nothing: a repository can bring one."""

_FROM_PROJECT = frozenset(
    {
        "model",
        "smallModel",
        "fallbackModel",
        "effortLevel",
        "language",
        "maxTurns",
        "maxCost",
        "maxMinutes",
        "maxOutputTokens",
        "todoWrite",
        "disableBypassPermissionsMode",
        "disableAutoMode",
        "disabledMcpjsonServers",
        "deniedMcpServers",
    }
)
"""What a checked-in file may say before anybody trusted it: it costs or forbids, and opens nothing."""

STRICTER: Mapping[str, object] = {
    "review": "before",
    "aiComments": "off",
    "autoMemoryEnabled": False,
    "blockReadsOutsideWorkingDirectories": True,
    "sandbox.enabled": True,
    "sandbox.failIfUnavailable": True,
    "sandbox.autoAllowBashIfSandboxed": False,
    "sandbox.allowUnsandboxedCommands": False,
    "sandbox.hideEnvFiles": True,
}
_STRICTER_LISTS = frozenset(
    {"sandbox.filesystem.denyWrite", "sandbox.filesystem.denyRead", "sandbox.network.deniedDomains"}
)
"""More review or walls than the person asked for, or less offered, is no harm; the contrary is theirs to choose."""

_LOOSER = {it for it in KEYS if it.startswith(("sandbox.", "autoMode."))} - STRICTER.keys() - _STRICTER_LISTS

NOT_FROM_EDITOR = frozenset(
    {
        "env",
        "additionalDirectories",
        "allowPrivateAddresses",
        "allowedHttpHookUrls",
        "allowedMcpServers",
        "apiKeyHelper",
        "availableModels",
        "provider",
        "autoMemoryDirectory",
        "cleanupPeriodDays",
        "disableAllHooks",
        "enableAllProjectMcpServers",
        "enabledMcpjsonServers",
        "hooks",
        "httpHookAllowedEnvVars",
        "maxSessionMegabytes",
        "shareEditor",
        *_LOOSER,
    }
)
"""What an editor's section, which may come from the workspace, may not say; nor allow rules, nor the bypass mode."""


def believed(source: str, alias: str, value: Any) -> bool:
    """Whether a setting counts that this source says, without anybody's approval."""
    if source in OF_FOLDER:
        return alias in _FROM_PROJECT or _stricter(alias, value)
    if source == "editor":
        if alias.startswith("sandbox.") or alias == "blockReadsOutsideWorkingDirectories":
            return _stricter(alias, value)
        never = (("defaultMode", Mode.BYPASS), ("defaultMode", Mode.AUTO), ("aiComments", "run"))
        return alias not in NOT_FROM_EDITOR and (alias, value) not in never
    return True


def _stricter(alias: str, value: Any) -> bool:
    return alias in _STRICTER_LISTS or (alias in STRICTER and value == STRICTER[alias])
