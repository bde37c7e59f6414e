"""The uploads bucket behind the port Inbox. Everything is read in the version that was told of.

Whatever goes wrong with the bucket is StoreUnavailable, so that the event is brought again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from filmgate.adapters.takes import s3_failures
from filmgate.usecases.ports import TENANT_FIELD, Found

LARGEST_COPY: Final = 5_000_000_000  # S3 copies no more in one call
_CHUNK_BYTES: Final = 1 << 16
_GONE: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "405"})


class UploadsBucket:
    """Objects by key and version; what is put aside stays in the bucket, under another prefix."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def form(
        self, key: str, *, content_type: str, size_bytes: int, tenant: str, expires_s: int
    ) -> tuple[str, Mapping[str, str]]:
        fields = {"Content-Type": content_type, f"x-amz-meta-{TENANT_FIELD}": tenant}
        made = self._client.generate_presigned_post(
            self._bucket,
            key,
            Fields=fields,
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", size_bytes, size_bytes],
            ],
            ExpiresIn=expires_s,
        )
        return made["url"], made["fields"]

    def find(self, key: str, version_id: str | None = None) -> Found | None:
        with s3_failures():
            try:
                head = self._client.head_object(**self._named(key, version_id))
            except ClientError as error:
                if error.response["Error"]["Code"] in _GONE:
                    return None
                raise
        return Found(
            key=key,
            version_id=version_id or head.get("VersionId", "null"),
            size_bytes=head["ContentLength"],
            metadata={name.lower(): text for name, text in head.get("Metadata", {}).items()},
            changed_at=head["LastModified"],
        )

    def read(self, found: Found, *, most: int) -> bytes:
        with s3_failures():
            body = self._client.get_object(**self._named(found.key, found.version_id))["Body"]
            data: bytes = body.read(most)
        return data

    def chunks(self, found: Found) -> Iterator[bytes]:
        with s3_failures():
            body = self._client.get_object(**self._named(found.key, found.version_id))["Body"]
            yield from body.iter_chunks(_CHUNK_BYTES)

    def put_aside(self, found: Found, place: str, reason: bytes) -> None:
        with s3_failures():
            if found.size_bytes <= LARGEST_COPY:
                self._client.copy_object(
                    Bucket=self._bucket,
                    Key=place,
                    CopySource=self._named(found.key, found.version_id),
                    TaggingDirective="REPLACE",  # tags are none of ours to read
                )
            self._client.put_object(
                Bucket=self._bucket,
                Key=f"{place}.reason.json",
                Body=reason,
                ContentType="application/json",
            )

    def _named(self, key: str, version_id: str | None) -> dict[str, str]:
        place = {"Bucket": self._bucket, "Key": key}
        return place | ({"VersionId": version_id} if version_id else {})
