"""An owner's settings over HTTP: keys, order, addresses, and what a running generation keeps."""

import json
from typing import Any

from local.__main__ import SIMULATED
from tests.e2e.gateway import Gateway, Studio, prompt

DALLE = "/v1/settings/providers/dalle"


def chain(studio: Studio) -> list[str]:
    """Who would be tried for an image, in order."""
    told = studio.api.post("/v1/estimates", {"type": "image", "prompt": "a fox"})
    return [entry["provider"] for entry in told["chain"] if entry["eligible"]]


def put_key(studio: Studio, key: Any, provider: str = "dalle") -> int:
    path = f"/v1/settings/providers/{provider}/key"
    return studio.api.call("PUT", path, {"key": key}).status


def test_a_studio_begins_with_its_first_key(gateway: Gateway) -> None:
    studio = gateway.empty_studio()
    wish = prompt()
    assert chain_is_empty(studio)

    studio.api.put(DALLE, {"api_url": f"{gateway.stack.simulators_url}/dalle"})
    stored = put_key(studio, f"sim-canary-{studio.tenant}")
    tested = studio.api.post(f"{DALLE}/test", {})
    made = studio.make(type="image", prompt=wish)

    assert (stored, tested["ok"], tested["detail"]) == (204, True, "ok")
    assert (made["state"], made["provider"]) == ("succeeded", "dalle")
    assert gateway.paid_jobs(wish) == [("dalle", "0.0200")]
    assert studio.api.get(DALLE)["key_hint"] == studio.tenant[-4:]


def chain_is_empty(studio: Studio) -> bool:
    answer = studio.api.call("POST", "/v1/estimates", {"type": "image", "prompt": "a fox"})
    return answer.status == 422 and answer.body["reasons"]["dalle"] == "has no key yet"


def test_a_wrong_key_is_told_by_the_test_and_never_billed(gateway: Gateway) -> None:
    studio = gateway.empty_studio()
    billed = gateway.ledger()

    told = {}
    for provider in SIMULATED:
        url = f"{gateway.stack.simulators_url}/{provider}"
        studio.api.put(f"/v1/settings/providers/{provider}", {"api_url": url})
        assert put_key(studio, "wrong-canary-key", provider) == 204
        wrong = studio.api.post(f"/v1/settings/providers/{provider}/test", {})
        assert put_key(studio, "sim-right-canary-key", provider) == 204
        right = studio.api.post(f"/v1/settings/providers/{provider}/test", {})
        told[provider] = (wrong["ok"], wrong["detail"], right["ok"])

    assert told == dict.fromkeys(SIMULATED, (False, "key refused", True))
    assert gateway.ledger() == billed
    log = (gateway.stack.logs / "aws.log").read_text()
    assert "canary-key" not in log
    assert "canary-key" not in json.dumps(studio.api.get("/v1/providers"))
    assert "canary-key" not in json.dumps(studio.rows())


def test_a_deleted_key_takes_its_provider_out_until_it_is_set_again(studio: Studio) -> None:
    before = chain(studio)

    deleted = studio.api.call("DELETE", f"{DALLE}/key").status
    without, tested = chain(studio), studio.api.post(f"{DALLE}/test", {})
    again = put_key(studio, f"sim-canary-{studio.tenant}")

    assert (before[0], deleted, again) == ("dalle", 204, 204)
    assert without == before[1:]
    assert (tested["ok"], tested["detail"]) == (False, "no key")
    assert chain(studio) == before
    assert studio.api.post(f"{DALLE}/test", {})["ok"]


def test_a_new_place_counts_for_the_next_chain_and_not_for_a_running_one(
    gateway: Gateway, studio: Studio
) -> None:
    gateway.script("dalle", "http_429", retry_after=2)
    running = studio.api.post("/v1/generations", {"type": "image", "prompt": prompt()})

    studio.api.put("/v1/settings/providers/dalle", {"priority": 9, "enabled": True})

    assert chain(studio)[0] == "nanobanana"
    assert studio.end_of(running)["provider"] == "dalle"
    assert studio.make(type="image", prompt=prompt())["provider"] == "nanobanana"


def test_one_call_puts_all_providers_of_a_medium_in_order(studio: Studio) -> None:
    order = ["nanobanana", "midjourney", "dalle"]

    answer = studio.api.put("/v1/settings/order", {"type": "image", "order": order})
    listed = [one["id"] for one in studio.api.get("/v1/providers")["items"]]
    taken = studio.api.call("PUT", DALLE, {"priority": 1})

    assert answer["order"] == order
    assert listed[:3] == order
    assert [name for name in chain(studio) if name != "midjourney"] == ["nanobanana", "dalle"]
    assert (taken.status, taken.body["provider"]) == (409, "nanobanana")


def test_an_address_outside_the_list_gets_neither_a_call_nor_a_key(
    gateway: Gateway, studio: Studio
) -> None:
    refused = [
        studio.api.call("PUT", DALLE, {"api_url": url})
        for url in ("https://evil.example", "http://10.0.0.1/dalle", "https://u:p@api.openai.com")
    ]

    assert [answer.status for answer in refused] == [422, 422, 422]
    assert {answer.body["errors"][0]["pointer"] for answer in refused} == {"/api_url"}
    assert studio.api.get(DALLE)["api_url"] == f"{gateway.stack.simulators_url}/dalle"
    assert studio.api.put(DALLE, {"api_url": "https://api.openai.com"})["version"] > 2


def test_a_refusal_stops_where_the_owner_says_so_and_a_request_may_say_otherwise(
    gateway: Gateway, studio: Studio
) -> None:
    studio.api.put(DALLE, {"on_refusal": "stop"})
    gateway.script("dalle", "refuse", times=2)

    stopped = studio.make(type="image", prompt=prompt())
    went_on = studio.make(type="image", prompt=prompt(), on_refusal="next")

    assert (stopped["state"], stopped["failure"]["code"]) == ("failed", "content-refused")
    assert (went_on["state"], went_on["provider"]) == ("succeeded", "nanobanana")


def test_a_writer_who_saw_older_settings_is_told(studio: Studio) -> None:
    tag = studio.api.call("GET", DALLE).headers["etag"]
    studio.api.put(DALLE, {"enabled": False})

    late = studio.api.call("PUT", DALLE, {"enabled": True}, {"If-Match": tag})

    assert (late.status, late.body["code"]) == (412, "version-conflict")
    assert studio.api.get(DALLE)["enabled"] is False
