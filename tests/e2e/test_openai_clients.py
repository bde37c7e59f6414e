"""Clients that people already have, with only the base URL and the key changed.

The official libraries for Python and Node, with their default retries; litellm, in an environment
of its own since it wants another version of one of them; the Vercel AI SDK.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from openai import (
    AuthenticationError,
    BadRequestError,
    DefaultHttpxClient,
    NotFoundError,
    OpenAI,
    RateLimitError,
)

from local.owner import make_token
from tests.e2e.gateway import Gateway, Studio, fetch, prompt
from tests.e2e.lossy import losing_the_first_answer

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "tests" / "clients"
LITELLM = ROOT / ".venv-litellm" / "bin" / "python"
GENERATION = "x-filmgate-generation-id"

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (CLIENTS / "node_modules").is_dir(),
    reason="needs Node.js 20 or later and `make clients`, which installs its libraries",
)
needs_litellm = pytest.mark.skipif(
    not LITELLM.exists(), reason="needs `make clients`, which installs litellm"
)


@pytest.fixture
def token(gateway: Gateway, studio: Studio) -> str:
    return make_token(gateway.installation, user="ann", role="creator", tenant=studio.tenant)


@pytest.fixture
def client(gateway: Gateway, token: str) -> OpenAI:
    return OpenAI(base_url=f"{gateway.stack.url}/v1", api_key=token)


@pytest.fixture
def still(studio: Studio, tmp_path: Path) -> Path:
    """A picture on the client's own disk."""
    made = studio.make(type="image", prompt=prompt(), params={"aspect_ratio": "16:9"})
    return fetch(made["takes"][0], tmp_path).rename(tmp_path / "still.png")


def run(*command: str | Path, **asked: str) -> Any:
    """What a client of another language or environment printed."""
    done = subprocess.run(
        [*map(str, command), json.dumps(asked)],
        cwd=CLIENTS, env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def take_of(studio: Studio, generation_id: str) -> dict[str, Any]:
    take: dict[str, Any] = studio.api.get(f"/v1/generations/{generation_id}")["takes"][0]
    return take


# --- the official library for Python -----------------------------------------------------------


def test_python_makes_an_image(gateway: Gateway, studio: Studio, client: OpenAI) -> None:
    wish = prompt()

    raw = client.images.with_raw_response.generate(
        prompt=wish,
        model="gpt-image-2.6-flare",
        size="1536x864",
        quality="medium",
        extra_body={"project": "fox", "cost_limit": "0.0500"},
    )

    made = raw.parse()
    take = take_of(studio, raw.headers[GENERATION])
    assert sha256(base64.b64decode(made.data[0].b64_json)) == take["sha256"]
    assert (made.size, made.quality, made.output_format) == ("1536x864", "medium", "png")
    assert raw.headers["x-filmgate-cost"] == "0.0200"
    assert gateway.paid_jobs(wish) == [("dalle", "0.0200")]


def test_python_makes_a_video_watches_it_and_downloads_it_without_its_token_leaving(
    gateway: Gateway, studio: Studio, token: str, still: Path
) -> None:
    wish = prompt()
    sent: list[tuple[str, bool]] = []
    seeing = DefaultHttpxClient(
        event_hooks={"request": [lambda r: sent.append((str(r.url), "authorization" in r.headers))]}
    )
    client = OpenAI(base_url=f"{gateway.stack.url}/v1", api_key=token, http_client=seeing)

    video = client.videos.create(
        prompt=wish, model="kling", size="1280x720", seconds="4", input_reference=still,
        extra_body={"project": "fox", "tags": ["a", "b"]},
    )  # fmt: skip
    begun = video
    give_up_at = time.monotonic() + 90
    while video.status not in ("completed", "failed") and time.monotonic() < give_up_at:
        time.sleep(0.1)
        video = client.videos.retrieve(video.id)
    data = client.videos.download_content(video.id).read()
    listed = [one.id for one in client.videos.list(limit=1)]
    deleted = client.videos.delete(video.id)

    assert (begun.status, begun.object) == ("queued", "video")
    assert (video.status, video.progress, video.seconds) == ("completed", 100, "4")
    made = studio.api.get(f"/v1/generations/{video.id}")
    assert sha256(data) == made["takes"][0]["sha256"]
    assert (made["project"], made["tags"]) == ("fox", ["a", "b"])
    assert made["params"]["image"].startswith("upl_")
    assert listed == [video.id]
    assert (deleted.deleted, deleted.object) == (True, "video.deleted")
    assert list(client.videos.list()) == []
    assert gateway.paid_jobs(wish) == [("kling", made["actual_cost"])]
    elsewhere = [had for url, had in sent if not url.startswith(gateway.stack.url)]
    assert elsewhere == [False]
    seeing.close()


def test_python_lists_models_and_reads_one(client: OpenAI) -> None:
    listed = [model.id for model in client.models.list()]

    assert {"auto", "cheapest", "dalle", "gpt-image-2.6-flare", "kling"} <= set(listed)
    assert client.models.retrieve("kling").owned_by == "filmgate"


def test_python_raises_its_own_errors(gateway: Gateway, studio: Studio, client: OpenAI) -> None:
    wish = prompt()
    gateway.script("dalle", "refuse")

    with pytest.raises(BadRequestError) as refused:
        client.images.generate(prompt=wish, model="dalle")
    with pytest.raises(NotFoundError) as unknown:
        client.images.generate(prompt=wish, model="dall-e-3")
    with pytest.raises(BadRequestError) as several:
        client.images.generate(prompt=wish, n=2)
    with pytest.raises(AuthenticationError) as stranger:
        client.with_options(api_key="sk-nobody").images.generate(prompt=wish)
    studio.api.put("/v1/budgets/owner", {"limit": "0.0000"})
    with pytest.raises(RateLimitError) as exhausted:
        client.images.generate(prompt=wish)

    codes = [one.value.code for one in (refused, unknown, several, stranger, exhausted)]
    assert codes == [
        "content_policy_violation", "model_not_found", "invalid_value", "invalid_api_key",
        "insufficient_quota",
    ]  # fmt: skip
    assert several.value.param == "n"
    assert gateway.paid_jobs(wish) == []


def test_python_s_own_retry_after_a_lost_answer_is_paid_once(
    gateway: Gateway, studio: Studio, token: str
) -> None:
    image, clip = prompt(), prompt()

    with losing_the_first_answer(gateway.stack.url) as way:
        client = OpenAI(base_url=f"{way.url}/v1", api_key=token)
        made = client.images.generate(prompt=image, model="dalle")
    with losing_the_first_answer(gateway.stack.url) as other:
        client = OpenAI(base_url=f"{other.url}/v1", api_key=token)
        video = client.videos.create(prompt=clip, model="kling", size="1280x720")
    studio.end_of(studio.api.get(f"/v1/generations/{video.id}"))

    assert made.data[0].b64_json
    assert (way.lost, other.lost) == (1, 1)
    assert gateway.paid_jobs(image) == [("dalle", "0.0200")]
    assert gateway.paid_jobs(clip) == [("kling", "0.0054")]


# --- the official library for Node -------------------------------------------------------------


@needs_node
def test_node_makes_an_image_and_its_retry_after_a_lost_answer_is_paid_once(
    gateway: Gateway, studio: Studio, token: str
) -> None:
    wish = prompt()

    with losing_the_first_answer(gateway.stack.url) as way:
        made = run("node", "openai.mjs", "image", url=f"{way.url}/v1", token=token,
                   prompt=wish, model="dalle")  # fmt: skip

    assert way.lost == 1
    assert made["sha256"] == take_of(studio, made["id"])["sha256"]
    assert made["cost"] == "0.0200"
    assert gateway.paid_jobs(wish) == [("dalle", "0.0200")]


@needs_node
def test_node_makes_a_video_watches_it_and_downloads_it(
    gateway: Gateway, studio: Studio, token: str, still: Path
) -> None:
    wish = prompt()

    told = run("node", "openai.mjs", "video", url=f"{gateway.stack.url}/v1", token=token,
               prompt=wish, model="kling", still=str(still))  # fmt: skip

    assert "error" not in told, told
    video = told["video"]
    made = studio.api.get(f"/v1/generations/{video['id']}")
    assert (told["seen"][0], told["seen"][-1]) == ("queued", "completed")
    assert told["sha256"] == made["takes"][0]["sha256"]
    assert (made["project"], made["tags"]) == ("node", ["a", "b"])
    assert told["listed"] == [video["id"]]
    assert told["deleted"]["deleted"] is True
    assert gateway.paid_jobs(wish) == [("kling", made["actual_cost"])]


@needs_node
def test_node_lists_models_and_raises_its_own_errors(
    gateway: Gateway, studio: Studio, token: str
) -> None:
    asked = {"url": f"{gateway.stack.url}/v1", "token": token, "model": "dalle"}
    wish = prompt()
    gateway.script("dalle", "refuse")

    models = run("node", "openai.mjs", "models", **asked)
    refused = run("node", "openai.mjs", "image", prompt=wish, **asked)
    studio.api.put("/v1/budgets/owner", {"limit": "0.0000"})
    exhausted = run("node", "openai.mjs", "image", prompt=wish, **asked)

    assert {"auto", "dalle", "kling"} <= set(models["listed"])
    assert models["one"]["id"] == "kling"
    assert (refused["error"], refused["code"]) == ("BadRequestError", "content_policy_violation")
    assert (exhausted["error"], exhausted["code"]) == ("RateLimitError", "insufficient_quota")
    assert gateway.paid_jobs(wish) == []


# --- what stands on them -----------------------------------------------------------------------


@needs_node
def test_the_vercel_ai_sdk_makes_an_image(gateway: Gateway, token: str) -> None:
    wish = prompt()

    made = run("node", "ai.mjs", url=f"{gateway.stack.url}/v1", token=token, prompt=wish,
               model="dalle")  # fmt: skip

    assert made["media_type"] == "image/png"
    assert gateway.paid_jobs(wish) == [("dalle", "0.0200")]


@needs_litellm
def test_litellm_makes_an_image(gateway: Gateway, studio: Studio, token: str) -> None:
    wish = prompt()

    made = run(LITELLM, "with_litellm.py", url=f"{gateway.stack.url}/v1", token=token, prompt=wish,
               model="dalle")  # fmt: skip

    listed = studio.api.get("/v1/generations")["items"]
    assert made["sha256"] == take_of(studio, listed[0]["id"])["sha256"]
    assert gateway.paid_jobs(wish) == [("dalle", "0.0200")]
