"""What a SIGKILL of the local AWS leaves behind: everything that it had answered for.

Each test has a stack that it may kill. Servers and workers die by SIGKILL, at moments that
nobody chose.
"""

import json
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from local_shop import PARAMETERS, ROOT, SAMPLE, Shop, until

from local.aws.late_renames import LateRenames
from local.deploy import DeployFailed
from local.ports import Ports
from local.stack import LocalStack

KILLS = 10
ACCOUNTS = [f"account/{n}" for n in range(6)]
OPENING_BALANCE = 1_000
# What a caller sees of a server that dies.
CUT_OFF = (BotoCoreError, ClientError, OSError, DeployFailed)


def new_stack(data_dir: Path, *, simulators: bool = False) -> LocalStack:
    return LocalStack(
        ROOT,
        Ports.unused(),
        data_dir,
        template=SAMPLE,
        stack_name="shop",
        simulators=simulators,
    )


@pytest.fixture(scope="module")
def frail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A deployed shop that tests may kill, as long as they resume it."""
    with new_stack(tmp_path_factory.mktemp("frail")) as stack:
        shop = Shop(stack)
        shop.outputs = stack.deploy(PARAMETERS | {"TickSchedule": "rate(1 second)"})
        yield shop


def restart(shop: Shop) -> None:
    shop.stack.kill("aws")
    shop.stack.resume("aws")


class Traffic:
    """Calls the shop from several threads until it is cut off, and knows what was answered."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._dynamodb = shop.client("dynamodb")
        self._table = shop.outputs["TableName"]
        self.transfers: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.secret = 0
        self.executions: set[str] = set()

    def open_accounts(self) -> None:
        for account in ACCOUNTS:
            item = {"id": {"S": account}, "balance": {"N": str(OPENING_BALANCE)}}
            self._dynamodb.put_item(TableName=self._table, Item=item)

    def until_cut_off(self, after_s: float) -> None:
        """Run all of it, kill the server in the middle, and see every thread end."""
        self._over = False
        work = [self._transfer] * 4 + [self._put_object, self._put_secret, self._start]
        going = threading.Event()
        with ThreadPoolExecutor(len(work)) as pool:
            threads = [pool.submit(self._repeat, each, going) for each in work]
            going.wait(20)
            time.sleep(after_s)
            try:
                self._shop.stack.kill("aws")
            finally:
                self._over = True
        assert not [thread.exception() for thread in threads if thread.exception()]

    def _repeat(self, call: Callable[[], None], going: threading.Event) -> None:
        while not self._over:
            try:
                call()
            except CUT_OFF:
                return
            going.set()

    def _transfer(self) -> None:
        giver, taker = random.sample(ACCOUNTS, 2)
        amount = random.randint(1, 9)
        entry = f"entry/{uuid4().hex}"
        moves = [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": {"id": {"S": account}},
                    "UpdateExpression": "ADD balance :change",
                    "ExpressionAttributeValues": {":change": {"N": str(change)}},
                }
            }
            for account, change in ((giver, -amount), (taker, amount))
        ]
        note = {"id": entry, "giver": giver, "taker": taker}
        item = {name: {"S": value} for name, value in note.items()} | {"amount": {"N": str(amount)}}
        self._dynamodb.transact_write_items(
            TransactItems=[*moves, {"Put": {"TableName": self._table, "Item": item}}]
        )
        self.transfers.add(entry)

    def _put_object(self) -> None:
        key, body = f"takes/{uuid4().hex}", random.randbytes(random.randint(1, 300_000))
        self._shop.client("s3").put_object(
            Bucket=self._shop.outputs["BucketName"],
            Key=key,
            Body=body,
            ContentType="image/png",
            Metadata={"length": str(len(body))},
        )
        self.objects[key] = body

    def _put_secret(self) -> None:
        self._shop.client("secretsmanager").put_secret_value(
            SecretId=self._shop.outputs["SecretArn"], SecretString=str(self.secret + 1)
        )
        self.secret += 1

    def _start(self) -> None:
        name = uuid4().hex
        self.executions.add(self._shop.start({"id": name, "kind": "wait"}, name=name))
        time.sleep(0.1)

    def items(self, prefix: str) -> dict[str, dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="begins_with(id, :prefix)",
            ExpressionAttributeValues={":prefix": {"S": prefix}},
        )
        return {item["id"]["S"]: item for page in pages for item in page["Items"]}

    def check(self) -> None:
        """Everything that was answered is there, and nothing is there by half."""
        entries = self.items("entry/")
        assert self.transfers <= set(entries)
        balances = dict.fromkeys(ACCOUNTS, OPENING_BALANCE)
        for entry in entries.values():
            balances[entry["giver"]["S"]] -= int(entry["amount"]["N"])
            balances[entry["taker"]["S"]] += int(entry["amount"]["N"])
        stored = self.items("account/")
        assert {key: int(item["balance"]["N"]) for key, item in stored.items()} == balances
        self._check_objects()
        secret = self._shop.client("secretsmanager").get_secret_value(
            SecretId=self._shop.outputs["SecretArn"]
        )["SecretString"]
        assert int(secret) in (self.secret, self.secret + 1)
        self.secret = int(secret)
        describe = self._shop.client("stepfunctions").describe_execution
        for execution in self.executions:
            found = describe(executionArn=execution)
            assert (found["status"], found["error"]) == ("FAILED", "States.ServiceRestart")

    def _check_objects(self) -> None:
        s3, bucket = self._shop.client("s3"), self._shop.outputs["BucketName"]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="takes/")
        listed = {each["Key"] for page in pages for each in page.get("Contents", [])}
        assert set(self.objects) <= listed
        for key in listed:
            found = s3.get_object(Bucket=bucket, Key=key)
            body = found["Body"].read()
            assert body == self.objects.get(key, body)
            assert found["ContentType"] == "image/png"
            assert found["Metadata"] == {"length": str(len(body))}


def test_nothing_that_was_answered_is_lost_and_nothing_is_torn(
    frail: Shop, figure: Callable[[str], None]
) -> None:
    traffic = Traffic(frail)
    traffic.open_accounts()
    traffic._put_secret()
    starts_s: list[float] = []

    for _ in range(KILLS):
        traffic.until_cut_off(after_s=random.uniform(0, 0.7))
        began = time.perf_counter()
        frail.stack.resume("aws")
        starts_s.append(time.perf_counter() - began)
        traffic.check()

    state = frail.stack.data_dir / "aws" / "state.sqlite"
    size = sum(path.stat().st_size for path in state.parent.glob("state.sqlite*"))
    figure(
        f"local AWS killed {KILLS} times: {len(traffic.transfers)} transfers, "
        f"{len(traffic.objects)} objects, {traffic.secret} secrets and {len(traffic.executions)} "
        f"executions answered for, none lost or torn; up again in {max(starts_s):.1f} s at most; "
        f"state {size / 1e6:.1f} MB"
    )


def test_messages_that_were_taken_in_or_deleted_are_so_after_a_kill(frail: Shop) -> None:
    sqs, events = frail.client("sqs"), frail.client("events")
    queue = sqs.create_queue(QueueName=f"kept-{uuid4().hex}")["QueueUrl"]
    names = ["QueueArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]["QueueArn"]
    events.put_rule(Name="kept", EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="kept", Targets=[{"Id": "queue", "Arn": arn}])

    sqs.send_message(QueueUrl=queue, MessageBody="read")
    (read,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=read["ReceiptHandle"])
    sqs.send_message(QueueUrl=queue, MessageBody="sent")
    restart(frail)
    events.put_events(Entries=[{"Source": "shop", "DetailType": "x", "Detail": '{"told": 1}'}])
    restart(frail)

    found: list[str] = []
    while len(found) < 2:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)
        assert answer.get("Messages"), found
        found += [message["Body"] for message in answer["Messages"]]
    assert found[0] == "sent"
    assert json.loads(found[1])["detail"] == {"told": 1}


def test_the_metadata_of_an_object_is_in_place_before_its_bytes(tmp_path: Path) -> None:
    renames = LateRenames()
    (tmp_path / "bytes.tmp").write_bytes(b"picture")
    (tmp_path / "metadata.tmp").touch()
    (tmp_path / "bytes").mkdir()  # So that the second of the two renames fails.
    (tmp_path / "bytes" / "in-the-way").touch()

    def put() -> None:
        with renames.last_first():
            for name in ("bytes", "metadata"):
                renames.rename(f"{tmp_path / name}.tmp", str(tmp_path / name))
            assert not (tmp_path / "metadata").exists()

    with pytest.raises(OSError, match="bytes"):
        put()

    assert (tmp_path / "metadata").exists()


def test_after_a_kill_a_deploy_without_a_change_finds_everything_at_work(frail: Shop) -> None:
    parameters = PARAMETERS | {"TickSchedule": "rate(1 second)"}
    changed_at = frail.changed_at()

    restart(frail)

    assert frail.stack.deploy(parameters) == frail.outputs
    assert frail.changed_at() == changed_at
    assert frail.request("PUT", "/items/after-the-kill").status == 200
    assert frail.order({"id": "after", "kind": "plain"})["status"] == "SUCCEEDED"
    table, dynamodb = frail.outputs["TableName"], frail.client("dynamodb")
    for trace in ("seen/after-the-kill", "seen/inbox/after"):
        if trace == "seen/inbox/after":
            bucket = frail.outputs["BucketName"]
            frail.client("s3").put_object(Bucket=bucket, Key="inbox/after", Body=b"{}")
        key = {"id": {"S": trace}}
        assert until(lambda key=key: "Item" in dynamodb.get_item(TableName=table, Key=key))


def test_a_kill_in_the_middle_of_a_deploy_is_mended_by_the_next_one(tmp_path: Path) -> None:
    with new_stack(tmp_path) as stack:
        shop = Shop(stack)
        for seconds in (0.4, 1.5):
            _kill_during_deploy(stack, PARAMETERS, seconds)
        shop.outputs = stack.deploy(PARAMETERS)
        shop.request("PUT", "/items/kept")
        stack.deploy(PARAMETERS)

        for number, seconds in enumerate((0.3, 0.8)):
            _kill_during_deploy(stack, {"Stage": f"stage{number}"}, seconds)
            outputs = stack.deploy({"Stage": f"again{number}"})
            assert outputs["ApiId"] == shop.outputs["ApiId"]
            assert outputs["TableName"] == shop.outputs["TableName"]
            _, seen = shop.invoke("InspectFunctionName", {})
            assert seen["environment"]["STAGE"] == f"again{number}"

        kept = shop.client("dynamodb").get_item(
            TableName=shop.outputs["TableName"], Key={"id": {"S": "kept"}}
        )
        assert "Item" in kept


def _kill_during_deploy(stack: LocalStack, parameters: dict[str, str], after_s: float) -> None:
    def deploy() -> None:
        try:
            stack.deploy(parameters)
        except CUT_OFF:
            return

    with ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(deploy)
        time.sleep(after_s)
        stack.kill("aws")
        deploying.result()
    stack.resume("aws")


def test_a_killed_worker_is_an_error_that_a_retry_mends(frail: Shop) -> None:
    execution = frail.start({"id": "hang", "kind": "hanging"})
    dynamodb, key = frail.client("dynamodb"), {"id": {"S": "tries/hang"}}
    until(
        lambda: "Item" in dynamodb.get_item(TableName=frail.outputs["TableName"], Key=key),
    )

    for worker in frail.stack.workers("FlakyFunction"):
        os.kill(worker, signal.SIGKILL)

    finished = frail.finished(execution)
    assert finished["status"] == "SUCCEEDED"
    assert json.loads(finished["output"])["work"] == {"tries": 2}
    events = frail.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    failures = [e["taskFailedEventDetails"]["error"] for e in events if e["type"] == "TaskFailed"]
    assert failures == ["Runtime.ExitError"]


def test_a_worker_that_is_killed_while_it_starts_is_the_same_error(frail: Shop) -> None:
    kind, payload = None, {}
    for _ in range(10):  # on a busy machine the call may be over before the kill comes
        for worker in frail.stack.workers("InspectFunction"):
            os.kill(worker, signal.SIGKILL)
        until(lambda: not frail.stack.workers("InspectFunction"))
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(frail.invoke, "InspectFunctionName", {})
            os.kill(until(lambda: frail.stack.workers("InspectFunction"))[0], signal.SIGKILL)
            kind, payload = call.result()
        if kind is not None:
            break

    assert (kind, payload["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert frail.invoke("InspectFunctionName", {})[0] is None


def ticks(shop: Shop) -> list[tuple[int, int]]:
    """(began, done) of every call of the scheduled function, in milliseconds."""
    item = (
        shop.client("dynamodb")
        .get_item(TableName=shop.outputs["TableName"], Key={"id": {"S": "tick"}})
        .get("Item", {"calls": {"L": []}})
    )
    return [tuple(int(time["N"]) for time in call["L"]) for call in item["calls"]["L"]]


def test_a_rule_of_seconds_ticks_also_after_a_kill(frail: Shop) -> None:
    until(lambda: len(ticks(frail)) >= 2)

    restart(frail)
    before = len(ticks(frail))

    until(lambda: len(ticks(frail)) >= before + 2)


def test_a_slow_scheduled_function_is_not_called_again_while_it_runs(frail: Shop) -> None:
    frail.client("dynamodb").update_item(
        TableName=frail.outputs["TableName"],
        Key={"id": {"S": "tick"}},
        UpdateExpression="SET takes_ms = :ms",
        ExpressionAttributeValues={":ms": {"N": "1800"}},
    )
    before = len(ticks(frail))

    until(lambda: len(ticks(frail)) >= before + 4)

    calls = sorted(ticks(frail)[before + 1 :])
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(calls))


def test_the_simulators_go_on_while_the_aws_is_killed(tmp_path: Path) -> None:
    with new_stack(tmp_path, simulators=True) as stack:
        simulators = stack.processes["simulators"]

        stack.kill("aws")
        assert list(stack.processes) == ["simulators"]
        stack.resume("aws")

        assert stack.processes["simulators"] == simulators
        assert Shop(stack).client("dynamodb").list_tables()["TableNames"] == []


def test_the_state_of_a_former_version_is_taken_over(tmp_path: Path) -> None:
    """Until there was a state file, each service had a JSON file, written at a clean stop."""
    state = tmp_path / "aws" / "state"
    state.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "former_state" / "dynamodb.json", state)

    with new_stack(tmp_path) as stack:
        restart(Shop(stack))

        item = Shop(stack).client("dynamodb").get_item(TableName="old", Key={"id": {"S": "a"}})
        assert item["Item"]["note"] == {"S": "from before"}
    assert not list(state.glob("*.json"))
