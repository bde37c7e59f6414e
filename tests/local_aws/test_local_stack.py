"""Starting, stopping, restarting and deploying the local stack."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from local_shop import PARAMETERS, ROOT, SAMPLE, Shop, timed, until

from local.deploy import DeployFailed, deploy, layer_archive, package
from local.ports import PortBusy, Ports, require_free
from local.processes import members_of
from local.stack import LocalStack, StackAlreadyRunning, StackFailed, ToolMissing, require_packages

RUN_UNTIL_TOLD = """
import sys
from pathlib import Path
from local.ports import Ports
from local.stack import LocalStack

with LocalStack(Path.cwd(), Ports.unused(), Path(sys.argv[1]), template=Path(sys.argv[2]),
                stack_name="shop", simulators=False) as stack:
    if sys.argv[3] == "deployed":
        outputs = stack.deploy({"Stage": "test"})
        from local.clients import client_for
        client_for("lambda", stack.aws_endpoint).invoke(
            FunctionName=outputs["InspectFunctionName"], Payload=b"{}")
    stack.write_environment("token")
    print(stack.processes["aws"], flush=True)
    stack.wait()
"""


@contextmanager
def running(data_dir: Path, what: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A process that runs a stack until it is told to stop, and its AWS's process group."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN_UNTIL_TOLD, str(data_dir), str(SAMPLE), what],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


def test_a_second_deploy_without_a_change_sends_nothing(shop: Shop) -> None:
    changed_at = shop.changed_at()

    with timed("deploy without a change"):
        outputs = shop.stack.deploy(PARAMETERS)

    assert outputs == shop.outputs
    assert shop.changed_at() == changed_at


def test_a_changed_function_is_deployed_and_keeps_the_api(shop: Shop, tmp_path: Path) -> None:
    copy = tmp_path / "sample"
    shutil.copytree(SAMPLE.parent, copy)
    handler = copy / "functions" / "items" / "app.py"
    handler.write_text(handler.read_text().replace('"nothing at"', '"emptiness at"'))

    def deploy_from(template: Path) -> dict[str, str]:
        return deploy(
            template,
            stack_name="shop",
            parameters=PARAMETERS,
            endpoint_url=shop.stack.aws_endpoint,
            build_dir=tmp_path / "build",
        )

    with timed("deploy of one changed function"):
        outputs = deploy_from(copy / "template.yaml")
    changed = shop.request("GET", "/void").json
    deploy_from(SAMPLE)

    assert outputs["ApiId"] == shop.outputs["ApiId"]
    assert changed == {"emptiness at": "/void"}
    assert shop.request("GET", "/void").json == {"nothing at": "/void"}


def test_a_failed_deploy_tells_the_resource_and_its_reason(shop: Shop, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n"
        "  Machine:\n"
        "    Type: AWS::Serverless::StateMachine\n"
        "    Properties: {DefinitionUri: machine.asl.yaml}\n"
    )
    (tmp_path / "machine.asl.yaml").write_text(
        "StartAt: A\nStates: {A: {Type: Wait, Seconds: soon, End: true}}\n"
    )

    with pytest.raises(DeployFailed, match=r"Machine .*SCHEMA_VALIDATION_FAILED"):
        deploy(
            template,
            stack_name="wrong",
            parameters={},
            endpoint_url=shop.stack.aws_endpoint,
            build_dir=tmp_path / "build",
        )


def test_packaging_is_deterministic_and_leaves_third_parties_out(tmp_path: Path) -> None:
    copy = tmp_path / "sample"
    shutil.copytree(SAMPLE.parent, copy)
    (copy / "layers" / "shelf" / "shelf" / "__pycache__").mkdir()
    (copy / "layers" / "shelf" / "shelf" / "__pycache__" / "x.pyc").write_bytes(b"x")

    first = package(SAMPLE, bucket="b")
    second = package(copy / "template.yaml", bucket="b")

    assert first.digest == second.digest
    assert first.artefacts == second.artefacts
    assert b"requirements.txt" not in layer_archive(copy / "layers" / "shelf")


def test_a_restart_keeps_table_secret_object_and_api(shop: Shop) -> None:
    shop.request("PUT", "/items/kept", body='"note"')
    order = shop.order({"id": "before", "kind": "plain"})["executionArn"]
    shop.stack.deploy(PARAMETERS)
    changed_at = shop.changed_at()

    with timed("stop"):
        shop.stack.stop()
    with timed("start with state"):
        shop.stack.start()
    with timed("deploy after a restart"):
        assert shop.stack.deploy(PARAMETERS) == shop.outputs
    assert shop.changed_at() == changed_at

    table = shop.outputs["TableName"]
    dynamodb = shop.client("dynamodb")
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "kept"}})["Item"]["note"]
    assert shop.request("GET", "/open").json["secret"] == "sesame"
    assert shop.finished(order)["status"] == "SUCCEEDED"
    assert shop.order({"id": "after", "kind": "plain"})["status"] == "SUCCEEDED"
    shop.request("PUT", "/items/streamed")
    assert until(
        lambda: "Item" in dynamodb.get_item(TableName=table, Key={"id": {"S": "seen/streamed"}})
    )


def test_a_busy_port_is_named_with_its_variable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PortBusy) as refusal:
            require_free(Ports(front_door=port).by_variable())

    assert str(refusal.value) == (
        f"Port {port} is in use. Stop what uses it, or choose another: "
        f"FILMGATE_PORT={port + 1} make run"
    )


def test_a_port_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="FILMGATE_SIM_PORT must be a port number"):
        Ports.from_environment({"FILMGATE_SIM_PORT": "eight"})


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ToolMissing, match="has no moto"):
        require_packages(lambda name: None if name == "moto" else object())


def test_a_second_stack_on_the_same_directory_is_refused(shop: Shop) -> None:
    second = LocalStack(ROOT, Ports.unused(), shop.stack.data_dir, simulators=False)

    with pytest.raises(StackAlreadyRunning, match=f"process {os.getpid()}"):
        second.start()


def test_a_part_that_dies_at_its_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    stack = LocalStack(ROOT, Ports.unused(), tmp_path, simulators=False)
    (tmp_path / "aws").mkdir()
    (tmp_path / "aws" / "tmp").touch()  # A file where the server wants a directory.

    with pytest.raises(StackFailed, match="FileExistsError"):
        stack.start()
    assert stack.processes == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(number: signal.Signals, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    with running(tmp_path, "empty") as (process, group):
        assert environment.stat().st_mode & 0o077 == 0
        assert "FILMGATE_TOKEN=token\n" in environment.read_text()

        with timed(f"stop by {number.name}"):
            process.send_signal(number)
            process.wait(30)

    assert members_of(group) == []
    assert not environment.exists()
    assert (tmp_path / "aws" / "state.sqlite").exists()


def test_nothing_remains_when_the_parent_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, "deployed") as (process, group):
        assert len(members_of(group)) >= 2  # The server and the worker that was called.

        process.kill()

    until(lambda: not members_of(group))
    assert (tmp_path / "aws" / "state.sqlite").exists()


def test_workers_die_with_a_killed_server(tmp_path: Path) -> None:
    with running(tmp_path, "deployed") as (process, group):
        os.kill(group, signal.SIGKILL)

        with timed("workers gone"):
            until(lambda: not members_of(group), within_s=5)
        assert process.wait(30) != 0


@pytest.mark.parametrize("everything", [False, True], ids=["the parent", "every process"])
def test_after_a_kill_of_the_run_the_next_one_works_at_once(
    everything: bool, tmp_path: Path
) -> None:
    with running(tmp_path, "deployed") as (process, group):
        process.kill()
        process.wait()
        if everything:
            os.killpg(group, signal.SIGKILL)
        stack = LocalStack(
            ROOT,
            Ports.unused(),
            tmp_path,
            template=SAMPLE,
            stack_name="shop",
            simulators=False,
        )
        with stack:
            shop = Shop(stack)
            changed_at = shop.changed_at()

            shop.outputs = stack.deploy(PARAMETERS)

            assert shop.changed_at() == changed_at
            assert shop.request("GET", "/open").json["secret"] == "sesame"
