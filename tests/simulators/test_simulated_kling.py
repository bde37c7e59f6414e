"""The kling simulator on both of its protocols, with the page's own examples."""

import base64
import hashlib
import hmac
import io
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import av
import pytest
from PIL import Image, ImageChops, ImageStat
from simulator_client import KLING_BODY, KLING_SUBMIT, Simulators, frames_of, png_base64

PAGE_EXAMPLE = {
    "prompt": "A red fox walks over fresh snow at dawn",
    "settings": {"resolution": "1080p", "aspect_ratio": "16:9", "duration": 5},
    "options": {
        "external_task_id": "job-000187-try1",
        "callback_url": "https://example.org/hook/kling",
        "watermark_info": {"enabled": False},
    },
}
LEGACY = "/kling/v1/videos/text2video"


def jwt(secret: str = "sim-secret", algorithm: str = "HS256", **claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    now = int(time.time())
    claims = {"iss": "sim-access", "exp": now + 1800, "nbf": now - 5} | claims
    signed = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims)}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_the_pages_example_runs_from_submit_to_a_1080p_file(sim: Simulators) -> None:
    created = sim.call("POST", KLING_SUBMIT, PAGE_EXAMPLE).json()

    assert (created["code"], created["data"]["status"]) == (0, "submitted")
    assert created["data"]["external_id"] == "job-000187-try1"
    polled = sim.call("GET", "/kling/tasks?external_task_ids=job-000187-try1").json()
    (task,) = polled["data"]
    assert (task["id"], task["status"]) == (created["data"]["id"], "succeeded")
    assert task["billing"] == [{"charge_type": "unit", "amount": "5.00", "package_type": "video"}]
    file = sim.http.request("GET", task["outputs"][0]["url"])
    assert (file.status, file.headers["content-type"]) == (200, "video/mp4")
    frames = frames_of(file.data)
    assert (len(frames), frames[0].width, frames[0].height) == (120, 1920, 1080)
    (row,) = sim.rows("kling")
    assert (row["reference"], row["cost"]) == ("job-000187-try1", "0.0100")
    assert row["prompt_sha256"] == hashlib.sha256(PAGE_EXAMPLE["prompt"].encode()).hexdigest()


def test_the_legacy_protocol_takes_a_jwt_and_answers_in_its_own_words(sim: Simulators) -> None:
    headers = {"authorization": f"Bearer {jwt()}"}
    body = {
        "model_name": "kling-v2-6",
        "prompt": "A red fox",
        "duration": "5",
        "mode": "std",
        "aspect_ratio": "9:16",
        "external_task_id": "old-1",
    }

    created = sim.call("POST", LEGACY, body, headers=headers).json()["data"]
    by_id = sim.call("GET", f"{LEGACY}/{created['task_id']}", headers=headers).json()["data"]
    by_name = sim.call("GET", f"{LEGACY}/old-1", headers=headers).json()["data"]
    page = f"{LEGACY}?pageNum=1&pageSize=30"
    listed = sim.call("GET", page, headers=headers).json()["data"]

    assert created["task_status"] == "submitted"
    assert by_id["task_status"] == by_name["task_status"] == "succeed"
    assert by_id["task_id"] == by_name["task_id"] == listed[0]["task_id"]
    assert by_id["task_info"] == {"external_task_id": "old-1"}
    assert by_id["final_unit_deduction"] == "1.5"
    assert [row["cost"] for row in sim.rows("kling")] == ["0.0067"]
    video = by_id["task_result"]["videos"][0]
    frames = frames_of(sim.http.request("GET", video["url"]).data)
    assert (len(frames), frames[0].width, frames[0].height) == (120, 720, 1280)


@pytest.mark.parametrize(
    ("header", "legacy", "code"),
    [
        (None, True, 1001),
        ("Token x", True, 1002),
        ("Bearer stranger", True, 1002),
        ("Bearer stranger", False, 1002),
        (f"Bearer {jwt()}", False, 1002),
        (f"Bearer {jwt(secret='other')}", True, 1000),
        (f"Bearer {jwt(iss='stranger')}", True, 1002),
        (f"Bearer {jwt(algorithm='none')}", True, 1002),
        (f"Bearer {jwt(nbf=int(time.time()) + 86_400)}", True, 1003),
        (f"Bearer {jwt(exp=int(time.time()) - 1)}", True, 1004),
        (f"Bearer {jwt()}=", True, 1002),
        ("Bearer a.b.c", True, 1002),
    ],
)
def test_a_call_that_is_not_signed_rightly_is_refused(
    sim: Simulators, header: str | None, legacy: bool, code: int
) -> None:
    path, body = (
        (LEGACY, {"model_name": "kling-v3", "prompt": "x"})
        if legacy
        else (
            KLING_SUBMIT,
            KLING_BODY,
        )
    )

    reply = sim.call("POST", path, body, headers={"authorization": header} if header else {})

    assert (reply.status, reply.json()["code"]) == (401, code)
    assert sim.rows("kling") == []


def test_a_reference_is_taken_once_even_by_many_at_once_and_across_protocols(
    sim: Simulators,
) -> None:
    body = KLING_BODY | {"options": {"external_task_id": "once"}}

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: sim.call("POST", KLING_SUBMIT, body), range(8)))
    old = {"model_name": "kling-v3", "prompt": "x", "external_task_id": "once"}
    across = sim.call("POST", LEGACY, old)

    assert sorted(reply.status for reply in replies) == [200] + [400] * 7
    assert (across.status, across.json()["code"]) == (400, 1201)
    assert len(sim.rows("kling")) == 1


@pytest.mark.parametrize(
    ("model", "body", "status", "code"),
    [
        ("kling-2.1-master", KLING_BODY, 404, 1203),
        ("kling-3.0-turbo", {"prompt": "x", "settings": {"duration": "5"}}, 400, 1201),
        ("kling-3.0-turbo", {"prompt": "x", "settings": {"duration": 16}}, 400, 1201),
        ("kling-2.6", {"prompt": "x", "settings": {"duration": 6}}, 400, 1201),
        ("kling-3.0-turbo", {"prompt": "x", "settings": {"audio": "off"}}, 400, 1201),
        ("kling-3.0-turbo", {"prompt": "x", "settings": {"aspect_ratio": "4:3"}}, 400, 1201),
        ("kling-3.0", {"prompt": "x", "settings": {"resolution": "4k"}}, 403, 1103),
        ("kling-3.0", {"prompt": "x", "negative_prompt": "y"}, 400, 1201),
        ("kling-3.0", {"prompt": "x" * 3073}, 400, 1201),
        ("kling-3.0", {}, 400, 1200),
        ("kling-3.0", {"prompt": "x", "settings": []}, 400, 1201),
    ],
)
def test_a_wrong_order_is_refused_and_costs_nothing(
    sim: Simulators, model: str, body: dict[str, Any], status: int, code: int
) -> None:
    reply = sim.call("POST", f"/kling/text-to-video/{model}", body)

    assert (reply.status, reply.json()["code"]) == (status, code)
    assert sim.rows("kling") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"duration": 5}, 1201),
        ({"duration": "6"}, 1201),
        ({"cfg_scale": 0.5}, 1201),
        ({"sound": "on"}, 1201),
        ({"multi_shot": True}, 1201),
        ({"model_name": "kling-v1-6"}, 1203),
        ({"model_name": None}, 1203),
        ({"prompt": ""}, 1200),
    ],
)
def test_a_wrong_legacy_order_is_refused(
    sim: Simulators, changes: dict[str, Any], code: int
) -> None:
    body = {"model_name": "kling-v2-6", "prompt": "x"} | changes

    assert sim.call("POST", LEGACY, body).json()["code"] == code
    assert sim.rows("kling") == []


@pytest.mark.parametrize(("given", "size"), [((1280, 720), (1280, 720)), ((480, 600), (720, 900))])
def test_a_clip_from_an_image_starts_with_that_image(
    sim: Simulators, given: tuple[int, int], size: tuple[int, int]
) -> None:
    image = png_base64(*given)
    contents = [{"type": "prompt", "text": "pan"}, {"type": "first_frame", "url": image}]
    body = {"contents": contents, "settings": {"duration": 3}}

    created = sim.call("POST", "/kling/image-to-video/kling-3.0-turbo", body).json()["data"]
    file = sim.http.request("GET", sim.kling_link(created["id"]))

    frames = [frame.to_image() for frame in frames_of(file.data)]
    assert (len(frames), frames[0].size) == (72, size)
    wanted = Image.open(io.BytesIO(base64.b64decode(image))).resize(size)
    difference = ImageStat.Stat(ImageChops.difference(frames[0], wanted)).mean
    assert max(difference) < 6
    assert max(ImageStat.Stat(ImageChops.difference(frames[0], frames[-1])).mean) > 0.2


@pytest.mark.parametrize(
    ("image", "status"),
    [
        (png_base64(320, 320), 200),
        (f"data:image/png;base64,{png_base64(320, 320)}", 400),
        (png_base64(200, 320), 400),
        (png_base64(300, 900), 400),
        ("https://example.org/fox.png", 400),
        (base64.b64encode(b"not an image").decode(), 400),
    ],
)
def test_a_legacy_first_frame_must_be_a_usable_image(
    sim: Simulators, image: str, status: int
) -> None:
    body = {"model_name": "kling-v3", "prompt": "x", "image": image}

    assert sim.call("POST", "/kling/v1/videos/image2video", body).status == status


@pytest.fixture
def image_link() -> Iterator[str]:
    content = base64.b64decode(png_base64(640, 360))

    class OneImage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Keeps the test's output quiet."""

    with HTTPServer(("127.0.0.1", 0), OneImage) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/fox.png?X-Amz-Signature=1"
        server.shutdown()
        thread.join()


def test_a_first_frame_may_be_a_link_on_this_machine(sim: Simulators, image_link: str) -> None:
    contents = [{"type": "first_frame", "url": image_link}]

    reply = sim.call("POST", "/kling/image-to-video/kling-2.6", {"contents": contents})

    assert reply.status == 200


def test_a_clip_is_h264_with_its_index_in_front_and_24_frames_a_second(sim: Simulators) -> None:
    body = KLING_BODY | {"settings": {"duration": 4, "aspect_ratio": "1:1"}}
    id = sim.call("POST", "/kling/text-to-video/kling-3.0", body).json()["data"]["id"]

    content = sim.http.request("GET", sim.kling_link(id)).data

    assert 0 < content.find(b"moov") < content.find(b"mdat")
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (720, 720)
        assert (stream.average_rate, stream.frames, container.duration) == (24, 96, 4_000_000)
    pictures = [frame.to_image() for frame in frames_of(content)[:12:11]]
    assert max(ImageStat.Stat(ImageChops.difference(*pictures)).mean) > 0.2


def test_equal_orders_give_equal_clips(sim: Simulators) -> None:
    first, second = (sim.http.request("GET", sim.kling_link(sim.kling_job())) for _ in range(2))

    assert first.data == second.data


def test_a_job_passes_through_its_states_at_the_given_pace(sim: Simulators) -> None:
    sim.call("POST", "/__sim/pace", {"video_s": 0.6})
    id = sim.kling_job()
    seen = [sim.kling_task(id)["status"]]

    while seen[-1] != "succeeded":
        time.sleep(0.05)
        status = sim.kling_task(id)["status"]
        seen += [status] if status != seen[-1] else []

    assert seen == ["submitted", "processing", "succeeded"]


def test_a_link_is_refused_without_its_signature_and_serves_ranges(sim: Simulators) -> None:
    link = sim.kling_link(sim.kling_job())
    whole = sim.http.request("GET", link)

    part = sim.http.request("GET", link, headers={"range": "bytes=100-199"})
    forged = sim.http.request("GET", link[:-1] + ("0" if link[-1] != "0" else "1"))
    bare = sim.http.request("GET", link.partition("?")[0])

    assert (part.status, part.data) == (206, whole.data[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.data)}"
    assert (forged.status, bare.status) == (403, 403)


def test_the_task_list_is_paged_and_filtered(sim: Simulators) -> None:
    ids = [sim.kling_job() for _ in range(3)]

    first = sim.call("POST", "/kling/tasks", {"limit": 2}).json()["data"]
    second = sim.call("POST", "/kling/tasks", {"limit": 2, "cursor": first["next_cursor"]})
    filters = [{"field": "status", "values": ["failed"]}]
    failed = sim.call("POST", "/kling/tasks", {"filters": filters}).json()["data"]

    assert [task["id"] for task in first["items"]] == [ids[2], ids[1]]
    assert [task["id"] for task in second.json()["data"]["items"]] == [ids[0]]
    assert second.json()["data"]["next_cursor"] == ""
    assert failed["items"] == []


def test_unknown_tasks_are_left_out_of_the_new_answer_and_404_in_the_old(sim: Simulators) -> None:
    new = sim.call("GET", "/kling/tasks?task_ids=1,2")
    old = sim.call("GET", f"{LEGACY}/nobody")
    neither = sim.call("GET", "/kling/tasks")

    assert (new.status, new.json()["data"]) == (200, [])
    assert (old.status, old.json()["code"]) == (404, 1203)
    assert (neither.status, neither.json()["code"]) == (400, 1201)


def test_the_account_tells_what_is_left_for_a_good_key_only(sim: Simulators) -> None:
    path = "/kling/account/costs?start_time=0&end_time=1"
    sim.kling_job()

    packs = sim.call("GET", path).json()["data"]["resource_pack_subscribe_infos"]

    assert packs[0]["remaining_quantity"] < packs[0]["total_quantity"]
    assert sim.call("GET", path, headers={"authorization": "Bearer no"}).status == 401
