"""GET and POST /v1/tokens, DELETE /v1/tokens/{id}: told once, kept as a hash, revoked for good."""

import json
import re
from datetime import timedelta

import pytest

from filmgate.adapters.table import StudioTable
from filmgate.domain.errors import StoreUnavailable
from filmgate.usecases.authorize import token_hash
from tests.functions.support import (
    NOW,
    Answer,
    Clock,
    Deployment,
    altered,
    asked_by,
    assert_problem,
    request,
    sample,
)

TOKEN_TEXT = re.compile(r"fg_studio_[A-Za-z0-9_-]{43}")
KNOWN = "fg_studio_" + "sample" * 7 + "x"
ADMIN = "fg_studio_" + "a" * 43


def make(studio: Deployment, *, tenant: str = "studio", key: str | None = None, **body) -> Answer:
    body = {"user": "ben", "role": "creator", **body}
    headers = {} if key is None else {"idempotency-key": key}
    event = request("POST", "/v1/tokens", body=body, headers=headers)
    return studio.route(asked_by(event, role="admin", tenant=tenant))


def listed(studio: Deployment, *, tenant: str = "studio", **query: str) -> dict:
    event = request("GET", "/v1/tokens", query=query)
    answer = studio.route(asked_by(event, role="admin", tenant=tenant))
    assert answer.status == 200, answer.text
    return answer.json


def revoke(studio: Deployment, own: str, *, tenant: str = "studio") -> Answer:
    return studio.route(
        asked_by(request("DELETE", f"/v1/tokens/{own}"), role="admin", tenant=tenant)
    )


def bearer(studio: Deployment, text: str) -> dict:
    """What the authorizer says of a token in a fresh process."""
    studio.restart("authorize")
    event = altered(sample("authorize", "no-token"), headers={"authorization": f"Bearer {text}"})
    return studio.invoke("authorize", event)["context"]


# --- making ------------------------------------------------------------------------------------


def test_a_new_token_is_told_once_and_works(studio: Deployment) -> None:
    answer = studio.call("tokens", sample("tokens", "make"))

    made = answer.json
    assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
    assert TOKEN_TEXT.fullmatch(made["token"])
    assert {name: made[name] for name in made if name not in ("id", "token", "hint")} == {
        "user": "ben", "role": "creator", "state": "active", "note": "Ben's laptop",
        "created_at": "2026-11-22T12:00:00.000Z", "created_by": "ann",
        "expires_at": "2027-02-20T12:00:00.000Z", "revoked_at": None, "revoked_by": None,
    }  # fmt: skip
    assert made["token"].endswith(made["hint"])
    assert len(made["hint"]) == 4
    assert bearer(studio, made["token"]) == {
        "tenant": "studio", "user": "ben", "role": "creator", "token_id": made["id"],
    }  # fmt: skip


def test_neither_table_nor_list_nor_trail_nor_log_has_a_token_and_only_the_table_its_hash(
    studio: Deployment, said
) -> None:
    text = make(studio).json["token"]
    listed(studio)
    trail = studio.route(asked_by(request("GET", "/v1/audit"), role="admin")).text

    table = str(studio.dynamodb.scan(TableName="studio-table")["Items"])

    secret = text.removeprefix("fg_studio_")
    shown = (table, json.dumps(listed(studio)), trail, said())
    assert not [part for part in shown if secret in part or secret[:-4] in part]
    assert [token_hash(text) in part for part in shown] == [True, False, False, False]


def test_no_two_tokens_are_alike(studio: Deployment) -> None:
    made = [make(studio).json for _ in range(20)]

    assert len({one["token"] for one in made}) == len({one["id"] for one in made}) == 20


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ({}, None),
        ({"expires_in_days": 1}, "2026-11-23T12:00:00.000Z"),
        ({"expires_at": "2027-01-31T12:00:00Z"}, "2027-01-31T12:00:00.000Z"),
        ({"expires_at": "2027-01-31T12:00:00+02:00"}, "2027-01-31T10:00:00.000Z"),
    ],
)
def test_a_token_may_have_an_end(studio: Deployment, said: dict, ends: str | None) -> None:
    assert make(studio, **said).json["expires_at"] == ends


def test_a_token_that_has_an_end_ends(studio: Deployment, clock: Clock) -> None:
    text = make(studio, expires_in_days=1).json["token"]
    before = bearer(studio, text)

    clock.now = NOW + timedelta(days=1)

    assert before["user"] == "ben"
    assert bearer(studio, text) == {"refusal": "This token has expired."}
    assert [one["state"] for one in listed(studio)["items"]] == ["expired"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"user": None}, "/user"),
        ({"user": ""}, "/user"),
        ({"user": "ann#admin"}, "/user"),
        ({"user": "ann/x"}, "/user"),
        ({"user": "a:b"}, "/user"),
        ({"user": "x" * 65}, "/user"),
        ({"user": "ann\n"}, "/user"),
        ({"role": None}, "/role"),
        ({"role": "owner"}, "/role"),
        ({"role": "ADMIN"}, "/role"),
        ({"expires_in_days": 0}, "/expires_in_days"),
        ({"expires_in_days": 3651}, "/expires_in_days"),
        ({"expires_in_days": "90"}, "/expires_in_days"),
        ({"expires_at": "2027-01-31T12:00:00Z"}, "/expires_in_days"),
        ({"expires_in_days": None, "expires_at": "2027-01-31T12:00:00"}, "/expires_at"),
        ({"expires_in_days": None, "expires_at": "soon"}, "/expires_at"),
        ({"expires_in_days": None, "expires_at": 1795348800}, "/expires_at"),
        ({"expires_in_days": None, "expires_at": "2026-11-22T12:00:00Z"}, "/expires_at"),
        ({"note": "x" * 201}, "/note"),
        ({"tenant": "other"}, "/tenant"),
        ({"token": "fg_studio_mine"}, "/token"),
    ],
)
def test_a_token_that_cannot_be_is_422_and_nothing_is_kept(
    studio: Deployment, body: dict, pointer: str
) -> None:
    answer = studio.call("tokens", altered(sample("tokens", "make"), body=body))

    problem = assert_problem(answer, 422, "validation-failed")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert studio.dynamodb.scan(TableName="studio-table")["Items"] == []


def test_a_key_that_has_made_a_token_is_refused_and_names_it(studio: Deployment) -> None:
    made = make(studio, key="one").json

    repeated = make(studio, key="one")
    other = make(studio, key="one", role="admin")
    fresh = make(studio, key="two")

    assert assert_problem(repeated, 409, "state-conflict")["tokenId"] == made["id"]
    assert assert_problem(other, 422, "idempotency-key-reused")["tokenId"] == made["id"]
    assert fresh.status == 201
    assert len(listed(studio)["items"]) == 2
    assert made["token"] not in repeated.text + other.text


def test_a_key_belongs_to_who_sends_it(studio: Deployment) -> None:
    event = request(
        "POST", "/v1/tokens", body={"user": "x", "role": "viewer"},
        headers={"idempotency-key": "one"},
    )  # fmt: skip

    askers = [("ann", "studio"), ("ben", "studio"), ("ann", "other")]
    answers = [
        studio.route(asked_by(event, role="admin", user=user, tenant=tenant))
        for user, tenant in askers
    ]

    assert [answer.status for answer in answers] == [201, 201, 201]


# --- listing -----------------------------------------------------------------------------------


def test_tokens_are_listed_newest_first_page_by_page(studio: Deployment, clock: Clock) -> None:
    made = []
    for number in range(5):
        made.append(make(studio, user=f"user-{number}").json["id"])
        clock.pass_s(1)

    first = listed(studio, limit="2")
    second = listed(studio, limit="2", cursor=first["next"])
    third = listed(studio, limit="2", cursor=second["next"])

    pages = [[one["id"] for one in page["items"]] for page in (first, second, third)]
    assert pages == [made[4:2:-1], made[2:0:-1], made[:1]]
    assert third["next"] is None


def test_a_list_has_no_token_and_no_hash(studio: Deployment) -> None:
    make(studio)

    (one,) = listed(studio)["items"]

    assert set(one) == {
        "id", "user", "role", "state", "hint", "note", "created_at", "created_by",
        "expires_at", "revoked_at", "revoked_by",
    }  # fmt: skip


def test_a_tenant_sees_its_own_tokens_only(studio: Deployment) -> None:
    own = make(studio).json["id"]

    assert listed(studio, tenant="other")["items"] == []
    assert_problem(revoke(studio, own, tenant="other"), 404, "not-found")
    assert listed(studio)["items"][0]["state"] == "active"


@pytest.mark.parametrize("cursor", ["", "x", "e30", "W10", "WzEsMl0", "bnVsbA"])
@pytest.mark.parametrize("path", ["/v1/tokens", "/v1/audit"])
def test_a_cursor_that_is_none_is_422(studio: Deployment, path: str, cursor: str) -> None:
    event = asked_by(request("GET", path, query={"cursor": cursor}), role="admin")

    problem = assert_problem(studio.route(event), 422, "validation-failed")

    assert [error["pointer"] for error in problem["errors"]] == ["?cursor"]


def test_a_cursor_of_another_tenant_or_another_list_is_422(studio: Deployment) -> None:
    for _ in range(2):
        make(studio)
        make(studio, tenant="other")
    foreign = listed(studio, tenant="other", limit="1")["next"]
    of_tokens = listed(studio, limit="1")["next"]

    for path, cursor in (("/v1/tokens", foreign), ("/v1/audit", of_tokens)):
        event = request("GET", path, query={"cursor": cursor})
        answer = studio.route(asked_by(event, role="admin"))

        assert_problem(answer, 422, "validation-failed")


# --- revoking ----------------------------------------------------------------------------------


def test_a_revoked_token_works_no_more_and_stays_in_the_list(
    studio: Deployment, clock: Clock
) -> None:
    made = make(studio).json
    clock.pass_s(60)

    answer = revoke(studio, made["id"])

    assert answer.status == 200
    assert (answer.json["state"], answer.json["revoked_at"], answer.json["revoked_by"]) == (
        "revoked", "2026-11-22T12:01:00.000Z", "ann",
    )  # fmt: skip
    assert bearer(studio, made["token"]) == {"refusal": "This token is not known or was revoked."}
    assert listed(studio)["items"] == [answer.json]


def test_revoking_again_changes_nothing(studio: Deployment, clock: Clock) -> None:
    own = make(studio).json["id"]
    first = revoke(studio, own)

    clock.pass_s(60)
    again = revoke(studio, own)

    assert (again.status, again.json) == (200, first.json)


@pytest.mark.parametrize("own", ["tok_" + "z" * 16, "x", "tok_%23", token_hash(KNOWN)])
def test_a_token_that_is_not_there_is_404(studio: Deployment, own: str) -> None:
    studio.give_token(KNOWN)

    assert_problem(revoke(studio, own), 404, "not-found")


def test_the_last_working_token_of_an_admin_stays(studio: Deployment, clock: Clock) -> None:
    last = make(studio, role="admin", user="ann").json
    ended = make(studio, role="admin", user="ben", expires_in_days=1).json
    revoked = make(studio, role="admin", user="cat").json
    make(studio, role="creator", user="dan")
    make(studio, role="admin", tenant="other")
    revoke(studio, revoked["id"])
    clock.pass_s(24 * 3600)

    refused = revoke(studio, last["id"])
    expired = revoke(studio, ended["id"])

    assert_problem(refused, 409, "state-conflict")
    assert expired.status == 200
    assert bearer(studio, last["token"])["role"] == "admin"


def test_an_admin_s_token_may_go_when_another_works(studio: Deployment) -> None:
    old = make(studio, role="admin").json
    new = make(studio, role="admin").json

    assert revoke(studio, old["id"]).status == 200
    assert_problem(revoke(studio, new["id"]), 409, "state-conflict")


def test_a_table_that_is_away_is_503(studio: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(StudioTable, "_call", away)
    monkeypatch.setattr(StudioTable, "_transact", away)

    answers = [
        make(studio),
        revoke(studio, "tok_" + "a" * 16),
        studio.route(asked_by(request("GET", "/v1/tokens"), role="admin")),
        studio.route(asked_by(request("GET", "/v1/audit"), role="admin")),
    ]

    for answer in answers:
        assert_problem(answer, 503, "ledger-unavailable")
