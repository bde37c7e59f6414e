"""AWS as moto plays it, in this process: an account of its own, and the clients that ask it."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import local
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws
from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend, Table

from filmgate import wiring
from tests.template import documents

NO_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": documents.REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
STUDIO_TABLE = documents.physical_name("StudioTable")
_make_client = wiring._client
_moto_transact = DynamoDBBackend.transact_write_items


@cache
def client(service: str) -> Any:
    """The client that wiring makes, made once: it is moto that changes from test to test."""
    return _make_client(service)


@contextmanager
def account(*, offline: bool = True, **options: Any) -> Iterator[None]:
    """An empty account. Below e2e nothing leaves the process: where `offline`, every attempt to
    connect fails. `options` are moto's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in NO_CREDENTIALS.items():
            patch.setenv(name, value)
        if offline:
            patch.setattr("socket.socket.connect", _refuse)
            patch.setattr("socket.create_connection", _refuse)
        patch.setattr(DynamoDBBackend, "transact_write_items", _transact)
        patch.setattr(models, "copy", SimpleNamespace(deepcopy=_deepcopy))
        with mock_aws(**options):
            yield


def studio_table(name: str = STUDIO_TABLE) -> str:
    """Create the table as template.yaml has it, and give its name."""
    client("dynamodb").create_table(TableName=name, **documents.table_definition())
    return name


# moto 5.2 copies the whole table again for every item of a transaction, before it changes any: more
# than half of the time of all these tests. One copy for a transaction is the same.
_copies = local()


def _transact(backend: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
    _copies.tables = {}
    try:
        _moto_transact(backend, items)
    finally:
        del _copies.tables


def _deepcopy(thing: Any, memo: dict[int, Any] | None = None) -> Any:
    tables = getattr(_copies, "tables", None)
    if tables is None or not isinstance(thing, Table):
        return copy.deepcopy(thing, memo)
    if thing.name not in tables:
        tables[thing.name] = copy.deepcopy(thing)
    return tables[thing.name]


def _refuse(*_: object) -> None:
    raise AssertionError("a test below e2e opened a connection")
