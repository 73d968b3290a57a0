"""What a person or a project wants of the sandbox that shell commands run in, and what one command gets of it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


class SandboxSettings(BaseModel):
    """The keys `sandbox.*` of a settings file. Paths are absolute, `~/…`, or hang on the workspace's first folder."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True)

    sandbox_enabled: bool = Field(
        False,
        alias="sandbox.enabled",
        description="Run shell commands in a sandbox: the workspace can be written, protected files in it and the rest of the"
        " disk only read, secrets are hidden, and there is no network but for `sandbox.network.allowedDomains`."
        " `claw-lsp doctor` says what this machine has for it. A project's file can turn it on, never off.",
    )
    sandbox_required: bool = Field(
        False,
        alias="sandbox.failIfUnavailable",
        description="Refuse shell commands where the sandbox is enabled and bubblewrap cannot be had; otherwise they are asked about.",
    )
    sandbox_allows: bool = Field(
        True,
        alias="sandbox.autoAllowBashIfSandboxed",
        description="Ask no question about a command that runs in the sandbox, unless a rule asks, the mode is plan, or it"
        " deletes what is critical. Counts only where the sandbox is bubblewrap, which holds protected files and processes, too,"
        " and where you enabled it yourself.",
    )
    sandbox_excluded: tuple[str, ...] = Field(
        (),
        alias="sandbox.excludedCommands",
        description="Commands that run outside of the sandbox, as patterns of Bash rules (`docker *`). They are judged as"
        " if there were no sandbox.",
    )
    sandbox_may_be_left: bool = Field(
        True,
        alias="sandbox.allowUnsandboxedCommands",
        description="Let the model ask for a command to run outside of the sandbox. It is always a question; `false`: never.",
    )
    sandbox_write: tuple[str, ...] = Field(
        (), alias="sandbox.filesystem.allowWrite", description="Paths beside the workspace that commands may write."
    )
    sandbox_no_write: tuple[str, ...] = Field(
        (), alias="sandbox.filesystem.denyWrite", description="Paths that commands may not write, in the workspace too."
    )
    sandbox_no_read: tuple[str, ...] = Field(
        (),
        alias="sandbox.filesystem.denyRead",
        description="Paths that are hidden from commands, beside the known places of keys and credentials.",
    )
    sandbox_read: tuple[str, ...] = Field(
        (),
        alias="sandbox.filesystem.allowRead",
        description="Paths below hidden ones that commands may read after all.",
    )
    sandbox_hides_env: bool = Field(
        False, alias="sandbox.hideEnvFiles", description="Hide `.env` files of the workspace from commands."
    )
    sandbox_domains: tuple[str, ...] = Field(
        (),
        alias="sandbox.network.allowedDomains",
        description="Hosts that commands may reach over HTTP and HTTPS, through a proxy of ours: `example.com`, `*.example.com`"
        " for every host below it, `example.com:8443` for another port than 80 and 443. None: no network at all.",
    )
    sandbox_no_domains: tuple[str, ...] = Field(
        (), alias="sandbox.network.deniedDomains", description="Hosts that are refused even if they are allowed."
    )
    sandbox_sockets: tuple[str, ...] = Field(
        (),
        alias="sandbox.network.allowUnixSockets",
        description="Unix sockets that commands may reach. None: no Unix socket can be made at all. Each is a way out of the"
        " sandbox for whoever can talk to what listens there, a Docker socket above all. On Linux, where one is named, others that"
        " are seen inside can be reached, too; those below /run and /tmp are not seen.",
    )
    sandbox_listens: bool = Field(
        False,
        alias="sandbox.network.allowLocalBinding",
        description="Let commands listen on ports of this machine (macOS; on Linux the sandbox has a loopback of its own).",
    )
    sandbox_http_port: int | None = Field(
        None,
        alias="sandbox.network.httpProxyPort",
        ge=1,
        le=65_535,
        description="The port of an HTTP proxy of your own on this machine, which commands use in place of ours.",
    )
    sandbox_socks_port: int | None = Field(
        None,
        alias="sandbox.network.socksProxyPort",
        ge=1,
        le=65_535,
        description="The port of a SOCKS proxy of your own on this machine.",
    )


@dataclass(frozen=True, slots=True)
class Walls:
    """What a command runs in: `mechanism` in words for people, "" for nothing, and then `why` says for what reason.

    `whole`: protected files, secrets and everything outside are held, too, so that a command in it may
    need no question. It is tested to be so for bubblewrap alone.
    """

    mechanism: str = ""
    why: str = ""
    whole: bool = False

    @property
    def line(self) -> str:
        """In what the command runs, for whoever is asked about it."""
        return f"runs in a sandbox, {self.mechanism}" if self.mechanism else f"no sandbox: {self.why}"


NO_WALLS = Walls(why="the sandbox is not enabled")
