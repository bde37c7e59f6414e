"""Many clients at once on one budget and on one key: exactly what fits, and exactly once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.api import Answer
from tests.e2e.gateway import Gateway, Studio, prompt

CLIENTS, ROUNDS, REPEATS = 200, 5, 500


def at_once(count: int, call: Callable[[int], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(min(count, 200)) as clients:
        return list(clients.map(call, range(count)))


@pytest.mark.timeout(600)
def test_two_hundred_clients_on_one_budget_get_what_fits_in_every_round(
    gateway: Gateway, figure: Callable[[str], None]
) -> None:
    for round_number in range(1, ROUNDS + 1):
        studio = gateway.studio()
        studio.api.put("/v1/budgets/owner", {"limit": "1.0000"})
        wish = prompt()
        body = {"type": "image", "prompt": wish, "provider": "dalle"}

        answers = at_once(CLIENTS, lambda number, s=studio, b=body: post(s, b, f"client-{number}"))

        admitted = [answer.body for answer in answers if answer.status in (200, 202)]
        refused = [answer.body for answer in answers if answer.status == 402]
        ended = [studio.end_of(one)["state"] for one in admitted]
        budget = studio.budget()
        figure(
            f"round {round_number}: {CLIENTS} clients at 0.0200 on 1.0000: {len(admitted)} "
            f"admitted, {len(refused)} x 402, spent {budget['spent']}, held {budget['held']}, "
            f"{len(gateway.paid_jobs(wish))} paid jobs"
        )
        assert (len(admitted), len(refused)) == (50, 150)
        assert set(ended) == {"succeeded"}
        assert (budget["spent"], budget["held"], budget["room"]) == ("1.0000", "0.0000", "0.0000")
        assert len(gateway.paid_jobs(wish)) == 50
        studio.check_books()


@pytest.mark.timeout(300)
def test_five_hundred_posts_with_one_key_are_one_generation_and_one_payment(
    gateway: Gateway, studio: Studio, figure: Callable[[str], None]
) -> None:
    wish = prompt()
    body = {"type": "image", "prompt": wish, "provider": "dalle"}

    answers = at_once(REPEATS, lambda _: post(studio, body, "scene-1"))

    made = {answer.body["id"] for answer in answers}
    ended = studio.end_of(answers[0].body)
    figure(
        f"{REPEATS} posts with one key: {len(made)} generation, "
        f"{len(gateway.paid_jobs(wish))} payment of {ended['actual_cost']}"
    )
    assert {answer.status for answer in answers} <= {200, 202}
    assert [answer.status for answer in answers].count(202) <= 1
    assert len(made) == 1
    assert gateway.paid_jobs(wish) == [("dalle", "0.0200")]
    assert studio.budget()["spent"] == "0.0200"


def post(studio: Studio, body: dict[str, Any], key: str) -> Answer:
    """Post as clients do: what was not answered in time is repeated with the same key.

    Two hundred at once on two cores may wait longer than a function of the local AWS may take.
    """
    give_up_at = time.monotonic() + 120
    while True:
        answer = studio.api.call("POST", "/v1/generations", body, {"Idempotency-Key": key})
        if answer.status < 500 or time.monotonic() > give_up_at:
            return answer
        time.sleep(0.5)
