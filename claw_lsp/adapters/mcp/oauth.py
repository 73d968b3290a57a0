"""How requests to a server carry a login, and how one logs in: the SDK's OAuth, with what it does not do.

Imported late: the SDK takes time to import. On top of it (mcp 2.3) a kept login knows when it ends and where it is renewed, one
that was refused is renewed before it is given up, and a connection never begins a login of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.utils import create_oauth_metadata_request, extract_field_from_www_auth
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from pydantic import AnyUrl, ValidationError

from claw_lsp.adapters.mcp.callback import PATH, Callback
from claw_lsp.adapters.mcp.tokens import Login, LoginStore
from claw_lsp.core import web_address
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import OAuthSettings, ServerConfig

MINUTES = 5
"""How long the person may take to log in."""

MOST_CHALLENGE = 2_000
"""Characters of a server's words about the login it wants."""

_WELL_KNOWN = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


class ServerAuth(OAuthClientProvider):
    """The login of one server's connection. Without a page to visit (`going`) it begins no login.

    Invariant: `needs_login` is whether the server refused the last request for want of a login."""

    def __init__(
        self,
        config: ServerConfig,
        storage: Storage,
        redirect_uri: str,
        going: tuple[Callable[[str], Awaitable[None]], Callable[[], Awaitable[AuthorizationCodeResult]]] | None = None,
    ) -> None:
        metadata = OAuthClientMetadata(
            client_name="claw-lsp", redirect_uris=[AnyUrl(redirect_uri)], token_endpoint_auth_method="none"
        )
        super().__init__(config.url, metadata, storage, *(going or (None, None)))
        self.needs_login = False
        self.n_refused = 0
        self._oauth = config.oauth or OAuthSettings()
        self._storage = storage
        self._quiet = going is None
        storage.describe = self._described
        self._restore(storage.login)

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        if not self.context.is_token_valid():
            await self._take_newer()
        for may_renew in (self._quiet, False):
            flow = super().async_auth_flow(request)
            try:
                outgoing = await anext(flow)
                if before := self._refused_before(request):
                    # The server says what it wants where it wants it, which need not be here.
                    outgoing = await flow.asend(before)
                while True:
                    response = yield self._directed(outgoing, request)
                    if self._quiet and outgoing is request and _refused(response):
                        if may_renew and await self._renewable(response):
                            break
                        self.needs_login = True
                        self.n_refused += 1
                        await self._storage.refused(response)
                        return
                    outgoing = await flow.asend(response)
            except StopAsyncIteration:
                self.needs_login = False
                return
            finally:
                await flow.aclose()

    def _refused_before(self, request: httpx2.Request) -> httpx2.Response | None:
        """How the server asked for the login that is begun now, where that was kept."""
        if self._quiet or (refused := self._storage.login.refused) is None:
            return None
        status, challenge = refused
        return httpx2.Response(status, headers={"WWW-Authenticate": challenge}, request=request)

    async def _renewable(self, response: httpx2.Response) -> bool:
        """Whether the refused request may go better once more: another process renewed the login, or it is tried now."""
        if await self._take_newer():
            return True
        if response.status_code == 403:
            return False  # What it does not give it would not give anew.
        self.context.token_expiry_time = 1.0
        return self.context.can_refresh_token()

    async def _take_newer(self) -> bool:
        """Whether there is another login than the one that was known: another process renewed it."""
        before = self._storage.login.tokens
        await self._storage.read()
        self._restore(self._storage.login)
        return self._storage.login.tokens not in (None, before)

    def _restore(self, login: Login) -> None:
        context = self.context
        context.current_tokens = _value(OAuthToken, login.tokens)
        context.token_expiry_time = login.ends
        context.client_info = self._storage.client()
        context.oauth_metadata = _value(OAuthMetadata, login.issuer) or context.oauth_metadata
        resource = _value(ProtectedResourceMetadata, login.resource)
        context.protected_resource_metadata = resource or context.protected_resource_metadata

    def _described(self) -> Mapping[str, Any]:
        """What a login must be kept with, so that it can be renewed by another process."""
        issuer, resource = self.context.oauth_metadata, self.context.protected_resource_metadata
        return {
            "ends": self.context.token_expiry_time,
            "issuer": issuer and issuer.model_dump(mode="json", exclude_none=True),
            "resource": resource and resource.model_dump(mode="json", exclude_none=True),
        }

    def _directed(self, outgoing: httpx2.Request, request: httpx2.Request) -> httpx2.Request:
        """The question for the authorization server's description goes where the entry says."""
        url = self._oauth.auth_server_metadata_url
        if url and outgoing is not request and any(it in outgoing.url.path for it in _WELL_KNOWN):
            return create_oauth_metadata_request(url)
        return outgoing


class Storage:
    """Fills the SDK's TokenStorage for one server; reads and writes in a thread."""

    def __init__(self, config: ServerConfig, store: LoginStore, login: Login | None, redirect_uri: str) -> None:
        self.login = login or Login()
        self.describe: Callable[[], Mapping[str, Any]] = dict
        self._config = config
        self._store = store
        self._redirect_uri = redirect_uri

    def client(self) -> OAuthClientInformationFull | None:
        if self._config.oauth is None or not (name := self._config.oauth.client_id):
            return _value(OAuthClientInformationFull, self.login.client)
        uris, secret = [AnyUrl(self._redirect_uri)], self.login.secret
        method = secret_method(_value(OAuthMetadata, self.login.issuer)) if secret else "none"
        return OAuthClientInformationFull(
            client_id=name, client_secret=secret, redirect_uris=uris, token_endpoint_auth_method=method
        )

    async def refused(self, response: httpx2.Response) -> None:
        """Keep how the server asked, so that a login asks for what it wants."""
        said = (response.status_code, response.headers.get("WWW-Authenticate", "")[:MOST_CHALLENGE])
        if self.login.refused != said:
            await self._keep({"refused": said})

    async def read(self) -> None:
        kept = await asyncio.to_thread(self._store.get, self._config)
        self.login = kept or Login(client=self.login.client, secret=self.login.secret)

    async def get_tokens(self) -> OAuthToken | None:
        return _value(OAuthToken, self.login.tokens)

    async def set_tokens(self, tokens: OAuthToken) -> None:
        kept = {"tokens": tokens.model_dump(mode="json", exclude_none=True), "refused": None}
        await self._keep({**kept, **self.describe()})

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client()

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        await self._keep({"client": client_info.model_dump(mode="json", exclude_none=True)})

    async def _keep(self, changed: Mapping[str, Any]) -> None:
        self.login = self.login.model_copy(update=dict(changed))
        await asyncio.to_thread(self._store.put, self._config, self.login)


def connecting(config: ServerConfig, store: LoginStore) -> ServerAuth:
    """What a connection to this server sends along; blocks for the disk or the keyring. Raises ClawError."""
    uri = redirect_uri(config, 1)
    return ServerAuth(config, Storage(config, store, store.get(config), uri), uri)


def secret_method(issuer: OAuthMetadata | None) -> str:
    """How a secret is shown to an authorization server: as it says, in the header where it takes that or says nothing."""
    takes = (issuer and issuer.token_endpoint_auth_methods_supported) or ["client_secret_basic"]
    return "client_secret_basic" if "client_secret_basic" in takes else "client_secret_post"


def redirect_uri(config: ServerConfig, port: int) -> str:
    """Where the browser comes back to. A client id that was registered by hand was so with the name localhost."""
    by_hand = config.oauth is not None and config.oauth.client_id
    return f"http://{'localhost' if by_hand else '127.0.0.1'}:{port}{PATH}"


async def log_in(
    config: ServerConfig,
    store: LoginStore,
    login: Login,
    callback: Callback,
    visit: Callable[[str], Awaitable[None]],
    client: httpx2.AsyncClient,
    headers: Mapping[str, str],
) -> str:
    """Log in on the page that `visit` shows; "" once that is done, else why nothing was to be done. Raises ClawError, and what
    the SDK and httpx2 raise."""
    uri = redirect_uri(config, callback.port)
    visited: list[str] = []

    async def show(url: str) -> None:
        page = web_address.callback(_with_scopes(url, config.oauth))
        callback.state = dict(parse_qsl(urlsplit(page).query)).get("state", "")
        visited.append(page)
        await visit(page)

    async def come_back() -> AuthorizationCodeResult:
        try:
            async with asyncio.timeout(MINUTES * 60):
                came = await callback.came
        except TimeoutError:
            raise ClawError(f"Nobody logged in within {MINUTES} minutes; begin it again.") from None
        client = auth.context.client_info
        if client is not None and client.client_secret and config.oauth is not None and config.oauth.client_id:
            client.token_endpoint_auth_method = secret_method(auth.context.oauth_metadata)
        if came.error:
            raise ClawError(f"The authorization server refused the login: {came.error}.")
        return AuthorizationCodeResult(code=came.code, state=came.state, iss=came.issuer)

    auth = ServerAuth(config, Storage(config, store, login, uri), uri, (show, come_back))
    await _take_issuer(auth, config, client)
    answer = await _asked(config, client, auth, headers)
    if answer.status_code in (401, 403):
        raise ClawError(f"{config.name} does not take the login that it gave (HTTP {answer.status_code}).")
    return "" if visited else f"{config.name} answers without a new login (HTTP {answer.status_code})."


async def _take_issuer(auth: ServerAuth, config: ServerConfig, client: httpx2.AsyncClient) -> None:
    """Who the authorization server is, where the entry says where it describes itself."""
    if config.oauth is None or not (url := config.oauth.auth_server_metadata_url):
        return
    answer = await client.get(url)
    try:
        auth.context.auth_server_url = str(OAuthMetadata.model_validate_json(answer.content).issuer)
    except ValidationError:
        raise ClawError(f"{url} (authServerMetadataUrl) describes no authorization server.") from None


async def _asked(
    config: ServerConfig, client: httpx2.AsyncClient, auth: ServerAuth, headers: Mapping[str, str]
) -> httpx2.Response:
    """The status of a first request; what follows of the answer is not waited for."""
    accept = {"accept": "application/json, text/event-stream", **headers}
    if config.transport == "sse":
        request = client.build_request("GET", config.url, headers=accept)
    else:
        version = "2025-06-18"
        about = {"name": "claw-lsp", "version": "1"}
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": about}
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
        accept |= {"mcp-protocol-version": version}
        request = client.build_request("POST", config.url, json=hello, headers=accept)
    answer = await client.send(request, auth=auth, stream=True)
    await answer.aclose()
    return answer


def _with_scopes(url: str, oauth: OAuthSettings | None) -> str:
    if oauth is None or not oauth.scopes:
        return url
    parts = urlsplit(url)
    asked = [(name, value) for name, value in parse_qsl(parts.query) if name != "scope"]
    return urlunsplit(parts._replace(query=urlencode([*asked, ("scope", " ".join(oauth.scopes))])))


def _refused(response: httpx2.Response) -> bool:
    wants_more = response.status_code == 403 and extract_field_from_www_auth(response, "error") == "insufficient_scope"
    return response.status_code == 401 or wants_more


def _value(model: Any, data: Mapping[str, Any] | None) -> Any:
    """What was kept; None for what another version wrote and this one cannot read."""
    try:
        return model.model_validate(data) if data else None
    except ValidationError:
        return None
