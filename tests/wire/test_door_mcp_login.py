"""A server of the SDK's own, with the SDK's own authorization server before it: logged in to from the page, used, renewed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import uvicorn
from door_desk import Visit, visiting
from mcp.server.auth.provider import AccessToken, AuthorizationCode, AuthorizationParams, RefreshToken
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from claw_lsp.facts.mcp import ServerView
from claw_lsp.testing.scripted_model import says
from tests.wire.oauth_desk import Browser

PATIENCE = 60.0


class Provider:
    """What the SDK leaves to whoever runs it: who is known and what was given out. A person says yes at once. The SDK itself
    describes it, registers clients, and checks the proofs, the addresses and the secrets."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.tokens: dict[str, AccessToken] = {}
        self.renewals: dict[str, RefreshToken] = {}
        self.lasts = 3600
        self.n_logins, self.n_renewed = 0, 0

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        assert client_info.client_id
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        code = AuthorizationCode(
            code=secrets.token_hex(20),
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id or "",
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        self.codes[code.code] = code
        return f"{params.redirect_uri}?{urlencode({'code': code.code, 'state': params.state or ''})}"

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        self.n_logins += 1
        return self._issued(authorization_code.client_id, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return self.renewals.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        del self.renewals[refresh_token.token]
        self.n_renewed += 1
        return self._issued(refresh_token.client_id, scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.tokens.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.tokens.pop(token.token, None)

    def _issued(self, client: str, scopes: list[str], resource: str | None) -> OAuthToken:
        access, renewal = secrets.token_hex(20), secrets.token_hex(20)
        self.tokens[access] = AccessToken(token=access, client_id=client, scopes=scopes, resource=resource)
        self.renewals[renewal] = RefreshToken(token=renewal, client_id=client, scopes=scopes, resource=resource)
        return OAuthToken(
            access_token=access, expires_in=self.lasts, refresh_token=renewal, scope=" ".join(scopes) or None
        )


@asynccontextmanager
async def guarded(provider: Provider) -> AsyncGenerator[str]:
    """The address of a server whose tools are for those who logged in."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    about = AuthSettings.model_validate(
        {
            "issuer_url": base,
            "resource_server_url": f"{base}/mcp",
            "validate_token_resource": True,
            "required_scopes": ["read"],
            "client_registration_options": ClientRegistrationOptions(
                enabled=True, valid_scopes=["read"], default_scopes=["read"]
            ),
        }
    )
    server = MCPServer("guarded", auth_server_provider=provider, auth=about)

    @server.tool()
    def secret() -> str:
        """Tell the secret."""
        return "the cake is in the oven"

    config = uvicorn.Config(server.streamable_http_app(), log_config=None, ws="none", timeout_graceful_shutdown=1)
    serving = uvicorn.Server(config)
    serving.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    task = asyncio.create_task(serving.serve(sockets=[listener]))
    try:
        yield f"{base}/mcp"
    finally:
        serving.should_exit = True
        await task
        listener.close()


def view(visit: Visit) -> ServerView:
    assert visit.server.door is not None
    return visit.server.door.house.servers.views(str(visit.root))[0]


@asynccontextmanager
async def at_the_door(tmp_path: Path, provider: Provider, browser: Browser) -> AsyncGenerator[Visit]:
    """A visit to a person who logged in to the guarded server from its page, and allowed its tools."""

    async def show(params: dict[str, Any]) -> Any:
        if params.get("external"):
            await browser.visit(params["uri"])
        return {"success": True}

    called = says("", ("c1", "mcp__guarded__secret", {}))
    steps = (called, says("One."), called, says("Two."))
    async with (
        guarded(provider) as url,
        visiting(tmp_path, *steps, answers={"window/showDocument": show}) as visit,
    ):
        home = str(visit.home / "claw")
        visit.write(f"{home}/mcp.json", json.dumps({"mcpServers": {"guarded": {"type": "http", "url": url}}}))
        visit.write(f"{home}/settings.json", json.dumps({"permissions": {"allow": ["mcp__guarded"]}}))
        await visit.command("claw.mcp")
        await visit.until(lambda: view(visit).standing == "login", PATIENCE)
        await visit.command("claw.mcp", server="guarded", do="login")
        await visit.until(lambda: view(visit).standing == "up", PATIENCE)
        yield visit


async def test_a_login_on_the_page_that_the_editor_opens_brings_the_servers_tools(tmp_path: Path) -> None:
    provider, browser = Provider(), Browser()
    async with at_the_door(tmp_path, provider, browser) as visit:
        asked = {name: value[0] for name, value in parse_qs(urlsplit(browser.pages[0]).query).items()}
        assert asked["code_challenge_method"] == "S256" and asked["resource"] == view(visit).config.url
        [client] = provider.clients.values()
        assert str((client.redirect_uris or [""])[0]).startswith("http://127.0.0.1:")
        begun = await visit.turn("claw.ask", prompt="the secret?")
        assert "the cake is in the oven" in visit.model.results(1)
        await visit.turn("claw.ask", prompt="again?", session=begun["session"])
        assert (provider.n_logins, provider.n_renewed) == (1, 0)


@pytest.mark.parametrize("lasts", [3600, 1])
async def test_a_login_that_ended_is_renewed_while_the_server_is_used_and_nobody_is_asked(
    tmp_path: Path, lasts: int
) -> None:
    provider, browser = Provider(), Browser()
    provider.lasts = lasts
    async with at_the_door(tmp_path, provider, browser) as visit:
        begun = await visit.turn("claw.ask", prompt="the secret?")
        provider.tokens.clear()
        await visit.turn("claw.ask", prompt="again?", session=begun["session"])
        assert "the cake is in the oven" in visit.model.results(3)
        assert (provider.n_logins, len(browser.pages)) == (1, 1) and provider.n_renewed


async def test_a_login_that_was_taken_back_is_asked_for_again(tmp_path: Path) -> None:
    provider, browser = Provider(), Browser()
    async with at_the_door(tmp_path, provider, browser) as visit:
        provider.tokens.clear()
        provider.renewals.clear()
        await visit.turn("claw.ask", prompt="the secret?")
        assert "the cake is in the oven" not in visit.model.results(1)
        await visit.until(lambda: view(visit).standing == "login", PATIENCE)
        await visit.command("claw.mcp", server="guarded", do="login")
        await visit.until(lambda: view(visit).standing == "up", PATIENCE)
        await visit.turn("claw.ask", prompt="again?")
        assert "the cake is in the oven" in visit.model.results(3)
        assert provider.n_logins == 2
