"""The stream's function: every notice once, whatever the stream does with its records."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from filmgate.adapters.notices import NoticeTable
from filmgate.adapters.topic import OwnerTopic
from filmgate.domain import ledger
from filmgate.domain.attempts import Attempt, AttemptState
from filmgate.domain.errors import ErrorClass, StoreUnavailable, TopicUnavailable
from filmgate.domain.health import Health, after_failure, after_success, closed
from filmgate.domain.ids import generation_id
from filmgate.domain.ledger import OWNER_SCOPE, Budget, Entry, EntryKind
from filmgate.usecases.ports import BudgetLimit
from tests.functions.stream import Mailbox, deliver, payments, queue_url, records_of
from tests.functions.support import TENANT, Clock, Deployment, asked_by, request, sample
from tests.support.aws import client
from tests.support.builders import attempt, generation, usd
from tests.template import documents

PERIOD = "2026-11"
NAME = documents.physical_name("StudioTable")


@pytest.fixture
def mailbox(studio: Deployment) -> Mailbox:
    return Mailbox()


def open_budget(studio: Deployment, limit: str = "1.0000", **others: Any) -> None:
    facts = {"scope": OWNER_SCOPE, "period": PERIOD, **others}
    studio.table.open_budget(TENANT, Budget(limit=usd(limit), **facts))


def settled(studio: Deployment, number: int, amount: str = "0.0200", **others: Any) -> Attempt:
    """An attempt that was held and then paid, in two transactions."""
    facts = {"scopes": ((OWNER_SCOPE, PERIOD),), **others}
    held = attempt(
        reserved=amount, generation_id=generation_id(TENANT, "ada", str(number)), **facts
    )
    paid = replace(held, state=AttemptState.PAID, actual_micros=usd(amount), version=2)
    studio.table.commit(TENANT, ledger.change(None, held, at=studio.clock()))
    studio.table.commit(TENANT, ledger.change(held, paid, at=studio.clock()))
    return paid


def listed(studio: Deployment, **query: str) -> Any:
    event = request("GET", "/v1/notices", query=query)
    return studio.route(asked_by(event, role="viewer")).json


# --- budgets -----------------------------------------------------------------------------------


def fifty_payments(studio: Deployment) -> list[dict[str, Any]]:
    """The stream of a budget of 1.0000 while 0.0200 are spent fifty times."""
    budget = Budget(OWNER_SCOPE, PERIOD, usd("1.0000"))
    return payments(budget, tenant=TENANT, count=50, micros=usd("0.0200"), at=studio.clock())


def test_fifty_payments_are_one_notice_at_80_percent_and_one_at_100(
    studio: Deployment, mailbox: Mailbox
) -> None:
    deliver(studio, fifty_payments(studio))

    assert mailbox.texts() == [("80", "Used 80.0% of budget"), ("100", "Used 100.0% of budget")]


@pytest.mark.parametrize("seed", range(5))
def test_records_that_come_three_times_and_shuffled_change_nothing(
    studio: Deployment, mailbox: Mailbox, seed: int
) -> None:
    deliver(studio, fifty_payments(studio), times=3, seed=seed)

    assert sorted(threshold for threshold, _ in mailbox.texts()) == ["100", "80"]
    assert len(listed(studio)["items"]) == 2


def test_a_notice_says_in_its_attributes_what_a_filter_needs(
    studio: Deployment, mailbox: Mailbox
) -> None:
    deliver(studio, sample("alarm", "budget")["Records"])

    (message,) = mailbox.read()
    attributes = {n: fact["Value"] for n, fact in message["MessageAttributes"].items()}
    assert (message["Subject"], message["Message"]) == (
        "Approaching Budget Limit",
        "Used 83.4% of budget",
    )
    assert attributes == {
        "id": listed(studio)["items"][0]["id"],
        "tenant": TENANT,
        "kind": "budget",
        "scope": "owner",
        "period": "2026-11",
        "threshold": "80",
        "spent": "0.8340",
        "limit": "1.0000",
    }


def test_money_that_is_only_held_is_no_notice(studio: Deployment, mailbox: Mailbox) -> None:
    open_budget(studio, "0.0200")
    held = attempt(reserved="0.0200", scopes=((OWNER_SCOPE, PERIOD),))
    studio.table.commit(TENANT, ledger.change(None, held, at=studio.clock()))

    deliver(studio, records_of(studio))

    assert mailbox.read() == []


def test_one_payment_from_70_to_100_percent_is_both_notices(
    studio: Deployment, mailbox: Mailbox
) -> None:
    open_budget(studio)
    settled(studio, 1, "0.7000")
    settled(studio, 2, "0.3000")

    deliver(studio, records_of(studio))

    assert [threshold for threshold, _ in mailbox.texts()] == ["80", "100"]


def test_a_limit_lowered_below_what_is_spent_is_a_notice(
    studio: Deployment, mailbox: Mailbox
) -> None:
    open_budget(studio)
    settled(studio, 1, "0.5000")
    lowered = BudgetLimit(usd("0.6000"), (80, 100), version=1)
    budget = studio.table.budget(TENANT, OWNER_SCOPE, PERIOD)
    assert budget is not None

    studio.table.set_limit(
        TENANT, scope=OWNER_SCOPE, before=None, after=lowered, budget=budget, at=studio.clock()
    )

    deliver(studio, records_of(studio))
    assert mailbox.texts() == [("80", "Used 83.3% of budget")]


def test_the_next_month_starts_fresh(studio: Deployment, mailbox: Mailbox, clock: Clock) -> None:
    open_budget(studio)
    settled(studio, 1, "0.8000")
    deliver(studio, records_of(studio))
    clock.pass_s(30 * 24 * 3600)
    open_budget(studio, period="2026-12")
    settled(studio, 2, "0.8000", scopes=((OWNER_SCOPE, "2026-12"),))

    deliver(studio, records_of(studio), times=2)

    periods = [one["MessageAttributes"]["period"]["Value"] for one in mailbox.read()]
    assert periods == ["2026-11", "2026-12"]


def test_a_pace_that_holds_for_a_day_is_forecast_once(
    studio: Deployment, mailbox: Mailbox, clock: Clock
) -> None:
    clock.now = clock.now.replace(day=10)
    open_budget(studio)
    settled(studio, 1, "0.4500")
    deliver(studio, records_of(studio))
    clock.pass_s(24 * 3600)
    settled(studio, 2, "0.0500")

    deliver(studio, records_of(studio)[-1:], times=3)

    (message,) = mailbox.read()
    assert message["Subject"] == "Budget Forecast"
    assert message["Message"] == "At this pace the limit is reached on 2026-11-22"


# --- once, whatever breaks ---------------------------------------------------------------------


def test_a_topic_that_is_away_is_made_good_once_the_claim_has_run_out(
    studio: Deployment, mailbox: Mailbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(OwnerTopic, "publish", _raising(TopicUnavailable("Throttled")))
        given_up = deliver(studio, sample("alarm", "budget")["Records"], times=3)
    early = studio.invoke("replay", sample("replay", "scheduled"))

    clock.pass_s(120)
    late = studio.invoke("replay", sample("replay", "scheduled"))
    again = studio.invoke("replay", sample("replay", "scheduled"))

    assert given_up == []
    assert [run["told"] for run in (early, late, again)] == [0, 1, 0]
    assert mailbox.texts() == [("80", "Used 83.4% of budget")]


def test_a_crash_between_claim_and_send_sends_once(
    studio: Deployment, mailbox: Mailbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = sample("alarm", "budget")
    with monkeypatch.context() as broken:
        broken.setattr(OwnerTopic, "publish", _raising(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            studio.invoke("alarm", event)

    deliver(studio, event["Records"], times=2)
    clock.pass_s(120)
    studio.invoke("replay", sample("replay", "scheduled"))
    deliver(studio, event["Records"])

    assert mailbox.texts() == [("80", "Used 83.4% of budget")]
    assert len(listed(studio)["items"]) == 1


def test_a_crash_between_send_and_mark_sends_twice_with_one_id_and_lists_once(
    studio: Deployment, mailbox: Mailbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = sample("alarm", "budget")
    with monkeypatch.context() as broken:
        broken.setattr(NoticeTable, "told", _raising(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            studio.invoke("alarm", event)

    deliver(studio, event["Records"], times=2)
    clock.pass_s(120)
    studio.invoke("replay", sample("replay", "scheduled"))
    studio.invoke("replay", sample("replay", "scheduled"))

    ids = [one["MessageAttributes"]["id"]["Value"] for one in mailbox.read()]
    assert ids == [listed(studio)["items"][0]["id"]] * 2
    assert len(listed(studio)["items"]) == 1


def test_a_poison_record_holds_up_no_other_and_ends_as_a_dead_letter(
    studio: Deployment, mailbox: Mailbox
) -> None:
    open_budget(studio)
    settled(studio, 1, "0.8000")
    _poison(studio)
    settled(studio, 2, "0.2000")

    given_up = deliver(studio, records_of(studio))

    assert [threshold for threshold, _ in mailbox.texts()] == ["80", "100"]
    assert [batch[0]["dynamodb"]["Keys"]["sk"]["S"] for batch in given_up] == ["shard#poison"]
    assert studio.invoke("replay", sample("replay", "scheduled")) == {
        "told": 0,
        "replayed": 0,
        "left": 1,
    }


def test_dead_letters_are_replayed_from_the_stream_and_thrown_away(
    studio: Deployment, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_budget(studio)
    settled(studio, 1, "1.0000")
    with monkeypatch.context() as broken:
        broken.setattr(NoticeTable, "claim", _raising(StoreUnavailable("away")))
        assert deliver(studio, records_of(studio)) != []
    assert mailbox.read() == []

    first = studio.invoke("replay", sample("replay", "scheduled"))
    second = studio.invoke("replay", sample("replay", "scheduled"))

    assert (first["replayed"], first["left"]) == (1, 0)
    assert (second["replayed"], second["left"]) == (0, 0)
    assert [threshold for threshold, _ in mailbox.texts()] == ["80", "100"]


def test_a_message_that_is_no_dead_letter_of_a_stream_stays_and_hinders_nothing(
    studio: Deployment,
) -> None:
    client("sqs").send_message(QueueUrl=queue_url(), MessageBody="what is this?")

    run = studio.invoke("replay", sample("replay", "scheduled"))

    assert run == {"told": 0, "replayed": 0, "left": 0}


def test_a_tenant_can_be_looked_at_as_it_now_is(studio: Deployment, mailbox: Mailbox) -> None:
    open_budget(studio)
    settled(studio, 1, "0.9000")
    refused = _refused(studio)
    studio.table.put_health(TENANT, "kling", None, refused)

    first = studio.invoke("replay", sample("replay", "tenant"))
    second = studio.invoke("replay", sample("replay", "tenant"))

    assert (first["told"], second["told"]) == (2, 0)
    assert [one["Subject"] for one in mailbox.read()] == [
        "Approaching Budget Limit",
        "Provider Key Refused",
    ]


# --- what else is told -------------------------------------------------------------------------


def test_a_provider_is_told_once_per_time_out_of_service(
    studio: Deployment, mailbox: Mailbox, clock: Clock
) -> None:
    steps = [_refused(studio)]
    clock.pass_s(900)
    steps.append(_refused(studio, steps[-1]))  # the probe fails too: nothing new
    steps.append(closed(steps[-1]))
    clock.pass_s(900)
    steps.append(_refused(studio, steps[-1]))
    for before, after in zip([None, *steps], steps, strict=False):
        studio.table.put_health(TENANT, "kling", before, after)

    deliver(studio, records_of(studio), times=3)

    told = mailbox.read()
    assert [one["Subject"] for one in told] == ["Provider Key Refused"] * 2
    assert {one["MessageAttributes"]["provider"]["Value"] for one in told} == {"kling"}


def test_a_provider_that_fails_for_a_while_is_no_notice(
    studio: Deployment, mailbox: Mailbox, clock: Clock
) -> None:
    health = Health()
    for _ in range(6):
        health = after_failure(
            health, error_class=ErrorClass.FALLBACK, code="provider-error", now=clock()
        )
    studio.table.put_health(TENANT, "kling", None, health)

    deliver(studio, records_of(studio))

    assert health.open_until is not None
    assert mailbox.read() == []


@pytest.mark.parametrize(
    ("state", "title"),
    [(AttemptState.IN_DOUBT, "Outcome Unknown"), (AttemptState.PRESUMED, "Presumed Paid")],
)
def test_an_attempt_whose_outcome_nobody_knows_is_told(
    studio: Deployment, mailbox: Mailbox, state: AttemptState, title: str
) -> None:
    open_budget(studio)
    held = attempt(scopes=((OWNER_SCOPE, PERIOD),))
    after = replace(held, state=state, version=2)
    studio.table.commit(TENANT, ledger.change(None, held, at=studio.clock()))
    studio.table.commit(TENANT, ledger.change(held, after, at=studio.clock()))

    deliver(studio, records_of(studio), times=3, seed=1)

    (message,) = mailbox.read()
    assert message["Subject"] == title
    assert message["MessageAttributes"]["amount"]["Value"] == "0.0200"
    assert message["MessageAttributes"]["attempt_id"]["Value"] == held.id


def test_two_paid_attempts_of_one_generation_are_told_once(
    studio: Deployment, mailbox: Mailbox
) -> None:
    open_budget(studio)
    made = generation(tenant=TENANT)
    first = attempt(provider="dalle", scopes=((OWNER_SCOPE, PERIOD),))
    second = attempt(index=1, provider="kling", scopes=((OWNER_SCOPE, PERIOD),))
    admission = ledger.change(None, first, at=studio.clock())
    studio.table.commit(TENANT, ledger.with_generation(admission, None, made))
    studio.table.commit(TENANT, ledger.change(None, second, at=studio.clock()))
    for held in (second, first):
        paid = replace(held, state=AttemptState.PAID, actual_micros=usd("0.0200"), version=2)
        kept = replace(paid, state=AttemptState.STORED, version=3)
        studio.table.commit(TENANT, ledger.change(held, paid, at=studio.clock()))
        studio.table.commit(TENANT, ledger.change(paid, kept, at=studio.clock()))

    deliver(studio, records_of(studio), times=3, seed=2)

    (message,) = mailbox.read()
    assert message["Subject"] == "Paid Twice"
    assert message["MessageAttributes"]["providers"]["Value"] == "dalle, kling"
    assert message["MessageAttributes"]["amount"]["Value"] == "0.0400"


@pytest.mark.parametrize(
    ("kind", "title", "amount"),
    [
        (EntryKind.OVERRUN, "Cost Over-run", "0.0100"),
        (EntryKind.CORRECT, "Booking Corrected", "-0.0100"),
    ],
)
def test_money_beyond_the_hold_and_a_mended_booking_are_told(
    studio: Deployment, mailbox: Mailbox, kind: EntryKind, title: str, amount: str
) -> None:
    made = generation(tenant=TENANT)
    micros = 10_000 if kind is EntryKind.OVERRUN else -10_000
    entry = Entry("att_x.own", made.id, kind, 0, micros, (), studio.clock())
    studio.table.commit(
        TENANT,
        ledger.Commit(generation=ledger.GenerationChange(None, made), entries=(entry,)),
    )

    deliver(studio, records_of(studio), times=2)

    (message,) = mailbox.read()
    assert (message["Subject"], message["MessageAttributes"]["amount"]["Value"]) == (title, amount)


def test_everyday_changes_wake_nobody(studio: Deployment, mailbox: Mailbox) -> None:
    open_budget(studio)
    settled(studio, 1)
    good = after_success(Health(), duration=timedelta(seconds=3), cost=usd("0.0200"))
    studio.table.put_health(TENANT, "dalle", None, good)

    deliver(studio, records_of(studio))

    assert mailbox.read() == []
    assert listed(studio)["items"] == []


# --- GET /v1/notices ---------------------------------------------------------------------------


def test_notices_are_listed_newest_first_page_by_page(studio: Deployment, clock: Clock) -> None:
    open_budget(studio, alert_at=(10, 20, 30, 40, 50))
    for number in range(5):
        settled(studio, number, "0.1000")
        deliver(studio, records_of(studio))
        clock.pass_s(60)

    pages = [listed(studio, limit="2")]
    while pages[-1]["next"]:
        pages.append(listed(studio, limit="2", cursor=pages[-1]["next"]))

    shown = [one["attributes"]["threshold"] for page in pages for one in page["items"]]
    assert shown == ["50", "40", "30", "20", "10"]
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert set(pages[0]["items"][0]) == {"id", "kind", "title", "text", "attributes", "at"}


def test_a_creator_sees_the_notices_of_their_own_and_nobody_sees_a_foreign_tenant_s(
    studio: Deployment,
) -> None:
    for scope in ("owner", "user:ann", "user:ben", "project:fox"):
        open_budget(studio, scope=scope)
        settled(studio, hash(scope), "1.0000", scopes=((scope, PERIOD),))
    deliver(studio, records_of(studio))
    event = sample("read", "notices")

    def scopes(role: str, tenant: str = TENANT) -> set[str]:
        items = studio.route(asked_by(event, role=role, tenant=tenant)).json["items"]
        return {one["attributes"]["scope"] for one in items}

    assert scopes("creator") == {"user:ann"}
    assert scopes("viewer") == scopes("admin") == {"owner", "user:ann", "user:ben", "project:fox"}
    assert scopes("admin", "elsewhere") == set()


@pytest.mark.parametrize("cursor", ["nonsense", "eyJzayI6ICJ4IiwgInNlYWwiOiAieSJ9"])
def test_a_made_up_cursor_is_422(studio: Deployment, cursor: str) -> None:
    event = request("GET", "/v1/notices", query={"cursor": cursor})

    answer = studio.route(asked_by(event, role="viewer"))

    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "?cursor")


def test_a_cursor_of_another_tenant_is_422(studio: Deployment) -> None:
    open_budget(studio)
    settled(studio, 1, "1.0000")
    deliver(studio, records_of(studio))
    cursor = listed(studio, limit="1")["next"]
    event = request("GET", "/v1/notices", query={"cursor": cursor})

    answer = studio.route(asked_by(event, role="viewer", tenant="elsewhere"))

    assert cursor is not None
    assert answer.status == 422


def _raising(error: BaseException) -> Callable[..., None]:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def _refused(studio: Deployment, health: Health | None = None) -> Health:
    return after_failure(
        health or Health(),
        error_class=ErrorClass.FALLBACK,
        code="key-refused",
        now=studio.clock(),
    )


def _poison(studio: Deployment) -> None:
    """A budget's item that no version of this code has written."""
    studio.dynamodb.put_item(
        TableName=NAME,
        Item={
            "pk": {"S": f"{TENANT}#budget#owner#{PERIOD}"},
            "sk": {"S": "shard#poison"},
            "settled": {"N": "1"},
            "limit": {"S": "no limit at all"},
        },
    )
