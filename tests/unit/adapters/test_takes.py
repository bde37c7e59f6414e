"""The take bucket, on moto: bytes in, bytes out, links that end."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from filmgate.adapters.takes import TakeBucket
from filmgate.domain.errors import StoreUnavailable
from tests.support.aws import account, client

BUCKET = "takes-bucket"
KEY = "acme/gen_1/take_1.png"


@pytest.fixture
def takes() -> Iterator[TakeBucket]:
    with account():
        client("s3").create_bucket(Bucket=BUCKET)
        yield TakeBucket(client("s3"), BUCKET)


def test_bytes_come_back_as_they_went(takes: TakeBucket) -> None:
    takes.put(KEY, b"\x89PNG\x00\xff", "image/png")

    assert takes.get(KEY) == b"\x89PNG\x00\xff"


def test_a_file_comes_back_as_it_went(takes: TakeBucket, tmp_path: Path) -> None:
    (tmp_path / "clip").write_bytes(b"clip" * 1000)

    takes.put_file(KEY, tmp_path / "clip", "video/mp4")

    assert takes.get(KEY) == b"clip" * 1000


@pytest.mark.parametrize("way", ["bytes", "file"])
def test_an_object_has_its_media_type_and_a_checksum(
    takes: TakeBucket, tmp_path: Path, way: str
) -> None:
    from base64 import b64encode

    (tmp_path / "still").write_bytes(b"still")

    if way == "bytes":
        takes.put(KEY, b"still", "image/png")
    else:
        takes.put_file(KEY, tmp_path / "still", "image/png")

    head = client("s3").head_object(Bucket=BUCKET, Key=KEY, ChecksumMode="ENABLED")
    assert head["ContentType"] == "image/png"
    assert head["ChecksumSHA256"] == b64encode(sha256(b"still").digest()).decode()


def test_putting_the_same_bytes_again_is_a_success(takes: TakeBucket) -> None:
    takes.put(KEY, b"still", "image/png")

    takes.put(KEY, b"still", "image/png")

    assert takes.get(KEY) == b"still"


def test_a_key_is_found_by_its_beginning(takes: TakeBucket) -> None:
    takes.put("acme/gen_1/take_1.png", b"x", "image/png")

    assert takes.find("acme/gen_1/take_1.") == "acme/gen_1/take_1.png"
    assert takes.find("acme/gen_1/take_2.") is None


def test_a_link_is_for_one_object_ends_in_time_and_downloads(takes: TakeBucket) -> None:
    link = takes.link(KEY, filename="take_1.png", expires_s=900)

    parts = urlsplit(link)
    asked = parse_qs(parts.query)
    assert parts.scheme == "https"
    assert BUCKET in parts.netloc + parts.path
    assert parts.path.endswith(f"/{KEY}")
    assert asked["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert asked["X-Amz-Expires"] == ["900"]
    assert asked["response-content-disposition"] == ["attachment; filename=take_1.png"]


def test_a_file_name_cannot_add_to_the_header(takes: TakeBucket) -> None:
    link = takes.link(KEY, filename='a"; x=\r\nSet-Cookie: b.png', expires_s=60)

    (disposition,) = parse_qs(urlsplit(link).query)["response-content-disposition"]
    assert not set('"\r\n ') & set(disposition.removeprefix("attachment; "))
    assert unquote(disposition).startswith('attachment; filename=a"; x=')


def test_a_link_is_made_without_asking_anybody(takes: TakeBucket) -> None:
    assert takes.link("no/such/key", filename="x", expires_s=1).startswith("https://")


@pytest.mark.parametrize(
    "use",
    [
        lambda takes, path: takes.put(KEY, b"x", "image/png"),
        lambda takes, path: takes.put_file(KEY, path, "image/png"),
        lambda takes, path: takes.get(KEY),
        lambda takes, path: takes.find(KEY),
    ],
    ids=["put", "put_file", "get", "find"],
)
def test_a_bucket_that_is_away_is_store_unavailable_so_that_the_step_is_repeated(
    takes: TakeBucket, tmp_path: Path, use: Callable[[TakeBucket, Path], object]
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    client("s3").delete_bucket(Bucket=BUCKET)

    with pytest.raises(StoreUnavailable, match="NoSuchBucket") as away:
        use(takes, tmp_path / "file")

    assert type(away.value) is StoreUnavailable
