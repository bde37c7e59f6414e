"""Files in the uploads bucket on moto, and the events by which S3 tells of them."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from filmgate.domain.uploads import Upload
from tests.functions.support import TENANT, Deployment
from tests.template import documents

BUCKET = documents.physical_name("UploadsBucket")
Json = dict[str, Any]


@dataclass(frozen=True)
class Put:
    """An object that was put, as S3 names it."""

    key: str
    version_id: str
    size_bytes: int

    def event(self) -> Json:
        """What S3 tells of it; keys are encoded as in a form."""
        named = {
            "key": quote_plus(self.key, safe="/"),
            "versionId": self.version_id,
            "size": self.size_bytes,
        }
        told = {"bucket": {"name": BUCKET}, "object": named}
        return {"Records": [{"eventName": "ObjectCreated:Put", "s3": told}]}


def put(studio: Deployment, name: str, data: bytes, **metadata: str) -> Put:
    """Put a file under uploads/, as a command line or any S3 client does."""
    key = f"uploads/{name}"
    answer = studio.s3.put_object(Bucket=BUCKET, Key=key, Body=data, Metadata=metadata)
    return Put(key, answer["VersionId"], len(data))


def accept(studio: Deployment, *files: Put) -> list[Json]:
    """Let the function take these files, each by an event of its own; what it said of them."""
    said = [studio.invoke("accept_upload", file.event())["accepted"] for file in files]
    return [one for each in said for one in each]


def upload_of(studio: Deployment, told: Json, tenant: str = TENANT) -> Upload:
    """The upload that the table keeps."""
    found = studio.table.upload(tenant, told["upload_id"])
    assert found is not None
    return found


def reason(studio: Deployment, name: str) -> Json:
    """The reason file beside a rejected file, whose copy must be there too."""
    place = f"rejected/{name}"
    studio.s3.head_object(Bucket=BUCKET, Key=place)
    told = studio.s3.get_object(Bucket=BUCKET, Key=f"{place}.reason.json")["Body"].read()
    found: Json = json.loads(told)
    return found


def rejected(studio: Deployment) -> list[str]:
    """The keys of everything that was put aside."""
    page = studio.s3.list_objects_v2(Bucket=BUCKET, Prefix="rejected/")
    return [one["Key"] for one in page.get("Contents", [])]
