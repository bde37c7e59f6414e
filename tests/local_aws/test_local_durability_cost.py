"""What it costs that every write to a table is in the state file before it is answered."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local_shop import ROOT, until

from local.clients import client_for
from local.ports import HOST, Ports

# The server as it is, or as it would be if tables were kept in memory only.
SERVE = """
import importlib, sys
from pathlib import Path
from local.aws.settings import ServerSettings, isolate_environment
from local.ports import Ports

settings = ServerSettings.of(Path(sys.argv[1]), Ports(*map(int, sys.argv[2:5])))
settings.layout.create()
isolate_environment(settings)
patches = importlib.import_module("local.aws.patches")
if sys.argv[5] == "forgetful":
    patches.PATCHES = tuple(each for each in patches.PATCHES if each is not patches.kept_items)
importlib.import_module("local.aws.server").run(settings)
"""
THREADS = 8
WRITES = 600
ITEMS = 500
ROUNDS = 3
TEXT = "x" * 1_000
TABLE = "notes"
# Items of half a megabyte, and SQLite's log, which is folded into the file at four; the log of all
# writes would be some 20 MB.
SIZE_LIMIT = 8_000_000


@contextmanager
def server(data_dir: Path, kind: str) -> Iterator[Any]:
    """A client of a server of that kind, with an empty table."""
    ports = Ports.unused()
    numbers = [str(port) for _, port in ports.by_variable()]
    command = [sys.executable, "-c", SERVE, str(data_dir), *numbers, kind]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            client = client_for("dynamodb", f"http://{HOST}:{ports.aws}")
            until(lambda: _answers(client))
            client.create_table(
                TableName=TABLE,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            )
            yield client
        finally:
            process.kill()


def _answers(client: Any) -> bool:
    try:
        client.list_tables()
    except Exception:
        return False
    return True


def writes_per_s(client: Any) -> float:
    """Writes of about a kilobyte, over ever the same items, from several threads."""

    def write(number: int) -> None:
        item = {"id": {"S": str(number % ITEMS)}, "text": {"S": TEXT}, "number": {"N": str(number)}}
        client.put_item(TableName=TABLE, Item=item)

    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(WRITES)))
    return WRITES / (time.perf_counter() - began)


def test_the_price_of_durable_writes_and_the_size_of_the_file(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with (
        server(tmp_path / "durable", "durable") as durable,
        server(tmp_path / "forgetful", "forgetful") as forgetful,
    ):
        pairs = [(writes_per_s(durable), writes_per_s(forgetful)) for _ in range(ROUNDS)]
        kept, forgotten = (max(speeds) for speeds in zip(*pairs, strict=True))
        stored = durable.scan(TableName=TABLE)["Count"]

    files = list((tmp_path / "durable" / "aws").glob("state.sqlite*"))
    size = sum(path.stat().st_size for path in files)
    figure(
        f"table writes of 1 kB, {THREADS} threads: {kept:.0f}/s durable, {forgotten:.0f}/s in "
        f"memory, ratio {kept / forgotten:.2f}; {stored} items after {WRITES * ROUNDS} writes "
        f"take {size / 1e6:.1f} MB with the log"
    )
    assert stored == ITEMS
    assert size < SIZE_LIMIT
