"""What all adapters share: asking, looking, and telling what a failure proves."""

from dataclasses import replace

import pytest

from filmgate.adapters.egress import NotSent, OutcomeUnknown, Reply, RequestRefused
from filmgate.adapters.targets import AddressRefused
from filmgate.domain.errors import (
    ProviderError,
    ProviderJobUnknown,
    ProviderKeyRefused,
    ProviderNotReached,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
)
from filmgate.providers.base import (
    Account,
    Adapter,
    Answer,
    ask,
    look,
    picture,
    unclear,
    unseeing,
)
from tests.support.fake_http import FakeHttp, reply

ACCOUNT = Account(
    "lumen", "https://api.lumen.example", frozenset({"api.lumen.example"}), {"k": "v"}
)


@pytest.mark.parametrize(
    "error",
    [
        NotSent("api.lumen.example", "no connection"),
        RequestRefused("api.lumen.example", "a header that cannot go on the wire"),
        AddressRefused("api.lumen.example", "the address is not public"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_proves_that_nothing_was_sent_is_not_reached(error: Exception) -> None:
    with pytest.raises(ProviderNotReached, match=r"^lumen: api\.lumen\.example: "):
        ask(FakeHttp(error), ACCOUNT, "POST", "/jobs", headers={}, deadline_s=5.0)


def test_an_error_without_proof_is_an_unknown_outcome() -> None:
    error = OutcomeUnknown("api.lumen.example", "the reply was cut")

    with pytest.raises(ProviderOutcomeUnknown):
        ask(FakeHttp(error), ACCOUNT, "POST", "/jobs", headers={}, deadline_s=5.0)


@pytest.mark.parametrize(
    ("body", "parsed"),
    [(b'{"a": 1}', {"a": 1}), (b"", None), (b"<html>", None), (b'{"a": 1, "a": 2}', None)],
)
def test_a_body_is_strict_json_or_nothing(body: bytes, parsed: object) -> None:
    answer = ask(
        FakeHttp(Reply(200, {}, body)), ACCOUNT, "GET", "/jobs", headers={}, deadline_s=5.0
    )

    assert answer == Answer(200, {}, parsed, is_empty=not body)


@pytest.mark.parametrize(
    "answer",
    [NotSent(None, "x"), OutcomeUnknown(None, "x"), reply(200, []), Reply(502, {}, b"<html>")],
    ids=["not sent", "lost", "list", "html"],
)
def test_a_free_look_that_went_wrong_is_done_again(answer: Reply | Exception) -> None:
    with pytest.raises(ProviderProtocolError):
        look(FakeHttp(answer), ACCOUNT, "/jobs/1", headers={}, deadline_s=5.0)


@pytest.mark.parametrize(
    ("status", "leaf"),
    [
        (401, ProviderKeyRefused),
        (404, ProviderJobUnknown),
        (200, ProviderProtocolError),
        (403, ProviderProtocolError),
        (410, ProviderProtocolError),
        (429, ProviderProtocolError),
        (503, ProviderProtocolError),
    ],
)
def test_a_look_that_shows_no_job_says_why(status: int, leaf: type[ProviderError]) -> None:
    """A refused key and an unknown job are told apart from a look that saw nothing."""
    error = unseeing(ACCOUNT, Answer(status, {"retry-after": "7"}, None))

    assert type(error) is leaf
    assert error.status == status
    with pytest.raises(leaf) as raised:
        look(FakeHttp(Reply(status, {}, b"<html>")), ACCOUNT, "/", headers={}, deadline_s=5.0)
    assert type(raised.value) is leaf


def test_a_look_that_was_too_soon_knows_when_to_come_back() -> None:
    assert unseeing(ACCOUNT, Answer(429, {"retry-after": "7"}, None)).retry_after_s == 7


def test_two_keys_of_one_account_are_the_same_key() -> None:
    own, same = Adapter(FakeHttp(), ACCOUNT), Adapter(FakeHttp(), ACCOUNT)
    other = Adapter(FakeHttp(), replace(ACCOUNT, key={"k": "w"}))

    assert own.has_key_of(same)
    assert not own.has_key_of(other)


def test_an_unclear_answer_tells_its_status_and_nothing_of_its_body() -> None:
    error = unclear(ACCOUNT, Answer(502, {}, {"secret": "body"}))

    assert error.status == 502
    assert str(error) == "lumen: its answer (HTTP 502) does not say whether it took the job"


@pytest.mark.parametrize(
    ("text", "data"),
    [("aGk=", b"hi"), ("a", b"a"), ("é", "é".encode()), (7, b"7"), (None, b"None")],
)
def test_a_picture_is_decoded_or_kept_as_it_came(text: object, data: bytes) -> None:
    assert picture(ACCOUNT, text) == data


def test_a_broken_picture_is_kept_to_a_megabyte() -> None:
    assert len(picture(ACCOUNT, "%" * 3_000_000)) == 1_000_000


def test_a_field_of_the_key_is_given_whole() -> None:
    assert ACCOUNT.secret("k") == "v"


def test_a_missing_field_of_the_key_is_named_without_its_value() -> None:
    with pytest.raises(ProviderKeyRefused, match="the stored key has no usable other"):
        ACCOUNT.secret("other")
