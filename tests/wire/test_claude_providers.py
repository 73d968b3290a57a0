"""Claude on other clouds, with their own addresses, keys and streams; the SDK's clients against servers of our own."""

import json
from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from struct import pack
from zlib import crc32

import pytest
from claude_line import (
    KEY,
    RECORDED,
    RECORDED_BLOCKS,
    RECORDED_TEXT,
    Answer,
    Ears,
    FakeClock,
    RawApi,
    ask,
)

from claw_lsp.adapters.claude.client import ClaudeModel, Limits
from claw_lsp.adapters.claude.faults import StreamBroke
from claw_lsp.adapters.claude.frames import FrameReader
from claw_lsp.adapters.claude.models import TABLE, resolve, unknown
from claw_lsp.adapters.claude.providers import cloud_of, provider_of
from claw_lsp.adapters.claude.sse import EventReader
from claw_lsp.facts.fault import ModelError
from claw_lsp.facts.settings import Provider, Settings
from claw_lsp.testing.messages_api import MessagesApi, script

BEDROCK = {"AWS_REGION": "eu-west-1", "AWS_BEARER_TOKEN_BEDROCK": "bedrock-key"}
VERTEX = {
    "CLOUD_ML_REGION": "us-east5",
    "ANTHROPIC_VERTEX_PROJECT_ID": "my-project",
    "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1",
    "ANTHROPIC_AUTH_TOKEN": "gateway-token",
}
EVENTS = EventReader().feed(b"".join(RECORDED))


def frame(payload: Mapping[str, object], **headers: str) -> bytes:
    """One frame as AWS describes it, with a header that is no text in front."""
    packed = b"\x04flag\x00"
    for name, value in headers.items():
        key = f":{name.replace('_', '-')}".encode()
        packed += pack(">B", len(key)) + key + b"\x07" + pack(">H", len(value)) + value.encode()
    body = json.dumps(payload).encode()
    prelude = pack(">II", 12 + len(packed) + len(body) + 4, len(packed))
    whole = prelude + pack(">I", crc32(prelude)) + packed + body
    return whole + pack(">I", crc32(whole))


def chunk(event: bytes) -> bytes:
    return frame({"bytes": b64encode(event).decode(), "p": "abc"}, message_type="event", event_type="chunk")


FRAMES = b"".join(map(chunk, EVENTS))


def framed(data: bytes, end: str = "whole") -> Answer:
    return Answer((data,), end=end, headers=("content-type: application/vnd.amazon.eventstream",))


@asynccontextmanager
async def asking(provider: Provider, environment: Mapping[str, str]) -> AsyncGenerator[ClaudeModel, None]:
    def no_key() -> None:
        raise AssertionError("no key of ours is looked for")

    model = ClaudeModel(
        no_key,
        FakeClock(),
        find_cloud=lambda: cloud_of(provider, environment),
        limits=Limits(connect=2, notice=5, stall=10, first_byte=10),
        dice=lambda: 0.0,
    )
    try:
        yield model
    finally:
        await model.close()


async def test_bedrock_is_asked_at_the_address_of_the_model_and_its_frames_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    async with (
        RawApi([framed(FRAMES)]) as api,
        asking("bedrock", BEDROCK | {"ANTHROPIC_BEDROCK_BASE_URL": api.url}) as model,
    ):
        ears = Ears()
        reply = await model.consult(ask(model="eu.anthropic.claude-opus-4-6-v1", effort="high"), ears)
    assert (reply.blocks, reply.cut, ears.text) == (RECORDED_BLOCKS, False, RECORDED_TEXT)
    (head,), (body,) = api.heads, map(json.loads, api.bodies)
    assert head.startswith("POST /model/eu.anthropic.claude-opus-4-6-v1/invoke-with-response-stream ")
    assert "authorization: bearer bedrock-key" in head.lower()
    assert KEY not in head
    assert body["anthropic_version"]
    assert (body["output_config"], "model" in body, "stream" in body) == ({"effort": "high"}, False, False)


@pytest.mark.parametrize("size", [1, 7, 100, len(FRAMES)])
def test_frames_are_read_however_the_network_cut_them(size: int) -> None:
    reader = FrameReader()
    lots = [reader.feed(FRAMES[at : at + size]) for at in range(0, len(FRAMES), size)]
    assert [it for lot in lots for it in lot] == EVENTS


@pytest.mark.parametrize("at", range(0, len(chunk(EVENTS[0])), 5))
def test_a_frame_with_a_wrong_byte_is_none(at: int) -> None:
    data = bytearray(chunk(EVENTS[0]))
    data[at] ^= 0x41
    with pytest.raises(StreamBroke, match="cannot be read"):
        FrameReader().feed(bytes(data))


async def test_what_bedrock_says_went_wrong_in_mid_stream_is_asked_again() -> None:
    wrong = frame({"message": "Too many tokens"}, message_type="exception", exception_type="throttlingException")
    async with (
        RawApi([framed(wrong), framed(FRAMES)]) as api,
        asking("bedrock", BEDROCK | {"ANTHROPIC_BEDROCK_BASE_URL": api.url}) as model,
    ):
        ears = Ears()
        assert (await model.consult(ask(), ears)).blocks == RECORDED_BLOCKS
    assert [it.why for it in ears.retries] == ["the provider limits the rate: Too many tokens"]


async def test_a_model_that_bedrock_has_not_is_named() -> None:
    said = json.dumps({"message": "The provided model identifier is invalid."}).encode()
    no = Answer((said,), status="404 Not Found", headers=("content-type: application/json",))
    async with (
        RawApi([no]) as api,
        asking("bedrock", BEDROCK | {"ANTHROPIC_BEDROCK_BASE_URL": api.url}) as model,
    ):
        with pytest.raises(ModelError, match="does not know the model claude-opus-5-5") as caught:
            await model.consult(ask(), Ears())
    assert caught.value.reason == "model_not_found"


async def test_vertex_is_asked_in_its_project_and_region_through_a_gateway_that_signs() -> None:
    async with (
        RawApi([Answer((b"".join(RECORDED),))]) as api,
        asking("vertex", VERTEX | {"ANTHROPIC_VERTEX_BASE_URL": api.url}) as model,
    ):
        reply = await model.consult(ask(model="claude-sonnet-4-5@20250929"), Ears())
    assert reply.blocks == RECORDED_BLOCKS
    (head,) = api.heads
    where = "/projects/my-project/locations/us-east5/publishers/anthropic/models/"
    assert head.startswith(f"POST {where}claude-sonnet-4-5@20250929:streamRawPredict ")
    assert "authorization: bearer gateway-token" in head.lower()


async def test_what_vertex_refuses_is_told() -> None:
    said = json.dumps(
        [{"error": {"code": 403, "message": "Permission denied", "status": "PERMISSION_DENIED"}}]
    ).encode()
    no = Answer((said,), status="403 Forbidden", headers=("content-type: application/json",))
    async with (
        RawApi([no]) as api,
        asking("vertex", VERTEX | {"ANTHROPIC_VERTEX_BASE_URL": api.url}) as model,
    ):
        with pytest.raises(ModelError, match=r"ANTHROPIC_AUTH_TOKEN may not .*Permission denied.*Google Vertex"):
            await model.consult(ask(), Ears())


async def test_foundry_speaks_the_messages_api_with_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    async with MessagesApi(script("Hello."), key="foundry-key") as api:
        given = {"ANTHROPIC_FOUNDRY_BASE_URL": api.url, "ANTHROPIC_FOUNDRY_API_KEY": "foundry-key"}
        async with asking("foundry", given) as model:
            ears = Ears()
            await model.consult(ask(), ears)
    assert ears.text == "Hello."
    assert KEY not in str(api.requests[0].headers)


@pytest.mark.parametrize(
    ("provider", "given", "said"),
    [
        ("bedrock", {}, "Amazon Bedrock is the provider, and AWS_REGION is not set"),
        ("bedrock", {"AWS_REGION": "eu-west-1"}, r"boto3, which is not installed: pip install 'claw-lsp\[bedrock\]'"),
        ("vertex", {"CLOUD_ML_REGION": "us"}, "ANTHROPIC_VERTEX_PROJECT_ID is not set"),
        (
            "vertex",
            {"CLOUD_ML_REGION": "us", "GOOGLE_CLOUD_PROJECT": "p"},
            r"google-auth, which is not installed: pip install 'claw-lsp\[vertex\]'.*gcloud",
        ),
        ("foundry", {"ANTHROPIC_FOUNDRY_API_KEY": "k"}, "ANTHROPIC_FOUNDRY_RESOURCE is not set"),
        ("foundry", {"ANTHROPIC_FOUNDRY_RESOURCE": "mine"}, "ANTHROPIC_FOUNDRY_API_KEY is not set"),
    ],
)
async def test_what_a_cloud_lacks_is_said_with_what_to_do(provider: Provider, given: dict[str, str], said: str) -> None:
    async with asking(provider, given) as model:
        with pytest.raises(ModelError, match=said):
            await model.consult(ask(), Ears())


@pytest.mark.parametrize(
    ("provider", "given", "address"),
    [
        ("bedrock", BEDROCK, "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("vertex", VERTEX, "https://us-east5-aiplatform.googleapis.com/v1"),
        ("vertex", VERTEX | {"CLOUD_ML_REGION": "global"}, "https://aiplatform.googleapis.com/v1"),
        (
            "foundry",
            {"ANTHROPIC_FOUNDRY_RESOURCE": "mine", "ANTHROPIC_FOUNDRY_API_KEY": "k"},
            "https://mine.services.ai.azure.com/anthropic/",
        ),
    ],
)
async def test_the_address_of_a_cloud_is_that_of_the_sdk(
    provider: Provider, given: dict[str, str], address: str
) -> None:
    cloud = cloud_of(provider, given)
    assert cloud is not None
    assert cloud.base_url == address
    client = cloud.client(max_retries=0)
    assert str(client.base_url).rstrip("/") == address.rstrip("/")
    await client.close()


def test_the_settings_go_before_the_environment_which_may_name_one() -> None:
    assert provider_of(None, {}) == "anthropic"
    assert provider_of(None, {"CLAUDE_CODE_USE_VERTEX": "1", "CLAUDE_CODE_USE_BEDROCK": "0"}) == "vertex"
    assert provider_of("anthropic", {"CLAUDE_CODE_USE_VERTEX": "1"}) == "anthropic"
    with pytest.raises(ModelError, match="CLAUDE_CODE_USE_BEDROCK and CLAUDE_CODE_USE_FOUNDRY are set: leave one"):
        provider_of(None, {"CLAUDE_CODE_USE_BEDROCK": "1", "CLAUDE_CODE_USE_FOUNDRY": "true"})


@pytest.mark.parametrize(
    "name",
    ["us.anthropic.claude-opus-4-6-v1", "anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-haiku-4-5@20251001"],
)
def test_a_clouds_name_of_a_model_has_its_limits_and_no_price(name: str) -> None:
    facts = resolve(name, Settings())
    own = next(it for it in TABLE.values() if it.id in name)
    assert facts == own.model_copy(update={"id": name, "price": None})
    assert not unknown(name, Settings())
