"""A language server that says what a test tells it to: `python scripted_server.py`, over stdio.

Commands of its own: `claw.test.say {method, params, request}` sends that message to the client (of a request it answers
what the client answered), `claw.test.heard` lists what it was told, `claw.test.answers {answers: {command: answer}}` sets the answers
to come. `initializationOptions.scripted` may hold `encoding`, `capabilities` and `answers` to requests by method.
"""

from __future__ import annotations

import json
import sys
from typing import Any

COMMANDS = ["ask", "edit", "fix", "keep", "undo", "apply", "dismiss", "hunks", "send", "answer", "questions", "stop"]
ANNOUNCED = [f"claw.{it}" for it in (*COMMANDS, "chat", "diff", "status", "model", "rewind", "wait", "commitMessage")]
CAPABILITIES: dict[str, Any] = {
    "textDocumentSync": {"openClose": True, "change": 2, "save": True},
    "executeCommandProvider": {"commands": ANNOUNCED},
}


class Server:
    """One connection, message by message."""

    def __init__(self) -> None:
        self._heard: list[dict[str, Any]] = []
        self._answers: dict[str, Any] = {}
        self._asked: dict[str, Any] = {}
        self._n_asked = 0

    def run(self) -> None:
        while (message := _read()) is not None:
            if "method" not in message:
                self._answered(message)
            elif "id" in message:
                self._request(message)
            elif message["method"] == "exit":
                return
            else:
                self._heard.append({"method": message["method"], "params": message.get("params")})

    def _request(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params") or {}
        if method == "initialize":
            scripted = (params.get("initializationOptions") or {}).get("scripted") or {}
            self._answers = scripted.get("answers", {})
            self._heard.append({"method": method, "params": params["capabilities"].get("experimental")})
            capabilities = {
                **CAPABILITIES,
                "positionEncoding": scripted.get("encoding", "utf-8"),
                **scripted.get("capabilities", {}),
            }
            return _write({"id": message["id"], "result": {"capabilities": capabilities}})
        if method != "workspace/executeCommand":
            self._heard.append({"method": method, "params": params})
            return _write({"id": message["id"], "result": self._answers.get(method)})
        return self._command(message["id"], params["command"], params["arguments"][0])

    def _command(self, id_: Any, command: str, arguments: dict[str, Any]) -> None:
        result: Any = None
        match command:
            case "claw.test.say" if arguments.get("request"):
                self._n_asked += 1
                key = f"asked-{self._n_asked}"
                self._asked[key] = id_
                return _write({"id": key, "method": arguments["method"], "params": arguments["params"]})
            case "claw.test.say":
                _write({"method": arguments["method"], "params": arguments["params"]})
                result = True
            case "claw.test.heard":
                result = self._heard
            case "claw.test.answers":
                self._answers |= arguments["answers"]
                result = True
            case _:
                self._heard.append({"method": command, "params": arguments})
                result = self._answers.get(command.removeprefix("claw."), {})
        return _write({"id": id_, "result": result})

    def _answered(self, message: dict[str, Any]) -> None:
        answer = {"error": message["error"]} if message.get("error") else {"result": message.get("result")}
        _write({"id": self._asked.pop(message["id"]), "result": {"answered": True, **answer}})


def _read() -> dict[str, Any] | None:
    length = None
    while (line := sys.stdin.buffer.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    return None if length is None else json.loads(sys.stdin.buffer.read(length))


def _write(message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    Server().run()
