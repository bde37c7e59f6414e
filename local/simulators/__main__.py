"""`python -m local.simulators`: serve until SIGTERM or SIGINT.

FILMGATE_SIM_PORT (8790; 0 takes any free port) is bound on 127.0.0.1. FILMGATE_SIM_IMAGE_S and
FILMGATE_SIM_VIDEO_S set the pace; FILMGATE_SIM_STATE names the file that keeps accepted jobs.
The first line on standard output is `simulators: http://127.0.0.1:PORT`, written once it answers.
"""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config

from local.simulators import connection
from local.simulators.app import make_app, make_world
from local.simulators.world import Pace

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

HOST = "127.0.0.1"
DEFAULT_PORT = 8790


class BadSetting(Exception):
    """An environment variable holds something that cannot be used."""


def _number(name: str, default: float, *, most: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError as error:
        raise BadSetting(f"{name}={text!r} is not a number") from error
    if not 0 <= value <= most:
        raise BadSetting(f"{name}={text} is not between 0 and {most:g}")
    return value


def _listen(port: int) -> socket.socket:
    """A bound socket. Raises BadSetting when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise BadSetting(
            f"port {port} on {HOST} cannot be used ({error.strerror}); set FILMGATE_SIM_PORT"
        ) from error
    listener.listen(256)
    return listener


def _config(listener: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.accesslog = None
    config.loglevel = "WARNING"
    config.include_server_header = False
    # Clients pool connections; one that we close while it is being reused looks like a lost reply.
    config.keep_alive_timeout = 600
    config.keep_alive_max_requests = 1_000_000
    config.graceful_timeout = 1
    return config


async def _serve(listener: socket.socket, pace: Pace, state_path: Path | None) -> None:
    world = make_world(pace=pace, state_path=state_path)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)

    async def stop() -> None:
        await stopping.wait()
        world.stop()

    print(f"simulators: http://{HOST}:{listener.getsockname()[1]}", flush=True)
    app = cast("ASGIFramework", make_app(world))  # The same protocol, typed twice.
    await serve(app, _config(listener), shutdown_trigger=stop)


def main() -> int:
    try:
        port = int(_number("FILMGATE_SIM_PORT", DEFAULT_PORT, most=65535))
        pace = Pace(
            image_s=_number("FILMGATE_SIM_IMAGE_S", Pace.image_s, most=3600),
            video_s=_number("FILMGATE_SIM_VIDEO_S", Pace.video_s, most=3600),
        )
        state = os.environ.get("FILMGATE_SIM_STATE")
        listener = _listen(port)
    except BadSetting as error:
        print(f"simulators: {error}", file=sys.stderr)
        return 2
    connection.install()
    asyncio.run(_serve(listener, pace, Path(state) if state else None))
    return 0


if __name__ == "__main__":
    sys.exit(main())
