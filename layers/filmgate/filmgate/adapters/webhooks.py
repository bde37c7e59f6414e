"""The way of a webhook to its receiver, through the egress module."""

from collections.abc import Mapping
from typing import Final

from filmgate.adapters.egress import Egress
from filmgate.adapters.targets import AddressRefused, EgressError
from filmgate.domain.errors import WebhookNotSent

DEADLINE_S: Final = 12.0
CONTENT_TYPE: Final = "application/json"


class WebhookPost:
    """The port PostWebhook."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    def __call__(self, url: str, *, headers: Mapping[str, str], body: bytes) -> int:
        sent = {"Content-Type": CONTENT_TYPE, **headers}
        try:
            return self._egress.notify(url, headers=sent, body=body, deadline_s=DEADLINE_S)
        except AddressRefused as error:
            raise WebhookNotSent(error.reason, final=True) from None
        except EgressError as error:
            raise WebhookNotSent(error.reason) from None
