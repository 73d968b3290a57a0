"""M03, W04, W05: which addresses a browser is shown, and which machines nothing is fetched from."""

from __future__ import annotations

import pytest

from claw_lsp.core.web_address import callback, openable, refusal
from claw_lsp.facts.fault import ToolError


@pytest.mark.security_case("M03")
@pytest.mark.parametrize(
    "url",
    [
        "a:$(touch p)?",
        "http://login.example/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "vscode://x/y",
        "https://login.example/$(touch p)",
        "https://login.example/`touch p`\n",
        "https://user@login.example/",
        "https://login.example\\@evil.example/",
        "-a https://login.example/",
        "https:///x",
        "",
    ],
)
def test_only_a_plain_https_address_is_opened(url: str) -> None:
    if "touch p)" in url and url.startswith("https"):
        with pytest.raises(ToolError, match="spaces"):
            openable(url)
        return
    with pytest.raises(ToolError):
        openable(url)


def test_what_is_opened_has_one_form() -> None:
    assert openable(" https://Login.Example:443/a?b=c#d ") == "https://login.example/a?b=c"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/cb", "http://localhost:3/cb", "http://[::1]:3/", "https://a.example/"]
)
def test_a_sign_in_may_lead_back_to_this_machine(url: str) -> None:
    assert callback(url) == url


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.evil.example/", "http://10.0.0.1/", "http://0.0.0.0/", "ftp://localhost/"]
)
def test_a_sign_in_leads_back_to_no_other_machine_in_the_clear(url: str) -> None:
    with pytest.raises(ToolError):
        callback(url)


@pytest.mark.parametrize(
    "address",
    """0.0.0.0 127.0.0.1 127.9.9.9 10.0.0.1 172.16.0.1 192.168.1.1 169.254.1.1 100.64.0.1 100.127.255.255 192.0.0.8
    198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd12:3456::1 ff02::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1::
    2002:a9fe:a9fe:: 64:ff9b:1::1 ::127.0.0.1 2001:db8::1 169.254.169.254 100.100.100.200 fd00:ec2::254""".split(),
)
def test_no_address_of_this_machine_or_a_private_network_is_fetched_from(address: str) -> None:
    assert refusal(address, allow_private=False)


@pytest.mark.parametrize("address", "93.184.216.34 2606:2800:220:1::1 64:ff9b::5db8:d822 2002:5db8:d822::".split())
def test_public_addresses_are_however_they_are_written(address: str) -> None:
    assert refusal(address, allow_private=False) is None


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"]
)
def test_the_metadata_of_a_cloud_is_never_fetched_whatever_is_allowed(address: str) -> None:
    assert refusal(address, allow_private=True)
