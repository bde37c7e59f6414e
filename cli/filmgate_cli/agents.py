"""Tools for agents: what the command line does, with a limit on the money that cannot be left out.

An agent may call a tool again because its own line broke. A call that says `request_key` is then
the same work; without one, each call is new work, and only the line to the gateway is covered.
"""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field

from filmgate_cli import __version__
from filmgate_cli.client import Gateway
from filmgate_cli.money import amount, wire
from filmgate_cli.problems import ExitCode, Problem, Refused
from filmgate_cli.shapes import Json
from filmgate_cli.watching import GENERATION_ENDS, STORYBOARD_ENDS, follow
from filmgate_cli.wire import Body, fresh_key

STORYBOARD: Final = "sb_"
LONGEST_WAIT_S: Final = 300
INSTRUCTIONS: Final = (
    "Filmgate makes images and video clips with several paid providers. Prices are US dollars. "
    "Ask `estimate` or `compare` before anything is made; say the limit that the user agreed to. "
    "What is still running when `generate` or `storyboard` answers goes on by itself: ask `status`."
)
READS: Final = ToolAnnotations(read_only_hint=True)
SPENDS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
Usd = Annotated[str, Field(description='US dollars as a decimal text, such as "0.50".')]
Medium = Annotated[Literal["image", "video"], Field(description="What is made.")]
PromptText = Annotated[str, Field(description="What it shall show.", min_length=1)]
WaitSeconds = Annotated[
    int, Field(ge=0, le=LONGEST_WAIT_S, description="How long to wait for the end.")
]
RequestKey = Annotated[
    str | None,
    Field(description="Repeat a call with the same key to get the same work instead of new."),
]


class Params(BaseModel):
    """What the image or clip should be like; what is not said is the provider's to choose."""

    model_config = ConfigDict(extra="forbid")

    resolution: Annotated[str | None, Field(description="1024x1024, 720p, 1080p, 4k")] = None
    aspect_ratio: Annotated[str | None, Field(description="16:9, 1:1, 9:16")] = None
    quality: Literal["low", "standard", "high"] | None = None
    style: str | None = None
    seed: int | None = None
    duration_s: Annotated[int | None, Field(description="Clips: seconds")] = None
    fps: Annotated[int | None, Field(description="Clips: 24, 25, 30 or 60")] = None
    image: Annotated[
        str | None,
        Field(description="Clips: the keyframe by its id; outside storyboards a link too"),
    ] = None
    motion: Annotated[str | None, Field(description="Clips of flow: push_in, pan_left …")] = None


class PartWish(BaseModel):
    """One part of a shot."""

    model_config = ConfigDict(extra="forbid")

    provider: str | None = None
    prompt: str | None = None
    params: Params | None = None


class ShotWish(BaseModel):
    """One shot: its keyframe, and the clip that starts from it if there shall be one."""

    model_config = ConfigDict(extra="forbid")

    prompt: str
    number: int | None = None
    scene: Annotated[str | None, Field(description="Shots of one scene share a provider")] = None
    keyframe: PartWish | None = None
    variation: PartWish | None = None
    clip: PartWish | None = None


class Tools:
    """The tools, on one gateway and with one token."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def estimate(
        self,
        type: Medium,
        prompt: PromptText,
        provider: str | None = None,
        strategy: str | None = None,
        params: Params | None = None,
    ) -> dict[str, Any]:
        """What one image or clip would cost, who would be tried in which order, and the most it
        can come to. Costs nothing."""
        wish = _wish(type, prompt, params) | _said(provider=provider, strategy=strategy)
        return _told(lambda: self._gateway.estimate(wish))

    def compare(
        self, type: Medium, prompt: PromptText, params: Params | None = None
    ) -> dict[str, Any]:
        """Every provider of the medium side by side, the cheapest first, with the reason where one
        cannot. Costs nothing."""
        return _told(lambda: self._gateway.compare(_wish(type, prompt, params)))

    def generate(
        self,
        type: Medium,
        prompt: PromptText,
        cost_limit: Usd,
        provider: str | None = None,
        strategy: str | None = None,
        params: Params | None = None,
        project: str | None = None,
        wait_s: WaitSeconds = 60,
        request_key: RequestKey = None,
    ) -> dict[str, Any]:
        """Make one image or clip for at most `cost_limit`, fallbacks included, and wait for it.

        The answer has its state, attempts with reasons, the actual cost, and takes with links that
        work for some minutes. If it is still running, ask `status` with its id.
        """
        request = _wish(type, prompt, params)
        request |= _said(provider=provider, strategy=strategy, project=project)
        request["cost_limit"] = _dollars(cost_limit)
        started = _told(lambda: self._gateway.generate(request, key=request_key or fresh_key()))
        return self._state_of(started["id"], wait_s)

    def storyboard(
        self,
        shots: Annotated[list[ShotWish], Field(min_length=1)],
        budget: Usd,
        title: str | None = None,
        project: str | None = None,
        strategy: str | None = None,
        wait_s: WaitSeconds = 60,
        request_key: RequestKey = None,
    ) -> dict[str, Any]:
        """Make many shots for at most `budget` together, all or nothing, and wait for them.

        A budget that is too small starts nothing and is told what would fit. If it is still
        running, ask `status` with its id.
        """
        body = _said(title=title, project=project, strategy=strategy)
        body["budget"] = _dollars(budget)
        body["shots"] = [shot.model_dump(exclude_none=True) for shot in shots]
        sent = Body(json.dumps(body).encode(), "application/json")
        started = _told(
            lambda: self._gateway.start_storyboard(sent, {}, key=request_key or fresh_key())
        )
        return self._state_of(started["id"], wait_s)

    def status(
        self,
        id: Annotated[str, Field(description="gen_… or sb_…")],
        wait_s: WaitSeconds = 0,
    ) -> dict[str, Any]:
        """How a generation or a storyboard stands, with fresh links to what it has made."""
        return self._state_of(id, wait_s)

    def budget(
        self,
        scope: Annotated[
            str, Field(description="owner, user:<id>, project:<id> or provider:<id>")
        ] = "owner",
    ) -> dict[str, Any]:
        """This month's limit, and what of it is spent, held and left."""
        return _told(lambda: self._gateway.budget(scope))

    def _state_of(self, thing: str, wait_s: int) -> dict[str, Any]:
        """How it stands once it has ended or the time is over."""
        ends = STORYBOARD_ENDS if thing.startswith(STORYBOARD) else GENERATION_ENDS
        looks = follow(
            lambda: self._look(thing), lambda one: one["state"] in ends, timeout_s=wait_s
        )
        return _told(lambda: _last(looks))

    def _look(self, thing: str) -> Json:
        if thing.startswith(STORYBOARD):
            return dict(self._gateway.storyboard(thing))
        return dict(self._gateway.generation(thing))


def server(gateway: Gateway) -> MCPServer[Any]:
    """The tools as a server of the Model Context Protocol."""
    tools = Tools(gateway)
    made: MCPServer[Any] = MCPServer(
        "filmgate", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole links
    reading: list[Callable[..., Json]] = [
        tools.estimate, tools.compare, tools.status, tools.budget,
    ]  # fmt: skip
    spending: list[Callable[..., Json]] = [tools.generate, tools.storyboard]
    for tool in reading:
        made.add_tool(tool, annotations=READS)
    for tool in spending:
        made.add_tool(tool, annotations=SPENDS)
    return made


def _last(looks: Iterator[Json]) -> Json:
    """The last look; the time may be over before the end."""
    seen: Json = {}
    try:
        for seen in looks:  # noqa: B007 - the last one is the answer
            pass
    except Problem as problem:
        if problem.exit_code is not ExitCode.UNFINISHED:
            raise
    return seen


def _told(ask: Callable[[], Any]) -> dict[str, Any]:
    """The answer, or a refusal in words that an agent can act upon."""
    try:
        return dict(ask())
    except Problem as problem:
        raise ToolError(_sentence(problem)) from None


def _sentence(problem: Problem) -> str:
    parts = [f"{problem.code}: {problem.message}"]
    if isinstance(problem, Refused):
        facts = {
            name: problem.problem[name]
            for name in ("scope", "needed", "room", "fits", "replacement", "retryAfter")
            if name in problem.problem
        }
        if facts:
            parts.append(json.dumps(facts))
    return " ".join(parts)


def _wish(medium: str, prompt: str, params: Params | None) -> Json:
    said = {} if params is None else params.model_dump(exclude_none=True)
    return {"type": medium, "prompt": prompt, **({"params": said} if said else {})}


def _said(**fields: str | None) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _dollars(text: str) -> str:
    try:
        return wire(amount(text))
    except ValueError as error:
        raise ToolError(f"cost limit: {error}") from None
