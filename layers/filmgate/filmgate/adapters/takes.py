"""The take bucket behind the port Takes: S3. Names are ours, links are made on request."""

from pathlib import Path
from typing import Any
from urllib.parse import quote


class TakeBucket:
    """Stores results under their own keys; the same key always gets the same bytes."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, data: bytes, media_type: str) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=data,
            ContentType=media_type,
            ChecksumAlgorithm="SHA256",
        )

    def put_file(self, key: str, path: Path, media_type: str) -> None:
        with path.open("rb") as body:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType=media_type,
                ChecksumAlgorithm="SHA256",
            )

    def get(self, key: str) -> bytes:
        data: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return data

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
