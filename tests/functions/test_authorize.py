"""The authorizer: whose token is this?"""

from datetime import timedelta

import pytest

from filmgate.domain.errors import StoreUnavailable
from filmgate.domain.ids import token_id
from filmgate.usecases.authorize import token_hash
from tests.functions.support import NOW, Clock, Deployment, altered, asked_by, request, sample

TOKEN = "fg_studio_" + "sample" * 7 + "x"
OWN_ID = token_id(token_hash(TOKEN))


@pytest.fixture(autouse=True)
def known(studio: Deployment) -> None:
    """Ann's token, the one of the samples."""
    studio.give_token(TOKEN)


def test_a_known_token_tells_tenant_user_and_role(studio: Deployment) -> None:
    answer = studio.invoke("authorize", sample("authorize", "known-token"))

    assert answer == {
        "isAuthorized": True,
        "context": {"tenant": "studio", "user": "ann", "role": "creator", "token_id": OWN_ID},
    }


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_word_bearer_may_be_written_in_any_case(studio: Deployment, scheme: str) -> None:
    event = altered(sample("authorize", "no-token"), headers={"authorization": f"{scheme} {TOKEN}"})

    answer = studio.invoke("authorize", event)

    assert answer["context"]["user"] == "ann"


def test_a_request_without_a_header_is_let_through_without_a_principal(studio: Deployment) -> None:
    answer = studio.invoke("authorize", sample("authorize", "no-token"))

    assert answer == {
        "isAuthorized": True,
        "context": {"refusal": "Send the header Authorization: Bearer <token>."},
    }


def test_a_token_that_nobody_has_is_refused(studio: Deployment) -> None:
    answer = _with(studio, "Bearer fg_studio_" + "z" * 43)

    assert answer["context"] == {"refusal": "This token is not known or was revoked."}


def test_the_token_of_one_tenant_says_nothing_under_another_ones_name(studio: Deployment) -> None:
    answer = _with(studio, "Bearer fg_other_" + TOKEN.removeprefix("fg_studio_"))

    assert answer["context"] == {"refusal": "This token is not known or was revoked."}


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN[:-1]}é",
        "Bearer fg_STUDIO_" + "a" * 43,
        "Bearer fg_studio#token_" + "a" * 43,
        f"Bearer {TOKEN},Bearer {TOKEN}",
        "x" * 8000,
    ],
)
def test_a_header_that_holds_no_token_is_refused_without_a_look_into_the_table(
    studio: Deployment, header: str
) -> None:
    studio.dynamodb.delete_table(TableName="studio-table")

    answer = _with(studio, header)

    assert answer["context"] == {
        "refusal": "The Authorization header holds no token of this gateway."
    }


def test_a_token_ends_at_the_very_moment_it_expires(studio: Deployment, clock: Clock) -> None:
    token = "fg_studio_" + "e" * 43
    studio.give_token(token, expires_at=NOW + timedelta(minutes=5))

    clock.now = NOW + timedelta(minutes=5) - timedelta(microseconds=1)
    last = _with(studio, f"Bearer {token}")
    studio.restart("authorize")
    clock.now = NOW + timedelta(minutes=5)
    first_after = _with(studio, f"Bearer {token}")

    assert last["context"]["user"] == "ann"
    assert first_after["context"] == {"refusal": "This token has expired."}


def test_a_revoked_token_is_refused(studio: Deployment) -> None:
    token = "fg_studio_" + "r" * 43
    studio.give_token(token, revoked_at=NOW)

    answer = _with(studio, f"Bearer {token}")

    assert answer["context"] == {"refusal": "This token is not known or was revoked."}


def test_a_token_is_remembered_for_less_than_a_minute(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [1000.0]
    module = studio.module("authorize")
    monkeypatch.setattr(module.time, "monotonic", lambda: seconds[0])
    first = _with(studio, f"Bearer {TOKEN}")
    _revoke(studio)

    seconds[0] += module.REMEMBERED_S
    remembered = _with(studio, f"Bearer {TOKEN}")
    seconds[0] += 0.001
    forgotten = _with(studio, f"Bearer {TOKEN}")

    assert module.REMEMBERED_S < 60
    assert remembered == first
    assert forgotten["context"] == {"refusal": "This token is not known or was revoked."}


def test_a_refusal_is_not_remembered(studio: Deployment) -> None:
    token = "fg_studio_" + "n" * 43
    before = _with(studio, f"Bearer {token}")
    studio.give_token(token, user="ben", role="viewer")

    after = _with(studio, f"Bearer {token}")

    assert "refusal" in before["context"]
    assert after["context"]["user"] == "ben"


def test_a_token_that_cannot_be_checked_opens_nothing(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(studio.table.__class__, "token", away)

    answer = _with(studio, f"Bearer {TOKEN}")

    assert "tenant" not in answer["context"]
    assert answer["context"] == {"unavailable": "true"}


def test_the_table_keeps_no_token_only_its_hash(studio: Deployment) -> None:
    items = studio.dynamodb.scan(TableName="studio-table")["Items"]

    assert TOKEN not in str(items)
    assert token_hash(TOKEN) in str(items)


def test_what_the_authorizer_says_is_what_the_handlers_believe(studio: Deployment) -> None:
    context = studio.invoke("authorize", sample("authorize", "known-token"))["context"]
    event = asked_by(request("PUT", "/v1/budgets/owner", body={"limit": "1"}), **context)
    refusal = studio.invoke("authorize", sample("authorize", "no-token"))["context"]
    stranger = request("GET", "/v1/providers")
    stranger["requestContext"]["authorizer"] = {"lambda": refusal}

    forbidden = studio.route(event)
    unknown = studio.route(stranger)

    assert (forbidden.status, forbidden.json["code"]) == (403, "forbidden")
    assert (unknown.status, unknown.json["detail"]) == (401, refusal["refusal"])


def test_no_token_gets_into_a_log(studio: Deployment, said) -> None:
    _with(studio, f"Bearer {TOKEN}")
    _with(studio, f"Bearer {TOKEN[:-1]}y")

    assert TOKEN[:-1] not in said()


def _with(studio: Deployment, header: str) -> dict:
    event = altered(sample("authorize", "no-token"), headers={"authorization": header})
    return studio.invoke("authorize", event)


def _revoke(studio: Deployment) -> None:
    event = request("DELETE", f"/v1/tokens/{OWN_ID}")
    assert studio.route(asked_by(event, role="admin")).status == 200
