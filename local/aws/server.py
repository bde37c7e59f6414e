"""The server: ministack's application, patched, behind the front door, under hypercorn.

ministack reads its environment when it is imported, so this module is imported only after
isolate_environment (see __main__).
"""

import asyncio
import logging
import resource
import signal
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack import app as ministack_app
from ministack.core import lambda_runtime
from ministack.services import apigateway

from local.aws.front_door import ApiIdFile, FrontDoor
from local.aws.notice_box import NoticeBox
from local.aws.patches import apply_all
from local.aws.patches.hooks import original
from local.aws.settings import ServerSettings
from local.clients import client_for
from local.ports import HOST

GRACEFUL_TIMEOUT_S = 2.0
KEEP_ALIVE_S = 75.0
# They say the same line for each of ninety services at every start and stop.
QUIET_LOGGERS = ("persistence", "hypercorn.access", "transfer")

# Prints the syntax tree of the whole machine for a failed state; the cause is in the history.
SYNTAX_TREE_LOGGER = "moto.stepfunctions.parser.asl.component.eval_component"


def run(settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT, then end the functions' processes."""
    raise_file_limit()
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(SYNTAX_TREE_LOGGER).setLevel(logging.CRITICAL)
    logging.getLogger("hypercorn.error").propagate = False
    apply_all(settings)
    asyncio.run(serve(application(settings), settings))
    original(lambda_runtime, "reset")()


def application(settings: ServerSettings) -> FrontDoor:
    """Everything on both ports, as one ASGI application."""
    scope_of = original(apigateway, "find_api_scope")

    def confirm(topic: str, token: str) -> None:
        client_for("sns", settings.endpoint_url).confirm_subscription(TopicArn=topic, Token=token)

    return FrontDoor(
        original(ministack_app, "app"),
        port=settings.ports.front_door,
        api_id=ApiIdFile(
            settings.layout.api_id, exists=lambda api_id: scope_of(api_id) is not None
        ),
        notices=NoticeBox(settings.layout.notices, confirm=confirm),
    )


async def serve(served: Any, settings: ServerSettings) -> None:
    """Serve until a signal; ministack loads its state before the first request and saves it
    after the last one.
    """
    config = Config()
    config.bind = [f"{HOST}:{settings.ports.aws}", f"{HOST}:{settings.ports.front_door}"]
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.graceful_timeout = GRACEFUL_TIMEOUT_S
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await hypercorn_serve(served, config, shutdown_trigger=stop.wait)


def raise_file_limit() -> None:
    """A burst of connections must not end at the soft limit of open files (1024)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
