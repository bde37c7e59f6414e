"""State Submit: the step that spends money. Providers follow a script."""

import pytest

from filmgate.adapters.egress import NotSent, OutcomeUnknown
from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import StoreUnavailable
from filmgate.domain.generations import GenerationState
from tests.functions.support import Clock, Deployment, altered, sample
from tests.functions.vendors import (
    DALLE,
    KLING,
    NANOBANANA,
    ScriptedEgress,
    dalle_error,
    dalle_picture,
    kling_created,
    nanobanana_picture,
    picture,
    reply,
)
from tests.support.aws import client


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    for provider in ("dalle", "nanobanana", "kling"):
        studio.give_key(provider)
    return studio


def admitted(studio: Deployment, name: str = "image", **body: object) -> str:
    answer = studio.call("generate", altered(sample("generate", name), body=body))
    assert answer.status == 202, answer.text
    return str(answer.json["id"])


def attempts(studio: Deployment, generation_id: str) -> list[tuple[str, str, str | None]]:
    """(provider, state, code of its failure) of every attempt."""
    record = studio.table.find("studio", generation_id)
    return [
        (one.provider, str(one.state), one.failure.code if one.failure else None)
        for one in record.attempts
    ]


def budget(studio: Deployment) -> tuple[int, int]:
    """(held, settled) of the month, in micro-dollars."""
    found = studio.table.budget("studio", "owner", "2026-11")
    return found.held, found.settled


def test_a_picture_that_comes_at_once_is_stored_and_settled_in_one_step(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    made = admitted(studio)

    said = studio.step("submit", made)

    assert said == {
        "tenant": "studio", "generation_id": made, "outcome": "stored", "wait_s": 0,
    }  # fmt: skip
    assert attempts(studio, made) == [("dalle", "stored", None)]
    assert budget(studio) == (0, 20_000)


def test_the_bytes_are_in_the_bucket_under_tenant_generation_and_take(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    made = admitted(studio)

    studio.step("submit", made)

    (take,) = studio.table.find("studio", made).takes
    kept = client("s3").get_object(Bucket="takes-bucket", Key=take.key)
    assert take.key == f"studio/{made}/{take.id}.png"
    assert kept["Body"].read() == picture(1536, 864)
    assert kept["ContentType"] == "image/png"


def test_a_provider_gets_everything_that_moves_the_price_and_our_reference(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture())
    made = admitted(studio)

    studio.step("submit", made)

    (call,) = vendors.calls_to(DALLE)
    assert (call.method, call.url) == ("POST", "https://api.openai.com/v1/images/generations")
    assert call.headers["Authorization"] == "Bearer key-of-dalle"
    assert call.headers["X-Client-Request-Id"] == "att_" + made.removeprefix("gen_") + "00"
    assert {name: call.json[name] for name in ("model", "size", "quality", "n")} == {
        "model": "gpt-image-2.6-flare", "size": "1536x864", "quality": "medium", "n": 1,
    }  # fmt: skip


def test_a_picture_of_another_size_is_kept_with_a_warning(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1024, 1024)))
    made = admitted(studio)

    assert studio.step("submit", made)["outcome"] == "stored"

    generation = studio.table.find("studio", made).generation
    assert generation.warnings == ("dalle delivered 1024x1024 pixels, ordered were 1536x864",)


def test_bytes_that_are_no_picture_are_paid_for_and_kept_for_a_claim(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture(b"<html>sorry</html>"))
    made = admitted(studio)

    said = studio.step("submit", made)

    key = f"studio/{made}/unusable/att_{made.removeprefix('gen_')}00"
    kept = client("s3").get_object(Bucket="takes-bucket", Key=key)
    assert said["outcome"] == "stopped"
    assert attempts(studio, made) == [("dalle", "paid", "result-unusable")]
    assert budget(studio) == (0, 20_000)
    assert kept["Body"].read() == b"<html>sorry</html>"


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (dalle_error(400, "moderation_blocked"), "content-refused"),
        (dalle_error(429, "insufficient_quota"), "quota-exhausted"),
        (dalle_error(401), "key-refused"),
        (dalle_error(404, "model_not_found"), "retired"),
    ],
    ids=["refused", "no credit", "no key", "no model"],
)
def test_a_definite_no_costs_nothing_and_the_next_provider_is_asked(
    studio: Deployment, vendors: ScriptedEgress, refusal, code: str
) -> None:
    vendors.will(DALLE, refusal)
    vendors.will(NANOBANANA, nanobanana_picture())
    made = admitted(studio, params={"aspect_ratio": "1:1"})

    words = [studio.step("submit", made)["outcome"] for _ in range(2)]

    assert words == ["next", "stored"]
    assert attempts(studio, made) == [("dalle", "released", code), ("nanobanana", "stored", None)]
    assert budget(studio) == (0, 10_000)


def test_a_refusal_of_the_content_ends_it_where_the_request_says_stop(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_error(400, "moderation_blocked"))
    made = admitted(studio, on_refusal="stop")

    assert studio.step("submit", made)["outcome"] == "stopped"
    assert len(vendors.calls) == 1
    assert budget(studio) == (0, 0)


def test_a_busy_provider_is_asked_again_after_its_own_delay_and_the_money_stays_held(
    studio: Deployment, vendors: ScriptedEgress, clock: Clock
) -> None:
    vendors.will(DALLE, dalle_error(429, "rate_limit_exceeded", retry_after="4"), dalle_picture())
    made = admitted(studio)

    first = studio.step("submit", made)
    held = budget(studio)
    early = studio.step("submit", made)
    clock.pass_s(first["wait_s"])
    second = studio.step("submit", made)

    assert (first["outcome"], first["wait_s"]) == ("again", 4)
    assert held == (20_000, 0)
    assert (early["outcome"], early["wait_s"]) == ("again", 4)
    assert second["outcome"] == "stored"
    assert len(vendors.calls) == 2


def test_a_delay_longer_than_its_class_allows_leads_to_the_next_provider(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_error(429, "rate_limit_exceeded", retry_after="6"))
    made = admitted(studio)

    assert studio.step("submit", made)["outcome"] == "next"


def test_nothing_sent_proves_nothing_accepted(studio: Deployment, vendors: ScriptedEgress) -> None:
    vendors.will(DALLE, NotSent(DALLE, "no connection"))
    made = admitted(studio)

    said = studio.step("submit", made)

    assert said["outcome"] == "again"
    assert attempts(studio, made) == [("dalle", "reserved", None)]


@pytest.mark.parametrize(
    "lost",
    [
        OutcomeUnknown(DALLE, "the answer was cut"),
        reply(502, b"<html>bad gateway</html>"),
        reply(200, b"<html>welcome</html>"),
        reply(200, {"data": []}),
        reply(200, b'{"data": [{"b64_json": "a", "b64_json": "b"}]}'),
        reply(200, b"[" * 100_000),
    ],
    ids=["cut", "gateway page", "html in 200", "no picture", "duplicate key", "deep"],
)
def test_an_answer_that_proves_nothing_holds_the_money_and_asks_nobody_else(
    studio: Deployment, vendors: ScriptedEgress, lost: Exception
) -> None:
    vendors.will(DALLE, lost)
    made = admitted(studio)

    said = studio.step("submit", made)
    again = studio.step("submit", made)

    assert (said["outcome"], again["outcome"]) == ("stopped", "stopped")
    assert attempts(studio, made) == [("dalle", "in_doubt", "outcome-unknown")]
    assert budget(studio) == (20_000, 0)
    assert len(vendors.calls) == 1


def test_doubt_leads_on_where_the_request_says_next_and_both_are_held(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, OutcomeUnknown(DALLE, "the answer was cut"))
    vendors.will(NANOBANANA, nanobanana_picture())
    made = admitted(studio, on_unknown="next", params={"aspect_ratio": "1:1"})

    words = [studio.step("submit", made)["outcome"] for _ in range(2)]

    assert words == ["next", "stored"]
    assert budget(studio) == (20_000, 10_000)


def test_a_lost_answer_of_a_provider_that_can_be_searched_is_found_at_once(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    found = reply(200, {"code": 0, "data": [{"id": "task-9", "status": "submitted"}]})
    vendors.will(KLING, OutcomeUnknown(KLING, "the answer was cut"), found)
    made = admitted(studio, "clip")

    said = studio.step("submit", made)

    assert said["outcome"] == "running"
    assert vendors.calls[1].url.endswith(f"external_task_ids=att_{made.removeprefix('gen_')}00")
    assert studio.table.find("studio", made).current.operation == {"task": "task-9"}


def test_a_job_that_was_accepted_is_waited_for_as_long_as_such_a_job_takes(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(KLING, kling_created())
    made = admitted(studio, "clip")

    said = studio.step("submit", made)

    assert (said["outcome"], said["wait_s"]) == ("running", 120)
    assert attempts(studio, made) == [("kling", "accepted", None)]
    assert studio.table.find("studio", made).generation.state is GenerationState.RUNNING


def test_a_provider_without_a_usable_key_is_passed_over_without_a_call(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    client("secretsmanager").put_secret_value(
        SecretId="filmgate/dev/studio/dalle", SecretString='{"another_field": "x"}'
    )
    vendors.will(NANOBANANA, nanobanana_picture())
    made = admitted(studio, params={"aspect_ratio": "1:1"})

    studio.step("submit", made)
    said = studio.step("submit", made)

    assert said["outcome"] == "stored"
    assert attempts(studio, made)[0] == ("dalle", "released", "key-refused")
    assert vendors.calls_to(DALLE) == []


def test_a_fallback_that_does_not_fit_the_budget_is_passed_over_with_the_reason(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    studio.chosen["DefaultMonthlyLimitMicros"] = "25000"
    vendors.will(DALLE, OutcomeUnknown(DALLE, "the answer was cut"))
    made = admitted(studio, on_unknown="next")

    words = [studio.step("submit", made)["outcome"] for _ in range(2)]

    assert words == ["next", "stopped"]
    assert attempts(studio, made)[1] == ("nanobanana", "released", "budget-exceeded")
    assert studio.table.find("studio", made).attempts[1].failure.message == (
        "needs 0.0100 USD; owner budget has 0.0050 left"
    )
    assert budget(studio) == (20_000, 0)


def test_the_second_run_of_a_step_sends_nothing(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture())
    made = admitted(studio)

    first, second = studio.step("submit", made), studio.step("submit", made)

    assert first == second
    assert len(vendors.calls) == 1
    assert budget(studio) == (0, 20_000)


def test_a_worker_that_died_while_sending_is_waited_for_and_then_in_doubt(
    studio: Deployment, vendors: ScriptedEgress, clock: Clock
) -> None:
    vendors.will(DALLE, KeyboardInterrupt())  # the process ends in the middle of the call
    made = admitted(studio)
    with pytest.raises(KeyboardInterrupt):
        studio.step("submit", made)

    waiting = studio.step("submit", made)
    clock.pass_s(waiting["wait_s"])
    after = studio.step("submit", made)

    assert waiting["outcome"] == "again"
    assert waiting["wait_s"] == 240 + 60
    assert after["outcome"] == "stopped"
    assert studio.table.find("studio", made).current.state is AttemptState.IN_DOUBT
    assert len(vendors.calls) == 1
    assert budget(studio) == (20_000, 0)


def test_a_picture_that_was_kept_but_not_written_down_is_found_after_the_lease(
    studio: Deployment,
    vendors: ScriptedEgress,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    made = admitted(studio)
    commit = studio.table.__class__.commit

    def dies_at_the_end(table, tenant, change) -> None:
        if change.take is not None:
            raise KeyboardInterrupt
        commit(table, tenant, change)

    with monkeypatch.context() as patched:
        patched.setattr(studio.table.__class__, "commit", dies_at_the_end)
        with pytest.raises(KeyboardInterrupt):
            studio.step("submit", made)
    waiting = studio.step("submit", made)
    clock.pass_s(waiting["wait_s"])

    said = studio.step("submit", made)

    assert (waiting["outcome"], said["outcome"]) == ("again", "stored")
    assert len(studio.table.find("studio", made).takes) == 1
    assert len(vendors.calls) == 1
    assert budget(studio) == (0, 20_000)


def test_a_table_that_is_away_fails_the_step_under_a_name_that_is_retried(
    studio: Deployment, vendors: ScriptedEgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = admitted(studio)

    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(studio.table.__class__, "commit", away)

    with pytest.raises(StoreUnavailable) as raised:
        studio.step("submit", made)

    assert type(raised.value).__name__ == "StoreUnavailable"
    assert vendors.calls == []


def test_whatever_the_state_machine_carries_beside_the_ids_is_not_read(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture())
    made = admitted(studio)
    event = {"tenant": "studio", "generation_id": made, "outcome": "stored", "wait_s": 7, "x": {}}

    said = studio.invoke("submit", event)

    assert set(said) == {"tenant", "generation_id", "outcome", "wait_s"}
    assert len(vendors.calls) == 1


def test_a_generation_of_another_tenant_is_not_worked_on(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    made = admitted(studio)

    with pytest.raises(Exception, match="not in the table"):
        studio.step("submit", made, tenant="other")

    assert vendors.calls == []
