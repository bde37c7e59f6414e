"""Who fulfils the ports. All is made on first use: nothing is imported or connected early."""

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from filmgate.domain.catalogue import Provider
from filmgate.domain.generations import Generation, Link, Take
from filmgate.domain.pace import Pace
from filmgate.domain.patience import Patience
from filmgate.domain.pricing import RateCard
from filmgate.observability import measure_commit
from filmgate.settings import settings

if TYPE_CHECKING:
    from filmgate.adapters.boards import BoardTable
    from filmgate.adapters.bus import EventBus
    from filmgate.adapters.client_table import ClientTable
    from filmgate.adapters.dead_letters import DeadLetterQueue, StudioStream
    from filmgate.adapters.deliveries import DeliveryTable
    from filmgate.adapters.egress import Egress
    from filmgate.adapters.inbox import UploadsBucket
    from filmgate.adapters.notices import NoticeTable
    from filmgate.adapters.owners_table import OwnersTable
    from filmgate.adapters.quotes import QuoteTable
    from filmgate.adapters.secrets import ProviderKeys, ProviderKeyStore
    from filmgate.adapters.table import StudioTable
    from filmgate.adapters.takes import TakeBucket
    from filmgate.adapters.topic import OwnerTopic
    from filmgate.adapters.uploads_table import UploadTable
    from filmgate.adapters.usage_table import UsageTable
    from filmgate.adapters.webhook_queue import MessageQueue
    from filmgate.adapters.webhook_secrets import WebhookSecrets
    from filmgate.adapters.webhooks import WebhookPost
    from filmgate.adapters.workflow import GenerationWorkflow, ShootingWorkflow
    from filmgate.domain.boards import Head
    from filmgate.domain.changes import Change
    from filmgate.providers.base import Adapter
    from filmgate.usecases.ports import Principal
    from filmgate.usecases.start_storyboard import Market
    from filmgate.usecases.steps import Inspection

LARGEST_RESULT_BYTES: Final = 1_000_000_000
LINK_LIFE_S: Final = 15 * 60
LINKED_IMAGE_S: Final = 10.0
"""The API waits 30 s, of which a cold start and reading the picture take some."""


def now() -> datetime:
    return datetime.now(UTC)


@cache
def studio() -> "StudioTable":
    from filmgate.adapters.table import StudioTable

    return StudioTable(
        _client("dynamodb"), settings().need("studio_table_name"), on_commit=measure_commit
    )


@cache
def owners_desk() -> "OwnersTable":
    from filmgate.adapters.owners_table import OwnersTable

    return OwnersTable(_client("dynamodb"), settings().need("studio_table_name"))


@cache
def quotes() -> "QuoteTable":
    from filmgate.adapters.quotes import QuoteTable

    return QuoteTable(_client("dynamodb"), settings().need("studio_table_name"))


@cache
def usage_book() -> "UsageTable":
    from filmgate.adapters.usage_table import UsageTable

    return UsageTable(_client("dynamodb"), settings().need("studio_table_name"))


@cache
def upload_book() -> "UploadTable":
    from filmgate.adapters.uploads_table import UploadTable

    return UploadTable(_client("dynamodb"), settings().need("studio_table_name"))


def uploads_bucket() -> "UploadsBucket":
    return uploads_bucket_named(settings().need("uploads_bucket_name"))


@cache
def uploads_bucket_named(name: str) -> "UploadsBucket":
    """The bucket that an event tells of; the function's role has rights to our own alone."""
    from filmgate.adapters.inbox import UploadsBucket

    return UploadsBucket(_client("s3"), name)


@cache
def client_desk() -> "ClientTable":
    from filmgate.adapters.client_table import ClientTable

    return ClientTable(_client("dynamodb"), settings().need("studio_table_name"))


def repeat_window() -> timedelta:
    """How long the same request without a key is the same generation."""
    return timedelta(seconds=int(settings().need("repeat_window_s")))


def pause(seconds: float) -> None:
    """Let time pass."""
    time.sleep(seconds)


@cache
def exports() -> "TakeBucket":
    from filmgate.adapters.takes import TakeBucket

    return TakeBucket(_client("s3"), settings().need("exports_bucket_name"))


@cache
def takes() -> "TakeBucket":
    from filmgate.adapters.takes import TakeBucket

    return TakeBucket(_client("s3"), settings().need("takes_bucket_name"))


@cache
def workflow() -> "GenerationWorkflow":
    from filmgate.adapters.workflow import GenerationWorkflow

    return GenerationWorkflow(
        _client("stepfunctions"), settings().need("generation_state_machine_arn")
    )


@cache
def boards() -> "BoardTable":
    from filmgate.adapters.boards import BoardTable

    return BoardTable(
        _client("dynamodb"), settings().need("studio_table_name"), on_commit=measure_commit
    )


@cache
def shooting() -> "ShootingWorkflow":
    from filmgate.adapters.workflow import ShootingWorkflow

    return ShootingWorkflow(
        _client("stepfunctions"), settings().need("storyboard_state_machine_arn")
    )


def market() -> "Market":
    """What storyboards are priced and bounded by."""
    from filmgate.providers.data import catalogue
    from filmgate.usecases.start_storyboard import Market

    return Market(
        catalogue(),
        card(),
        int(settings().need("default_monthly_limit_micros")),
        int(settings().need("default_cost_limit_micros")),
    )


@cache
def notices() -> "NoticeTable":
    from filmgate.adapters.notices import NoticeTable

    return NoticeTable(_client("dynamodb"), settings().need("studio_table_name"))


@cache
def owner_topic() -> "OwnerTopic":
    from filmgate.adapters.topic import OwnerTopic

    return OwnerTopic(_client("sns"), settings().need("owner_topic_arn"))


@cache
def dead_letters() -> "DeadLetterQueue":
    from filmgate.adapters.dead_letters import DeadLetterQueue

    return DeadLetterQueue(_client("sqs"), settings().need("alarm_dead_letter_queue_url"))


@cache
def stream() -> "StudioStream":
    from filmgate.adapters.dead_letters import StudioStream

    return StudioStream(_client("dynamodbstreams"))


def change_of(record: Mapping[str, Any]) -> "Change | None":
    """The change that a record of the table's stream tells of; None for what nobody is told.

    Raises ConfigurationError for a record of a foreign shape.
    """
    from filmgate.adapters.changes import change_of

    return change_of(record)


@cache
def egress() -> "Egress":
    from filmgate.adapters.egress import Egress

    return Egress()


@cache
def provider_keys() -> "ProviderKeys":
    from filmgate.adapters.secrets import ProviderKeys

    return ProviderKeys(_client("secretsmanager"), settings().need("provider_secret_prefix"))


def patience() -> Patience:
    """How long this installation waits for what is in doubt."""
    return Patience(settings().poll_scale_percent, timedelta(seconds=settings().presume_after_s))


def pace() -> Pace:
    """What one user may start, and have in flight, in this installation."""
    return Pace(
        per_minute=int(settings().need("user_rate_per_minute")),
        burst=int(settings().need("user_rate_burst")),
        in_flight=int(settings().need("user_in_flight")),
    )


def storyboard_pace() -> Pace:
    """The same of storyboards: each is one start, whatever the number of its shots."""
    return Pace(
        per_minute=int(settings().need("user_rate_per_minute")),
        burst=int(settings().need("user_rate_burst")),
        in_flight=int(settings().need("user_storyboards")),
    )


def card() -> RateCard:
    """The rate card that this installation prices by."""
    from filmgate.providers.data import rate_card

    return rate_card(settings().need("rate_card"))


@cache
def key_store() -> "ProviderKeyStore":
    from filmgate.adapters.secrets import ProviderKeyStore

    return ProviderKeyStore(_client("secretsmanager"), settings().need("provider_secret_prefix"))


def adapter(tenant: str, link: Link) -> "Adapter":
    """The adapter of a chain's link, with its key read now.

    Raises ProviderKeyRefused when there is no usable key.
    """
    return _adapter(tenant, link.provider, link.api_url)


def fresh_adapter(tenant: str, provider: str, api_url: str | None) -> "Adapter":
    """The adapter of a provider, with its key read past what this process remembers.

    Raises ProviderKeyRefused when there is no usable key.
    """
    provider_keys().forget(tenant, provider)
    return _adapter(tenant, provider, api_url)


def key_was_changed(tenant: str, link: Link, used: "Adapter") -> bool:
    """Whether Secrets Manager holds another key than the one that was just refused."""
    from filmgate.domain.errors import ProviderError

    try:
        return not fresh_adapter(tenant, link.provider, link.api_url).has_key_of(used)
    except ProviderError:
        return False


def _adapter(tenant: str, name: str, api_url: str | None) -> "Adapter":
    from filmgate.providers.base import Account
    from filmgate.providers.data import catalogue

    provider = catalogue().providers[name]
    module = import_module(f"filmgate.providers.{name}")
    key: Mapping[str, str] = provider_keys().read(tenant, name) if provider.needs_key else {}
    account = Account(
        provider=name,
        base_url=(api_url or module.DEFAULT_URL).rstrip("/"),
        hosts=provider.hosts | _host_of(api_url),
        key=key,
    )
    made: Adapter = module.ADAPTER(egress(), account)
    return made


def checked_api_url(provider: Provider, url: str) -> str:
    """An owner's own address of a provider in its one form: a host of the catalogue or of the
    stack's parameter. Raises ValueError with a public reason."""
    from filmgate.adapters.targets import AddressRefused, checked_base

    try:
        return checked_base(url, provider.hosts | _listed(settings().allowed_api_hosts))
    except AddressRefused as error:
        raise ValueError(error.reason) from None


def _listed(names: str) -> frozenset[str]:
    """The hosts of a list with commas."""
    return frozenset(name.strip().lower() for name in names.split(",") if name.strip())


def fetch(
    link: Link, url: str, sink: BinaryIO, *, headers: Mapping[str, str], deadline_s: float
) -> None:
    """Download a provider's result from its result hosts, or from the owner's own `api_url`.

    Raises DownloadFailed, or ResultUnusable for a result above the size cap.
    """
    from filmgate.adapters.egress import TooLarge
    from filmgate.adapters.targets import EgressError
    from filmgate.domain.errors import DownloadFailed, ResultUnusable
    from filmgate.providers.data import catalogue

    provider = catalogue().providers[link.provider]
    hosts = provider.result_hosts | _host_of(link.api_url)
    try:
        egress().download(
            url,
            sink,
            hosts=hosts,
            headers=headers,
            deadline_s=deadline_s,
            max_bytes=LARGEST_RESULT_BYTES,
        )
    except TooLarge as error:
        raise ResultUnusable(link.provider, "its result is larger than 1 GB") from error
    except EgressError as error:
        raise DownloadFailed(str(error)) from error


def keep_image(
    inspect: "Callable[[bytes], Inspection]", data: bytes, who: "Principal", *, filename: str
) -> str:
    """Keep an image as the caller's upload and give its id; raises as the use case does."""
    from filmgate.usecases.uploads import keep_image as keep

    kept = keep(
        data,
        filename=filename,
        principal=who,
        book=upload_book(),
        takes=takes(),
        inspect=inspect,
        now=now(),
    )
    return kept.id


def keep_linked(inspect: "Callable[[bytes], Inspection]", link: str, who: "Principal") -> str:
    """Fetch the image behind a link from any public host and keep it as `keep_image` does.

    Nothing of the link is kept: it may hold a signature. Raises ImageUnusable, which never repeats
    it, or StoreUnavailable.
    """
    return keep_image(inspect, _fetch_image(link), who, filename="linked image")


def _fetch_image(link: str) -> bytes:
    from io import BytesIO

    from filmgate.adapters.egress import TooLarge
    from filmgate.adapters.targets import EgressError
    from filmgate.domain.errors import ImageUnusable
    from filmgate.domain.uploads import LARGEST_IMAGE

    image = BytesIO()
    try:
        egress().download(
            link, image, hosts=None, deadline_s=LINKED_IMAGE_S, max_bytes=LARGEST_IMAGE
        )
    except TooLarge as error:
        raise ImageUnusable("The image behind the link is larger than 25 MB.") from error
    except EgressError as error:
        raise ImageUnusable(f"The image behind the link cannot be fetched: {error}.") from error
    return image.getvalue()


@cache
def bus() -> "EventBus":
    from filmgate.adapters.bus import EventBus

    return EventBus(_client("events"), settings().need("event_bus_name"))


@cache
def deliveries() -> "DeliveryTable":
    from filmgate.adapters.deliveries import DeliveryTable

    return DeliveryTable(_client("dynamodb"), settings().need("studio_table_name"))


@cache
def webhook_queue() -> "MessageQueue":
    from filmgate.adapters.webhook_queue import MessageQueue

    return MessageQueue(_client("sqs"), settings().need("webhook_queue_url"))


@cache
def webhook_secrets() -> "WebhookSecrets":
    from filmgate.adapters.webhook_secrets import WebhookSecrets

    return WebhookSecrets(_client("secretsmanager"), settings().need("webhook_secret_prefix"))


def webhook_post() -> "WebhookPost":
    from filmgate.adapters.webhooks import WebhookPost

    return WebhookPost(egress())


def checked_webhook_url(url: str) -> str:
    """The address of a webhook in its one form; raises ValueError with a public reason."""
    from filmgate.adapters.targets import AddressRefused, checked_webhook

    try:
        return checked_webhook(url)
    except AddressRefused as error:
        raise ValueError(error.reason) from None


def ended_generation(record: Mapping[str, Any]) -> Generation | None:
    """The generation that a record of the table's stream says has just ended."""
    from filmgate.adapters import stream

    return stream.ended_generation(record)


def ended_storyboard(record: Mapping[str, Any]) -> "Head | None":
    """The storyboard that a record of the table's stream says has just ended."""
    from filmgate.adapters import stream

    return stream.ended_storyboard(record)


def _host_of(url: str | None) -> frozenset[str]:
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname if url else None
    return frozenset({host}) if host else frozenset()


@cache
def _session() -> Any:
    import boto3

    return boto3.session.Session()


def _client(service: str) -> Any:
    from botocore.config import Config

    return _session().client(
        service,
        config=Config(
            connect_timeout=2,
            read_timeout=20 if service == "s3" else 5,
            retries={"mode": "standard", "max_attempts": 3},
            # Links are signed too, and S3 would still sign those the old way by itself.
            signature_version="s3v4" if service == "s3" else None,
        ),
    )


def take_link(take: Take) -> tuple[str, datetime]:
    """A presigned link to a take, and when it ends."""
    suffix = take.key.rpartition(".")[2]
    url = takes().link(take.key, filename=f"{take.id}.{suffix}", expires_s=LINK_LIFE_S)
    return url, now() + timedelta(seconds=LINK_LIFE_S)


def take_sources() -> tuple[str, ...]:
    """Where the links of `take_link` point, for the policy of a page that shows takes."""
    from filmgate.pages import bucket_sources

    return bucket_sources(
        settings().need("takes_bucket_name"),
        region=os.environ["AWS_DEFAULT_REGION"],  # which Lambda sets in every function
        endpoint=os.environ.get("AWS_ENDPOINT_URL"),
    )


def export_link(tenant: str, filename: str, data: bytes) -> tuple[str, datetime]:
    """Keep a file for download; a presigned link to it, and when that ends.

    The same file has the same place.
    """
    from hashlib import sha256

    key = f"{tenant}/{sha256(data).hexdigest()}/{filename}"
    exports().put(key, data, "text/csv; charset=utf-8; header=present")
    url = exports().link(key, filename=filename, expires_s=LINK_LIFE_S)
    return url, now() + timedelta(seconds=LINK_LIFE_S)
