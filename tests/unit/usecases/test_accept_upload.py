"""One file told of many times at once, and by an event that dies at every step on its way."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from filmgate import upload_files
from filmgate.domain.errors import GatewayError, StoreUnavailable
from filmgate.domain.pace import Pace
from filmgate.domain.uploads import Upload, UploadState
from filmgate.usecases.accept_upload import AcceptUpload, Arrived
from filmgate.usecases.ports import Found
from filmgate.usecases.start_storyboard import Market
from tests.support.board_stage import CATALOGUE, FakeShooting
from tests.support.builders import (
    NOW,
    PERIOD,
    TENANT,
    card_of,
    catalogue_of,
    clip_wish,
    image_offer,
    price_row,
    provider,
    usd,
    video_offer,
    with_keys,
)
from tests.support.fakes import FakeClock, FakeTakes, FakeWorkflow, measured, picture
from tests.support.memory_boards import MemoryBoards

MARKET = Market(
    replace(
        catalogue_of(
            provider("lumen", image_offer()),
            provider("flow", video_offer(accepts=frozenset({"image"})), media=clip_wish().type),
        ),
        hybrid=CATALOGUE.hybrid,
    ),
    card_of(price_row("lumen", "0.0200"), price_row("flow", "0.0100")),
    usd("10"),
    usd("1"),
)
FILES = {
    "uploads/a.png": picture(),
    "uploads/shots.csv": b"prompt\na lamp\nthe fog\n",
    "uploads/broken.csv": b"prompt\n",
}


class FakeInbox:
    """The uploads bucket as a dict; what is put aside is counted by its bytes."""

    def __init__(self) -> None:
        self.aside: dict[str, bytes] = {}

    def find(self, key: str, version_id: str | None = None) -> Found | None:
        data = FILES.get(key)
        return None if data is None else Found(key, "v1", len(data), {}, NOW)

    def read(self, found: Found, *, most: int) -> bytes:
        return FILES[found.key][:most]

    def chunks(self, found: Found) -> Iterator[bytes]:
        yield FILES[found.key]

    def put_aside(self, found: Found, place: str, reason: bytes) -> None:
        assert self.aside.setdefault(place, reason) == reason

    def form(self, key: str, **_: Any) -> tuple[str, Mapping[str, str]]:
        raise AssertionError("nobody asks for a form here")


class Bench:
    """The use case over memory; `die_at` counts the effects down to the one that fails."""

    def __init__(self, die_at: int | None = None) -> None:
        self.boards = MemoryBoards()
        self.boards.settings[TENANT] = dict(with_keys("lumen", "flow"))
        self.inbox = FakeInbox()
        self.left = die_at
        self._lock = threading.Lock()
        self.accept = AcceptUpload(
            tenant=TENANT,
            inbox=self._mortal(self.inbox),
            book=self._mortal(self.boards),
            boards=self._mortal(self.boards),
            takes=self._mortal(FakeTakes()),
            inspect=measured,
            generations=self._mortal(FakeWorkflow()),
            storyboards=self._mortal(FakeShooting()),
            market=MARKET,
            pace=Pace(600, 600, 500),
            storyboard_pace=Pace(600, 600, 100),
            clock=FakeClock(),
            read_clip=upload_files.clip_request,
            read_batch=upload_files.storyboard,
        )

    def __call__(self, key: str) -> Upload | None:
        return self.accept(Arrived("inbox", key, "v1"))

    def made(self) -> tuple[int, int, int]:
        """How many generations and storyboards there are, and what is held."""
        owner = self.boards.budget(TENANT, "owner", PERIOD)
        return len(self.boards.generations), len(self.boards.heads), owner.held if owner else 0

    def _mortal(self, port: Any) -> Any:
        return _Mortal(port, self._step)

    def _step(self) -> None:
        with self._lock:
            if self.left is not None:
                self.left -= 1
                if self.left == 0:
                    raise StoreUnavailable("it died here")


class _Mortal:
    """A port that asks before every call, and again after it."""

    def __init__(self, port: Any, step: Any) -> None:
        self._port, self._step = port, step

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            self._step()
            answer = getattr(self._port, name)(*given, **named)
            self._step()
            return answer

        return call


EXPECTED = {
    "uploads/a.png": (UploadState.STARTED, (1, 0, usd("0.0100"))),
    "uploads/shots.csv": (UploadState.STARTED, (0, 1, usd("0.0600"))),
    "uploads/broken.csv": (UploadState.REJECTED, (0, 0, 0)),
}


@pytest.mark.parametrize("key", FILES)
def test_a_file_that_is_told_of_thirty_times_at_once_is_one_job(key: str) -> None:
    bench = Bench()

    with ThreadPoolExecutor(30) as pool:
        ends = list(pool.map(lambda _: bench(key), range(30)))

    state, made = EXPECTED[key]
    assert {end.state for end in ends if end} == {state}
    assert len(ends) == 30
    assert bench.made() == made


@pytest.mark.parametrize("key", FILES)
def test_wherever_a_run_dies_the_next_one_ends_the_same_job(key: str) -> None:
    state, made = EXPECTED[key]
    deaths = 0
    for moment in range(1, 200):
        bench = Bench(die_at=moment)
        try:
            bench(key)
        except GatewayError:
            deaths += 1
        else:
            break

        after = bench(key)

        assert after is not None
        assert (after.state, bench.made()) == (state, made), moment
    assert deaths > 10
    assert bool(bench.inbox.aside) is (state is UploadState.REJECTED)
