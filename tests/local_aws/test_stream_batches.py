"""How a batch of a stream is worked off when some of it, or all of it, fails."""

from collections.abc import Callable
from typing import Any

import pytest

from local.aws.stream_batches import Answer, Record, failures_in, work_off


def records(*numbers: str) -> list[Record]:
    return [{"dynamodb": {"SequenceNumber": number}} for number in numbers]


def numbers(batch: list[Record]) -> str:
    return "".join(one["dynamodb"]["SequenceNumber"] for one in batch)


def worked_off(
    call: Callable[[str], Answer], *, retries: int = 2, bisect: bool = True
) -> tuple[list[str], list[str]]:
    """(every batch that was called, every batch that was given up) for the records a to d."""
    called: list[str] = []

    def one(batch: list[Record]) -> Answer:
        called.append(numbers(batch))
        return call(called[-1])

    given_up = work_off(records(*"abcd"), call=one, retries=retries, bisect=bisect)
    return called, [numbers(batch) for batch in given_up]


def test_a_success_is_one_call() -> None:
    assert worked_off(lambda _: frozenset()) == (["abcd"], [])


def test_a_named_failure_is_repeated_from_there_on_and_given_up_in_the_end() -> None:
    assert worked_off(lambda _: frozenset("b")) == (["abcd", "bcd", "bcd"], ["bcd"])


def test_the_first_of_several_failures_counts() -> None:
    assert worked_off(lambda _: frozenset("db"), retries=0) == (["abcd"], ["bcd"])


def test_a_failure_that_passes_is_given_up_by_nobody() -> None:
    answers = iter([frozenset("c"), frozenset[str]()])

    assert worked_off(lambda _: next(answers)) == (["abcd", "cd"], [])


def test_a_call_that_fails_is_halved_until_its_poison_is_alone() -> None:
    called, given_up = worked_off(lambda batch: None if "c" in batch else frozenset())

    assert called == ["abcd", "ab", "cd", "c", "d"]
    assert given_up == ["c"]


def test_without_bisecting_the_whole_batch_is_given_up() -> None:
    assert worked_off(lambda _: None, bisect=False) == (["abcd"] * 3, ["abcd"])


def test_a_record_that_was_not_in_the_batch_fails_all_of_it() -> None:
    assert worked_off(lambda _: frozenset("z"), retries=0) == (["abcd"], ["abcd"])


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (None, frozenset()),
        ("", frozenset()),
        ({}, frozenset()),
        ({"batchItemFailures": []}, frozenset()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, frozenset("a")),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, None),
        ({"batchItemFailures": [{"what": "a"}]}, None),
        ({"batchItemFailures": ["a"]}, None),
        ("what?", None),
    ],
)
def test_what_a_function_answers_is_read_as_lambda_reads_it(body: Any, answer: Answer) -> None:
    assert failures_in(body) == answer
