"""GET /v1/audit: every change of settings, order, budgets, keys and tokens, and never a secret."""

import json

import pytest

from filmgate.adapters.transactions import Put
from filmgate.domain.audit import Action
from tests.functions.support import (
    Answer,
    Deployment,
    asked_by,
    assert_problem,
    request,
)

ORDER = {"type": "image", "order": ["midjourney", "nanobanana", "dalle"]}
KEY = "sk-canary-0123456789"
ADMIN = {"role": "admin", "user": "ann", "token_id": "tok_ann"}


def ask(studio: Deployment, method: str, path: str, body=None, *, number: int = 1, **by) -> Answer:
    event = request(method, path, body=body)
    event["requestContext"]["requestId"] = f"request-{number}"
    return studio.route(asked_by(event, **{**ADMIN, **by}))


def trail(studio: Deployment, **query: str) -> dict:
    answer = studio.route(asked_by(request("GET", "/v1/audit", query=query), **ADMIN))
    assert answer.status == 200, answer.text
    return answer.json


def newest(studio: Deployment) -> dict:
    return trail(studio)["items"][0]


def changes(record: dict) -> dict[str, tuple]:
    return {one["field"]: (one["before"], one["after"]) for one in record["changes"]}


def everything(studio: Deployment) -> list[str]:
    """One change of every kind, a second apart; the actions in their order."""
    made = ask(studio, "POST", "/v1/tokens", {"user": "ben", "role": "viewer"}, number=1).json
    steps = [
        ("PUT", "/v1/budgets/owner", {"limit": "3.0000"}),
        ("PUT", "/v1/settings/providers/dalle", {"enabled": False}),
        ("PUT", "/v1/settings/order", ORDER),
        ("PUT", "/v1/settings/providers/dalle/key", {"key": KEY}),
        ("DELETE", "/v1/settings/providers/dalle/key", None),
        ("POST", "/v1/settings/providers/dalle/prices/confirm", None),
        ("POST", "/v1/settings/webhook-secret/rotate", None),
        ("DELETE", f"/v1/tokens/{made['id']}", None),
    ]  # fmt: skip
    for number, (method, path, body) in enumerate(steps, start=2):
        studio.clock.pass_s(1)
        answer = ask(studio, method, path, body, number=number)
        assert answer.status < 300, answer.text
    return [
        "token.made", "budget.set", "settings.changed", "order.set", "key.set", "key.removed",
        "prices.confirmed", "webhook-secret.rotated", "token.revoked",
    ]  # fmt: skip


def test_every_kind_of_change_is_in_the_trail_newest_first(studio: Deployment) -> None:
    done = everything(studio)

    records = trail(studio)["items"]

    assert [one["action"] for one in records] == list(reversed(done))
    assert set(done) == set(Action)
    assert {(one["user"], one["token_id"]) for one in records} == {("ann", "tok_ann")}
    assert [one["request_id"] for one in records] == [f"request-{n}" for n in range(9, 0, -1)]
    assert [one["at"][17:19] for one in records] == [f"{s:02d}" for s in range(8, -1, -1)]
    assert [one["object"] for one in records[1:8]] == [
        "webhook-secret", "dalle", "dalle", "dalle", "image", "dalle", "owner",
    ]  # fmt: skip


def test_a_limit_is_told_before_and_after(studio: Deployment) -> None:
    ask(studio, "PUT", "/v1/budgets/owner", {"limit": "3"})
    first = changes(newest(studio))
    studio.clock.pass_s(1)
    ask(studio, "PUT", "/v1/budgets/owner", {"limit": "2.5", "alert_at": [80, 100]}, number=2)

    assert first == {"limit": (None, "3.0000"), "alert_at": (None, [80, 100])}
    assert changes(newest(studio)) == {"limit": ("3.0000", "2.5000")}


def test_settings_are_told_as_far_as_they_changed(studio: Deployment) -> None:
    body = {"enabled": True, "priority": 9, "on_refusal": "stop"}

    ask(studio, "PUT", "/v1/settings/providers/dalle", body)

    assert changes(newest(studio)) == {"priority": (None, 9), "on_refusal": ("next", "stop")}


def test_an_order_is_told_before_and_after(studio: Deployment) -> None:
    shown = ask(studio, "GET", "/v1/providers").json["items"]
    before = [one["id"] for one in shown if one["type"] == "image"]
    after = list(reversed(before))

    ask(studio, "PUT", "/v1/settings/order", {"type": "image", "order": after})

    assert changes(newest(studio)) == {"order": (before, after)}


def test_what_changes_nothing_leaves_no_record(studio: Deployment) -> None:
    everything(studio)
    count = len(trail(studio)["items"])
    same = [
        ("PUT", "/v1/budgets/owner", {"limit": "3.0000"}),
        ("PUT", "/v1/settings/providers/dalle", {"enabled": False}),
        ("PUT", "/v1/settings/order", ORDER),
        ("POST", "/v1/settings/providers/dalle/test", {}),
        ("GET", "/v1/tokens", None),
        ("GET", "/v1/audit", None),
    ]  # fmt: skip

    for number, (method, path, body) in enumerate(same, start=20):
        assert ask(studio, method, path, body, number=number).status == 200

    assert len(trail(studio)["items"]) == count


def test_what_is_refused_leaves_no_record(studio: Deployment) -> None:
    bad = [
        ask(studio, "PUT", "/v1/budgets/owner", {"limit": "-3"}),
        ask(studio, "PUT", "/v1/budgets/owner", {"limit": "3"}, role="creator"),
        ask(studio, "PUT", "/v1/settings/providers/dalle", {"model": "none"}),
        ask(studio, "PUT", "/v1/settings/providers/flow/key", {"key": KEY}),
        ask(studio, "DELETE", "/v1/tokens/tok_none"),
    ]

    assert [answer.status for answer in bad] == [422, 403, 422, 422, 404]
    assert trail(studio)["items"] == []


def test_a_key_s_record_says_that_it_was_set_and_no_more(studio: Deployment) -> None:
    ask(studio, "PUT", "/v1/settings/providers/dalle/key", {"key": KEY}, number=1)
    studio.clock.pass_s(1)
    ask(studio, "PUT", "/v1/settings/providers/dalle/key", {"key": KEY}, number=2)

    records = trail(studio)["items"]

    assert [(one["action"], one["object"], one["changes"]) for one in records] == [
        ("key.set", "dalle", [])
    ] * 2


def test_no_secret_gets_into_the_trail(studio: Deployment) -> None:
    token = ask(studio, "POST", "/v1/tokens", {"user": "ben", "role": "admin"}).json["token"]
    everything(studio)

    rows = [
        row
        for row in studio.dynamodb.scan(TableName="studio-table")["Items"]
        if row["pk"]["S"] == "studio#audit"
    ]

    assert len(rows) == 10
    text = json.dumps([rows, trail(studio)])
    assert not [part for part in (KEY, KEY[-4:], token, token[-10:]) if part in text]


def test_the_trail_comes_page_by_page(studio: Deployment) -> None:
    done = everything(studio)

    seen, cursor = [], None
    while True:
        page = trail(studio, limit="4", **({"cursor": cursor} if cursor else {}))
        seen.append([one["action"] for one in page["items"]])
        cursor = page["next"]
        if cursor is None:
            break

    assert [len(page) for page in seen] == [4, 4, 1]
    assert [one for page in seen for one in page] == list(reversed(done))


def test_the_trail_can_be_asked_for_one_user_or_one_kind(studio: Deployment) -> None:
    everything(studio)
    ask(studio, "PUT", "/v1/budgets/owner", {"limit": "4"}, number=30, user="cat")

    def told(**query: str) -> list[tuple[str, str]]:
        return [(one["user"], one["action"]) for one in trail(studio, **query)["items"]]

    assert told(user="cat") == [("cat", "budget.set")]
    assert told(action="budget.set") == [("cat", "budget.set"), ("ann", "budget.set")]
    assert told(action="budget.set", user="ann") == [("ann", "budget.set")]
    assert told(user="nobody") == []
    page = trail(studio, action="budget.set", limit="1")
    assert [one["user"] for one in page["items"]] == ["cat"]
    rest = trail(studio, action="budget.set", limit="1", cursor=page["next"])
    assert ([one["user"] for one in rest["items"]], rest["next"]) == (["ann"], None)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"action": "budget"}, "?action"),
        ({"limit": "0"}, "?limit"),
        ({"limit": "101"}, "?limit"),
        ({"object": "dalle"}, "?object"),
    ],
)
def test_a_question_that_is_none_is_422(studio: Deployment, query: dict, pointer: str) -> None:
    answer = studio.route(asked_by(request("GET", "/v1/audit", query=query), **ADMIN))

    problem = assert_problem(answer, 422, "validation-failed")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_a_tenant_sees_its_own_trail_only(studio: Deployment) -> None:
    everything(studio)

    event = asked_by(request("GET", "/v1/audit"), role="admin", tenant="other")

    assert studio.route(event).json == {"items": [], "next": None}


def put_by(writes: list) -> list[str]:
    return [one.item["pk"] for one in writes if isinstance(one, Put)]


def test_the_record_is_written_with_the_change_or_neither_is(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    table = type(studio.table)
    transact = table._transact

    def refuse(self: object, writes: list) -> list[bool] | None:
        if put_by(writes) == ["studio#budget#owner#2026-11"]:
            return transact(self, writes)  # a month is opened by whoever comes first
        sent.append(writes)
        return [True] * len(writes)

    monkeypatch.setattr(table, "_transact", refuse)

    answers = [
        ask(studio, "PUT", "/v1/budgets/owner", {"limit": "3"}),
        ask(studio, "PUT", "/v1/settings/providers/dalle", {"enabled": False}),
        ask(studio, "PUT", "/v1/settings/providers/dalle/key", {"key": KEY}),
        ask(studio, "POST", "/v1/tokens", {"user": "ben", "role": "viewer"}),
    ]

    assert {answer.status for answer in answers} == {503}
    assert sent
    for writes in sent:
        assert put_by(writes).count("studio#audit") == 1
        assert len(writes) > 1
