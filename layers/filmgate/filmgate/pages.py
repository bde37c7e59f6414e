"""Files that a browser gets: which address is which file, how long it keeps, what it may load.

A document is asked for again each time, which mostly ends in 304. What it consists of lies under
an address that changes with its content, so a browser keeps it for a year and never asks.
"""

import gzip
import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from filmgate.domain.errors import NotFound

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
ASSETS: Final = "/static"
VERSION_MARK: Final = "{{version}}"
ALWAYS_ASK: Final = "no-cache"
FOR_EVER: Final = "public, max-age=31536000, immutable"
COMMON_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Vary": "Accept-Encoding",
}


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent; compressed once, when the first browser asks for it."""

    data: bytes
    media_type: str
    policy: str

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()[:20]

    @cached_property
    def gzipped(self) -> bytes:
        return gzip.compress(self.data, compresslevel=9, mtime=0)


class Shelf:
    """All files of one folder with a known media type, by their names below it."""

    def __init__(self, folder: Path, *, policy: str) -> None:
        self._policy = policy
        self._data = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.suffix in MEDIA_TYPES
        }
        self._files: dict[str, StaticFile] = {}
        known = hashlib.sha256()
        for name, data in self._data.items():
            known.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
        self.version: Final = known.hexdigest()[:12]

    @property
    def names(self) -> Iterable[str]:
        return self._data.keys()

    def file(self, name: str) -> StaticFile:
        """A file, its links to the shelf carrying the version; raises NotFound."""
        if name not in self._data:
            raise NotFound("There is no such file.")
        if name not in self._files:
            data = self._data[name]
            if name.endswith(".html"):
                data = data.replace(VERSION_MARK.encode(), self.version.encode())
            media_type = MEDIA_TYPES[Path(name).suffix]
            self._files[name] = StaticFile(data, media_type, self._policy)
        return self._files[name]

    def asset(self, path: str) -> tuple[StaticFile, str]:
        """The file behind /static/<version>/<name>, and how long it keeps; raises NotFound.

        A page that was loaded before an update gets today's file, and does not keep it.
        """
        version, _, name = path.removeprefix(f"{ASSETS}/").partition("/")
        return self.file(name), FOR_EVER if version == self.version else ALWAYS_ASK


def content_policy(*, takes: Iterable[str] = (), uploads: Iterable[str] = ()) -> str:
    """What a page of ours may load: itself, and media from the sources named here."""
    shown = " ".join(takes)
    sent = " ".join(uploads)
    return "; ".join(
        rule.strip()
        for rule in (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"connect-src 'self' {sent}",
            f"img-src 'self' blob: {shown}",
            f"media-src 'self' blob: {shown}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def bucket_sources(bucket: str, *, region: str, endpoint: str | None) -> tuple[str, ...]:
    """Where links to a bucket's objects may point, as sources of a content policy.

    S3 has two names for a bucket, and which of them a signed link has is for the SDK to choose.
    With an endpoint of its own the bucket is a folder there, and the source ends in it.
    """
    if endpoint:
        return (f"{endpoint.rstrip('/')}/{bucket}/",)
    return (f"https://{bucket}.s3.amazonaws.com", f"https://{bucket}.s3.{region}.amazonaws.com")


def send(app: APIGatewayHttpResolver, file: StaticFile, *, keeps: str) -> Response[str]:
    """The file, compressed where the browser can read that, or 304 where it has it."""
    headers = app.current_event.headers or {}
    asked = {name.lower(): value for name, value in headers.items()}
    zipped = _accepts_gzip(asked.get("accept-encoding", ""))
    tag = f'"{file.digest}-gzip"' if zipped else f'"{file.digest}"'
    answer = {
        **COMMON_HEADERS,
        "Content-Security-Policy": file.policy,
        "Cache-Control": keeps,
        "ETag": tag,
    }
    if _has_it(asked.get("if-none-match", ""), file.digest):
        return Response(status_code=304, body="", headers=answer)
    if zipped:
        answer["Content-Encoding"] = "gzip"
    body = b64encode(file.gzipped if zipped else file.data).decode()
    found = Response(status_code=200, content_type=file.media_type, body=body, headers=answer)
    found.base64_encoded = True  # by us: the router takes bytes of JSON for an object to be written
    return found


def _accepts_gzip(accepted: str) -> bool:
    """Whether the header names gzip and does not say that it weighs nothing."""
    for part in accepted.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";")
        if coding == "gzip":
            return weight not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _has_it(if_none_match: str, digest: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2); either form of the file holds the same content."""
    known = {f'"{digest}"', f'"{digest}-gzip"', "*"}
    return any(tag.strip().removeprefix("W/") in known for tag in if_none_match.split(","))
