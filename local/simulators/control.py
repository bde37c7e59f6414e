"""The control side of the simulators, below `/__sim`."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.faults import FaultOrder, UnusableFault
from local.simulators.jobs import now_s
from local.simulators.wire import Refused, json_reply
from local.simulators.world import Pace, World

PARTS = ("ledger", "jobs", "faults", "requests", "pace")
MAX_PACE_S = 3600
Body = TypeVar("Body", bound=BaseModel)


class PaceOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    image_s: float | None = Field(default=None, ge=0, le=MAX_PACE_S, strict=True)
    video_s: float | None = Field(default=None, ge=0, le=MAX_PACE_S, strict=True)


class ResetOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    only: list[str] = Field(default_factory=lambda: list(PARTS), min_length=1)


def refusal(message: str) -> Response:
    return json_reply({"error": message}, 400)


async def parse(request: Request, model: type[Body]) -> Body:
    """The body as the given model; an empty body counts as {}. Raises Refused with the reason."""
    try:
        return model.model_validate(json.loads(await request.body() or b"{}"))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors()
        ]
        raise Refused(refusal("; ".join(problems))) from error
    except (ValueError, RecursionError) as error:
        raise Refused(refusal("the body is not valid JSON")) from error


class Control:
    """The control endpoints over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def health(self, _: Request) -> Response:
        able: dict[str, Any] = {
            provider.name: {
                fault: {place: list(codes) for place, codes in places.items()}
                for fault, places in provider.faults.items()
            }
            for provider in self._world.providers
        }
        return json_reply({"ok": True, "providers": able})

    async def ledger(self, _: Request) -> Response:
        return json_reply(self._world.ledger.as_json())

    async def requests(self, _: Request) -> Response:
        return json_reply({"requests": self._world.recorder.as_json()})

    async def list_faults(self, _: Request) -> Response:
        return json_reply({"faults": self._world.faults.as_json()})

    async def add_fault(self, request: Request) -> Response:
        order = await parse(request, FaultOrder)
        try:
            fault = self._world.faults.add(order)
        except UnusableFault as error:
            return refusal(str(error))
        return json_reply({"armed": fault.as_json()})

    async def pace(self, request: Request) -> Response:
        pace = self._world.pace
        if request.method == "POST":
            order = await parse(request, PaceOrder)
            pace = Pace(
                image_s=pace.image_s if order.image_s is None else order.image_s,
                video_s=pace.video_s if order.video_s is None else order.video_s,
            )
            self._world.pace = pace
        return json_reply({"image_s": pace.image_s, "video_s": pace.video_s})

    async def mend(self, _: Request) -> Response:
        """What was stuck gets done after all, and a result that was missing appears."""
        return json_reply({"mended": self._world.jobs.mend(now_s())})

    async def reset(self, request: Request) -> Response:
        order = await parse(request, ResetOrder)
        unknown = set(order.only) - set(PARTS)
        if unknown:
            return refusal(f"only: unknown parts {sorted(unknown)}; there are {list(PARTS)}")
        self._world.reset(frozenset(order.only))
        return json_reply({"reset": sorted(set(order.only))})


async def nothing_here(request: Request) -> Response:
    return json_reply({"error": f"no {request.method} {request.url.path} here"}, 404)


def routes(world: World) -> list[Route]:
    control = Control(world)
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [
        Route("/health", control.health),
        Route("/ledger", control.ledger),
        Route("/requests", control.requests),
        Route("/faults", control.list_faults),
        Route("/faults", control.add_fault, methods=["POST"]),
        Route("/pace", control.pace, methods=["GET", "POST"]),
        Route("/mend", control.mend, methods=["POST"]),
        Route("/reset", control.reset, methods=["POST"]),
        Route("/{path:path}", nothing_here, methods=every),
    ]
