"""What a function is told by its environment."""

import pytest
from pydantic import ValidationError

from filmgate.domain.errors import ConfigurationError
from filmgate.settings import from_environment

ALL = {
    "STUDIO_TABLE_NAME": "studio",
    "TAKES_BUCKET_NAME": "takes",
    "EXPORTS_BUCKET_NAME": "exports",
    "UPLOADS_BUCKET_NAME": "uploads",
    "OWNER_TENANT": "studio",
    "GENERATION_STATE_MACHINE_ARN": "arn:aws:states:eu-west-1:1:stateMachine:g",
    "PROVIDER_SECRET_PREFIX": "filmgate/test/",
    "RATE_CARD": "guide",
    "DEFAULT_MONTHLY_LIMIT_MICROS": "10000000",
    "DEFAULT_COST_LIMIT_MICROS": "1000000",
    "POLL_SCALE_PERCENT": "5",
    "PRESUME_AFTER_S": "60",
    "USER_RATE_PER_MINUTE": "600",
    "USER_RATE_BURST": "60",
    "USER_IN_FLIGHT": "50",
    "USER_STORYBOARDS": "9",
    "REPEAT_WINDOW_S": "600",
    "OWNER_TOPIC_ARN": "arn:aws:sns:eu-west-1:1:owner",
    "ALARM_DEAD_LETTER_QUEUE_URL": "https://sqs.example/alarm",
    "EVENT_BUS_NAME": "filmgate-test",
    "WEBHOOK_QUEUE_URL": "https://sqs.example/webhooks",
    "WEBHOOK_SECRET_PREFIX": "filmgate-webhook/test/",
    "WEBHOOK_BACKOFF_PERCENT": "0.1",
    "INLINE_SHOTS": "10",
    "SHOTS_AT_ONCE": "5",
    "STORYBOARD_STATE_MACHINE_ARN": "arn:aws:states:eu-west-1:1:stateMachine:s",
}


def test_every_variable_is_read_in_its_own_type() -> None:
    read = from_environment({**ALL, "PATH": "/bin"})

    assert read.model_dump() == {
        "studio_table_name": "studio",
        "takes_bucket_name": "takes",
        "exports_bucket_name": "exports",
        "uploads_bucket_name": "uploads",
        "owner_tenant": "studio",
        "generation_state_machine_arn": "arn:aws:states:eu-west-1:1:stateMachine:g",
        "provider_secret_prefix": "filmgate/test/",
        "allowed_api_hosts": "",
        "rate_card": "guide",
        "default_monthly_limit_micros": 10_000_000,
        "default_cost_limit_micros": 1_000_000,
        "poll_scale_percent": 5,
        "presume_after_s": 60,
        "user_rate_per_minute": 600,
        "user_rate_burst": 60,
        "user_in_flight": 50,
        "user_storyboards": 9,
        "repeat_window_s": 600,
        "owner_topic_arn": "arn:aws:sns:eu-west-1:1:owner",
        "alarm_dead_letter_queue_url": "https://sqs.example/alarm",
        "event_bus_name": "filmgate-test",
        "webhook_queue_url": "https://sqs.example/webhooks",
        "webhook_secret_prefix": "filmgate-webhook/test/",
        "webhook_backoff_percent": 0.1,
        "inline_shots": 10,
        "shots_at_once": 5,
        "storyboard_state_machine_arn": "arn:aws:states:eu-west-1:1:stateMachine:s",
    }


def test_a_function_needs_only_what_its_work_needs() -> None:
    read = from_environment({"RATE_CARD": "vendor"})

    assert read.need("rate_card") == "vendor"
    assert (read.poll_scale_percent, read.presume_after_s) == (100, 24 * 3600)


@pytest.mark.parametrize("environment", [{}, {"STUDIO_TABLE_NAME": ""}])
def test_a_missing_or_empty_variable_is_named_when_it_is_needed(
    environment: dict[str, str],
) -> None:
    read = from_environment(environment)

    with pytest.raises(ConfigurationError, match="the variable STUDIO_TABLE_NAME is missing"):
        read.need("studio_table_name")


def test_every_unusable_variable_is_named_at_once_and_no_value_is_repeated() -> None:
    bad = {
        **ALL,
        "DEFAULT_MONTHLY_LIMIT_MICROS": "ten-canary",
        "DEFAULT_COST_LIMIT_MICROS": "1.5",
        "POLL_SCALE_PERCENT": "all",
    }

    with pytest.raises(ConfigurationError) as refused:
        from_environment(bad)

    assert str(refused.value) == (
        "unusable variables: DEFAULT_MONTHLY_LIMIT_MICROS, DEFAULT_COST_LIMIT_MICROS, "
        "POLL_SCALE_PERCENT"
    )


def test_an_amount_is_given_as_an_integer_of_micro_dollars() -> None:
    assert int(from_environment(ALL).need("default_monthly_limit_micros")) == 10_000_000


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        from_environment(ALL).rate_card = "other"  # type: ignore[misc]
