"""The tools for agents, called by the official client in this process, on the real handlers."""

import asyncio
from contextlib import closing
from typing import Any

import pytest
from mcp import Client

from filmgate_cli.account import Account
from filmgate_cli.agents import server
from filmgate_cli.client import Gateway
from tests.cli.conftest import TOKEN
from tests.cli.door import Door, body_of

TOOLS = {"estimate", "compare", "generate", "status", "storyboard", "budget"}


@pytest.fixture(autouse=True)
def _environment(signed_in: Door) -> None:
    """The gateway stands open."""


def session(door: Door, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """What these tools answer, called one after the other."""

    async def talk() -> list[Any]:
        with closing(Gateway.of(Account(door.url, TOKEN))) as gateway:
            async with Client(server(gateway)) as client:
                return [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(talk())


def schemas(door: Door) -> dict[str, Any]:
    async def talk() -> dict[str, Any]:
        with closing(Gateway.of(Account(door.url, TOKEN))) as gateway:
            async with Client(server(gateway)) as client:
                return {tool.name: tool for tool in (await client.list_tools()).tools}

    return asyncio.run(talk())


def test_every_tool_is_described_and_a_limit_cannot_be_left_out(door: Door) -> None:
    tools = schemas(door)

    assert set(tools) == TOOLS
    assert all(tool.description for tool in tools.values())
    assert "cost_limit" in tools["generate"].input_schema["required"]
    assert "budget" in tools["storyboard"].input_schema["required"]
    assert tools["estimate"].annotations.read_only_hint
    assert not tools["generate"].annotations.read_only_hint


def test_without_a_limit_nothing_is_sent(door: Door) -> None:
    (refused, blank) = session(
        door,
        ("generate", {"type": "image", "prompt": "a lamp"}),
        ("generate", {"type": "image", "prompt": "a lamp", "cost_limit": "much"}),
    )

    assert refused.is_error
    assert "cost_limit" in refused.content[0].text
    assert blank.is_error
    assert "no amount" in blank.content[0].text
    assert door.seen == []


def test_answers_are_structured_and_whole(door: Door) -> None:
    wish = {"type": "image", "prompt": "a lamp", "params": {"aspect_ratio": "1:1"}}
    estimate, compared, budget = session(
        door, ("estimate", wish), ("compare", wish), ("budget", {})
    )

    assert estimate.structured_content["expected"] == "0.0200"
    assert "quality_rank" in estimate.structured_content["chain"][0]
    assert len(compared.structured_content["offers"]) == 3
    assert budget.structured_content["limit"] == "10.0000"


def test_a_call_repeated_with_its_key_is_the_same_work(door: Door) -> None:
    call = (
        "generate",
        {"type": "image", "prompt": "a lamp", "cost_limit": "0.5", "wait_s": 0,
         "request_key": "k1"},
    )  # fmt: skip
    first, again, other = session(door, call, call, ("generate", {**call[1], "request_key": None}))

    assert first.structured_content["state"] == "queued"
    assert first.structured_content["cost_limit"] == "0.5000"
    assert again.structured_content["id"] == first.structured_content["id"]
    assert other.structured_content["id"] != first.structured_content["id"]


def test_a_refusal_says_what_would_do_and_never_the_token(door: Door) -> None:
    shots = [{"prompt": "a lamp", "keyframe": {"provider": "nanobanana"}, "number": 7}]
    limit, budget, missing = session(
        door,
        ("generate", {"type": "image", "prompt": "a", "cost_limit": "0.001"}),
        ("storyboard", {"shots": shots, "budget": "0.001"}),
        ("status", {"id": "gen_none"}),
    )

    assert limit.is_error
    assert '"needed": "0.0100"' in limit.content[0].text
    assert budget.is_error
    assert '"drop": [7]' in budget.content[0].text
    assert missing.is_error
    assert "not-found" in missing.content[0].text


def test_a_storyboard_of_an_agent_is_what_it_said(door: Door) -> None:
    shots = [
        {"prompt": "a lamp", "keyframe": {"provider": "dalle"}, "scene": "quay"},
        {"prompt": "fog", "clip": {"provider": "flow", "params": {"motion": "push_in"}}},
    ]

    (started,) = session(
        door, ("storyboard", {"shots": shots, "budget": "1", "title": "t", "wait_s": 0})
    )

    assert started.structured_content["title"] == "t"
    sent = next(one for one in door.seen if one.path == "/v1/storyboards")
    assert body_of(sent) == {"budget": "1.0000", "title": "t", "shots": shots}
