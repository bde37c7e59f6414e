"""Budgets and idempotency over HTTP, with many clients at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from local.api import Answer
from tests.e2e.gateway import Gateway, Studio, prompt

CLIENTS = 30


def units(amount: str) -> int:
    """An amount in ten-thousandths of a dollar, exactly."""
    whole, _, rest = amount.partition(".")
    return int(whole) * 10_000 + int(rest)


def test_thirty_clients_get_exactly_what_the_budget_has_room_for(
    studio: Studio, figure: Callable[[str], None]
) -> None:
    studio.api.put("/v1/budgets/owner", {"limit": "0.2000"})
    body = {"type": "image", "prompt": prompt(), "provider": "dalle"}
    seen: list[dict[str, str]] = []

    def post(_: int) -> Answer:
        answer = studio.api.call("POST", "/v1/generations", body)
        seen.append(studio.budget())
        return answer

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(post, range(CLIENTS)))

    admitted = [answer.body for answer in answers if answer.status == 202]
    refused = [answer.body for answer in answers if answer.status == 402]
    figure(f"{len(admitted)} admitted, {len(refused)} refused with 402, of {CLIENTS}")
    assert (len(admitted), len(refused)) == (10, 20)
    assert {problem["code"] for problem in refused} == {"budget-exceeded"}
    assert all(units(b["spent"]) + units(b["held"]) <= 2000 for b in seen)
    assert {studio.end_of(generation)["state"] for generation in admitted} == {"succeeded"}
    assert (studio.budget()["spent"], studio.budget()["held"]) == ("0.2000", "0.0000")


def test_a_refusal_says_what_is_needed_and_what_is_left(studio: Studio) -> None:
    studio.api.put("/v1/budgets/owner", {"limit": "0.0150"})

    answer = studio.api.call(
        "POST", "/v1/generations", {"type": "image", "prompt": prompt(), "provider": "dalle"}
    )

    assert answer.status == 402
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.body["scope"], answer.body["needed"], answer.body["room"]) == (
        "owner",
        "0.0200",
        "0.0150",
    )


def test_a_cost_limit_below_every_price_is_refused(studio: Studio) -> None:
    body = {"type": "image", "prompt": prompt(), "cost_limit": "0.0050"}

    answer = studio.api.call("POST", "/v1/generations", body)

    assert (answer.status, answer.body["code"]) == (402, "cost-limit-exceeded")


def test_a_cost_limit_keeps_dearer_providers_out_of_the_chain(studio: Studio) -> None:
    made = studio.make(type="image", prompt=prompt(), cost_limit="0.0150")

    assert (made["provider"], made["actual_cost"]) == ("nanobanana", "0.0100")


def test_one_key_is_one_generation_however_many_post_it_at_once(
    gateway: Gateway, studio: Studio
) -> None:
    wish = prompt()
    body = {"type": "image", "prompt": wish}

    def post(_: int) -> Answer:
        return studio.api.call("POST", "/v1/generations", body, {"Idempotency-Key": "scene 12"})

    with ThreadPoolExecutor(10) as clients:
        bad = list(clients.map(post, range(2)))
        answers = list(
            clients.map(
                lambda _: studio.api.call(
                    "POST", "/v1/generations", body, {"Idempotency-Key": "scene-12"}
                ),
                range(20),
            )
        )

    assert {answer.status for answer in bad} == {400}
    assert sorted({answer.status for answer in answers}) == [200, 202]
    assert [answer.status for answer in answers].count(202) == 1
    assert len({answer.body["id"] for answer in answers}) == 1
    replays = [answer for answer in answers if answer.status == 200]
    assert {answer.headers["idempotency-replayed"] for answer in replays} == {"true"}
    studio.end_of(answers[0].body)
    assert len(gateway.paid_jobs(wish)) == 1


def test_the_same_key_with_another_request_is_refused(studio: Studio) -> None:
    first = {"type": "image", "prompt": prompt()}
    studio.end_of(studio.api.post("/v1/generations", first, key="k"))

    answer = studio.api.call(
        "POST", "/v1/generations", {**first, "prompt": "another"}, {"Idempotency-Key": "k"}
    )

    assert (answer.status, answer.body["code"]) == (422, "idempotency-key-reused")
