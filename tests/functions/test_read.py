"""Health, providers, generations, and every address that is not there."""

from urllib.parse import parse_qs, urlsplit

import pytest

from filmgate import __version__
from filmgate.domain.errors import StoreUnavailable
from tests.functions.support import (
    Clock,
    Deployment,
    Json,
    altered,
    asked_by,
    assert_problem,
    request,
    sample,
)
from tests.functions.vendors import (
    DALLE,
    NANOBANANA,
    ScriptedEgress,
    dalle_error,
    dalle_picture,
    nanobanana_picture,
    picture,
)


def listing(**query: str) -> Json:
    return asked_by(request("GET", "/v1/generations", query=query), role="viewer")


def generated(studio: Deployment, key: str, **body: object) -> str:
    """Admit a generation like the sample's and give its id."""
    event = altered(sample("generate", "image"), body=body, headers={"idempotency-key": key})
    answer = studio.call("generate", event)
    assert answer.status == 202, answer.text
    return str(answer.json["id"])


# --- health and providers ----------------------------------------------------------------------


def test_health_is_open_and_tells_version_and_time(studio: Deployment) -> None:
    answer = studio.call("read", sample("read", "health"))

    assert answer.status == 200
    assert answer.json == {
        "status": "ok", "version": __version__, "time": "2026-11-22T12:00:00.000Z",
    }  # fmt: skip


def test_health_needs_no_table(studio: Deployment) -> None:
    studio.dynamodb.delete_table(TableName="studio-table")

    assert studio.call("read", sample("read", "health")).status == 200


def test_providers_are_the_catalogue_in_the_owner_s_order_per_medium(studio: Deployment) -> None:
    studio.own_settings("nanobanana", priority=0)

    answer = studio.call("read", sample("read", "providers"))

    assert [(one["type"], one["id"]) for one in answer.json["items"]] == [
        ("image", "nanobanana"), ("image", "dalle"), ("image", "midjourney"),
        ("video", "kling"), ("video", "whan"), ("video", "veo"), ("video", "sora"),
        ("video", "flow"),
    ]  # fmt: skip


def test_a_provider_shows_offers_prices_and_whether_it_has_a_key(studio: Deployment) -> None:
    studio.give_key("kling")

    answer = studio.call("read", sample("read", "providers"))

    by_id = {one["id"]: one for one in answer.json["items"]}
    kling = by_id["kling"]
    assert {name: kling[name] for name in ("enabled", "key_set", "needs_key", "retired")} == {
        "enabled": True, "key_set": True, "needs_key": True, "retired": None,
    }  # fmt: skip
    assert by_id["dalle"]["key_set"] is False
    assert by_id["flow"]["needs_key"] is False
    assert by_id["sora"]["retired"] == {"since": "2026-09-24", "replacement": "kling"}
    offer = kling["offers"][0]
    assert (offer["model"], offer["duration_s"]) == ("kling-3.0-turbo", {"min": 3, "max": 15})
    assert offer["resolutions"] == ["720p", "1080p"]
    assert offer["price"] == [
        {"resolution": "720p", "quality": None, "unit": "minute", "usd": "0.0800"},
        {"resolution": "1080p", "quality": None, "unit": "minute", "usd": "0.1200"},
    ]
    assert {"breaker", "observed", "quality", "speed", "name", "priority"} <= set(kling)


def test_a_provider_s_key_never_comes_back(studio: Deployment) -> None:
    studio.give_key("dalle", {"api_key": "canary-key"})

    answer = studio.call("read", sample("read", "providers"))

    assert "canary-key" not in answer.text


# --- one generation ----------------------------------------------------------------------------


def test_a_generation_tells_its_whole_story(
    studio: Deployment, vendors: ScriptedEgress, clock: Clock
) -> None:
    studio.give_key("dalle")
    studio.give_key("nanobanana")
    vendors.will(DALLE, dalle_error(400, "moderation_blocked"))
    vendors.will(NANOBANANA, nanobanana_picture())
    made = generated(studio, "sample-image", params={"aspect_ratio": "1:1"})
    clock.pass_s(2)
    studio.run(made)

    answer = studio.call("read", sample("read", "generation"))

    body = answer.json
    assert (answer.status, body["id"], body["state"]) == (200, made, "succeeded")
    assert (body["requested_provider"], body["provider"]) == ("auto", "nanobanana")
    assert (body["estimated_cost"], body["actual_cost"]) == ("0.0200", "0.0100")
    assert (body["created_at"], body["completed_at"]) == (
        "2026-11-22T12:00:00.000Z", "2026-11-22T12:00:02.000Z",
    )  # fmt: skip
    refused, kept = body["attempts"]
    assert (refused["provider"], refused["state"], refused["actual_cost"]) == (
        "dalle", "released", None,
    )  # fmt: skip
    assert refused["error"] == {
        "class": "reject", "code": "content-refused", "message": "refused by its content policy",
    }  # fmt: skip
    assert (kept["provider"], kept["state"], kept["error"]) == ("nanobanana", "stored", None)
    assert (kept["estimated_cost"], kept["actual_cost"]) == ("0.0100", "0.0100")
    assert body["failure"] is None


def test_a_take_has_its_measures_and_a_link_for_a_quarter_of_an_hour(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    studio.give_key("dalle")
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    studio.run(generated(studio, "sample-image"))

    answer = studio.call("read", sample("read", "generation"))

    (take,) = answer.json["takes"]
    link = urlsplit(take["url"])
    asked = parse_qs(link.query)
    assert (take["media_type"], take["width"], take["height"]) == ("image/png", 1536, 864)
    assert (take["size_bytes"], take["duration_s"]) == (len(picture(1536, 864)), None)
    assert (take["provider"], take["late"]) == ("dalle", False)
    assert take["url_expires_at"] == "2026-11-22T12:15:00.000Z"
    assert asked["X-Amz-Expires"] == ["900"]
    assert asked["response-content-disposition"] == [f"attachment; filename={take['id']}.png"]
    assert link.path.endswith(f"/studio/{answer.json['id']}/{take['id']}.png")


def test_links_are_made_for_each_answer_and_kept_nowhere(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    studio.give_key("dalle")
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    studio.run(generated(studio, "sample-image"))

    studio.call("read", sample("read", "generation"))

    kept = str(studio.dynamodb.scan(TableName="studio-table")["Items"])
    assert "X-Amz" not in kept
    assert "https://" not in kept


def test_a_generation_of_another_tenant_is_not_found(studio: Deployment) -> None:
    studio.give_key("dalle")
    generated(studio, "sample-image")

    own = studio.call("read", sample("read", "generation"))
    foreign = studio.call(
        "read", asked_by(sample("read", "generation"), role="admin", tenant="other")
    )

    assert own.status == 200
    assert_problem(foreign, 404, "not-found")


@pytest.mark.parametrize(
    "name", ["gen_" + "a" * 26, "x", "gen_", "%00", "generation|budget", "a" * 3000]
)
def test_an_id_that_is_none_is_not_found(studio: Deployment, name: str) -> None:
    event = asked_by(request("GET", f"/v1/generations/{name}"), role="viewer")

    assert_problem(studio.route(event), 404, "not-found")


# --- lists -------------------------------------------------------------------------------------


def test_a_list_is_newest_first_and_goes_on_from_its_cursor(
    studio: Deployment, clock: Clock
) -> None:
    studio.give_key("dalle")
    made = []
    for number in range(3):
        made.append(generated(studio, f"key-{number}"))
        clock.pass_s(1)

    first = studio.call("read", listing(limit="2"))
    second = studio.call("read", listing(limit="2", cursor=first.json["next"]))

    assert [one["id"] for one in first.json["items"]] == [made[2], made[1]]
    assert [one["id"] for one in second.json["items"]] == [made[0]]
    assert second.json["next"] is None


def test_an_empty_list_is_empty(studio: Deployment) -> None:
    answer = studio.call("read", listing())

    assert (answer.status, answer.json) == (200, {"items": [], "next": None})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"project": "fox-film"}, ["a", "b"]),
        ({"project": "owl-film"}, ["c"]),
        ({"script_id": "scene-2"}, ["b"]),
        ({"state": "cancelled"}, ["c"]),
        ({"state": "queued"}, ["a", "b"]),
        ({"state": "queued", "script_id": "scene-2"}, ["b"]),
        ({"project": "no such"}, []),
    ],
    ids=str,
)
def test_a_list_shows_what_its_filters_ask_for(
    studio: Deployment, query: dict[str, str], expected: list[str]
) -> None:
    studio.give_key("dalle")
    made = {
        "a": generated(studio, "a", project="fox-film", script_id="scene-1"),
        "b": generated(studio, "b", project="fox-film", script_id="scene-2"),
        "c": generated(studio, "c", project="owl-film"),
    }
    studio.route(asked_by(request("DELETE", f"/v1/generations/{made['c']}"), role="creator"))

    answer = studio.call("read", listing(**query))

    assert {one["id"] for one in answer.json["items"]} == {made[name] for name in expected}


def test_a_list_can_be_asked_by_the_provider_that_made_the_take(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    studio.give_key("dalle")
    vendors.will(DALLE, dalle_picture())
    made = generated(studio, "a", params={"aspect_ratio": "1:1"})
    generated(studio, "b")
    studio.run(made)

    answer = studio.call("read", listing(provider="dalle"))

    assert [one["id"] for one in answer.json["items"]] == [made]


def test_a_list_never_shows_another_tenant_s_generations(studio: Deployment) -> None:
    studio.give_key("dalle")
    generated(studio, "a")

    answer = studio.call("read", asked_by(listing(), role="admin", tenant="other"))

    assert answer.json == {"items": [], "next": None}


def test_a_cursor_of_another_tenant_is_422(studio: Deployment) -> None:
    studio.give_key("dalle")
    for key in ("a", "b"):
        generated(studio, key)
    cursor = studio.call("read", listing(limit="1")).json["next"]

    foreign = asked_by(listing(limit="1", cursor=cursor), role="admin", tenant="other")

    problem = assert_problem(studio.call("read", foreign), 422, "validation-failed")
    assert [error["pointer"] for error in problem["errors"]] == ["?cursor"]


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ({"cursor": "garbage"}, ["?cursor"]),
        ({"cursor": ""}, ["?cursor"]),
        ({"cursor": "W1tb" * 1500}, ["?cursor"]),
        ({"limit": "0"}, ["?limit"]),
        ({"limit": "101"}, ["?limit"]),
        ({"limit": "-1"}, ["?limit"]),
        ({"limit": "1.0"}, ["?limit"]),
        ({"limit": "٣"}, ["?limit"]),
        ({"limit": ""}, ["?limit"]),
        ({"limit": "9" * 5000}, ["?limit"]),
        ({"state": "done"}, ["?state"]),
        ({"state": ""}, ["?state"]),
        ({"sort": "price", "page": "2"}, ["?page", "?sort"]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_query_that_means_nothing_is_422(
    studio: Deployment, query: dict[str, str], pointers: list[str]
) -> None:
    problem = assert_problem(studio.call("read", listing(**query)), 422, "validation-failed")

    assert [error["pointer"] for error in problem["errors"]] == pointers


def test_the_largest_page_has_a_hundred(studio: Deployment) -> None:
    assert studio.call("read", listing(limit="100")).status == 200


# --- who is asking --------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "creator", "admin"])
def test_a_token_is_told_for_whom_it_stands_and_what_it_may_do(
    studio: Deployment, role: str
) -> None:
    answer = studio.route(asked_by(sample("read", "me"), role=role))

    assert answer.json == {"user": "ann", "role": role, "token_id": "tok_ann"}


# --- what is not there, and what is away -------------------------------------------------------


def test_an_address_that_is_not_there_is_404_even_for_who_is_known(studio: Deployment) -> None:
    assert_problem(studio.call("read", sample("read", "no-such-address")), 404, "not-found")


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/static", "/v1/generations/", "/v1/providers/kling/x"]
)
def test_addresses_beside_the_known_ones_are_404(studio: Deployment, path: str) -> None:
    assert_problem(studio.route(asked_by(request("GET", path), role="admin")), 404, "not-found")


def test_a_table_that_is_away_is_503_and_may_be_asked_again(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(studio.table.__class__, "find", away)

    answer = studio.call("read", sample("read", "generation"))

    assert_problem(answer, 503, "ledger-unavailable")
    assert answer.headers["retry-after"] == "2"


def test_a_token_that_nobody_can_check_now_is_503(studio: Deployment) -> None:
    event = request("GET", "/v1/providers")
    event["requestContext"]["authorizer"] = {"lambda": {"unavailable": "true"}}

    assert_problem(studio.call("read", event), 503, "ledger-unavailable")


def test_an_id_that_is_none_is_404_however_long(studio: Deployment) -> None:
    event = asked_by(request("GET", f"/v1/generations/{'x' * 3000}"), role="admin")

    assert_problem(studio.call("read", event), 404, "not-found")


def test_a_list_shows_the_beginning_of_a_long_prompt(studio: Deployment) -> None:
    studio.give_key("dalle")
    generated(studio, "long", prompt="fog " * 1000)

    shown = studio.call("read", listing()).json["items"][0]["prompt"]

    assert shown == ("fog " * 125) + "…"
