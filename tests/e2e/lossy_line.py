"""A line to the gateway on which answers are lost after the gateway has given them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import urllib3

from tests.support.serving import Came, Reply, serving

OWN = ("host", "connection", "content-length")  # of each of the two lines


@dataclass
class LossyLine:
    url: str = ""
    lost: int = 0


@contextmanager
def losing(gateway_url: str, path: str, *, times: int) -> Iterator[LossyLine]:
    """A way to the gateway that drops the first `times` answers to a POST to this path."""
    line = LossyLine()
    pool = urllib3.PoolManager(retries=False, timeout=40)

    def pass_on(came: Came) -> Reply | None:
        kept = {name: value for name, value in came.headers.items() if name not in OWN}
        reply = pool.request(
            came.method, f"{gateway_url}{came.path}", body=came.body or None, headers=kept
        )
        if (came.method, came.path) == ("POST", path) and line.lost < times:
            line.lost += 1
            return None
        return reply.status, {"Content-Type": reply.headers["Content-Type"]}, reply.data

    with serving(pass_on) as line.url:
        yield line
