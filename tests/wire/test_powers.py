"""What each recorded client can do, as the door understands its initialize request."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from claw_lsp.lsp.powers import Powers, powers_of

CLIENTS = Path(__file__).parent.parent / "fixtures" / "clients"
RECORDED = sorted(it.stem for it in CLIENTS.glob("*.json"))


def recorded(name: str) -> Powers:
    return powers_of(json.loads((CLIENTS / f"{name}.json").read_text()))


def yes(powers: Powers) -> set[str]:
    return {it.name for it in fields(powers) if getattr(powers, it.name) is True}


EVERYWHERE = {"apply_edit", "configuration", "code_action_literals"}
TREES = {"symbol_tree", "hover_markdown"}
FULL = (
    EVERYWHERE
    | TREES
    | {
        "document_changes",
        "deletes",
        "questions",
        "honest",
        "progress",
        "show_document",
        "code_lens",
        "code_lens_refresh",
        "configuration_registration",
    }
)
EXPECTED = {
    "nvim": FULL - {"honest", "code_lens_refresh", "configuration_registration"} | {"implied_line_end", "fold_text"},
    "vscode": FULL | {"toasts"},
    "vscode-lc9": FULL | {"toasts"},
    "vim-coc": FULL | {"implied_line_end"},
    "emacs-eglot": EVERYWHERE | {"symbol_tree", "document_changes", "questions", "honest"},
    "emacs-lsp-mode": EVERYWHERE | TREES | {"document_changes", "deletes", "questions", "honest", "progress"},
    "vim-vim-lsp": EVERYWHERE | {"hover_markdown", "honest", "code_lens"},
}


@pytest.mark.parametrize("name", RECORDED)
def test_r19_every_recorded_client_has_the_powers_it_was_seen_to_have(name):
    assert yes(recorded(name)) == EXPECTED[name]


def test_r16_the_encoding_is_utf_8_with_neovim_and_utf_16_everywhere_else():
    assert {it: recorded(it).encoding for it in RECORDED} == dict.fromkeys(RECORDED, "utf-16") | {"nvim": "utf-8"}


def test_versions_go_to_neovim_although_it_does_not_announce_them():
    params = json.loads((CLIENTS / "nvim.json").read_text())
    assert "documentChanges" not in params["capabilities"]["workspace"]["workspaceEdit"]
    assert powers_of(params).document_changes
    assert not recorded("vim-vim-lsp").document_changes


def test_a_client_that_tells_late_is_given_time():
    assert recorded("emacs-eglot").echo_delay >= 1
    assert recorded("nvim").echo_delay < 1


def test_saving_is_known_from_the_shim_or_from_visual_studio_code():
    assert {it: recorded(it).saves for it in RECORDED} == dict.fromkeys(RECORDED, "never") | {"vscode": "refactoring"}
    params = json.loads((CLIENTS / "nvim.json").read_text())
    params["capabilities"]["experimental"] = {"claw": {"save": True, "events": False}}
    powers = powers_of(params)
    assert (powers.saves, powers.save) == ("claw", True)
    assert not (powers.events or powers.input)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"capabilities": None},
        {"capabilities": {"workspace": None, "textDocument": [], "general": {"positionEncodings": None}}},
        {"capabilities": {"workspace": {"applyEdit": "yes"}, "experimental": {"claw": True}}, "clientInfo": None},
        {"capabilities": {"general": {"positionEncodings": ["utf-7", 8]}}, "clientInfo": {"name": 3}},
    ],
)
def test_r19_odd_or_missing_capabilities_are_no_powers(params):
    assert yes(powers_of(params)) == {"questions", "honest"}
    assert powers_of(params).encoding == "utf-16"


@pytest.mark.parametrize(
    ("offered", "taken"),
    [(["utf-32", "utf-16"], "utf-32"), (["utf-7", "utf-8"], "utf-8"), (["utf-16", "utf-8"], "utf-16"), ([], "utf-16")],
)
def test_the_clients_first_encoding_that_we_speak_is_taken(offered, taken):
    assert powers_of({"capabilities": {"general": {"positionEncodings": offered}}}).encoding == taken
