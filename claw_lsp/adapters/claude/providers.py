"""Whose Messages API is asked: the provider's own, or Claude on Amazon Bedrock, Google Vertex or Microsoft Foundry.

Addresses and requests are the SDK's own clients'. What they need is read here from the environment of the process, where
the SDK and those clouds' own tools look for it; never from a settings file of a project or an editor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.settings import Provider

_USE: Final[Mapping[str, Provider]] = {
    "CLAUDE_CODE_USE_BEDROCK": "bedrock",
    "CLAUDE_CODE_USE_VERTEX": "vertex",
    "CLAUDE_CODE_USE_FOUNDRY": "foundry",
}
_OFF: Final = ("", "0", "false", "no", "off")
_TITLES: Final[Mapping[Provider, str]] = {
    "anthropic": "Anthropic",
    "bedrock": "Amazon Bedrock",
    "vertex": "Google Vertex",
    "foundry": "Microsoft Foundry",
}


@dataclass(frozen=True, slots=True)
class Cloud:
    """Claude as another cloud offers it. `source` says where its credentials come from.

    `client` makes the SDK's client out of what every client of it takes; it may raise what `errors` names, as sending may.
    `in_frames`: the answer comes in AWS's frames; `by_model`: the address holds the model, so the SDK reads the body.
    """

    provider: Provider
    base_url: str
    source: str
    client: Callable[..., Any]
    errors: Callable[[], tuple[type[Exception], ...]]
    in_frames: bool = False
    by_model: bool = True

    @property
    def title(self) -> str:
        return _TITLES[self.provider]


def provider_of(said: Provider | None, environment: Mapping[str, str]) -> Provider:
    """The provider that the person's own settings say, else the environment. Raises ModelError where that says two."""
    if said is not None:
        return said
    meant = [name for name in _USE if environment.get(name, "").strip().lower() not in _OFF]
    if len(meant) > 1:
        raise ModelError(f"{' and '.join(meant)} are set: leave one of them.", reason="connection")
    return _USE[meant[0]] if meant else "anthropic"


def cloud_of(provider: Provider, environment: Mapping[str, str]) -> Cloud | None:
    """The cloud, None for Anthropic's own API. Raises ModelError for what is missing, with what to set or install."""
    given = {name: it.strip() for name, it in environment.items() if it.strip()}
    match provider:
        case "anthropic":
            return None
        case "bedrock":
            return _bedrock(given)
        case "vertex":
            return _vertex(given)
        case "foundry":
            return _foundry(given)


def _bedrock(given: Mapping[str, str]) -> Cloud:
    region = _needed(given, "bedrock", "AWS_REGION", "AWS_DEFAULT_REGION")
    base_url = given.get("ANTHROPIC_BEDROCK_BASE_URL") or f"https://bedrock-runtime.{region}.amazonaws.com"
    key, source = _of_gateway(given, "CLAUDE_CODE_SKIP_BEDROCK_AUTH")
    if key is None and (key := given.get("AWS_BEARER_TOKEN_BEDROCK")):
        source = "AWS_BEARER_TOKEN_BEDROCK"
    if key is None:
        _installed("bedrock", "botocore", "boto3", "or set AWS_BEARER_TOKEN_BEDROCK to a key of Bedrock")
        source = (
            f"AWS ({'the profile ' + given['AWS_PROFILE'] if 'AWS_PROFILE' in given else 'its default credentials'})"
        )

    def client(**common: Any) -> Any:
        from anthropic.lib.bedrock import AsyncAnthropicBedrock

        more = {"api_key": key} if key is not None else {"aws_profile": given.get("AWS_PROFILE")}
        return AsyncAnthropicBedrock(aws_region=region, base_url=base_url, **more, **common)

    errors = _errors("botocore.exceptions", "BotoCoreError")
    return Cloud("bedrock", base_url, source, client, errors, in_frames=True)


def _vertex(given: Mapping[str, str]) -> Cloud:
    region = _needed(given, "vertex", "CLOUD_ML_REGION")
    project = _needed(given, "vertex", "ANTHROPIC_VERTEX_PROJECT_ID", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT")
    base_url = given.get("ANTHROPIC_VERTEX_BASE_URL") or _vertex_address(region)
    token, source = _of_gateway(given, "CLAUDE_CODE_SKIP_VERTEX_AUTH")
    if token is None:
        _installed("vertex", "google.auth", "google-auth", "and sign in with gcloud auth application-default login")
        source = "Google's application default credentials"

    def client(**common: Any) -> Any:
        from anthropic.lib.vertex import AsyncAnthropicVertex

        return AsyncAnthropicVertex(region=region, project_id=project, access_token=token, base_url=base_url, **common)

    errors = _errors("google.auth.exceptions", "GoogleAuthError")
    return Cloud("vertex", base_url, source, client, errors)


def _vertex_address(region: str) -> str:
    host = {"global": "aiplatform", "us": "aiplatform.us.rep", "eu": "aiplatform.eu.rep"}
    return f"https://{host.get(region, f'{region}-aiplatform')}.googleapis.com/v1"


def _foundry(given: Mapping[str, str]) -> Cloud:
    if not (base_url := given.get("ANTHROPIC_FOUNDRY_BASE_URL")):
        resource = _needed(given, "foundry", "ANTHROPIC_FOUNDRY_RESOURCE", "ANTHROPIC_FOUNDRY_BASE_URL")
        base_url = f"https://{resource}.services.ai.azure.com/anthropic/"
    key = _needed(given, "foundry", "ANTHROPIC_FOUNDRY_API_KEY")

    def client(**common: Any) -> Any:
        from anthropic import AsyncAnthropicFoundry

        return AsyncAnthropicFoundry(base_url=base_url, api_key=key, **common)

    return Cloud("foundry", base_url, "ANTHROPIC_FOUNDRY_API_KEY", client, _errors("", ""), by_model=False)


def _of_gateway(given: Mapping[str, str], skip: str) -> tuple[str | None, str]:
    """The token for a gateway that signs in to the cloud itself, and where it came from; None where there is none."""
    if given.get(skip, "").lower() in _OFF:
        return None, ""
    token = given.get("ANTHROPIC_AUTH_TOKEN")
    return (token, "ANTHROPIC_AUTH_TOKEN") if token else ("none", f"nowhere ({skip} is set)")


def _needed(given: Mapping[str, str], provider: Provider, *names: str) -> str:
    found = next((given[it] for it in names if it in given), None)
    if found is None:
        raise ModelError(f"{_TITLES[provider]} is the provider, and {names[0]} is not set.{_WHERE}", reason="no_key")
    return found


def _installed(provider: Provider, module: str, package: str, also: str) -> None:
    try:
        there = find_spec(module) is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        title = _TITLES[provider]
        raise ModelError(
            f"{title} needs the package {package}, which is not installed: pip install 'claw-lsp[{provider}]', {also}.",
            reason="no_key",
        )


def _errors(module: str, name: str) -> Callable[[], tuple[type[Exception], ...]]:
    """What signing in raises: the SDK's own complaints, and those of the cloud's package where it is installed."""

    def found() -> tuple[type[Exception], ...]:
        try:
            own: Any = getattr(import_module(module), name) if module else ()
        except ImportError:
            own = ()
        return (RuntimeError, ValueError, *((own,) if own else ()))

    return found


_WHERE: Final = (
    " Set it in the environment that the editor starts claw-lsp with; docs/models.md says what else it wants."
)
