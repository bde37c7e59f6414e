"""Storyboards on the local stack, over real sockets: made, refused, resumed, cancelled, large."""

import csv
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import urllib3

from filmgate.domain.money import parse_usd
from tests.e2e.gateway import Gateway, Studio, pauses, prompt

ENDED = {"succeeded", "partial", "failed", "cancelled"}
Json = dict[str, Any]
MANY, COST_OF_MANY = 200, "2.0000"  # more than the inline Map takes
LONGEST_S = 900  # two hundred take about two minutes on two busy cores


def picture_of(studio: Studio, started: Json) -> Json:
    seen: Json = studio.api.get(f"/v1/storyboards/{started['id']}")
    return seen


def end_of(studio: Studio, started: Json, *, within_s: float = 180) -> Json:
    """Wait for a storyboard's end and give its last picture."""
    return until(studio, started, lambda seen: seen["state"] in ENDED, within_s=within_s)


def until(
    studio: Studio, started: Json, enough: Callable[[Json], bool], *, within_s: float = 90
) -> Json:
    give_up_at = time.monotonic() + within_s
    pause = pauses(most=2)
    while not enough(seen := picture_of(studio, started)):
        assert time.monotonic() < give_up_at, (seen["state"], seen["progress"])
        time.sleep(next(pause))
    return seen


def send(studio: Studio, kind: str, data: bytes, query: str = "") -> tuple[int, Json]:
    """POST a body that is no JSON object."""
    token = studio.api._headers  # the tests' own client speaks JSON only
    reply = urllib3.request(
        "POST",
        f"{studio.gateway.stack.url}/v1/storyboards{query}",
        body=data,
        headers={**token, "Content-Type": kind},
        timeout=40,
    )
    return reply.status, json.loads(reply.data)


def accepted(gateway: Gateway, prompts: list[str]) -> int:
    """How many jobs all vendors together accepted for these prompts."""
    return sum(len(gateway.paid_jobs(one)) for one in prompts)


def test_forty_shots_cost_what_was_estimated_to_the_cent(studio: Studio) -> None:
    clip = {"provider": "whan", "params": {"duration_s": 5, "resolution": "720p"}}
    shots = [
        {
            "prompt": prompt(),
            "keyframe": {"provider": "nanobanana", "params": {"aspect_ratio": "16:9"}},
            "clip": clip if number % 4 == 0 else None,
        }
        for number in range(40)
    ]
    body = {"title": "forty", "project": "lamps", "shots": shots}
    estimate = studio.api.post("/v1/estimates/storyboard", body)

    began = time.monotonic()
    started = studio.api.post("/v1/storyboards", {**body, "budget": estimate["max"]})
    ended = end_of(studio, started)
    took_s = time.monotonic() - began

    print(f"40 shots, 10 clips: {took_s:.1f} s, {ended['actual_cost']} USD")
    assert started["estimate"] == {"expected": estimate["total"], "max": estimate["max"]}
    assert ended["state"] == "succeeded"
    assert ended["progress"]["done"] == 40
    assert estimate["total"] == ended["actual_cost"] == "0.4500"
    assert all(shot["keyframe"]["url"] for shot in ended["shots"])
    budget = studio.budget()
    assert (budget["spent"], budget["held"]) == ("0.4500", "0.0000")
    assert studio.api.get("/v1/budgets/project:lamps")["spent"] == "0.4500"


def test_the_same_shots_as_json_lines_and_csv_cost_the_same(studio: Studio) -> None:
    rows = [{"number": n, "prompt": prompt(), "keyframe_provider": "nanobanana"} for n in (1, 2, 3)]
    table = io.StringIO()
    writer = csv.DictWriter(table, [*rows[0], "clip_provider"])
    writer.writeheader()
    writer.writerows({**row, "clip_provider": "none"} for row in rows)
    lines = "\n".join(
        json.dumps({"number": r["number"], "prompt": r["prompt"],
                    "keyframe": {"provider": "nanobanana"}}) for r in rows
    )  # fmt: skip

    told = [
        send(
            studio, "text/csv; charset=utf-8", table.getvalue().encode(), "?budget=0.0300&title=a"
        ),
        send(studio, "application/x-ndjson", lines.encode(), "?budget=0.0300&title=a"),
    ]

    for status, started in told:
        assert status == 202, started
        ended = end_of(studio, started)
        assert (ended["state"], ended["actual_cost"]) == ("succeeded", "0.0300")
    status, refused = send(studio, "text/csv", b"number,prompt\n1,a\n1,b\n")
    assert status == 422
    assert refused["errors"][0]["line"] == 3


def test_five_of_twenty_fail_everywhere_and_a_resume_makes_only_those(
    gateway: Gateway, studio: Studio
) -> None:
    prompts = [prompt() for _ in range(20)]
    shots = [{"prompt": one, "keyframe": {"provider": "nanobanana"}} for one in prompts[:15]]
    shots += [{"prompt": one, "keyframe": {"provider": "dalle"}} for one in prompts[15:]]
    gateway.script("dalle", "refuse", times=0)

    started = studio.api.post("/v1/storyboards", {"shots": shots, "budget": "0.2500"})
    ended = end_of(studio, started)

    assert ended["state"] == "partial"
    assert (ended["progress"]["done"], ended["progress"]["failed"]) == (15, 5)
    for shot in ended["shots"][15:]:
        assert shot["state"] == "failed"
        assert shot["keyframe"]["error"]["code"] == "content-refused"
    assert ended["actual_cost"] == "0.1500"
    made = {shot["keyframe"]["generation_id"] for shot in ended["shots"][:15]}
    gateway.control("reset", {"only": ["faults"]})

    studio.api.post(f"/v1/storyboards/{started['id']}/resume", {})
    resumed = end_of(studio, started)

    assert resumed["state"] == "succeeded", resumed["shots"][15:]
    assert resumed["actual_cost"] == "0.2500"
    assert {shot["keyframe"]["generation_id"] for shot in resumed["shots"][:15]} == made
    assert [shot["keyframe"]["revision"] for shot in resumed["shots"]] == [0] * 15 + [1] * 5
    assert [len(gateway.paid_jobs(one)) for one in prompts] == [1] * 20


def test_fallbacks_stay_within_the_budget_of_the_storyboard(
    gateway: Gateway, studio: Studio
) -> None:
    shots = [{"prompt": prompt(), "keyframe": {}} for _ in range(6)]
    estimate = studio.api.post("/v1/estimates/storyboard", {"shots": shots, "strategy": "cheapest"})
    gateway.script("nanobanana", "refuse", times=0)

    body = {"shots": shots, "strategy": "cheapest", "budget": estimate["max"]}
    ended = end_of(studio, studio.api.post("/v1/storyboards", body))

    assert ended["state"] == "succeeded"
    assert {shot["keyframe"]["provider"] for shot in ended["shots"]} & {"dalle", "midjourney"}
    assert parse_usd(ended["actual_cost"]) <= parse_usd(estimate["max"])
    assert parse_usd(ended["actual_cost"]) > parse_usd(estimate["total"])


def test_what_does_not_fit_is_refused_as_a_whole_with_what_would(
    gateway: Gateway, studio: Studio
) -> None:
    prompts = [prompt() for _ in range(4)]
    body = {"shots": [{"prompt": one} for one in prompts], "budget": "0.0500"}

    refused = studio.api.call("POST", "/v1/storyboards", body)

    assert refused.status == 402
    fits = refused.body["fits"]
    assert (refused.body["needed"], refused.body["room"]) == ("0.0800", "0.0500")
    assert studio.budget()["held"] == "0.0000"
    assert accepted(gateway, prompts) == 0
    cheaper = {one["number"]: one["keyframe"] for one in fits["downgrade"]}
    kept = [
        {"number": n, "prompt": one, **({"keyframe": cheaper[n]} if n in cheaper else {})}
        for n, one in enumerate(prompts, 1)
        if n not in fits["drop"]
    ]
    ended = end_of(studio, studio.api.post("/v1/storyboards", {**body, "shots": kept}))
    assert ended["estimate"]["max"] == fits["max"]
    assert (ended["state"], len(kept)) == ("succeeded", 4)


def test_a_cancel_midway_starts_nothing_more_and_returns_the_rest(
    gateway: Gateway, studio: Studio
) -> None:
    prompts = [prompt() for _ in range(30)]
    gateway.control("pace", {"image_s": 1.0})
    shots = [{"prompt": one, "keyframe": {"provider": "nanobanana"}} for one in prompts]
    try:
        started = studio.api.post("/v1/storyboards", {"shots": shots, "budget": "0.3000"})
        until(studio, started, lambda seen: seen["progress"]["done"] >= 3)

        cancelled = studio.api.call("DELETE", f"/v1/storyboards/{started['id']}")
        begun = sum(
            bool(s["keyframe"]["generation_id"]) for s in picture_of(studio, started)["shots"]
        )
        held = parse_usd(studio.budget()["held"])
        ended = end_of(studio, started)
    finally:
        gateway.control("pace", {"image_s": 0.05})

    assert cancelled.status == 202
    assert held <= begun * parse_usd("0.0100")  # what was not begun is free at once
    assert ended["state"] == "cancelled"
    assert sum(bool(s["keyframe"]["generation_id"]) for s in ended["shots"]) == begun < 30
    budget = studio.budget()
    assert (budget["spent"], budget["held"]) == (ended["actual_cost"], "0.0000")
    assert accepted(gateway, prompts) == ended["progress"]["done"]


@pytest.mark.timeout(LONGEST_S + 60)
def test_many_shots_are_made_and_the_budget_is_exact(
    gateway: Gateway, studio: Studio, figure: Callable[[str], None]
) -> None:
    gateway.control("pace", {"image_s": 0})
    shots = [{"prompt": prompt(), "keyframe": {"provider": "nanobanana"}} for _ in range(MANY)]
    try:
        began = time.monotonic()
        started = studio.api.post("/v1/storyboards", {"shots": shots, "budget": COST_OF_MANY})
        admitted_s = time.monotonic() - began
        memory = [_resident_mb()]
        while picture_of(studio, started)["state"] not in ENDED:
            assert time.monotonic() - began < LONGEST_S
            memory.append(_resident_mb())
            time.sleep(1)
        took_s = time.monotonic() - began
    finally:
        gateway.control("pace", {"image_s": 0.05})

    ended = picture_of(studio, started)
    figure(
        f"{MANY} shots: admitted in {admitted_s:.1f} s, done in {took_s:.0f} s, memory of the "
        f"stack {memory[0]} MB at first, {max(memory)} MB at most, {memory[-1]} MB at last"
    )
    assert (ended["state"], ended["progress"]["done"]) == ("succeeded", MANY)
    assert ended["actual_cost"] == COST_OF_MANY
    budget = studio.budget()
    assert (budget["spent"], budget["held"]) == (COST_OF_MANY, "0.0000")


def test_shots_of_one_scene_follow_to_another_provider(gateway: Gateway, studio: Studio) -> None:
    shots = [{"prompt": prompt(), "scene": "harbour", "keyframe": {}} for _ in range(4)]
    gateway.script("nanobanana", "refuse", times=1, after=1)

    body = {"shots": shots, "strategy": "cheapest", "budget": "1.0000"}
    ended = end_of(studio, studio.api.post("/v1/storyboards", body))

    assert ended["state"] == "succeeded"
    (group,) = ended["groups"]
    (switch,) = group["switches"]
    assert (switch["from"], switch["why"]) == ("nanobanana", "fell-back")
    assert group["providers"]["keyframe"] == switch["to"]


def test_creators_see_their_own_and_a_key_is_one_storyboard(studio: Studio) -> None:
    ada, eve = studio.login("ada", "creator"), studio.login("eve", "creator")
    body = {"shots": [{"prompt": prompt(), "keyframe": {"provider": "nanobanana"}}]}
    key = uuid4().hex

    started = ada.post("/v1/storyboards", body, key=key)
    again = ada.call("POST", "/v1/storyboards", body, {"Idempotency-Key": key})

    assert (again.status, again.body["id"]) == (200, started["id"])
    assert eve.call("GET", f"/v1/storyboards/{started['id']}").status == 404
    assert eve.get("/v1/storyboards")["items"] == []
    assert [one["id"] for one in ada.get("/v1/storyboards")["items"]] == [started["id"]]
    assert end_of(studio, started)["state"] == "succeeded"
    listed = studio.api.get("/v1/storyboards?state=succeeded")["items"]
    assert [one["id"] for one in listed] == [started["id"]]


def _resident_mb() -> int:
    """The resident memory of this test's children, the local stack among them."""
    pages = 0
    parents = {int(p.name): _parent(p) for p in Path("/proc").iterdir() if p.name.isdigit()}
    for pid in parents:
        above: int | None = pid
        while above and above != os.getpid():
            above = parents.get(above)
        if above == os.getpid() and pid != os.getpid():
            pages += _resident_pages(pid)
    return pages * 4096 // 1_000_000


def _parent(process: Path) -> int | None:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _resident_pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
