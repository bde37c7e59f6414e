"""The studio page as it is served: what it may load, how long it keeps, how small it is."""

import gzip
import re
from base64 import b64decode
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest

from filmgate.adapters.takes import TakeBucket
from filmgate.pages import bucket_sources
from tests.functions.support import ROOT, Deployment, Json, altered, assert_problem, sample

STATIC = ROOT / "functions" / "studio" / "static"
MODULES = sorted(path for path in STATIC.rglob("*.js") if path.parent.name != "vendor")


def raw(studio: Deployment, event: Json) -> Json:
    answer: Json = studio.invoke("studio", event)
    return {**answer, "headers": {name.lower(): v for name, v in answer["headers"].items()}}


def content(answer: Json) -> bytes:
    data = b64decode(answer["body"])
    return gzip.decompress(data) if "content-encoding" in answer["headers"] else data


def asset(path: str) -> Json:
    event = sample("studio", "asset")
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    return event


def version(studio: Deployment) -> str:
    page = content(raw(studio, sample("studio", "page"))).decode()
    (found,) = set(re.findall(r"/static/(\w+)/", page))
    return str(found)


def test_the_document_comes_compressed_and_is_asked_for_again_each_time(studio: Deployment) -> None:
    answer = raw(studio, sample("studio", "page"))

    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "text/html; charset=utf-8"
    assert answer["headers"]["content-encoding"] == "gzip"
    assert answer["headers"]["cache-control"] == "no-cache"
    assert answer["headers"]["vary"] == "Accept-Encoding"
    assert content(answer).startswith(b"<!doctype html>")


@pytest.mark.parametrize("accepted", ["gzip", None])
def test_the_description_of_the_api_is_served_as_it_was_made(
    studio: Deployment, accepted: str | None
) -> None:
    event = altered(sample("studio", "description"), headers={"accept-encoding": accepted})

    answer = raw(studio, event)

    assert answer["headers"]["content-type"] == "application/json"
    assert ("content-encoding" in answer["headers"]) is bool(accepted)
    assert content(answer) == (STATIC / "openapi.json").read_bytes()


@pytest.mark.parametrize("accepted", [None, "br", "gzip;q=0"])
def test_who_cannot_read_gzip_gets_plain_bytes(studio: Deployment, accepted: str | None) -> None:
    event = altered(sample("studio", "page"), headers={"accept-encoding": accepted})

    answer = raw(studio, event)

    assert "content-encoding" not in answer["headers"]
    assert b64decode(answer["body"]).startswith(b"<!doctype html>")


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_it_is_told_so_without_a_body(studio: Deployment, form: str) -> None:
    tag = raw(studio, sample("studio", "page"))["headers"]["etag"]

    event = altered(sample("studio", "page"), headers={"if-none-match": form.format(tag)})
    answer = raw(studio, event)

    assert (answer["statusCode"], answer["headers"]["etag"]) == (304, tag)
    assert not answer.get("body")


def test_the_document_may_load_itself_and_the_takes_and_nothing_else(studio: Deployment) -> None:
    answer = raw(studio, sample("studio", "page"))

    policy = dict(
        rule.split(" ", 1) for rule in answer["headers"]["content-security-policy"].split("; ")
    )
    takes = "https://takes-bucket.s3.amazonaws.com https://takes-bucket.s3.us-east-1.amazonaws.com"
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": f"'self' blob: {takes}",
        "media-src": f"'self' blob: {takes}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer["headers"]["x-content-type-options"] == "nosniff"
    assert answer["headers"]["referrer-policy"] == "no-referrer"
    assert answer["headers"]["strict-transport-security"].startswith("max-age=63072000")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "ap-southeast-2"])
@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:4566"])
def test_the_links_that_we_sign_are_covered_by_the_policy(
    region: str, endpoint: str | None
) -> None:
    client = boto3.client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )
    link = TakeBucket(client, "takes-bucket").link("studio/take", filename="take", expires_s=60)

    sources = bucket_sources("takes-bucket", region=region, endpoint=endpoint)

    parts = urlsplit(link)
    if endpoint:
        assert link.startswith(sources[0])
    else:
        assert f"{parts.scheme}://{parts.netloc}" in sources


def test_a_file_under_its_version_is_kept_for_a_year_and_another_version_is_not(
    studio: Deployment,
) -> None:
    now = version(studio)

    kept = raw(studio, asset(f"/static/{now}/app.js"))
    former = raw(studio, asset("/static/0123456789ab/app.js"))

    assert kept["headers"]["cache-control"] == "public, max-age=31536000, immutable"
    assert former["headers"]["cache-control"] == "no-cache"
    assert content(kept) == content(former) == (STATIC / "app.js").read_bytes()
    assert kept["headers"]["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "name", ["missing.js", "../app.py", "..%2fapp.py", "vendor/README.md", "views/", ""]
)
def test_only_files_of_the_page_are_served(studio: Deployment, name: str) -> None:
    answer = studio.call("studio", asset(f"/static/0/{name}"))

    assert_problem(answer, 404, "not-found")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_a_module_imports_files_that_are_there_and_writes_no_markup(path: Path) -> None:
    text = path.read_text()

    for name in re.findall(r"""(?:^import [^"'`;]*|\bimport\()["']([^"']+)["']""", text, re.M):
        assert name.startswith("."), f"{name} is no file of ours"
        assert (path.parent / name).resolve().is_file(), name
    for way_in in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "srcdoc"):
        assert way_in not in text


def test_no_file_of_the_page_names_another_host() -> None:
    for path in [*MODULES, STATIC / "index.html", STATIC / "studio.css"]:
        hosts = set(re.findall(r"(?:https?:)?//([a-z0-9-]+\.[a-z.]+)", path.read_text()))
        assert hosts <= {"www.w3.org"}, path.name
