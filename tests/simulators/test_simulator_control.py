"""The control side: ledger, requests, pace, reset, wrong orders, restart and stop."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_client import ROOT, Simulators, png_base64
from urllib3.exceptions import HTTPError

from local.simulators.drawing import StillOrder, draw_still
from local.simulators.ledger import clip_cost_micros, usd
from local.simulators.registry import PROVIDERS


def test_the_ledger_has_a_list_for_every_provider_and_the_contracts_fields(
    sim: Simulators,
) -> None:
    assert sim.call("GET", "/__sim/ledger").json() == {one.name: [] for one in PROVIDERS}
    assert len(PROVIDERS) == 7

    sim.submit("dalle", prompt="Fuchs ü 🦊")

    (row,) = sim.rows("dalle")
    assert set(row) == {"id", "reference", "accepted_at", "billed", "cost", "prompt_sha256"}
    assert row["reference"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["accepted_at"])
    assert re.fullmatch(r"\d+\.\d{4}", row["cost"])


@pytest.mark.parametrize(
    ("per_minute", "seconds", "cost"),
    [(80_000, 5, "0.0067"), (80_000, 60, "0.0800"), (120_000, 5, "0.0100"), (80_000, 1, "0.0014")],
)
def test_a_clip_costs_its_part_of_a_minute_rounded_up(
    per_minute: int, seconds: int, cost: str
) -> None:
    assert usd(clip_cost_micros(per_minute, seconds)) == cost


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({}, "provider"),
        ({"provider": "dalle"}, "fault"),
        ({"provider": "dalle", "fault": "explode"}, "fault"),
        ({"provider": "nobody", "fault": "hang"}, "unknown provider"),
        ({"provider": "dalle", "fault": "stuck"}, "cannot have stuck"),
        ({"provider": "kling", "fault": "charge_after_cancel"}, "cannot have"),
        ({"provider": "dalle", "fault": "expired_url"}, "cannot have"),
        ({"provider": "dalle", "fault": "hang", "times": -1}, "times"),
        ({"provider": "dalle", "fault": "hang", "times": "1"}, "times"),
        ({"provider": "dalle", "fault": "hang", "often": 1}, "often"),
        ({"provider": "dalle", "fault": "hang", "where": "poll"}, "happens at"),
        ({"provider": "dalle", "fault": "quota", "code": "broke"}, "takes code"),
        ({"provider": "dalle", "fault": "hang", "retry_after": 3}, "does not use"),
        ({"provider": "kling", "fault": "expired_url", "prompt": "x"}, "does not use"),
        ([], "body"),
    ],
)
def test_a_wrong_fault_order_is_a_400_that_says_why(
    sim: Simulators, order: Any, reason: str
) -> None:
    reply = sim.call("POST", "/__sim/faults", order)

    assert reply.status == 400
    assert reason in reply.json()["error"]
    assert sim.call("GET", "/__sim/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    ("path", "body"),
    [("pace", {"image_s": -1}), ("pace", {"clip_s": 1}), ("reset", {"only": ["all"]})],
)
def test_other_wrong_control_bodies_are_400(sim: Simulators, path: str, body: Any) -> None:
    assert sim.call("POST", f"/__sim/{path}", body).status == 400


def test_a_control_body_that_is_not_json_is_a_400(sim: Simulators) -> None:
    reply = sim.http.request("POST", f"{sim.url}/__sim/faults", body=b"{")

    assert (reply.status, reply.json()) == (400, {"error": "the body is not valid JSON"})


def test_pace_is_set_in_part_and_reset_brings_the_first_one_back(sim: Simulators) -> None:
    assert sim.call("POST", "/__sim/pace", {"image_s": 0.25}).json() == {
        "image_s": 0.25,
        "video_s": 0,
    }

    sim.call("POST", "/__sim/reset")

    assert sim.call("GET", "/__sim/pace").json() == {"image_s": 0, "video_s": 0}


def test_armed_faults_show_how_often_they_hit(sim: Simulators) -> None:
    sim.fault("dalle", "http_500", times=2)
    sim.submit("dalle")

    (fault,) = sim.call("GET", "/__sim/faults").json()["faults"]

    assert (fault["hits"], fault["left"], fault["where"]) == (1, 1, "submit")


def test_requests_are_recorded_without_keys_and_with_short_pictures(sim: Simulators) -> None:
    picture = png_base64(320, 320)
    sim.submit("dalle")
    body = {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": picture}}]}]}
    path = "/nanobanana/v1beta/models/gemini-nano-banana-2.1:generateContent?key=sim-in-query"
    sim.call("POST", path, body)

    reply = sim.call("GET", "/__sim/requests")
    first, second = reply.json()["requests"]

    assert (first["provider"], first["method"]) == ("dalle", "POST")
    assert first["path"] == "/v1/images/generations"
    assert first["body"]["prompt"] == "A red fox"
    shown = second["body"]["contents"][0]["parts"][0]["inlineData"]["data"]
    assert shown.startswith(picture[:16])
    assert f"({len(picture)} characters" in shown
    assert b"sim-key" not in reply.data
    assert b"sim-in-query" not in reply.data


def test_a_reset_of_one_part_leaves_the_others(sim: Simulators) -> None:
    sim.kling_job("kept")
    sim.fault("kling", "quota", times=0)

    sim.call("POST", "/__sim/reset", {"only": ["faults", "requests"]})

    assert len(sim.rows("kling")) == 1
    assert len(sim.call("GET", "/kling/tasks?external_task_ids=kept").json()["data"]) == 1
    assert sim.submit("kling").status == 200


@pytest.mark.parametrize("provider", ["dalle", "nanobanana", "kling"])
def test_an_unknown_path_gets_the_vendors_own_404(sim: Simulators, provider: str) -> None:
    reply = sim.call("POST", f"/{provider}/v9/nothing", {})

    assert reply.status == 404
    assert "error" in reply.json() or reply.json()["code"] == 1202


def test_many_clients_in_parallel_are_all_served_and_all_counted(sim: Simulators) -> None:
    providers = ["dalle", "nanobanana", "kling"] * 8

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda name: sim.submit(name).status, providers))

    assert statuses == [200] * 24
    assert {name: len(sim.rows(name)) for name in set(providers)} == dict.fromkeys(providers, 8)
    assert len({row["id"] for name in set(providers) for row in sim.rows(name)}) == 24


def test_accepted_jobs_survive_a_crash_and_a_torn_last_line(tmp_path: Path) -> None:
    state = tmp_path / "state" / "simulators.jsonl"
    first = Simulators(FILMGATE_SIM_STATE=str(state))
    id = first.kling_job("mine")
    first.submit("dalle")
    rows = first.call("GET", "/__sim/ledger").json()
    clip = first.http.request("GET", first.kling_link(id)).data
    first.stop(signal.SIGKILL)
    with state.open("a") as file:
        file.write('{"kind": "row", "da')

    second = Simulators(FILMGATE_SIM_STATE=str(state))
    found = second.call("GET", "/kling/tasks?external_task_ids=mine").json()["data"]
    again = second.http.request("GET", found[0]["outputs"][0]["url"]).data

    assert second.call("GET", "/__sim/ledger").json() == rows
    assert found[0]["id"] == id
    assert again == clip
    second.call("POST", "/__sim/reset")
    assert state.read_bytes() == b""
    assert second.stop(signal.SIGINT) == 0


def test_a_stop_is_clean_and_quick_even_with_a_call_that_hangs() -> None:
    simulators = Simulators()
    simulators.fault("dalle", "hang")
    ended = threading.Event()

    def wait() -> None:
        try:
            simulators.submit("dalle")
        except HTTPError:
            ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    while not simulators.rows("dalle"):
        time.sleep(0.02)

    assert simulators.stop() == 0
    thread.join(5)
    assert ended.is_set()


def test_a_busy_port_or_a_wrong_setting_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        settings_and_reasons = [
            ({"FILMGATE_SIM_PORT": port}, f"port {port} on 127.0.0.1 cannot be used"),
            ({"FILMGATE_SIM_PORT": "film"}, "FILMGATE_SIM_PORT='film' is not a number"),
        ]
        for environment, reason in settings_and_reasons:
            done = subprocess.run(
                [sys.executable, "-m", "local.simulators"],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )

            assert done.returncode == 2
            assert reason in done.stderr
            assert "Traceback" not in done.stderr


@settings(max_examples=40, deadline=None)
@given(
    prompt=st.text(st.characters(), max_size=400),
    width=st.integers(1, 40).map(lambda n: n * 16),
    height=st.integers(1, 40).map(lambda n: n * 16),
)
def test_any_prompt_can_be_drawn_at_any_size(prompt: str, width: int, height: int) -> None:
    order = StillOrder(provider="dalle", prompt=prompt, width=width, height=height)

    assert draw_still(order).startswith(b"\x89PNG")


def test_mending_ends_what_was_stuck_and_gives_what_was_missing(sim: Simulators) -> None:
    sim.fault("kling", "stuck")
    sim.fault("kling", "malformed", where="result")
    stuck, empty, whole = (sim.kling_job() for _ in range(3))
    before = [sim.kling_task(id) for id in (stuck, empty)]

    mended = sim.call("POST", "/__sim/mend").json()["mended"]

    assert before[0]["status"] != "succeeded"
    assert before[1]["outputs"] == []
    assert set(mended) == {stuck, empty}
    links = [sim.kling_link(id) for id in (stuck, empty, whole)]
    assert [sim.http.request("GET", link).status for link in links] == [200, 200, 200]
    assert [row["billed"] for row in sim.rows("kling")] == [True, True, True]
