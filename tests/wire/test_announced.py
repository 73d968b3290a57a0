"""What the handshake announces is what there is."""

from claw_lsp.lsp import actions, announced
from claw_lsp.lsp.answers import ANNOUNCED
from claw_lsp.lsp.commands.table import TABLE


def test_the_commands_that_are_announced_are_those_there_are() -> None:
    assert ANNOUNCED
    assert tuple(sorted(TABLE)) == announced.COMMANDS


def test_the_kinds_of_code_actions_that_are_announced_are_those_there_are() -> None:
    assert announced.KINDS == actions.KINDS
