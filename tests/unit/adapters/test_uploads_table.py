"""Uploads in the table, on moto, and in memory: what one of them does the other does too."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from filmgate.adapters.uploads_table import UploadTable
from filmgate.domain.errors import AlreadyExists, Stale, StoreUnavailable
from filmgate.domain.ids import upload_id
from filmgate.domain.uploads import Still, Upload
from filmgate.usecases.ports import UploadBook
from tests.support.aws import STUDIO_TABLE, account, client, studio_table
from tests.support.builders import NOW, TENANT
from tests.support.memory_studio import MemoryStudio

ASKED = Upload(
    id=upload_id(TENANT, "ada", "1"),
    tenant=TENANT,
    user="ada",
    role="creator",
    filename="rooftop.png",
    created_at=NOW,
)
STILL = Still(f"{TENANT}/stills/{'a' * 64}.png", "image/png", 64, 48, 1234, "a" * 64)


@pytest.fixture(params=["table", "memory"])
def book(request: pytest.FixtureRequest) -> Iterator[UploadBook]:
    if request.param == "memory":
        yield MemoryStudio()
        return
    with account():
        yield UploadTable(client("dynamodb"), studio_table())


def test_an_upload_is_read_as_it_was_written(book: UploadBook) -> None:
    kept = replace(ASKED, wishes="null").kept(STILL)
    book.add_upload(kept)

    assert book.upload(TENANT, ASKED.id) == kept
    assert book.upload("others", ASKED.id) is None
    assert book.upload(TENANT, upload_id(TENANT, "ada", "2")) is None


def test_a_second_upload_of_one_id_is_refused(book: UploadBook) -> None:
    book.add_upload(ASKED)

    with pytest.raises(AlreadyExists):
        book.add_upload(replace(ASKED, filename="other.png"))


def test_a_change_holds_only_over_what_was_read(book: UploadBook) -> None:
    book.add_upload(ASKED)
    kept = ASKED.kept(STILL)
    book.change_upload(ASKED, kept)

    with pytest.raises(Stale):
        book.change_upload(ASKED, replace(kept, filename="late.png"))

    assert book.upload(TENANT, ASKED.id) == kept


class Unsure:
    """A client that sends every put twice, as the SDK does when an answer is lost."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def put_item(self, **arguments: Any) -> Any:
        self._real.put_item(**arguments)
        return self._real.put_item(**arguments)


def test_a_write_that_is_sent_twice_is_a_success() -> None:
    with account():
        studio_table()
        table = UploadTable(Unsure(client("dynamodb")), STUDIO_TABLE)

        table.add_upload(ASKED)
        table.change_upload(ASKED, ASKED.kept(STILL))

        assert table.upload(TENANT, ASKED.id) == ASKED.kept(STILL)


def test_a_table_that_is_away_says_so() -> None:
    with account():
        table = UploadTable(client("dynamodb"), "no-such-table")

        with pytest.raises(StoreUnavailable):
            table.add_upload(ASKED)
