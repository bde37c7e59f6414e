"""Providers behind a scripted way out: recorded answers, and a memory of what was asked.

Nothing here opens a connection; whoever is asked without a line in the script is an error.
"""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from filmgate.adapters.egress import Downloaded, Headers, Reply

DALLE = "api.openai.com"
NANOBANANA = "generativelanguage.googleapis.com"
KLING = "api-singapore.klingai.com"
CLIP_URL = "https://cdn.klingai.com/clips/1.mp4?signature=link-canary"
TASK = "task-1"


@dataclass(frozen=True)
class Call:
    """One request that left."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass
class ScriptedEgress:
    """Plays the egress module: `replies` by host and `files` by URL, each used up in order.

    An exception in the script is raised instead of an answer.
    """

    replies: dict[str, list[Reply | BaseException]] = field(default_factory=dict)
    files: dict[str, list[bytes | BaseException]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)

    def will(self, host: str, *answers: Reply | BaseException) -> None:
        self.replies.setdefault(host, []).extend(answers)

    def serves(self, url: str, *contents: bytes | BaseException) -> None:
        self.files.setdefault(url, []).extend(contents)

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        hosts: frozenset[str],
        deadline_s: float,
    ) -> Reply:
        host = urlsplit(url).hostname or ""
        assert host in hosts, f"{host} is none of {sorted(hosts)}"
        assert deadline_s > 0
        self.calls.append(Call(method, url, dict(headers), body))
        answer = self.replies[host].pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def notify(
        self, url: str, *, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> int:
        assert deadline_s > 0
        self.calls.append(Call("POST", url, dict(headers), body))
        answer = self.replies[urlsplit(url).hostname or ""].pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer.status

    def download(
        self,
        url: str,
        sink: BinaryIO,
        *,
        hosts: frozenset[str] | None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float,
        max_bytes: int,
    ) -> Downloaded:
        host = urlsplit(url).hostname or ""
        assert hosts is None or any(
            host == one or (one[:1] == "." and host.endswith(one)) for one in hosts
        )
        self.downloads.append(url)
        content = self.files[url].pop(0)
        if isinstance(content, BaseException):
            raise content
        assert len(content) <= max_bytes
        sink.write(content)
        return Downloaded(len(content), sha256(content).hexdigest(), "application/octet-stream")

    def calls_to(self, host: str) -> list[Call]:
        return [call for call in self.calls if urlsplit(call.url).hostname == host]


def reply(status: int, body: Any, **headers: str) -> Reply:
    """An answer; what is no bytes becomes JSON."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, Headers(named), content)


@cache
def picture(width: int = 1024, height: int = 1024) -> bytes:
    """A PNG of that size."""
    from PIL import Image

    sink = io.BytesIO()
    Image.new("RGB", (width, height), (40, 90, 140)).save(sink, "PNG")
    return sink.getvalue()


@cache
def clip(width: int = 1280, height: int = 720, seconds: int = 3, *, sound: bool = True) -> bytes:
    """An MP4 of that size and length; one frame a second is enough for a measure. Its sound, which
    is silence, is as long as a moment."""
    import av
    import av.video

    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            plane.update(b"\x80" * plane.buffer_size)
        track = container.add_stream("aac", rate=24_000, layout="mono") if sound else None
        for second in range(seconds):
            frame.pts = second
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if track is not None:
            silence = av.AudioFrame("fltp", "mono", 1024)
            silence.sample_rate, silence.pts = 24_000, 0
            silence.planes[0].update(bytes(silence.planes[0].buffer_size))
            container.mux([*track.encode(silence), *track.encode()])
    return sink.getvalue()


def dalle_picture(data: bytes | None = None) -> Reply:
    """OpenAI's answer with a picture in it."""
    text = base64.b64encode(data if data is not None else picture()).decode()
    return reply(200, {"created": 1795348800, "data": [{"b64_json": text}], "usage": {}})


def dalle_error(status: int, code: str | None = None, **headers: str) -> Reply:
    """OpenAI's error envelope."""
    error = {"message": "words of the vendor", "type": "error", "param": None, "code": code}
    return reply(status, {"error": error}, **headers)


def nanobanana_picture() -> Reply:
    """Gemini's answer with a picture in it."""
    data = base64.b64encode(picture()).decode()
    part = {"inlineData": {"mimeType": "image/png", "data": data}}
    return reply(200, {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]})


def kling_created() -> Reply:
    return reply(200, {"code": 0, "data": {"id": TASK, "status": "submitted"}})


def kling_task(status: str, *outputs: str, message: str = "") -> Reply:
    """Kling's list with the one task in it."""
    made = [{"type": "video", "url": url} for url in outputs]
    task = {"id": TASK, "status": status, "outputs": made, "message": message}
    return reply(200, {"code": 0, "data": [task]})
