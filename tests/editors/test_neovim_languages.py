"""`claw/languageFeature` in real Neovim: what two other servers say, which count characters differently, put together."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from neovim_desk import needs_neovim
from plugin_desk import SCRIPTED, Shim, shim, uri

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

TEXT = "😀 = naïve\nsecond\n"
BYTES, UNITS = 7, 5
"""Where `naïve` begins on the first line, in bytes and in UTF-16 units."""

PROVIDES = {
    f"{it}Provider": True
    for it in ("definition", "references", "hover", "documentSymbol", "workspaceSymbol", "rename", "codeAction")
}


def spot(character: int, line: int = 0) -> dict[str, Any]:
    return {"start": {"line": line, "character": character}, "end": {"line": line, "character": character}}


def others(**servers: tuple[str, dict[str, Any]]) -> str:
    """Lua that starts scripted servers by name, each with an encoding and its answers."""
    lua = ""
    for name, (encoding, answers) in servers.items():
        scripted = {"encoding": encoding, "capabilities": PROVIDES, "answers": answers}
        lua += f"""
        vim.lsp.config({name!r}, {{
          cmd = {{ {sys.executable!r}, {str(SCRIPTED)!r} }}, filetypes = {{ 'text' }}, root_markers = {{ 'CLAW.md' }},
          init_options = {{ scripted = vim.json.decode([=[{json.dumps(scripted)}]=]) }},
        }})
        vim.lsp.enable({name!r})
        """
    return lua


def open_with_both(it: Shim, *names: str) -> str:
    it.editor.edit("a.txt", TEXT)
    ready = "return vim.iter(...):all(function(it) return #vim.lsp.get_clients({ bufnr = 0, name = it }) == 1 end)"
    it.editor.until(lambda: it.editor.lua(ready, list(names)), "the other servers are attached")
    return uri(it, "a.txt")


def feature(it: Shim, method: str, **params: Any) -> Any:
    return it.asks("claw/languageFeature", method=method, params=params)


def test_every_method_is_asked_of_all_servers_in_their_own_positions_and_merged(tmp_path: Path) -> None:
    file = (tmp_path / "ws" / "a.txt").as_uri()
    here = {"uri": file, "range": spot(UNITS)}
    elsewhere = {"targetUri": file, "targetRange": spot(0, 1), "targetSelectionRange": spot(3, 1)}
    one = {
        "textDocument/definition": here,
        "textDocument/references": [here],
        "textDocument/hover": {"contents": {"kind": "markdown", "value": "from one"}, "range": spot(UNITS)},
        "textDocument/documentSymbol": [
            {"name": "naïve", "kind": 13, "range": spot(UNITS), "selectionRange": spot(UNITS), "children": []}
        ],
        "workspace/symbol": [{"name": "naïve", "kind": 13, "location": here}],
        "textDocument/rename": {"changes": {file: [{"range": spot(UNITS), "newText": "x"}]}},
        "textDocument/codeAction": [{"title": "Fix one", "data": {"line": 7, "character": 7}}],
    }
    two = {
        "textDocument/definition": [{"uri": file, "range": spot(BYTES)}, elsewhere],
        "textDocument/hover": {"contents": "from two"},
        "textDocument/codeAction": [{"title": "Fix two"}],
    }
    with shim(tmp_path, more=others(one=("utf-16", one), two=("utf-8", two))) as it:
        at = {"textDocument": {"uri": open_with_both(it, "one", "two")}, "position": {"line": 0, "character": BYTES}}
        mine = {"uri": file, "range": spot(BYTES)}
        assert feature(it, "textDocument/definition", **at) == [mine, elsewhere]
        assert feature(it, "textDocument/references", context={"includeDeclaration": True}, **at) == [mine]
        hover = feature(it, "textDocument/hover", **at)
        assert hover["contents"]["value"] == "from one\n\n---\n\nfrom two"
        assert hover["range"] == spot(BYTES)
        (symbol,) = feature(it, "textDocument/documentSymbol", textDocument=at["textDocument"])
        assert symbol["selectionRange"] == spot(BYTES)
        assert feature(it, "workspace/symbol", query="na")[0]["location"] == mine
        renamed = feature(it, "textDocument/rename", newName="x", **at)
        assert renamed == {"changes": {file: [{"range": spot(BYTES), "newText": "x"}]}}
        actions = feature(it, "textDocument/codeAction", textDocument=at["textDocument"], range=spot(BYTES))
        assert actions == [{"title": "Fix one", "data": {"line": 7, "character": 7}}, {"title": "Fix two"}]
        asked = it.editor.lua(
            """
            local heard
            local one = vim.lsp.get_clients({ name = 'one' })[1]
            one:request('workspace/executeCommand', { command = 'claw.test.heard', arguments = { {} } }, function(_, it) heard = it end)
            vim.wait(5000, function() return heard end)
            return heard
            """
        )
        (definition,) = [told["params"] for told in asked if told["method"] == "textDocument/definition"]
        assert definition["position"] == {"line": 0, "character": UNITS}
        assert it.editor.text(it.editor.nvim.current.buffer) == TEXT.rstrip("\n")


def test_diagnostics_of_all_but_claw_are_told_of_a_document_and_of_all(tmp_path: Path) -> None:
    more = others(one=("utf-16", {}))
    with shim(tmp_path, more=more) as it:
        file = open_with_both(it, "one")
        it.says("textDocument/publishDiagnostics", uri=file, diagnostics=[{"range": spot(0), "message": "of claw"}])
        it.editor.lua(
            """
            local ns = vim.api.nvim_create_namespace('a linter')
            vim.diagnostic.set(ns, 0, { { lnum = 0, col = 7, end_col = 9, message = 'lint', severity = 2, source = 'linter' } })
            """
        )
        it.editor.until(lambda: len(it.editor.diagnostics(it.editor.nvim.current.buffer)) == 2, "both are there")
        told = feature(it, "textDocument/diagnostic", textDocument={"uri": file})
        assert told["kind"] == "full"
        ((found),) = told["items"]
        assert (found["message"], found["severity"], found["source"]) == ("lint", 2, "linter")
        assert found["range"]["start"] == {"line": 0, "character": 7}
        whole = feature(it, "workspace/diagnostic")
        assert whole["items"] == [{"uri": file, "kind": "full", "items": told["items"]}]


def test_what_no_server_can_tell_is_null_and_a_server_that_is_silent_is_not_waited_for_long(tmp_path: Path) -> None:
    silent = """
    vim.lsp.config('silent', { filetypes = { 'text' }, cmd = function()
      return {
        request = function(method, _, done)
          local result = { capabilities = { definitionProvider = true } }
          if method == 'initialize' then vim.schedule(function() done(nil, result) end) end
          return true, 1
        end,
        notify = function() return true end, is_closing = function() return false end, terminate = function() end,
      }
    end })
    vim.lsp.enable('silent')
    """
    answers = {"textDocument/definition": {"uri": "file:///x.py", "range": spot(0)}}
    with shim(tmp_path, more=others(one=("utf-8", answers)) + silent) as it:
        document = {"uri": open_with_both(it, "one", "silent")}
        at = {"textDocument": document, "position": {"line": 0, "character": 0}}
        assert feature(it, "textDocument/definition", **at) == [{"uri": "file:///x.py", "range": spot(0)}]
        assert feature(it, "textDocument/hover", **at) is None
        assert feature(it, "textDocument/hover", textDocument={"uri": "file:///no/such"}, position={}) is None
        assert feature(it, "textDocument/somethingElse", **at) is None
