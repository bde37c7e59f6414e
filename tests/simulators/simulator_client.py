"""A simulator process, a plain client for it, and readers of what it makes."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import urllib3
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
KEY = "sim-key"
DALLE_BODY = {"model": "gpt-image-2.6-flare", "prompt": "A red fox", "size": "512x288"}
BANANA_BODY = {"contents": [{"role": "user", "parts": [{"text": "A red fox"}]}]}
KLING_BODY = {"prompt": "A red fox", "settings": {"duration": 3}}
KLING_SUBMIT = "/kling/text-to-video/kling-3.0-turbo"
SUBMITS: dict[str, tuple[str, dict[str, Any]]] = {
    "dalle": ("/dalle/v1/images/generations", DALLE_BODY),
    "nanobanana": (
        "/nanobanana/v1beta/models/gemini-3.1-flash-lite-image:generateContent",
        BANANA_BODY,
    ),
    "kling": (KLING_SUBMIT, KLING_BODY),
}


class Simulators:
    """A running server process and a plain HTTP client for it."""

    def __init__(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local.simulators"],
            cwd=ROOT,
            env=os.environ
            | {
                "FILMGATE_SIM_PORT": "0",
                "FILMGATE_SIM_IMAGE_S": "0",
                "FILMGATE_SIM_VIDEO_S": "0",
            }
            | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip().removeprefix("simulators: ")
        self.http = urllib3.PoolManager(retries=False, timeout=20, maxsize=16)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        timeout: float = 20,
    ) -> urllib3.BaseHTTPResponse:
        """One request with every vendor's good key, unless `headers` say otherwise."""
        if headers is None:
            headers = {"authorization": f"Bearer {KEY}", "x-goog-api-key": KEY}
        content = None if body is None else json.dumps(body)
        return self.http.request(
            method, self.url + path, body=content, headers=headers, timeout=timeout
        )

    def submit(self, provider: str, **changes: Any) -> urllib3.BaseHTTPResponse:
        path, body = SUBMITS[provider]
        timeout = changes.pop("timeout", 20)
        return self.call("POST", path, body | changes, timeout=timeout)

    def kling_job(self, reference: str = "") -> str:
        """The id of a freshly accepted clip."""
        changes = {"options": {"external_task_id": reference}} if reference else {}
        reply = self.submit("kling", **changes)
        assert reply.status == 200, reply.data
        return reply.json()["data"]["id"]

    def kling_task(self, id: str) -> dict[str, Any]:
        return self.call("GET", f"/kling/tasks?task_ids={id}").json()["data"][0]

    def kling_link(self, id: str) -> str:
        return self.kling_task(id)["outputs"][0]["url"]

    def fault(self, provider: str, fault: str, **extras: Any) -> None:
        order = {"provider": provider, "fault": fault} | extras
        reply = self.call("POST", "/__sim/faults", order)
        assert reply.status == 200, reply.data

    def rows(self, provider: str) -> list[dict[str, Any]]:
        return self.call("GET", "/__sim/ledger").json()[provider]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit status after the signal."""
        self.http.clear()
        self.process.send_signal(number)
        code = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def open_base64(data: str) -> Image.Image:
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    image.load()
    return image


def picture_of(provider: str, reply: urllib3.BaseHTTPResponse) -> Image.Image:
    """The picture in a synchronous provider's answer."""
    if provider == "dalle":
        return open_base64(reply.json()["data"][0]["b64_json"])
    parts = reply.json()["candidates"][0]["content"]["parts"]
    return open_base64(parts[-1]["inlineData"]["data"])


def png_base64(width: int, height: int) -> str:
    target = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(target, "PNG")
    return base64.b64encode(target.getvalue()).decode()


def has_sound(content: bytes) -> bool:
    with av.open(io.BytesIO(content)) as container:
        return bool(container.streams.audio)


def frames_of(content: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(content)) as container:
        return list(container.decode(video=0))
