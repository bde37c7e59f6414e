"""What every address refuses, and how: who is nobody, who may not, what cannot be read.

The addresses of OpenAI's clients refuse the same in another form: see test_openai.py.
"""

import base64
import json

import pytest

from filmgate.http import LARGEST_BODY, ROUTES
from filmgate.openai_errors import speaks_openai
from tests.functions.support import (
    Deployment,
    altered,
    asked_by,
    assert_problem,
    request,
    sample,
)
from tests.template import documents

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATHS = {
    "/v1/generations/{id}": "/v1/generations/gen_" + "a" * 26,
    "/v1/uploads/{id}": "/v1/uploads/upl_" + "a" * 26,
    "/v1/budgets/{scope}": "/v1/budgets/owner",
    "/v1/settings/providers/{id}": "/v1/settings/providers/dalle",
    "/v1/settings/providers/{id}/key": "/v1/settings/providers/dalle/key",
    "/v1/settings/providers/{id}/test": "/v1/settings/providers/dalle/test",
    "/v1/settings/providers/{id}/prices/confirm": "/v1/settings/providers/dalle/prices/confirm",
    "/v1/generations/{id}/attempts/{attempt}/correction": (
        f"/v1/generations/gen_{'a' * 26}/attempts/att_{'a' * 26}00/correction"
    ),
    "/v1/tokens/{id}": "/v1/tokens/tok_" + "a" * 16,
}
WITHOUT_BODY = {
    "/v1/settings/providers/dalle/test",
    "/v1/settings/webhook-secret/rotate",
    "/v1/settings/providers/dalle/prices/confirm",
}
MAY_LACK_BODY = {"/v1/generations/{id}/retry"}
OF_ADMINS = {"/v1/tokens", "/v1/audit", "/v1/verify"}
OFFERED = [
    (method, PATHS.get(path, path))
    for method, path in documents.routes()
    if path.startswith("/v1/") and path != "/v1/health" and not speaks_openai(path)
]
WITH_BODY = [
    (method, path)
    for method, path in OFFERED
    if method in ("POST", "PUT") and path not in WITHOUT_BODY
]


def body_for(path: str) -> dict:
    return {"limit": "1"} if "budgets" in path else {"type": "image", "prompt": "a fox"}


NO_PRINCIPAL = [
    None,
    {},
    {"lambda": None},
    {"lambda": {}},
    {"lambda": {"refusal": "This token has expired."}},
]


@pytest.mark.parametrize(
    ("method", "path"), [*OFFERED, ("GET", "/v1/nothing"), ("PATCH", "/v1/providers")]
)
def test_who_has_no_principal_is_401_everywhere_but_at_health(
    studio: Deployment, method: str, path: str
) -> None:
    event = request(method, path, body=body_for(path))

    for authorizer in NO_PRINCIPAL:
        if authorizer is not None:
            event["requestContext"]["authorizer"] = authorizer
        answer = studio.route(event)

        assert_problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == 'Bearer realm="filmgate"'


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("POST", "/v1/generations", "viewer"),
        ("DELETE", PATHS["/v1/generations/{id}"], "viewer"),
        ("PUT", "/v1/budgets/owner", "viewer"),
        ("PUT", "/v1/budgets/owner", "creator"),
        ("PUT", "/v1/budgets/project:fox", "creator"),
        ("GET", "/v1/verify", "viewer"),
        ("GET", "/v1/verify", "creator"),
        ("POST", PATHS["/v1/settings/providers/{id}/prices/confirm"], "creator"),
        ("POST", PATHS["/v1/generations/{id}/attempts/{attempt}/correction"], "viewer"),
        ("POST", PATHS["/v1/generations/{id}/attempts/{attempt}/correction"], "creator"),
    ],
)
def test_a_role_that_is_too_small_is_403(
    studio: Deployment, method: str, path: str, role: str
) -> None:
    event = asked_by(request(method, path, body=body_for(path)), role=role)

    problem = assert_problem(studio.route(event), 403, "forbidden")

    assert role in problem["detail"]
    assert studio.executions() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [(m, p) for m, p in OFFERED if (m == "GET" or "estimates" in p) and p not in OF_ADMINS],
)
def test_every_role_may_look_and_ask_for_prices(studio: Deployment, method: str, path: str) -> None:
    event = request(method, path, body=body_for(path))

    answers = [studio.route(asked_by(event, role=role)) for role in ("viewer", "creator", "admin")]

    assert {answer.status for answer in answers} <= {200, 404, 422}


@pytest.mark.parametrize("template", [one for one in ROUTES if not speaks_openai(one)])
def test_a_method_that_an_address_does_not_take_is_405_and_says_which_it_takes(
    studio: Deployment, template: str
) -> None:
    path, offered = PATHS.get(template, template), ROUTES[template]

    for method in set(METHODS) - set(offered):
        answer = studio.route(asked_by(request(method, path), role="admin"))

        assert_problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == ", ".join(offered)


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_a_body_that_is_not_declared_as_json_is_415(
    studio: Deployment, method: str, path: str
) -> None:
    event = asked_by(request(method, path, body=body_for(path)), role="admin")

    for kind in (None, "text/plain", "application/jsonp", "application/xml"):
        answer = studio.route(altered(event, headers={"content-type": kind}))

        assert_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_may_be_declared_in_any_spelling(studio: Deployment, name: str, kind: str) -> None:
    event = altered(sample("settings", "set-budget"), headers={"content-type": None, name: kind})

    assert studio.call("settings", event).status == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nothing",
        '{"limit": "1"} x',
        '{"type": "image", "type": "image", "prompt": "a"}',
        '{"limit": NaN}',
        '{"limit": -Infinity}',
        '{"limit": 1e999999999}',
        '{"limit": "\\ud800"}',
        "[" * 100_000,
        '{"a":' * 65 + "1" + "}" * 65,
        "\ufeff{}",
        "[" + "1," * 200_001 + "1]",
    ],
    ids=[
        "empty", "cut", "word", "rest", "duplicate key", "NaN", "Infinity", "huge exponent",
        "half a character", "a hundred thousand deep", "65 deep", "byte order mark", "many values",
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_trusted_to_mean_one_thing_is_400_everywhere(
    studio: Deployment, text: str
) -> None:
    for method, path in WITH_BODY:
        if not text and path in MAY_LACK_BODY:
            continue
        event = asked_by(request(method, path, body=text), role="admin")

        assert_problem(studio.route(event), 400, "malformed-json")


@pytest.mark.parametrize("text", ["null", "[]", "1", '"text"', "true"])
def test_json_that_is_no_object_is_422(studio: Deployment, text: str) -> None:
    event = altered(sample("settings", "set-budget"), body=text)

    problem = assert_problem(studio.call("settings", event), 422, "validation-failed")

    assert [error["pointer"] for error in problem["errors"]] == [""]


@pytest.mark.parametrize("content", [b"\xff\xfe{", b"{\x80}", b"\x00\x01"])
def test_bytes_that_are_no_utf_8_are_400(studio: Deployment, content: bytes) -> None:
    event = sample("settings", "set-budget")
    event |= {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}

    assert_problem(studio.call("settings", event), 400, "malformed-json")


def test_a_body_in_base64_is_read_like_any_other(studio: Deployment) -> None:
    event = sample("settings", "set-budget")
    event |= {"body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}

    assert studio.call("settings", event).json["limit"] == "25.0000"


@pytest.mark.parametrize("extra", [0, 1])
def test_a_body_may_have_exactly_its_largest_size(studio: Deployment, extra: int) -> None:
    frame = json.dumps({"type": "image", "prompt": ""})
    filler = LARGEST_BODY - len(frame.encode()) + extra
    body = json.dumps({"type": "image", "prompt": "x" * filler})
    event = asked_by(request("POST", "/v1/estimates", body=body), role="viewer")

    answer = studio.route(event)

    expected = (413, "too-large") if extra else (422, "validation-failed")
    assert_problem(answer, *expected)


def test_the_size_of_a_body_is_counted_in_bytes(studio: Deployment) -> None:
    body = json.dumps({"type": "image", "prompt": "狐" * (LARGEST_BODY // 3)}, ensure_ascii=False)
    event = asked_by(request("POST", "/v1/estimates", body=body), role="viewer")

    assert_problem(studio.route(event), 413, "too-large")


def test_a_problem_names_the_request_that_it_is_about(studio: Deployment) -> None:
    event = sample("read", "no-such-address")

    problem = studio.call("read", event).json

    assert problem["instance"] == "urn:request:sample-no-such-address"


def test_nobody_gets_an_opinion_before_saying_who_they_are(studio: Deployment) -> None:
    event = request("POST", "/v1/generations", body="{", headers={"content-type": "text/plain"})

    assert_problem(studio.route(event), 401, "unauthenticated")
