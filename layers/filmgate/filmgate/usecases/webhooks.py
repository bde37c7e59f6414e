"""What callers do about webhooks: ask for one, and rotate the secret that signs them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from secrets import token_bytes
from typing import TypeVar

from filmgate.domain.errors import Stale, StateConflict, ValidationFailed
from filmgate.domain.storyboard import Storyboard
from filmgate.domain.webhooks import SECRET_BYTES, SigningSecret, SigningSecrets, secret_text
from filmgate.usecases.notices import SigningSecretStore, WebhookUrls
from filmgate.usecases.request import Request

Asking = TypeVar("Asking", Request, Storyboard)
"""What may ask to be told of its end by a webhook."""


def with_checked_webhook(asked: Asking, *, check_url: WebhookUrls) -> Asking:
    """The request with its webhook's address in one form; raises ValidationFailed for an address
    that must not be asked. Where the name leads is looked at again at every try."""
    if asked.webhook_url is None:
        return asked
    try:
        return replace(asked, webhook_url=check_url(asked.webhook_url))
    except ValueError as error:
        raise ValidationFailed([("/webhook_url", str(error))]) from None


def draw_secret() -> str:
    return secret_text(token_bytes(SECRET_BYTES))


def rotate_secret(
    *,
    tenant: str,
    store: SigningSecretStore,
    now: datetime,
    draw: Callable[[], str] = draw_secret,
) -> SigningSecrets:
    """A new secret for a tenant's webhooks, the first one or one after another.

    The one before stays active for a day. Raises StateConflict when somebody else rotated at the
    same moment: a secret that was shown is never lost. Raises KeyStoreUnavailable.
    """
    known, version = store.read_version(tenant)
    drawn = draw()
    made = known.rotated(drawn, now) if known else SigningSecrets(SigningSecret(drawn, now))
    try:
        store.replace(tenant, made, version=version)
    except Stale:
        raise StateConflict("Another rotation was faster. Rotate again if you need to.") from None
    return made
