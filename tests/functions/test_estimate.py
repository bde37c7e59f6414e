"""POST /v1/estimates and those below it: prices, and the quotes that promise them."""

import json
from typing import Any

import pytest

from filmgate.adapters.quotes import QuoteTable
from filmgate.domain.errors import StoreUnavailable
from tests.functions.support import (
    Clock,
    Deployment,
    altered,
    asked_by,
    assert_problem,
    request,
    sample,
)
from tests.functions.vendors import ScriptedEgress

CARD = {"name": "guide", "version": "2026-11-22"}


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    """The deployment with keys for two providers of images and one of clips."""
    for provider in ("dalle", "nanobanana", "kling"):
        studio.give_key(provider)
    return studio


def test_an_image_costs_what_the_guide_card_says_and_names_the_card(studio: Deployment) -> None:
    answer = studio.call("estimate", sample("estimate", "image"))

    body = answer.json
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert (body["expected"], body["max"], body["currency"]) == ("0.0200", "0.0200", "USD")
    assert body["rate_card"] == CARD
    assert body["quote_id"].startswith("quo_")
    assert body["expires_at"] == "2026-11-22T12:15:00.000Z"
    assert [(entry["provider"], entry["eligible"], entry["cost"]) for entry in body["chain"]] == [
        ("dalle", True, "0.0200"),
        ("nanobanana", True, "0.0100"),
        ("midjourney", False, "0.0150"),
    ]


def test_an_entry_of_the_chain_says_price_unit_quality_and_speed(studio: Deployment) -> None:
    answer = studio.call("estimate", sample("estimate", "image"))

    entry = answer.json["chain"][0]
    assert entry["unit"] == "image"
    assert entry["unit_price"] == "0.0200"
    assert (entry["quality"], entry["speed"]) == ("high", "medium")
    assert entry["reason"] is None
    assert answer.json["chain"][2]["reason"]


def test_a_clip_costs_its_seconds_of_the_minute_price(studio: Deployment) -> None:
    answer = studio.call("estimate", sample("estimate", "clip"))

    assert (answer.json["expected"], answer.json["max"]) == ("0.0067", "0.0067")
    assert [entry["provider"] for entry in answer.json["chain"]] == ["kling"]


def test_a_chain_that_goes_on_after_doubt_may_cost_all_its_links(studio: Deployment) -> None:
    event = altered(sample("estimate", "image"), body={"on_unknown": "next"})

    answer = studio.call("estimate", event)

    assert (answer.json["expected"], answer.json["max"]) == ("0.0200", "0.0300")


def test_the_strategy_cheapest_asks_the_cheapest_first(studio: Deployment) -> None:
    event = altered(sample("estimate", "image"), body={"strategy": "cheapest"})

    answer = studio.call("estimate", event)

    assert answer.json["expected"] == "0.0100"
    assert answer.json["chain"][0]["provider"] == "nanobanana"


def test_a_cost_limit_leaves_out_who_is_dearer_with_the_reason(studio: Deployment) -> None:
    event = altered(sample("estimate", "image"), body={"cost_limit": "0.0199"})

    answer = studio.call("estimate", event)

    reasons = {entry["provider"]: entry["reason_code"] for entry in answer.json["chain"]}
    assert answer.json["expected"] == "0.0100"
    assert reasons["dalle"] == "over-cost-limit"


def test_a_cost_limit_below_every_price_is_402_with_what_would_be_needed(
    studio: Deployment,
) -> None:
    event = altered(sample("estimate", "image"), body={"cost_limit": "0.0099"})

    problem = assert_problem(studio.call("estimate", event), 402, "cost-limit-exceeded")

    assert (problem["needed"], problem["room"]) == ("0.0100", "0.0099")


def test_a_retired_provider_is_410_and_names_its_replacement(studio: Deployment) -> None:
    event = altered(sample("estimate", "clip"), body={"provider": "sora"})

    problem = assert_problem(studio.call("estimate", event), 410, "retired")

    assert problem["replacement"] == "kling"


def test_a_provider_of_the_other_medium_is_422(studio: Deployment) -> None:
    event = altered(sample("estimate", "clip"), body={"provider": "dalle"})

    assert_problem(studio.call("estimate", event), 422, "no-capable-provider")


def test_an_unknown_provider_is_422_and_the_known_ones_are_named(studio: Deployment) -> None:
    event = altered(sample("estimate", "image"), body={"provider": "lumen"})

    problem = assert_problem(studio.call("estimate", event), 422, "validation-failed")

    assert problem["errors"][0]["pointer"] == "/provider"
    assert "nanobanana" in problem["errors"][0]["message"]


def test_what_a_provider_cannot_make_has_no_price_instead_of_a_price_of_nothing(
    studio: Deployment,
) -> None:
    event = altered(sample("estimate", "clip"), body={"params": {"resolution": "4k"}})

    problem = assert_problem(studio.call("estimate", event), 422, "no-capable-provider")

    assert set(problem["reasons"]) == {"kling"}


def test_without_a_key_nobody_is_eligible_and_every_reason_is_told(studio: Deployment) -> None:
    event = asked_by(sample("estimate", "image"), role="viewer", tenant="other")

    problem = assert_problem(studio.call("estimate", event), 422, "no-capable-provider")

    assert set(problem["reasons"]) == {"dalle", "midjourney", "nanobanana"}


def test_comparing_puts_the_cheapest_first_and_the_ineligible_last_with_their_reason(
    studio: Deployment,
) -> None:
    studio.own_settings("whan", key_set=True)

    answer = studio.call("estimate", sample("estimate", "compare-clips"))

    offers = answer.json["offers"]
    assert answer.status == 200
    assert (answer.json["type"], answer.json["rate_card"]) == ("video", CARD)
    eligible = [offer for offer in offers if offer["eligible"]]
    assert offers[: len(eligible)] == eligible
    assert [(o["provider"], o["cost"]) for o in eligible] == sorted(
        ((o["provider"], o["cost"]) for o in eligible), key=lambda pair: pair[1]
    )
    assert ("kling", "0.0067") in [(o["provider"], o["cost"]) for o in eligible]
    assert all(offer["reason"] for offer in offers[len(eligible) :])
    assert {offer["provider"] for offer in offers} == {"kling", "whan", "veo", "sora", "flow"}


@pytest.mark.parametrize("field", ["provider", "strategy", "cost_limit"])
def test_comparing_takes_no_choice_of_a_provider(studio: Deployment, field: str) -> None:
    event = altered(sample("estimate", "compare-clips"), body={field: "priority"})

    problem = assert_problem(studio.call("estimate", event), 422, "validation-failed")

    assert problem["errors"] == [{"pointer": f"/{field}", "message": "is not a known field"}]


@pytest.mark.parametrize(
    ("path", "body", "written"),
    [
        ("/v1/estimates", {"type": "image", "prompt": "a fox"}, 1),
        ("/v1/estimates/compare", {"type": "image", "prompt": "a fox"}, 0),
        ("/v1/estimates/storyboard", {"shots": [{"prompt": "a fox"}] * 3}, 1),
    ],
)
def test_an_estimate_writes_its_quote_and_nothing_else_and_calls_nobody(
    studio: Deployment, vendors: ScriptedEgress, path: str, body: dict[str, Any], written: int
) -> None:
    before = studio.dynamodb.scan(TableName="studio-table")["Items"]

    answer = studio.route(asked_by(request("POST", path, body=body), role="viewer"))

    assert answer.status == 200
    after = studio.dynamodb.scan(TableName="studio-table")["Items"]
    new = [item for item in after if item not in before]
    assert len(after) - len(before) == len(new) == written
    quoted = [f"studio#quote#{answer.json['quote_id']}"] if written else []
    assert [item["pk"]["S"] for item in new] == quoted
    assert "a fox" not in json.dumps(new)
    assert vendors.calls == []


@pytest.mark.parametrize("name", ["image", "storyboard"])
def test_no_price_is_promised_where_the_quote_could_not_be_kept(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(QuoteTable, "put_quote", away)

    assert_problem(studio.call("estimate", sample("estimate", name)), 503, "ledger-unavailable")


def test_the_same_question_has_the_same_quote_until_it_expires(
    studio: Deployment, clock: Clock
) -> None:
    first = studio.call("estimate", sample("estimate", "image"))
    same = studio.call("estimate", sample("estimate", "image"))
    clock.pass_s(1)
    later = studio.call("estimate", sample("estimate", "image"))

    assert first.json == same.json
    assert later.json["quote_id"] != first.json["quote_id"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"type": None}, ["/type"]),
        ({"prompt": None}, ["/prompt"]),
        ({"prompt": ""}, ["/prompt"]),
        ({"prompt": " \n"}, ["/prompt"]),
        ({"prompt": 5}, ["/prompt"]),
        ({"prompt": "x" * 100_001}, ["/prompt"]),
        ({"type": "sound"}, ["/type"]),
        ({"surprise": 1}, ["/surprise"]),
        ({"a/b~c": 1}, ["/a~1b~0c"]),
        ({"params": {"resolution": "huge"}}, ["/params/resolution"]),
        ({"params": {"count": 2}}, ["/params/count"]),
        ({"params": {"seed": 1.5}}, ["/params/seed"]),
        ({"params": {"seed": True}}, ["/params/seed"]),
        ({"params": {"duration_s": 5}}, ["/params/duration_s"]),
        ({"params": []}, ["/params"]),
        ({"cost_limit": 0.02}, ["/cost_limit"]),
        ({"cost_limit": "0.00001"}, ["/cost_limit"]),
        ({"cost_limit": "-1"}, ["/cost_limit"]),
        ({"on_refusal": "maybe"}, ["/on_refusal"]),
        ({"prompt": "", "params": {"fps": 24, "seed": -1}}, ["/params/seed", "/prompt"]),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_every_fault_of_a_body_is_pointed_at(
    studio: Deployment, body: dict, pointers: list[str]
) -> None:
    event = altered(sample("estimate", "image"), body=body)

    problem = assert_problem(studio.call("estimate", event), 422, "validation-failed")

    assert sorted(error["pointer"] for error in problem["errors"]) == pointers
    assert all(error["message"] for error in problem["errors"])


def test_a_problem_does_not_repeat_what_was_sent(studio: Deployment) -> None:
    event = altered(
        sample("estimate", "image"), body={"prompt": 5, "negative_prompt": "", "style": "canary-1"}
    )

    answer = studio.call("estimate", event)

    assert answer.status == 422
    assert "canary-1" not in answer.text


# --- storyboards -------------------------------------------------------------------------------


def storyboard(studio: Deployment, **body: Any) -> Any:
    event = altered(sample("estimate", "storyboard"), body=json.dumps(body))
    return studio.call("estimate", event)


def test_ten_shots_of_a_nanobanana_still_and_five_seconds_of_whan_cost_fifteen_cents(
    studio: Deployment,
) -> None:
    studio.own_settings("whan", key_set=True)

    answer = storyboard(
        studio,
        defaults={
            "keyframe": {"provider": "nanobanana"},
            "clip": {"provider": "whan", "params": {"resolution": "720p", "duration_s": 5}},
        },
        shots=[{"prompt": f"shot {number}"} for number in range(10)],
    )

    body = answer.json
    assert answer.status == 200
    assert (body["total"], body["max"], body["rate_card"]) == ("0.1500", "0.1500", CARD)
    assert body["by_type"] == {"image": "0.1000", "video": "0.0500"}
    assert body["by_provider"] == {"nanobanana": "0.1000", "whan": "0.0500"}
    assert {own["total"] for own in body["strategies"].values()} == {"0.1500"}
    assert [shot["number"] for shot in body["shots"]] == list(range(1, 11))
    first = body["shots"][0]
    assert (first["keyframe"]["cost"], first["clip"]["cost"]) == ("0.0100", "0.0050")
    assert (first["variation"], first["total"], first["max"]) == (None, "0.0150", "0.0150")
    assert body["quote_id"].startswith("quo_")
    assert body["expires_at"] == "2026-11-22T12:15:00.000Z"


def test_a_shot_list_in_csv_is_priced_as_it_would_be_made(studio: Deployment) -> None:
    sent = sample("estimate", "shot-list-csv")
    rows = [{"prompt": "A lamp, lit at dusk", "number": 1}, {"prompt": "The harbour", "number": 2}]
    shots = [{**row, "keyframe": {"provider": "dalle"}, "clip": None} for row in rows]

    priced = studio.call("estimate", sent).json
    as_json = storyboard(studio, shots=shots, budget="0.1000", title="harbour").json

    own = {"quote_id"}
    assert {k: v for k, v in priced.items() if k not in own} == {
        k: v for k, v in as_json.items() if k not in own
    }
    assert (priced["total"], priced["budget"], priced["within_budget"]) == (
        "0.0400", "0.1000", True,
    )  # fmt: skip


def test_a_shot_list_that_cannot_be_read_is_refused_by_line_before_it_is_priced(
    studio: Deployment,
) -> None:
    sent = sample("estimate", "shot-list-csv")

    refused = studio.call("estimate", altered(sent, body="number,prompt\n1,a\n1,b\n"))

    problem = assert_problem(refused, 422, "validation-failed")
    assert problem["errors"][0]["line"] == 3


def test_the_strategies_stand_side_by_side(studio: Deployment) -> None:
    body = storyboard(studio, shots=[{"prompt": "a fox", "clip": {}, "variation": {}}]).json

    totals = {name: (own["total"], own["max"]) for name, own in body["strategies"].items()}
    assert totals == {
        "priority": ("0.0467", "0.0467"),  # two pictures of dalle, a clip of kling
        "cheapest": ("0.0242", "0.0467"),  # two of nanobanana, a move of flow
        "fastest": ("0.0442", "0.0467"),
        "quality": ("0.0467", "0.0467"),
        "hybrid": ("0.0342", "0.0467"),  # dalle, nanobanana, flow
    }
    assert body["strategies"]["hybrid"]["by_provider"] == {
        "dalle": "0.0200", "nanobanana": "0.0100", "flow": "0.0042",
    }  # fmt: skip
    assert body["total"] == totals["priority"][0]


def test_optimise_names_who_makes_what_within_the_budget_and_why(studio: Deployment) -> None:
    answer = studio.call("estimate", sample("estimate", "storyboard"))

    optimised = answer.json["optimised"]
    assert (optimised["goal"], optimised["budget"], optimised["feasible"]) == (
        "quality", "0.0800", True,
    )  # fmt: skip
    assert optimised["total"] <= "0.0800"
    assert [shot["number"] for shot in optimised["shots"]] == [1, 2, 3]
    assert optimised["shots"][0]["clip"]["provider"] == "kling"  # flow is below the floor
    assert optimised["shots"][0]["clip"]["reason"] == (
        "the only provider that reaches the quality floor"
    )
    assert optimised["shots"][2]["clip"] is None
    points = [(point["cost"], point["quality"]) for point in optimised["frontier"]]
    assert points == sorted(points)
    assert (optimised["total"], optimised["quality"]) in points


def test_a_budget_that_is_too_small_is_told_which_would_do(studio: Deployment) -> None:
    optimised = storyboard(
        studio, shots=[{"prompt": "a"}, {"prompt": "b"}], optimise={"budget": "0.0199"}
    ).json["optimised"]

    assert (optimised["feasible"], optimised["least_budget"]) == (False, "0.0200")
    assert "0.0200" in optimised["reason"]


def test_a_floor_that_nobody_reaches_names_the_parts(studio: Deployment) -> None:
    optimised = storyboard(
        studio,
        shots=[{"prompt": "a"}, {"prompt": "b", "clip": {"provider": "flow"}}],
        optimise={"goal": "cost", "quality_floor": "high"},
    ).json["optimised"]

    assert optimised["below_floor"] == [{"number": 2, "part": "clip"}]


def test_an_unknown_floor_is_422_and_the_known_ones_are_named(studio: Deployment) -> None:
    answer = storyboard(studio, shots=[{"prompt": "a"}], optimise={"quality_floor": "superb"})

    problem = assert_problem(answer, 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/optimise/quality_floor"
    assert "any, fair, good, high, best" in problem["errors"][0]["message"]


def test_every_part_that_nobody_can_make_is_named_with_the_reason(studio: Deployment) -> None:
    answer = storyboard(
        studio,
        shots=[
            {"prompt": "a", "number": 10},
            {"prompt": "b", "number": 20, "clip": {"params": {"resolution": "4k"}}},
            {"prompt": "c", "number": 30, "keyframe": {"provider": "kling"}},
        ],
    )

    problem = assert_problem(answer, 422, "no-capable-provider")
    assert [error["pointer"] for error in problem["errors"]] == [
        "/shots/1/clip", "/shots/2/keyframe",
    ]  # fmt: skip
    assert problem["shots"] == [20, 30]
    assert "kling: resolution 4k is not offered" in problem["errors"][0]["message"]
    assert problem["errors"][1]["message"] == "kling makes video only"


def test_a_field_of_a_shot_is_pointed_at(studio: Deployment) -> None:
    shots = [{"prompt": "a"}] * 3 + [{"prompt": "b", "clip": {"params": {"duration_s": 0}}}]

    problem = assert_problem(storyboard(studio, shots=shots), 422, "validation-failed")

    assert problem["errors"][0]["pointer"] == "/shots/3/clip/params/duration_s"


def test_a_generation_may_follow_any_strategy(studio: Deployment) -> None:
    providers = {
        strategy: studio.call(
            "estimate", altered(sample("estimate", "image"), body={"strategy": strategy})
        ).json["chain"][0]["provider"]
        for strategy in ("priority", "cheapest", "fastest", "quality", "hybrid")
    }

    assert providers == {
        "priority": "dalle", "cheapest": "nanobanana", "fastest": "dalle", "quality": "dalle",
        "hybrid": "dalle",
    }  # fmt: skip
