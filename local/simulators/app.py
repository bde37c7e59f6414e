"""The simulators as one ASGI application: the control side and every provider below its name."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from local.simulators import control
from local.simulators.recorder import RecordRequests
from local.simulators.registry import PROVIDERS
from local.simulators.wire import Refused, answer_refused
from local.simulators.world import Pace, Provider, World

ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def make_world(*, pace: Pace, state_path: Path | None = None) -> World:
    return World(PROVIDERS, pace=pace, state_path=state_path)


def _below_its_name(provider: Provider, world: World) -> Mount:
    async def not_found(request: Request) -> Response:
        return provider.not_found(request)

    rest = Route("/{path:path}", not_found, methods=ALL_METHODS)
    return Mount(f"/{provider.name}", routes=[*provider.routes(world), rest])


def make_app(world: World) -> Starlette:
    """The application over one world."""
    return Starlette(
        routes=[
            Mount("/__sim", routes=control.routes(world)),
            *(_below_its_name(provider, world) for provider in world.providers),
        ],
        middleware=[Middleware(RecordRequests, recorder=world.recorder)],
        exception_handlers={Refused: answer_refused},
    )
