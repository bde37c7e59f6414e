"""What a function is told by its environment: one frozen model, every missing name at once."""

import os
from collections.abc import Mapping
from functools import cache

from pydantic import BaseModel, ConfigDict, ValidationError

from filmgate.domain.errors import ConfigurationError


class Settings(BaseModel):
    """The variables of the template. A function gets those that its work needs; the others
    stay None and asking for them is a ConfigurationError."""

    model_config = ConfigDict(frozen=True)

    studio_table_name: str | None = None
    takes_bucket_name: str | None = None
    exports_bucket_name: str | None = None
    uploads_bucket_name: str | None = None
    owner_tenant: str | None = None
    generation_state_machine_arn: str | None = None
    storyboard_state_machine_arn: str | None = None
    shots_at_once: int = 20
    inline_shots: int = 40
    provider_secret_prefix: str | None = None
    owner_topic_arn: str | None = None
    alarm_dead_letter_queue_url: str | None = None
    allowed_api_hosts: str = ""
    rate_card: str | None = None
    default_monthly_limit_micros: int | None = None
    default_cost_limit_micros: int | None = None
    poll_scale_percent: int = 100
    presume_after_s: int = 24 * 60 * 60
    event_bus_name: str | None = None
    webhook_queue_url: str | None = None
    webhook_secret_prefix: str | None = None
    webhook_backoff_percent: float = 100
    user_rate_per_minute: int | None = None
    user_rate_burst: int | None = None
    user_in_flight: int | None = None
    user_storyboards: int | None = None
    repeat_window_s: int | None = None

    def need(self, name: str) -> str:
        """A variable that this function cannot do without; raises ConfigurationError."""
        value = getattr(self, name)
        if value is None:
            raise ConfigurationError(f"the variable {name.upper()} is missing")
        return str(value)


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Settings out of an environment; raises ConfigurationError naming every bad variable."""
    names = {name.upper(): name for name in Settings.model_fields}
    found = {own: environment[name] for name, own in names.items() if environment.get(name)}
    try:
        return Settings.model_validate(found)
    except ValidationError as error:
        bad = ", ".join(str(fault["loc"][0]).upper() for fault in error.errors())
        raise ConfigurationError(f"unusable variables: {bad}") from None


@cache
def settings() -> Settings:
    return from_environment(os.environ)
