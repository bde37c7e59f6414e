"""Draws stills and clips in threads, each order once, and remembers the results."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from local.simulators.clips import ClipOrder, draw_clip
from local.simulators.drawing import StillOrder, draw_still

DRAWING_THREADS = 2
KEPT_RESULTS_BYTES = 256_000_000
Result = TypeVar("Result")


class Studio:
    """The drawing room: equal orders, also at the same time, are drawn once."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(DRAWING_THREADS, thread_name_prefix="drawing")
        self._running: dict[Hashable, asyncio.Future[bytes]] = {}
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._kept_bytes = 0

    async def still(self, order: StillOrder) -> bytes:
        return await self._make(order, lambda: draw_still(order))

    async def clip(self, order: ClipOrder) -> bytes:
        return await self._make(order, lambda: draw_clip(order))

    async def joined(self, order: Hashable, join: Callable[[], bytes]) -> bytes:
        """A picture made of others, once for each order."""
        return await self._make(order, join)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Any other heavy work in a drawing thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _make(self, order: Hashable, draw: Callable[[], bytes]) -> bytes:
        if order in self._kept:
            self._kept.move_to_end(order)
            return self._kept[order]
        if order not in self._running:
            future = asyncio.get_running_loop().run_in_executor(self._threads, draw)
            self._running[order] = future
            future.add_done_callback(lambda _: self._running.pop(order, None))
        # Shielded: one client that leaves must not cancel the drawing that others wait for.
        content = await asyncio.shield(self._running[order])
        self._keep(order, content)
        return content

    def _keep(self, order: Hashable, content: bytes) -> None:
        if order in self._kept:
            return
        self._kept[order] = content
        self._kept_bytes += len(content)
        while self._kept_bytes > KEPT_RESULTS_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= len(oldest)
