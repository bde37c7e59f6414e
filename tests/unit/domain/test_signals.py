"""What a commit says to those who watch."""

from dataclasses import replace

import pytest

from filmgate.domain.attempts import (
    Attempt,
    AttemptState,
    accept,
    adopt,
    correct,
    doubt,
    overdue,
    pay,
    presume,
    release,
    spoil,
    store,
)
from filmgate.domain.errors import ErrorClass
from filmgate.domain.ledger import Commit, change, correction, with_generation
from filmgate.domain.signals import Signal, signals_of
from tests.support.builders import NOW, attempt, failure, generation, usd

S = AttemptState
DOUBT = failure(ErrorClass.IN_DOUBT, "outcome-unknown")
REFUSED = failure(ErrorClass.REJECT, "content-refused")


def told(before: Attempt | None, after: Attempt) -> list[Signal]:
    return list(signals_of(change(before, after, at=NOW)))


def of_lumen(name: str, value: int) -> Signal:
    return Signal(name, value, "lumen")


HELD, SENT, ACCEPTED = attempt(), attempt(S.SUBMITTING), attempt(S.ACCEPTED)
UNSURE = attempt(S.IN_DOUBT, failure=DOUBT)
PAID = attempt(S.PAID, actual_micros=usd("0.0200"))


@pytest.mark.parametrize(
    ("before", "after", "signals"),
    [
        (None, HELD, [of_lumen("HeldMicros", 20_000)]),
        (SENT, accept(SENT, operation={}, deadline_at=NOW), []),
        (
            SENT,
            doubt(SENT, failure=DOUBT, now=NOW, worker="worker"),
            [Signal("InDoubt", 1), Signal("Attempts", 1, "lumen", "in-doubt")],
        ),
        (
            SENT,
            release(SENT, failure=REFUSED, now=NOW, worker="worker"),
            [of_lumen("HeldMicros", -20_000), Signal("Attempts", 1, "lumen", "reject")],
        ),
        (
            ACCEPTED,
            overdue(ACCEPTED, failure=DOUBT),
            [Signal("InDoubt", 1), Signal("Attempts", 1, "lumen", "in-doubt")],
        ),
        (
            ACCEPTED,
            pay(ACCEPTED, actual=usd("0.0150"), now=NOW),
            [of_lumen("HeldMicros", -20_000), of_lumen("SettledMicros", 15_000)],
        ),
        (
            ACCEPTED,
            pay(ACCEPTED, actual=usd("0.0350"), now=NOW),
            [
                of_lumen("HeldMicros", -20_000),
                of_lumen("SettledMicros", 35_000),
                Signal("Overrun", 1),
            ],
        ),
        (PAID, store(PAID, now=NOW), [Signal("Attempts", 1, "lumen", "stored")]),
        (
            PAID,
            spoil(PAID, failure=failure(code="result-unusable")),
            [Signal("Attempts", 1, "lumen", "fallback")],
        ),
        (
            UNSURE,
            presume(UNSURE, now=NOW),
            [
                of_lumen("HeldMicros", -20_000),
                of_lumen("SettledMicros", 20_000),
                Signal("Presumed", 1),
                Signal("Attempts", 1, "lumen", "in-doubt"),
            ],
        ),
        (
            attempt(S.RELEASED),
            adopt(attempt(S.RELEASED), operation={}),
            [of_lumen("SettledMicros", 20_000), Signal("Corrected", 1), Signal("Presumed", 1)],
        ),
    ],
)
def test_a_step_says_what_it_moved_and_what_an_owner_should_hear_of(
    before: Attempt | None, after: Attempt, signals: list[Signal]
) -> None:
    assert told(before, after) == signals


def test_a_second_payment_is_told_once_however_it_goes_on() -> None:
    twice = replace(pay(ACCEPTED, actual=usd("0.0200"), now=NOW), double_spend=True)

    first = told(ACCEPTED, twice)
    later = told(twice, store(twice, now=NOW))

    assert Signal("DoubleSpend", 1) in first
    assert Signal("DoubleSpend", 1) not in later


def test_a_correction_by_a_person_is_told_with_what_it_moved() -> None:
    mended = correct(PAID, actual=usd("0.0050"), now=NOW)

    move = correction(PAID, mended, by="ada", reason="a bill", at=NOW)

    assert list(signals_of(move)) == [
        of_lumen("SettledMicros", -15_000),
        Signal("Corrected", 1),
    ]


def test_a_commit_that_moves_no_attempt_says_nothing() -> None:
    moved = with_generation(Commit(), generation(), generation().now())

    assert list(signals_of(moved)) == []
