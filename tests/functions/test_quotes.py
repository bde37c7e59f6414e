"""A quote_id binds: estimate, start with it, and what happens when the word cannot be kept."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from filmgate.domain.ids import quote_id
from filmgate.domain.ledger import PriceDoubt
from filmgate.domain.pricing import RateCard
from filmgate.providers.data import rate_card
from tests.functions.support import Answer, Clock, Deployment, asked_by, assert_problem, request
from tests.functions.vendors import DALLE, ScriptedEgress, dalle_picture, picture

Json = dict[str, Any]
IMAGE: Json = {"type": "image", "prompt": "a lamplighter on the quay"}
UNKNOWN = quote_id("nobody has asked for this")
BOARD: Json = {
    "shots": [
        {"number": 1, "prompt": "a lamp", "keyframe": {"provider": "dalle"}, "clip": None},
        {"number": 2, "prompt": "a quay", "keyframe": {"provider": "dalle"}, "clip": None},
    ],
    "budget": "1.0000",
}
CSV = "number,prompt,keyframe_provider,clip_provider\n1,a lamp,dalle,none\n2,a quay,dalle,none\n"


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    for provider in ("dalle", "nanobanana"):
        studio.give_key(provider)
    return studio


def post(
    studio: Deployment,
    path: str,
    body: Any,
    *,
    tenant: str = "studio",
    key: str = "key",
    kind: str = "application/json",
    query: dict[str, str] | None = None,
) -> Answer:
    headers = {"content-type": kind, "idempotency-key": key}
    event = request("POST", path, body=body, headers=headers, query=query)
    return studio.route(asked_by(event, role="creator", tenant=tenant))


def estimated(studio: Deployment, body: Json, path: str = "/v1/estimates", **who: str) -> Json:
    answer = post(studio, path, body, **who)
    assert answer.status == 200, answer.text
    found: Json = answer.json
    return found


def generated(studio: Deployment, body: Json, quote: str, **others: Any) -> Answer:
    return post(studio, "/v1/generations", body | {"quote_id": quote}, **others)


def boarded(studio: Deployment, body: Json, quote: str, **others: Any) -> Answer:
    return post(studio, "/v1/storyboards", body | {"quote_id": quote}, **others)


def refused(answer: Answer, pointer: str = "/quote_id") -> str:
    """What is said at the pointer."""
    problem = assert_problem(answer, 422, "validation-failed")
    (error,) = problem["errors"]
    assert error["pointer"] == pointer
    message: str = error["message"]
    return message


def changed(answer: Answer) -> tuple[Json, dict[str, Json]]:
    """The fresh quote of a 409, and what has changed by its name."""
    quote = assert_problem(answer, 409, "quote-changed")["quote"]
    assert set(quote) == {"quote_id", "expected", "max", "rate_card", "expires_at", "changed"}
    return quote, {one["what"]: one for one in quote["changed"]}


@pytest.fixture
def dearer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets this installation's card change: prices by provider, in micro-dollars; None takes a
    provider's prices away."""

    def change(**prices: int | None) -> None:
        card = rate_card("guide")
        rows = []
        for row in card.rows:
            if row.provider not in prices:
                rows.append(row)
            elif (price := prices[row.provider]) is not None:
                rows.append(type(row)(row.provider, row.unit, price))
        new = RateCard(card.name, "2027-01-01", tuple(rows))
        monkeypatch.setattr("filmgate.wiring.card", lambda: new)

    return change


# --- it holds ----------------------------------------------------------------------------------


def test_what_is_started_with_a_quote_is_bound_by_its_max(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1024, 1024)))
    quote = estimated(studio, IMAGE)

    started = generated(studio, IMAGE, quote["quote_id"])

    assert started.status == 202, started.text
    assert (started.json["cost_limit"], started.json["quote_id"]) == (
        quote["max"], quote["quote_id"],
    )  # fmt: skip
    studio.run(started.json["id"])
    made = studio.route(
        asked_by(request("GET", f"/v1/generations/{started.json['id']}"), role="creator")
    ).json
    assert (made["state"], made["actual_cost"]) == ("succeeded", quote["max"])


def test_a_request_without_a_quote_has_none(studio: Deployment) -> None:
    started = post(studio, "/v1/generations", IMAGE)

    assert (started.json["cost_limit"], started.json["quote_id"]) == ("1.0000", None)


def test_a_quote_binds_a_price_and_not_a_piece_nor_a_person(studio: Deployment) -> None:
    quote = estimated(studio, IMAGE)["quote_id"]

    answers = [generated(studio, IMAGE, quote, key=f"key-{number}") for number in range(3)]
    eve = request("POST", "/v1/generations", body=IMAGE | {"quote_id": quote})
    answers.append(studio.route(asked_by(eve, role="creator", user="eve")))

    assert [answer.status for answer in answers] == [202] * 4
    assert len({answer.json["id"] for answer in answers}) == 4


def test_what_moves_no_price_may_be_added_later(studio: Deployment) -> None:
    quote = estimated(studio, IMAGE)["quote_id"]
    labels = {"project": "lamps", "script_id": "scene-1", "shot_number": 4, "tags": ["night"]}

    assert generated(studio, IMAGE | labels, quote).status == 202


def test_the_smaller_of_both_limits_bounds_it(studio: Deployment) -> None:
    asked = IMAGE | {"cost_limit": "0.0150"}
    quote = estimated(studio, asked)

    started = generated(studio, asked, quote["quote_id"])

    assert (quote["max"], started.json["cost_limit"]) == ("0.0100", "0.0100")
    assert [one["provider"] for one in started.json["attempts"]] == ["nanobanana"]


def test_a_price_above_what_one_generation_may_cost_is_agreed_to_by_its_quote(
    studio: Deployment,
) -> None:
    studio.chosen["DefaultCostLimitMicros"] = "9900"
    quote = estimated(studio, IMAGE)["quote_id"]

    assert_problem(post(studio, "/v1/generations", IMAGE, key="a"), 402, "cost-limit-exceeded")
    assert generated(studio, IMAGE, quote, key="b").status == 202


@pytest.mark.parametrize(("provider", "expected"), [("dalle", "0.0100"), ("nanobanana", "0.0200")])
def test_another_chain_that_costs_no_more_is_accepted(
    studio: Deployment, provider: str, expected: str
) -> None:
    quote = estimated(studio, IMAGE)["quote_id"]
    studio.own_settings(provider, enabled=False)

    started = generated(studio, IMAGE, quote)

    assert started.status == 202
    assert started.json["estimate"] == {"expected": expected, "max": expected}
    assert started.json["cost_limit"] == "0.0200"


def test_a_lower_price_is_accepted_and_a_dearer_fallback_within_the_max(
    studio: Deployment, dearer: Any
) -> None:
    quote = estimated(studio, IMAGE)["quote_id"]
    dearer(dalle=15_000, nanobanana=20_000)

    started = generated(studio, IMAGE, quote)

    assert started.status == 202
    assert started.json["estimate"] == {"expected": "0.0150", "max": "0.0200"}
    assert started.json["rate_card"]["version"] == "2027-01-01"


def test_a_replay_does_not_look_at_the_quote_again(
    studio: Deployment, clock: Clock, dearer: Any
) -> None:
    quote = estimated(studio, IMAGE)["quote_id"]
    first = generated(studio, IMAGE, quote)
    clock.pass_s(16 * 60)
    dearer(dalle=90_000)

    again = generated(studio, IMAGE, quote)

    assert (again.status, again.json["id"]) == (200, first.json["id"])
    assert again.headers["idempotency-replayed"] == "true"


def test_the_same_key_with_another_quote_is_another_request(
    studio: Deployment, clock: Clock
) -> None:
    generated(studio, IMAGE, estimated(studio, IMAGE)["quote_id"])
    clock.pass_s(1)

    other = generated(studio, IMAGE, estimated(studio, IMAGE)["quote_id"])

    assert_problem(other, 422, "idempotency-key-reused")


# --- it is no quote for this -------------------------------------------------------------------


@pytest.mark.parametrize("name", [UNKNOWN, "quo_", "nonsense", "gen_" + "a" * 26, "x" * 128])
def test_what_is_no_quote_is_unknown(studio: Deployment, name: str) -> None:
    assert refused(generated(studio, IMAGE, name)) == "unknown quote"
    assert refused(boarded(studio, BOARD, name)) == "unknown quote"


def test_the_quote_of_another_tenant_is_unknown(studio: Deployment) -> None:
    studio.give_key("dalle", tenant="other")
    theirs = estimated(studio, IMAGE, tenant="other")["quote_id"]

    assert refused(generated(studio, IMAGE, theirs)) == "unknown quote"


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"prompt": "a harbour"}, "prompt"),
        ({"negative_prompt": "rain"}, "negative_prompt"),
        ({"params": {"seed": 7}}, "params.seed"),
        ({"params": {"quality": "low"}, "provider": "dalle"}, "params.quality, provider"),
        ({"strategy": "cheapest"}, "strategy"),
        ({"cost_limit": "0.0200"}, "cost_limit"),
        ({"on_unknown": "next"}, "on_unknown"),
        ({"on_refusal": "stop"}, "on_refusal"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_quote_for_another_request_is_refused_with_what_differs(
    studio: Deployment, other: Json, told: str
) -> None:
    quote = estimated(studio, IMAGE)["quote_id"]

    message = refused(generated(studio, IMAGE | other, quote))

    assert message == f"it is a quote for another request, which differs in {told}"


def test_a_quote_of_a_storyboard_starts_no_generation_nor_the_other_way(
    studio: Deployment,
) -> None:
    one = estimated(studio, IMAGE)["quote_id"]
    many = estimated(studio, BOARD, "/v1/estimates/storyboard")["quote_id"]

    assert refused(generated(studio, IMAGE, many)) == "it is a quote for a storyboard"
    assert refused(boarded(studio, BOARD, one)) == "it is a quote for a generation"


def test_a_refused_quote_starts_and_holds_nothing(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    generated(studio, IMAGE, UNKNOWN)

    assert studio.executions() == []
    assert studio.table.budget("studio", "owner", "2026-11") is None
    assert vendors.calls == []


# --- it cannot be kept -------------------------------------------------------------------------


def test_an_expired_quote_is_409_with_a_fresh_one_that_works_at_once(
    studio: Deployment, clock: Clock
) -> None:
    old = estimated(studio, IMAGE)["quote_id"]
    clock.pass_s(15 * 60 - 1)
    assert generated(studio, IMAGE, old, key="in-time").status == 202
    clock.pass_s(1)

    fresh, what = changed(generated(studio, IMAGE, old))

    assert fresh["quote_id"] != old
    assert (fresh["expected"], fresh["max"]) == ("0.0200", "0.0200")
    assert what == {
        "expires_at": {
            "what": "expires_at",
            "from": "2026-11-22T12:15:00.000Z",
            "to": "2026-11-22T12:30:00.000Z",
        }
    }
    assert generated(studio, IMAGE, fresh["quote_id"]).status == 202


def test_a_raised_price_is_409_and_says_from_what_to_what(
    studio: Deployment, vendors: ScriptedEgress, dearer: Any
) -> None:
    quote = estimated(studio, IMAGE)["quote_id"]
    dearer(dalle=30_000)

    answer = generated(studio, IMAGE, quote)

    fresh, what = changed(answer)
    assert "It may cost 0.0300 USD now; the quote was for 0.0200 USD at most." in answer.text
    assert (what["max"]["from"], what["max"]["to"]) == ("0.0200", "0.0300")
    assert what["unit_price"] == {
        "what": "unit_price", "from": "0.0200", "to": "0.0300", "provider": "dalle",
        "model": what["unit_price"]["model"], "resolution": "1024x1024", "unit": "image",
    }  # fmt: skip
    assert fresh["rate_card"]["version"] == "2027-01-01"
    assert vendors.calls == []
    assert studio.executions() == []
    bought = generated(studio, IMAGE, fresh["quote_id"])
    assert (bought.status, bought.json["cost_limit"]) == (202, "0.0300")


def test_another_card_is_409_where_it_is_dearer(studio: Deployment) -> None:
    quote = estimated(studio, IMAGE)
    studio.chosen["RateCard"] = "vendor"

    fresh, what = changed(generated(studio, IMAGE, quote["quote_id"]))

    assert (quote["rate_card"]["name"], fresh["rate_card"]["name"]) == ("guide", "vendor")
    assert what["max"]["from"] == "0.0200"
    assert what["max"]["to"] == fresh["max"] > "0.0200"


def test_who_loses_the_cheap_provider_is_told_whom_is_left(studio: Deployment) -> None:
    asked = IMAGE | {"cost_limit": "0.0300"}
    studio.own_settings("dalle", enabled=False)
    quote = estimated(studio, asked)["quote_id"]
    studio.own_settings("dalle", enabled=True)
    studio.own_settings("nanobanana", enabled=False)

    fresh, what = changed(generated(studio, asked, quote))

    assert (what["providers"]["from"], what["providers"]["to"]) == (["nanobanana"], ["dalle"])
    assert (what["max"]["from"], what["max"]["to"]) == ("0.0100", "0.0200")
    assert generated(studio, asked, fresh["quote_id"]).status == 202


def test_a_model_that_was_retired_meanwhile_is_409_though_others_are_cheaper(
    studio: Deployment, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 30, 23, 55, tzinfo=UTC)
    studio.own_settings("dalle", model="gpt-image-1.5")
    quote = estimated(studio, IMAGE)["quote_id"]
    clock.pass_s(6 * 60)

    fresh, what = changed(generated(studio, IMAGE, quote))

    assert what["model"] == {
        "what": "model", "provider": "dalle", "from": "gpt-image-1.5", "to": None,
        "reason": "its model is not sold any more",
    }  # fmt: skip
    assert fresh["max"] == "0.0100"
    assert generated(studio, IMAGE, fresh["quote_id"]).status == 202


def test_a_model_without_a_price_any_more_is_409(studio: Deployment, dearer: Any) -> None:
    quote = estimated(studio, IMAGE)["quote_id"]
    dearer(dalle=None)

    fresh, what = changed(generated(studio, IMAGE, quote))

    assert what["model"]["reason"] == "has no price any more"
    assert fresh["max"] == "0.0100"


def test_an_owner_who_chooses_another_model_on_sale_keeps_the_quote(studio: Deployment) -> None:
    quote = estimated(studio, IMAGE)["quote_id"]
    studio.own_settings("dalle", model="gpt-image-1-mini")

    assert generated(studio, IMAGE, quote).status == 202


def test_where_nobody_is_left_no_fresh_quote_can_be_given(studio: Deployment) -> None:
    asked = IMAGE | {"provider": "dalle"}
    quote = estimated(studio, asked)["quote_id"]
    studio.own_settings("dalle", enabled=False)

    assert_problem(generated(studio, asked, quote), 422, "no-capable-provider")


def test_what_now_passes_the_request_s_own_limit_is_402(studio: Deployment, dearer: Any) -> None:
    asked = IMAGE | {"provider": "dalle", "cost_limit": "0.0250"}
    quote = estimated(studio, asked)["quote_id"]
    dearer(dalle=30_000)

    assert_problem(generated(studio, asked, quote), 402, "cost-limit-exceeded")


def test_a_price_that_its_vendor_overstepped_is_sold_by_no_quote_until_it_is_confirmed(
    studio: Deployment,
) -> None:
    quote = estimated(studio, IMAGE)
    row = next(row for row in rate_card("guide").rows if row.provider == "dalle")
    doubt = PriceDoubt(
        provider="dalle", price=rate_card("guide").name_of(row), held=20_000, billed=50_000,
        attempt_id="att_any", at=studio.clock.now,
    )  # fmt: skip
    item = {"pk": "studio#settings", "sk": f"price#dalle#{doubt.price}"}
    put_doubt(studio, item, doubt)

    started = generated(studio, IMAGE, quote["quote_id"])

    assert started.json["estimate"] == {"expected": "0.0100", "max": "0.0100"}
    assert estimated(studio, IMAGE)["max"] == "0.0100"


def put_doubt(studio: Deployment, key: dict[str, str], doubt: PriceDoubt) -> None:
    from filmgate.adapters.items import dump, to_wire

    item = to_wire({**key, **dump(doubt)})
    studio.dynamodb.put_item(TableName="studio-table", Item=item)


# --- storyboards -------------------------------------------------------------------------------


def test_a_storyboard_started_with_its_quote_holds_its_max_and_no_more(
    studio: Deployment,
) -> None:
    quote = estimated(studio, BOARD, "/v1/estimates/storyboard")

    started = boarded(studio, BOARD, quote["quote_id"])

    assert started.status == 202, started.text
    assert (started.json["quote_id"], started.json["estimate"]["max"]) == (
        quote["quote_id"], quote["max"],
    )  # fmt: skip
    held = studio.table.budget("studio", "owner", "2026-11")
    assert held is not None
    assert held.held == 40_000


def test_a_csv_is_started_with_the_quote_of_the_same_storyboard(studio: Deployment) -> None:
    quote = estimated(studio, BOARD, "/v1/estimates/storyboard")["quote_id"]
    query = {"budget": "1.0000", "title": "lamps", "project": "quay"}

    started = post(
        studio, "/v1/storyboards", CSV, kind="text/csv", query=query | {"quote_id": quote}
    )
    strange = post(
        studio, "/v1/storyboards", CSV, kind="text/csv", query=query | {"quote_id": UNKNOWN},
        key="b",
    )  # fmt: skip

    assert started.status == 202, started.text
    assert started.json["quote_id"] == quote
    assert refused(strange, "?quote_id") == "unknown quote"


def test_a_quote_for_another_storyboard_is_refused_with_the_shots_that_differ(
    studio: Deployment,
) -> None:
    quote = estimated(studio, BOARD, "/v1/estimates/storyboard")["quote_id"]
    first, second = BOARD["shots"]
    another = {**second, "prompt": "a pier"}

    told = [
        refused(boarded(studio, BOARD | body, quote))
        for body in (
            {"shots": [first, another]},
            {"shots": [first]},
            {"shots": [first, second, {**first, "number": 3}], "budget": "2.0000"},
            {"continuity": "off"},
            {"shots": [{**first, "number": n} for n in range(10, 20)]},
        )
    ]

    start = "it is a quote for another request, which differs in"
    assert told == [
        f"{start} shot 2",
        f"{start} shot 2",
        f"{start} budget, shot 3",
        f"{start} continuity",
        f"{start} shot 1, shot 2, shot 10, shot 11, shot 12 and 7 more",
    ]


def test_a_storyboard_whose_prices_rose_is_409_and_the_fresh_quote_starts_it(
    studio: Deployment, dearer: Any
) -> None:
    quote = estimated(studio, BOARD, "/v1/estimates/storyboard")["quote_id"]
    dearer(dalle=30_000)

    fresh, what = changed(boarded(studio, BOARD, quote))

    assert (what["max"]["from"], what["max"]["to"]) == ("0.0400", "0.0600")
    assert what["unit_price"]["provider"] == "dalle"
    started = boarded(studio, BOARD, fresh["quote_id"])
    assert (started.status, started.json["estimate"]["max"]) == (202, "0.0600")


def test_an_expired_quote_starts_no_storyboard_but_a_replay_of_one(
    studio: Deployment, clock: Clock
) -> None:
    quote = estimated(studio, BOARD, "/v1/estimates/storyboard")["quote_id"]
    first = boarded(studio, BOARD, quote, key="a")
    clock.pass_s(15 * 60)

    again = boarded(studio, BOARD, quote, key="a")
    _, what = changed(boarded(studio, BOARD, quote, key="b"))

    assert (again.status, again.json["id"]) == (200, first.json["id"])
    assert set(what) == {"expires_at"}


def test_an_estimate_takes_no_quote(studio: Deployment) -> None:
    for path, body in (("/v1/estimates", IMAGE), ("/v1/estimates/storyboard", BOARD)):
        answer = post(studio, path, body | {"quote_id": UNKNOWN})

        assert refused(answer) == "is not a known field"


def test_no_prompt_and_no_quote_of_others_is_in_a_problem(studio: Deployment, dearer: Any) -> None:
    quote = estimated(studio, IMAGE)["quote_id"]
    dearer(dalle=30_000)

    answers = [generated(studio, IMAGE, quote), generated(studio, IMAGE | {"prompt": "x"}, quote)]

    for answer in answers:
        assert IMAGE["prompt"] not in json.dumps(answer.json)
