"""A small authorization server and an MCP server behind it, over real HTTP, and a browser for a person who says yes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import secrets
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route


@dataclass(slots=True)
class Desk:
    """What the server knows and does. `tokens` are those it takes; `codes` are what was asked for with each."""

    base: str = ""
    clients: dict[str, list[str]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    renewals: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lasts: int | None = 3600
    refuses: str = ""
    authorize: str = ""
    registers: bool = True
    tells_resource: bool = True
    open: bool = False
    wants: str = ""
    granted: dict[str, str] = field(default_factory=dict)
    secret: str = ""
    well_known: str = "/.well-known/oauth-authorization-server"

    @property
    def url(self) -> str:
        return f"{self.base}/mcp"

    def routes(self) -> list[Route]:
        return [
            Route("/mcp", self.mcp, methods=["GET", "POST"]),
            Route("/.well-known/oauth-protected-resource/mcp", self.resource),
            Route(self.well_known, self.issuer),
            Route("/register", self.register, methods=["POST"]),
            Route("/authorize", self.page),
            Route("/token", self.token, methods=["POST"]),
        ]

    async def mcp(self, request: Request) -> Response:
        given = request.headers.get("authorization", "")
        self.headers.append(dict(request.headers))
        self.log.append(f"mcp {given or 'without'}")
        if not self.open and given.removeprefix("Bearer ") not in self.tokens:
            where = f'resource_metadata="{self.base}/.well-known/oauth-protected-resource/mcp"'
            said = {"WWW-Authenticate": f"Bearer {where}" if self.tells_resource else "Bearer"}
            return Response(status_code=401, headers=said)
        if self.wants and self.wants not in self.granted.get(given.removeprefix("Bearer "), "").split():
            said = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{self.wants}"'}
            return Response(status_code=403, headers=said)
        if request.method != "POST":
            return Response(status_code=405)
        asked = await request.json()
        about = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}
        results = {
            "initialize": about | {"serverInfo": {"name": "s", "version": "1"}},
            "tools/list": {"tools": [{"name": "ask", "inputSchema": {"type": "object"}}]},
        }
        if asked and "id" not in asked:
            return Response(status_code=202)
        if asked.get("method") in results:
            return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": results[asked["method"]]})
        asked.setdefault("id", 1)
        error = {"code": -32601, "message": "no such method"}
        return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "error": error}, status_code=200)

    async def resource(self, _: Request) -> Response:
        if not self.tells_resource:
            return Response(status_code=404)
        return JSONResponse(
            {"resource": self.url, "authorization_servers": [self.base], "scopes_supported": ["read", "write"]}
        )

    async def issuer(self, _: Request) -> Response:
        said = {
            "issuer": self.base,
            "authorization_endpoint": self.authorize or f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        }
        return JSONResponse(said | ({"registration_endpoint": f"{self.base}/register"} if self.registers else {}))

    async def register(self, request: Request) -> Response:
        if not self.registers:
            return Response(status_code=404)
        said = await request.json()
        name = f"client-{len(self.clients) + 1}"
        self.clients[name] = said["redirect_uris"]
        self.log.append(f"register {name}")
        return JSONResponse({**said, "client_id": name}, status_code=201)

    async def page(self, request: Request) -> Response:
        said = dict(request.query_params)
        self.asked.append(said)
        if said["redirect_uri"] not in self.clients.get(said["client_id"], []):
            return Response("unknown redirect", status_code=400)
        if self.refuses:
            back = {"error": self.refuses, "state": said["state"]}
        else:
            code = secrets.token_urlsafe(8)
            self.codes[code] = said
            back = {"code": code, "state": said["state"]}
        return RedirectResponse(f"{said['redirect_uri']}?{urlencode(back)}", status_code=302)

    async def token(self, request: Request) -> Response:
        said = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        shown = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        if self.secret and shown != f"{said['client_id']}:{self.secret}":
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        self.log.append(f"token {said['grant_type']}")
        if said["grant_type"] == "refresh_token":
            if said["refresh_token"] not in self.renewals:
                return JSONResponse({"error": "invalid_grant"}, status_code=400)
            self.renewals.discard(said["refresh_token"])
        else:
            asked = self.codes.pop(said["code"], None)
            proof = base64.urlsafe_b64encode(hashlib.sha256(said["code_verifier"].encode()).digest()).decode()
            if asked is None or asked["code_challenge"] != proof.rstrip("=") or asked["client_id"] != said["client_id"]:
                return JSONResponse({"error": "invalid_grant"}, status_code=400)
            return JSONResponse(self.issue(asked.get("scope", "")))
        return JSONResponse(self.issue())

    def issue(self, scope: str = "") -> dict[str, Any]:
        """A new token and what renews it."""
        token, renewal = f"t-{secrets.token_urlsafe(8)}", f"r-{secrets.token_urlsafe(8)}"
        self.tokens.add(token)
        self.granted[token] = scope
        self.renewals.add(renewal)
        lasts = {"expires_in": self.lasts} if self.lasts is not None else {}
        return {"access_token": token, "token_type": "Bearer", "refresh_token": renewal, **lasts}


@contextlib.asynccontextmanager
async def serving(desk: Desk) -> AsyncGenerator[Desk]:
    """The server, on a port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    desk.base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(Starlette(routes=desk.routes()), log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield desk
    finally:
        server.should_exit = True
        await task
        listener.close()


@dataclass(slots=True)
class Browser:
    """Goes to the pages it is shown, and where they lead."""

    pages: list[str] = field(default_factory=list)
    answers: list[httpx2.Response] = field(default_factory=list)
    at_work: set[asyncio.Task[None]] = field(default_factory=set)

    async def visit(self, url: str) -> None:
        self.pages.append(url)
        task = asyncio.create_task(self._go(url))
        self.at_work.add(task)
        task.add_done_callback(self.at_work.discard)

    async def _go(self, url: str) -> None:
        async with httpx2.AsyncClient(trust_env=False) as web:
            answer = await web.get(url)
            self.answers.append(answer)
            if answer.status_code == 302:
                # First what a stranger's page could send there: it is turned away, and the login goes on.
                back = answer.headers["location"]
                strange = urlsplit(back)._replace(query="code=evil&state=guessed").geturl()
                self.answers.append(await web.get(strange))
                self.answers.append(await web.get(back))
