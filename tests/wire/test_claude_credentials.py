"""Where the key is looked for, and which model a name means."""

import os
from pathlib import Path

import pytest

from claw_lsp.adapters.claude.credentials import Credential, find, keyring_secret
from claw_lsp.adapters.claude.models import ALIASES, TABLE, names, resolve
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.usage import ModelFacts, Price, Usage, cost


def no_keyring() -> None:
    return None


def store(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / ".claw" / "credentials.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return file


def test_the_key_goes_before_the_token_before_the_keyring_before_the_file(tmp_path: Path) -> None:
    file = store(tmp_path, '{"auth_token": "from-file"}')
    both = {"ANTHROPIC_API_KEY": " sk-1\n", "ANTHROPIC_AUTH_TOKEN": "tok-1"}
    token = {"ANTHROPIC_API_KEY": "  ", "ANTHROPIC_AUTH_TOKEN": "tok-1"}
    home = str(tmp_path)
    assert find(both, home) == Credential("api_key", "sk-1", "ANTHROPIC_API_KEY")
    assert find(token, home) == Credential("auth_token", "tok-1", "ANTHROPIC_AUTH_TOKEN")
    assert find({}, home, from_keyring=lambda: "ring") == Credential("api_key", "ring", "the system keyring")
    assert find({}, home, from_keyring=no_keyring) == Credential("auth_token", "from-file", str(file))


def test_claw_home_says_where_the_file_is(tmp_path: Path) -> None:
    store(tmp_path, '{"api_key": "sk-file"}')
    environment = {"CLAW_HOME": str(tmp_path / ".claw")}
    found = find(environment, "/nowhere", from_keyring=no_keyring)
    assert found is not None
    assert (found.kind, found.secret) == ("api_key", "sk-file")


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert find({}, str(tmp_path), from_keyring=no_keyring) is None


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_a_file_that_others_can_read_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    file = store(tmp_path, '{"api_key": "sk-file"}', mode)
    with pytest.raises(ModelError) as caught:
        find({}, str(tmp_path), from_keyring=no_keyring)
    assert f"mode {mode:04o}" in str(caught.value)
    assert f"chmod 600 {file}" in str(caught.value)
    assert "sk-file" not in str(caught.value)
    assert caught.value.reason == "no_key"


@pytest.mark.parametrize("text", ["", "sk-ant", "[]", "{}", '{"api_key": ""}', '{"api_key": 3}'])
def test_a_file_without_a_key_is_said_to_have_none(tmp_path: Path, text: str) -> None:
    file = store(tmp_path, text)
    with pytest.raises(ModelError, match=r"credentials\.json") as caught:
        find({}, str(tmp_path), from_keyring=no_keyring)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("secret", ["", "sk ant", "sk\nant", "sk-änt", "sk\x00"])
def test_a_garbled_key_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(ModelError) as caught:
        Credential("api_key", secret, "ANTHROPIC_API_KEY")
    assert "ANTHROPIC_API_KEY" in str(caught.value)
    assert not secret or secret not in str(caught.value)


def test_the_secret_is_not_in_the_repr() -> None:
    assert "sk-1" not in f"{Credential('api_key', 'sk-1', 'x')!r} {Credential('api_key', 'sk-1', 'x')}"


def test_a_machine_without_a_keyring_is_no_error() -> None:
    assert keyring_secret() is None


def test_names_mean_models() -> None:
    settings = Settings()
    assert {it: resolve(it, settings).id for it in ALIASES} == ALIASES
    assert resolve("claude-haiku-4-5", settings) is not None
    dated = resolve("claude-sonnet-4-5-20250929", settings)
    assert (dated.id, dated.price) == ("claude-sonnet-4-5-20250929", TABLE["claude-sonnet-4-5"].price)
    assert (dated.context, dated.max_output, "adaptive" in dated.thinking) == (200_000, 64_000, False)


def test_unknown_models_work_and_their_cost_is_unknown() -> None:
    facts = resolve("qwen3:32b", Settings())
    assert (facts.id, facts.thinking, facts.efforts, facts.price) == ("qwen3:32b", (), (), None)
    assert facts.max_output <= 8_192
    assert cost(Usage(input_tokens=1_000_000), facts.price) is None
    assert resolve("claude-mythos-5", Settings()).price is None


def test_settings_add_models_and_aliases_and_override_the_table() -> None:
    local = ModelFacts(id="local", context=32_000, max_output=4_000, price=Price(input=0, output=0, cache_read=0))
    settings = Settings(models={"local": local}, aliases={"mine": "local", "opus": "claude-opus-4-8"})
    assert resolve("mine", settings) == local
    assert resolve("opus", settings).id == "claude-opus-4-8"
    assert cost(Usage(input_tokens=5), resolve("mine", settings).price) == 0
    assert {"opus", "mine", "local", "claude-opus-5-5"} <= set(names(settings))


def test_costs_are_those_of_the_table() -> None:
    opus, haiku = TABLE["claude-opus-5-5"].price, TABLE["claude-haiku-5-5"].price
    million = 1_000_000
    usage = Usage(input_tokens=million, output_tokens=million, cache_read_tokens=million)
    written = Usage(cache_write_5m_tokens=million, cache_write_1h_tokens=million, web_searches=1000)
    assert cost(usage, opus) == pytest.approx(4 + 20 + 0.20)
    assert cost(written, opus) == pytest.approx(4 * 1.25 + 4 * 2 + 10)
    assert cost(usage, haiku) == pytest.approx(5 * (0.10 + 0.50 + 0.01))
    at_the_limit = Usage(input_tokens=40_000, cache_read_tokens=60_000, output_tokens=10_000)
    assert cost(at_the_limit, haiku) == pytest.approx(0.004 + 0.0006 + 0.005)
    one_more = at_the_limit.model_copy(update={"input_tokens": 40_001})
    assert cost(one_more, haiku) == pytest.approx(5 * (0.0040001 + 0.0006 + 0.005))


def test_every_model_of_the_table_is_one_the_scripted_server_knows() -> None:
    from claw_lsp.testing.messages_api.models import MODELS

    known = {it.id: it for it in MODELS}
    assert set(TABLE) == set(known)
    for name, facts in TABLE.items():
        theirs = known[name]
        ours = (
            facts.context,
            facts.max_output,
            set(facts.thinking),
            facts.efforts,
            facts.mid_conversation_system,
            facts.forces_tools,
        )
        assert ours == (
            theirs.context,
            theirs.max_output,
            set(theirs.thinking),
            theirs.efforts,
            theirs.system_in_messages,
            theirs.forces_tools,
        ), name
