"""A language server that only asks `claw/languageFeature`: `python asking_server.py ASKS ANSWERS`, over stdio.

ASKS is a JSON file with a list of `{method, params}`; they are asked one after the other, again and again until each was
answered with something, and the answers are written to ANSWERS.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from scripted_server import _read as read
from scripted_server import _write as write


def main() -> None:
    asks, path = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    answers: list[Any] = []
    while (message := read()) is not None:
        match message:
            case {"method": "initialize", "id": id_}:
                write({"id": id_, "result": {"capabilities": {"hoverProvider": True, "definitionProvider": True}}})
            case {"method": "initialized"}:
                _ask(asks, 0)
            case {"method": "exit"}:
                return
            case {"method": "textDocument/hover", "id": id_}:
                write({"id": id_, "result": {"contents": "claw's own hover"}})
            case {"method": str(), "id": id_}:
                write({"id": id_, "result": None})
            case {"id": str() as id_}:
                n = int(id_)
                if not message.get("result"):
                    time.sleep(0.2)
                    _ask(asks, n)
                    continue
                answers.append(message["result"])
                if n + 1 < len(asks):
                    _ask(asks, n + 1)
                else:
                    path.with_suffix(".part").write_text(json.dumps(answers))
                    path.with_suffix(".part").rename(path)
            case _:
                pass


def _ask(asks: list[dict[str, Any]], n: int) -> None:
    write({"id": str(n), "method": "claw/languageFeature", "params": asks[n]})


if __name__ == "__main__":
    main()
