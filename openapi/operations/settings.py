"""Providers' settings and keys, and the secret of the webhooks."""

from typing import Final

from filmgate.domain.errors import (
    KeyStoreUnavailable,
    NotFound,
    StateConflict,
    ValidationFailed,
    VersionConflict,
)
from filmgate.schemas import KeyBody, OrderBody, SettingsBody
from openapi.answers.studio import (
    ConfirmedPrices,
    KeyTest,
    NewSigningSecret,
    ProviderOrder,
    ProviderSettings,
    SigningSecrets,
)
from openapi.operation import JSON, TEXT, Body, Header, Operation, Parameter, answer
from openapi.operations.common import in_path

ID: Final = in_path("id", "A provider's id.", "dalle")
ETAG: Final = Header("The version of the settings, for `If-Match`.", TEXT)
IF_MATCH: Final = Parameter(
    "If-Match",
    "header",
    "The `ETag` of an earlier answer: the change is refused if somebody was faster.",
    TEXT,
    '"3"',
)

OPERATIONS: Final = (
    Operation(
        id="get_provider_settings",
        method="GET",
        path="/v1/settings/providers/{id}",
        tag="settings",
        role="viewer",
        summary="A provider's settings",
        parameters=(ID,),
        answers=(answer(200, "The settings.", ProviderSettings, {"ETag": ETAG}),),
        problems=(NotFound,),
    ),
    Operation(
        id="change_provider_settings",
        method="PUT",
        path="/v1/settings/providers/{id}",
        tag="settings",
        role="admin",
        summary="Change a provider's settings",
        told="Any part of them; what is not said stays as it is.",
        parameters=(ID, IF_MATCH),
        body=Body(
            {JSON: SettingsBody},
            {JSON: {"later": {"priority": 3}, "bounded": {"monthly_limit": "5.0000"}}},
        ),
        answers=(answer(200, "The settings.", ProviderSettings, {"ETag": ETAG}),),
        problems=(NotFound, StateConflict, VersionConflict),
    ),
    Operation(
        id="set_provider_order",
        method="PUT",
        path="/v1/settings/order",
        tag="settings",
        role="admin",
        summary="Set who is tried first",
        body=Body(
            {JSON: OrderBody},
            {
                JSON: {
                    "cheap-first": {
                        "type": "image",
                        "order": ["nanobanana", "dalle", "midjourney"],
                    }
                }
            },
        ),
        answers=(answer(200, "The order.", ProviderOrder),),
    ),
    Operation(
        id="set_provider_key",
        method="PUT",
        path="/v1/settings/providers/{id}/key",
        tag="settings",
        role="admin",
        summary="Store a provider's key",
        told="Into Secrets Manager, never out again.",
        parameters=(ID,),
        body=Body(
            {JSON: KeyBody},
            {
                JSON: {
                    "one": {"key": "sk-…"},
                    "several": {"key": {"access_key": "…", "secret_key": "…"}},
                }
            },
        ),
        answers=(answer(204, "It is stored."),),
        problems=(NotFound, KeyStoreUnavailable),
    ),
    Operation(
        id="remove_provider_key",
        method="DELETE",
        path="/v1/settings/providers/{id}/key",
        tag="settings",
        role="admin",
        summary="Forget a provider's key",
        parameters=(ID,),
        answers=(answer(204, "There is none now."),),
        problems=(NotFound, KeyStoreUnavailable, ValidationFailed),
    ),
    Operation(
        id="test_provider",
        method="POST",
        path="/v1/settings/providers/{id}/test",
        tag="settings",
        role="admin",
        summary="Whether a key is good",
        told="By a call to the provider that costs nothing.",
        parameters=(ID,),
        answers=(answer(200, "Whether it is, and why not.", KeyTest),),
        problems=(NotFound,),
    ),
    Operation(
        id="confirm_prices",
        method="POST",
        path="/v1/settings/providers/{id}/prices/confirm",
        tag="settings",
        role="admin",
        summary="Sell again at prices that a bill had overstepped",
        parameters=(ID,),
        answers=(answer(200, "Those that are sold again.", ConfirmedPrices),),
        problems=(NotFound,),
    ),
    Operation(
        id="get_webhook_secret",
        method="GET",
        path="/v1/settings/webhook-secret",
        tag="settings",
        role="viewer",
        summary="How the secrets that sign webhooks end",
        answers=(answer(200, "Their ends and dates.", SigningSecrets),),
        problems=(KeyStoreUnavailable,),
    ),
    Operation(
        id="rotate_webhook_secret",
        method="POST",
        path="/v1/settings/webhook-secret/rotate",
        tag="settings",
        role="admin",
        summary="Make a new secret for webhooks",
        told="It is shown this once; the one before works for 24 hours more.",
        answers=(answer(200, "The new secret.", NewSigningSecret),),
        problems=(StateConflict, KeyStoreUnavailable),
    ),
)
