"""The take bucket behind the port Takes: S3. Names are ours, links are made on request.

Whatever goes wrong with the bucket is StoreUnavailable, so that the step is repeated: a result
that is paid for is fetched again, not lost.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.domain.errors import StoreUnavailable


class TakeBucket:
    """Stores results under their own keys; the same key always gets the same bytes."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, data: bytes, media_type: str) -> None:
        self._put(key, data, media_type)

    def put_file(self, key: str, path: Path, media_type: str) -> None:
        with path.open("rb") as body:
            self._put(key, body, media_type)

    def get(self, key: str) -> bytes:
        with s3_failures():
            data: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return data

    def find(self, prefix: str) -> str | None:
        with s3_failures():
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=1)
        found: list[dict[str, str]] = page.get("Contents", [])
        return found[0]["Key"] if found else None

    def link(self, key: str, *, filename: str, expires_s: int) -> str:
        """A link that downloads one object and ends after `expires_s`; made here, sent nowhere."""
        link: str = self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentDisposition": f"attachment; filename={quote(filename)}",
            },
            ExpiresIn=expires_s,
        )
        return link

    def _put(self, key: str, body: bytes | BinaryIO, media_type: str) -> None:
        with s3_failures():
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType=media_type,
                ChecksumAlgorithm="SHA256",
            )


@contextmanager
def s3_failures() -> Iterator[None]:
    """Make a failure of S3 one that the state machine knows."""
    try:
        yield
    except ClientError as error:
        raise StoreUnavailable(error.response["Error"]["Code"]) from error
    except BotoCoreError as error:
        raise StoreUnavailable(type(error).__name__) from error
