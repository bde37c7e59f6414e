"""The settings of providers over HTTP: roles, pointers, versions, and a key that stays inside."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from filmgate import wiring
from filmgate.adapters import addresses
from filmgate.adapters.addresses import AddressPolicy
from tests.functions.support import TENANT, Answer, Deployment, asked_by, request
from tests.support.aws import STUDIO_TABLE, client
from tests.support.scripted_http import ScriptedHttp, reply

CANARY = "sk-canary-0123456789abcdef"
DALLE = "/v1/settings/providers/dalle"
CHANGES = [
    ("PUT", DALLE, {"enabled": False}),
    ("PUT", "/v1/settings/order", {"type": "image", "order": []}),
    ("PUT", f"{DALLE}/key", {"key": CANARY}),
    ("DELETE", f"{DALLE}/key", None),
    ("POST", f"{DALLE}/test", None),
]


def call(
    studio: Deployment,
    method: str,
    path: str,
    body: Any = None,
    *,
    role: str = "admin",
    tenant: str = TENANT,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    sent = {"content-type": "application/json", **(headers or {})}
    event = request(method, path, body=body, headers=sent)
    return studio.route(asked_by(event, role=role, tenant=tenant))


def put(studio: Deployment, body: Any, path: str = DALLE, **others: Any) -> Answer:
    return call(studio, "PUT", path, body, **others)


def shown(studio: Deployment, provider: str = "dalle", **others: Any) -> Any:
    return call(studio, "GET", f"/v1/settings/providers/{provider}", **others).json


def table_text() -> str:
    return json.dumps(client("dynamodb").scan(TableName=STUDIO_TABLE)["Items"])


# --- reading and changing ----------------------------------------------------------------------


def test_before_anything_is_set_a_viewer_sees_what_holds(studio: Deployment) -> None:
    answer = call(studio, "GET", DALLE, role="viewer")

    assert answer.status == 200
    assert answer.headers["etag"] == '"0"'
    assert answer.json == {
        "id": "dalle", "type": "image", "version": 0, "enabled": True, "priority": 1,
        "needs_key": True, "key_fields": [["api_key"]], "key_set": False, "key_hint": None,
        "api_url": None, "model": None, "on_refusal": "next", "on_unknown": "stop",
        "doubted_prices": [], "monthly_limit": None,
    }  # fmt: skip


def test_any_part_is_changed_and_all_of_it_comes_back(studio: Deployment) -> None:
    put(studio, {"enabled": False, "priority": 7})

    answer = put(studio, {"on_refusal": "stop", "model": "gpt-image-2.6-flare"})

    told = answer.json
    assert (answer.status, answer.headers["etag"]) == (200, '"2"')
    assert (told["enabled"], told["priority"], told["on_refusal"], told["model"]) == (
        False, 7, "stop", "gpt-image-2.6-flare",
    )  # fmt: skip
    assert shown(studio) == told
    assert shown(studio, tenant="others")["version"] == 0


def test_an_alias_leads_to_its_provider(studio: Deployment) -> None:
    assert shown(studio, "wan")["id"] == "whan"


@pytest.mark.parametrize("role", ["viewer", "creator"])
@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_only_an_admin_changes_or_tests(
    studio: Deployment, role: str, method: str, path: str, body: Any
) -> None:
    answer = call(studio, method, path, body, role=role)

    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert table_text() == "[]"


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_provider_that_is_not_there_is_404(
    studio: Deployment, method: str, path: str, body: Any
) -> None:
    if "order" in path:
        return
    answer = call(studio, method, path.replace("dalle", "nobody"), body)

    assert (answer.status, answer.json["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"colour": "red", "enabled": "yes"}, ["/enabled", "/colour"]),
        ({"priority": 0}, ["/priority"]),
        ({"priority": True}, ["/priority"]),
        ({"priority": None}, ["/priority"]),
        ({"on_refusal": "maybe", "on_unknown": None}, ["/on_refusal", "/on_unknown"]),
        ({"model": "dall-e-2"}, ["/model"]),
        ({"key_set": True}, ["/key_set"]),
        ({"version": 9}, ["/version"]),
    ],
)
def test_what_cannot_be_set_is_pointed_at(
    studio: Deployment, body: Any, pointers: list[str]
) -> None:
    answer = put(studio, body)

    assert (answer.status, answer.json["code"]) == (422, "validation-failed")
    assert answer.pointers == pointers
    assert table_text() == "[]"


def test_a_place_that_is_taken_is_409_and_names_who_has_it(studio: Deployment) -> None:
    answer = put(studio, {"priority": 2})

    assert (answer.status, answer.json["code"]) == (409, "state-conflict")
    assert answer.json["provider"] == "nanobanana"


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com",
        "https://user:word@api.openai.com",
        "https://api.openai.com:8443",
        "https://api.openai.com/v1?key=1",
        "https://api.openai.com/?",
        "https://api.openai.com/#there",
        "https://api.openai.com.evil.example",
        "https://evil.example",
        "https://169.254.169.254/latest",
        "https://127.0.0.1",
        "http://localhost:8790/dalle",
        "api.openai.com",
        "",
    ],
)
def test_an_address_that_is_not_listed_or_not_plain_is_refused(
    studio: Deployment, url: str
) -> None:
    answer = put(studio, {"api_url": url})

    assert (answer.status, answer.pointers) == (422, ["/api_url"])
    assert not url or url not in answer.text


def test_the_catalogues_hosts_and_those_of_the_stack_are_taken(
    studio: Deployment,
) -> None:
    studio.chosen["AllowedApiHosts"] = "Images.Example.com, .eu.example"

    taken = [
        put(studio, {"api_url": url}).json["api_url"]
        for url in (
            "https://API.openai.com/",
            "https://images.example.com/openai/",
            "https://a.eu.example",
        )
    ]

    assert taken == [
        "https://api.openai.com",
        "https://images.example.com/openai",
        "https://a.eu.example",
    ]
    assert put(studio, {"api_url": "https://example.com"}).status == 422
    assert put(studio, {"api_url": None}).json["api_url"] is None


def test_this_machine_is_taken_only_where_the_process_was_opened_to_it(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))

    assert put(studio, {"api_url": "http://127.0.0.1:8790/dalle"}).status == 200
    assert put(studio, {"api_url": "http://10.0.0.1/dalle"}).status == 422
    assert put(studio, {"api_url": "https://evil.example"}).status == 422


# --- versions and order ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "status"),
    [('"1"', 200), ('"0", "1"', 200), ("*", 200), ('"0"', 412), ('W/"1"', 412), ("1", 400)],
)
def test_if_match_guards_against_what_others_changed(
    studio: Deployment, header: str, status: int
) -> None:
    put(studio, {"enabled": False})

    answer = put(studio, {"enabled": True}, headers={"if-match": header})

    assert answer.status == status
    assert shown(studio)["enabled"] is (status == 200)
    if status == 412:
        assert answer.json["code"] == "version-conflict"


def test_one_call_puts_a_medium_in_order(studio: Deployment) -> None:
    order = ["midjourney", "nanobanana", "dalle"]

    answer = put(studio, {"type": "image", "order": order}, "/v1/settings/order")

    assert (answer.status, answer.json["order"]) == (200, order)
    assert [one["priority"] for one in answer.json["items"]] == [1, 2, 3]
    assert [shown(studio, name)["priority"] for name in order] == [1, 2, 3]
    assert shown(studio, "kling")["version"] == 0


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"type": "image", "order": ["dalle", "nanobanana"]}, ["/order"]),
        (
            {"type": "image", "order": ["dalle", "dalle", "kling"]},
            ["/order/1", "/order/2", "/order"],
        ),
        ({"type": "sound", "order": []}, ["/type"]),
        ({"type": "image"}, ["/order"]),
    ],
)
def test_an_order_that_is_not_whole_is_pointed_at(
    studio: Deployment, body: Any, pointers: list[str]
) -> None:
    answer = put(studio, body, "/v1/settings/order")

    assert (answer.status, answer.pointers) == (422, pointers)


# --- keys --------------------------------------------------------------------------------------


def test_a_key_goes_in_and_never_comes_back(
    studio: Deployment,
    said: Callable[[], str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore").setLevel(logging.INFO)  # its debug log is never on in a function
    refusal = {"error": {"message": f"Incorrect key {CANARY}", "code": "invalid_api_key"}}
    monkeypatch.setattr(wiring, "egress", lambda: ScriptedHttp.of(reply(refusal, 401)))

    answers = [
        put(studio, {"key": CANARY}, f"{DALLE}/key"),
        put(studio, {"key": f"{CANARY} "}, f"{DALLE}/key"),
        put(studio, {"key": [CANARY]}, f"{DALLE}/key"),
        put(studio, {"key": {CANARY: CANARY}}, f"{DALLE}/key"),
        put(studio, f'{{"key": "{CANARY}"', f"{DALLE}/key"),
        put(studio, {"key": {"api_key": CANARY}, "extra": CANARY}, f"{DALLE}/key"),
        call(studio, "POST", f"{DALLE}/test"),
        call(studio, "GET", DALLE),
    ]

    told = "".join(answer.text for answer in answers)
    assert [answer.status for answer in answers] == [204, 422, 422, 422, 400, 422, 200, 200]
    assert answers[0].text == ""
    assert answers[-2].json["detail"] == "key refused"
    assert (answers[-1].json["key_set"], answers[-1].json["key_hint"]) == (True, "cdef")
    for text in (told, table_text(), said()):
        assert CANARY not in text


@pytest.mark.parametrize(
    ("provider", "key", "pointer"),
    [
        ("dalle", "", "/key"),
        ("dalle", None, "/key"),
        ("dalle", 7, "/key"),
        ("dalle", {"api_key": 7}, "/key"),
        ("dalle", "k" * 5000, "/key"),
        ("kling", {"access_key": "a"}, "/key"),
        ("kling", {"access_key": "a", "secret_key": "b c"}, "/key/secret_key"),
        ("flow", "whatever", "/key"),
    ],
)
def test_a_key_of_the_wrong_shape_is_pointed_at(
    studio: Deployment, provider: str, key: Any, pointer: str
) -> None:
    answer = put(studio, {"key": key}, f"/v1/settings/providers/{provider}/key")

    assert (answer.status, answer.pointers) == (422, [pointer])
    assert client("secretsmanager").list_secrets()["SecretList"] == []


def test_a_pair_of_keys_is_one_secret_of_this_tenant(studio: Deployment) -> None:
    pair = {"access_key": "AK-0123456789", "secret_key": CANARY}

    put(studio, {"key": pair}, "/v1/settings/providers/kling/key")

    prefix = studio.environment("settings")["PROVIDER_SECRET_PREFIX"]
    (secret,) = client("secretsmanager").list_secrets()["SecretList"]
    assert secret["Name"] == f"{prefix}{TENANT}/kling"
    assert wiring.provider_keys().read(TENANT, "kling") == pair


def test_a_deleted_key_can_be_set_again(studio: Deployment) -> None:
    put(studio, {"key": CANARY}, f"{DALLE}/key")

    deleted = [call(studio, "DELETE", f"{DALLE}/key").status for _ in range(2)]
    gone = shown(studio)
    again = put(studio, {"key": "another-key-4321"}, f"{DALLE}/key")

    assert deleted == [204, 204]
    assert (gone["key_set"], gone["key_hint"]) == (False, None)
    assert again.status == 204
    assert shown(studio)["key_hint"] == "4321"
    assert wiring.provider_keys().read(TENANT, "dalle") == {"api_key": "another-key-4321"}


# --- the test call -----------------------------------------------------------------------------


def test_the_test_reads_the_key_that_was_stored_a_moment_ago(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = ScriptedHttp.of(reply({"object": "list", "data": []}), reply({"data": []}))
    monkeypatch.setattr(wiring, "egress", lambda: http)

    told = []
    for key in ("first-key-0001", "second-key-0002"):
        put(studio, {"key": key}, f"{DALLE}/key")
        told.append(call(studio, "POST", f"{DALLE}/test").json)

    assert told == [{"ok": True, "detail": "ok", "message": None}] * 2
    assert [asked.headers["Authorization"] for asked in http.asked] == [
        "Bearer first-key-0001",
        "Bearer second-key-0002",
    ]
    assert {asked.method for asked in http.asked} == {"GET"}


def test_without_a_key_the_test_says_so_and_asks_nobody(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = ScriptedHttp()
    monkeypatch.setattr(wiring, "egress", lambda: http)

    answer = call(studio, "POST", f"{DALLE}/test")

    assert (answer.status, answer.json["ok"], answer.json["detail"]) == (200, False, "no key")
    assert http.asked == []


def test_flow_is_always_good(studio: Deployment) -> None:
    answer = call(studio, "POST", "/v1/settings/providers/flow/test")

    assert (answer.json["ok"], answer.json["detail"]) == (True, "ok")


def test_the_list_of_providers_shows_the_settings(studio: Deployment) -> None:
    put(studio, {"enabled": False, "on_unknown": "next"})
    put(studio, {"key": CANARY}, f"{DALLE}/key")

    listed = call(studio, "GET", "/v1/providers", role="viewer").json["items"]

    dalle = next(one for one in listed if one["id"] == "dalle")
    own = shown(studio)
    of_the_settings_alone = {"version", "monthly_limit"}
    assert {name: dalle[name] for name in own if name not in of_the_settings_alone} == {
        name: own[name] for name in own if name not in of_the_settings_alone
    }
    assert dalle["key_hint"] == "cdef"
