"""The deployed application in this process: its handlers, their environments, the API before them.

AWS is played by moto, the clock and the way out to providers are ours. A function sees exactly
the variables that the template gives it, and starts cold when another one ran before it.
"""

import importlib.util
import json
import os
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any

from filmgate import wiring
from filmgate.adapters.owners_table import OwnersTable
from filmgate.adapters.table import StudioTable
from filmgate.domain.audit import Action, Author, recorded
from filmgate.domain.chain import ProviderSettings
from filmgate.domain.ids import token_id
from filmgate.http import address
from filmgate.settings import Settings, settings
from filmgate.usecases.authorize import token_hash
from filmgate.usecases.ports import Principal, Token
from tests.support import described
from tests.support.aws import client, studio_table
from tests.template import documents
from tests.template.documents import ROOT

TENANT = "studio"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PROBLEM_FIELDS = {"type", "title", "status", "detail", "instance", "code", "retryable"}
_CACHED = (
    "studio", "boards", "shooting", "owners_desk", "key_store", "takes", "workflow",
    "provider_keys",
    "bus", "deliveries", "webhook_queue", "webhook_secrets",
    "notices", "owner_topic", "dead_letters", "stream", "usage_book", "exports", "quotes",
    "upload_book", "uploads_bucket_named", "client_desk",
)  # fmt: skip

Json = dict[str, Any]


def sample(verb: str, name: str) -> Json:
    """The event in events/<verb>/<name>.json."""
    event: Json = json.loads((ROOT / "events" / verb / f"{name}.json").read_text())
    return event


def altered(event: Json, *, body: Any = None, headers: Mapping[str, str] | None = None) -> Json:
    """A request with some fields of its body or some headers replaced; None takes one away.

    A body given as text replaces the whole body.
    """
    changed = deepcopy(event)
    if isinstance(body, str):
        changed["body"] = body
    elif body is not None:
        fields = json.loads(event["body"]) | body
        kept = {name: value for name, value in fields.items() if value is not None}
        changed["body"] = json.dumps(kept)
    for name, value in (headers or {}).items():
        changed["headers"].pop(name, None)
        if value is not None:
            changed["headers"][name] = value
    return changed


def asked_by(
    event: Json, *, role: str, tenant: str = TENANT, user: str = "ann", token_id: str = "tok_ann"
) -> Json:
    """The same request with another bearer, as the authorizer would tell."""
    changed = deepcopy(event)
    context = {"tenant": tenant, "user": user, "role": role, "token_id": token_id}
    changed["requestContext"]["authorizer"] = {"lambda": context}
    return changed


def request(
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> Json:
    """A request as the HTTP API hands it on (payload 2.0), by nobody yet: see `asked_by`."""
    event: Json = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "&".join(f"{name}={value}" for name, value in (query or {}).items()),
        "headers": {"content-type": "application/json", **(headers or {})},
        "requestContext": {
            "requestId": "request-1",
            "stage": "$default",
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = dict(query)
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    return event


@dataclass(frozen=True)
class Answer:
    """What a caller gets; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @cached_property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def pointers(self) -> list[str]:
        """The fields that a problem points at."""
        return [fault["pointer"] for fault in self.json["errors"]]


@dataclass
class Clock:
    """The time, which goes on only when told."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Context:
    """What Lambda tells a handler about this invocation."""

    memory_limit_in_mb = 512
    invoked_function_arn = f"arn:aws:lambda:{documents.REGION}:{documents.ACCOUNT}:function:sample"
    aws_request_id = "invocation-1"

    def __init__(self, function_name: str, timeout_s: int) -> None:
        self.function_name = function_name
        self._timeout_s = timeout_s

    def get_remaining_time_in_millis(self) -> int:
        return self._timeout_s * 1000


def load_handler(verb: str) -> ModuleType:
    """A function's module, fresh: what a cold start has."""
    path = ROOT / "functions" / verb / "app.py"
    spec = importlib.util.spec_from_file_location(f"function_{verb}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Deployment:
    """template.yaml, deployed into this process with the guide card unless told otherwise."""

    def __init__(self, clock: Clock, **chosen: str) -> None:
        self.clock = clock
        self.chosen = {"RateCard": "guide", **chosen}
        self._modules: dict[str, ModuleType] = {}
        self._last: str | None = None
        self.dynamodb = client("dynamodb")
        table = studio_table()
        self.s3 = client("s3")
        for bucket, properties in documents.resources("AWS::S3::Bucket").items():
            name = documents.physical_name(bucket)
            self.s3.create_bucket(Bucket=name)
            if "VersioningConfiguration" in properties:
                self.s3.put_bucket_versioning(
                    Bucket=name, VersioningConfiguration=properties["VersioningConfiguration"]
                )
        self.table = StudioTable(self.dynamodb, table)
        client("events").create_event_bus(Name=documents.physical_name("StudioEventBus"))
        self.sqs = client("sqs")
        self.webhook_queue = self.sqs.create_queue(
            QueueName=documents.physical_name("WebhookQueue")
        )["QueueUrl"]
        self.desk = OwnersTable(self.dynamodb, table)
        client("sns").create_topic(Name=documents.physical_name("OwnerTopic"))
        client("sqs").create_queue(QueueName=documents.physical_name("AlarmDeadLetterQueue"))

    def environment(self, verb: str) -> dict[str, str]:
        return documents.environment(verb, **self.chosen)

    def module(self, verb: str) -> ModuleType:
        if verb not in self._modules:
            self._modules[verb] = load_handler(verb)
        return self._modules[verb]

    def restart(self, verb: str) -> None:
        """Let the function's next call find a fresh process."""
        self._modules.pop(verb, None)
        self._last = None

    def invoke(self, verb: str, event: Json) -> Any:
        """Call a handler as Lambda does, and give what it returned, through JSON and back."""
        with _environment_of(self.environment(verb)):
            if self._last != verb:
                self._forget()
                self._last = verb
            timeout_s = documents.functions()[verb]["Timeout"]
            answer = self.module(verb).handler(deepcopy(event), Context(verb, timeout_s))
        answer = json.loads(json.dumps(answer))
        if "statusCode" in (answer or {}):
            _check_described(event, answer)
        return answer

    def call(self, verb: str, event: Json) -> Answer:
        """Send a request to a function of the API."""
        raw = self.invoke(verb, event)
        headers = {name.lower(): value for name, value in raw["headers"].items()}
        return Answer(raw["statusCode"], headers, raw["body"])

    def route(self, event: Json) -> Answer:
        """Send a request through the template's routes, $default included."""
        http = event["requestContext"]["http"]
        return self.call(verb_of(http["method"], http["path"]), event)

    def step(self, verb: str, generation_id: str, tenant: str = TENANT) -> Json:
        """Run one step of the workflow."""
        answer: Json = self.invoke(verb, {"tenant": tenant, "generation_id": generation_id})
        return answer

    def run(self, generation_id: str) -> list[tuple[str, str]]:
        """Walk a generation to its end as the state machine would; (step, word) of each step.

        Waits let the clock go on. Ends after Finish.
        """
        follows = {
            "again": "submit", "next": "submit", "running": "poll", "ready": "collect",
            "render": "render",
        }  # fmt: skip
        walked: list[tuple[str, str]] = []
        verb: str | None = "submit"
        while verb is not None:
            assert len(walked) < 20, walked
            said = self.step(verb, generation_id)
            walked.append((verb, said["outcome"]))
            self.clock.pass_s(said["wait_s"])
            verb = follows.get(said["outcome"])
        walked.append(("finish", self.step("finish", generation_id)["state"]))
        return walked

    def give_key(self, provider: str, key: Json | None = None, tenant: str = TENANT) -> None:
        """Store a key for a provider, as the settings will."""
        prefix = self.environment("submit")["PROVIDER_SECRET_PREFIX"]
        client("secretsmanager").create_secret(
            Name=f"{prefix}{tenant}/{provider}",
            SecretString=json.dumps(key or {"api_key": f"key-of-{provider}"}),
        )
        self.own_settings(provider, tenant=tenant, key_set=True)

    def give_token(
        self,
        text: str,
        *,
        user: str = "ann",
        role: str = "creator",
        tenant: str = TENANT,
        **facts: Any,
    ) -> Token:
        """Let a token of this very text exist."""
        own = token_id(token_hash(text))
        token = Token(Principal(tenant, user, role, own), created_at=self.clock.now, **facts)
        by = Author("test", "", f"test-{own}", self.clock.now)
        record = recorded(by, Action.TOKEN_MADE, own)
        self.desk.add_token(token_hash(text), token, record=record)
        return token

    def own_settings(self, provider: str, *, tenant: str = TENANT, **changes: Any) -> None:
        """Change what an owner has set for a provider."""
        seen = self.table.provider_settings(tenant).get(provider, ProviderSettings())
        new = replace(seen, version=seen.version + 1, **changes)
        self.table.change_settings(tenant, seen={provider: seen}, new={provider: new})

    def make_state_machine(self) -> None:
        """State machines under the names that the template gives them; they execute nothing."""
        for name in ("GenerationStateMachine", "StoryboardStateMachine"):
            client("stepfunctions").create_state_machine(
                name=documents.physical_name(name),
                definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
                roleArn=f"arn:aws:iam::{documents.ACCOUNT}:role/none",
            )

    def executions(self) -> list[Json]:
        """(name, input) of every execution that was started."""
        states = client("stepfunctions")
        machine = documents.arn("GenerationStateMachine")
        started = states.list_executions(stateMachineArn=machine)["executions"]
        described = [states.describe_execution(executionArn=e["executionArn"]) for e in started]
        return [{"name": one["name"], "input": json.loads(one["input"])} for one in described]

    def waiting_webhooks(self) -> list[Json]:
        """The messages that can be received from the queue of webhooks now, as Lambda hands
        them on. Receiving one hides it."""
        answer = self.sqs.receive_message(
            QueueUrl=self.webhook_queue,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            for message in answer.get("Messages", [])
        ]

    def stop(self) -> None:
        """Let no client of this deployment live on."""
        self._forget()

    @staticmethod
    def _forget() -> None:
        """What another process does not know: settings and clients."""
        settings.cache_clear()
        for name in _CACHED:
            getattr(wiring, name).cache_clear()


def verb_of(method: str, path: str) -> str:
    """The function behind an address, by the template's routes."""
    for (known, template), verb in documents.routes().items():
        if known == method and address(template).fullmatch(path):
            return verb
    return documents.routes()["ANY", "$default"]


def _check_described(event: Json, raw: Json) -> None:
    """Hold an answer of the API, and a request that was served, against the description."""
    method, path = (event["requestContext"]["http"][name] for name in ("method", "path"))
    headers = {name.lower(): value for name, value in raw["headers"].items()}
    described.check_answer(method, path, raw["statusCode"], headers, raw["body"])
    operation = described.operation_at(method, path)
    if operation is not None and raw["statusCode"] < HTTPStatus.BAD_REQUEST and "body" in event:
        body = event["body"]
        if event["isBase64Encoded"]:
            body = b64decode(body).decode(errors="replace")  # a form may have a file in it
        sent = {name.lower(): value for name, value in event["headers"].items()}
        kind = sent["content-type"].partition(";")[0].lower()
        described.check_request(operation, kind, body)


@contextmanager
def _environment_of(variables: Mapping[str, str]) -> Iterator[None]:
    """The variables of one function and none of another's."""
    before = dict(os.environ)
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def assert_problem(answer: Answer, status: int, code: str) -> Json:
    """The answer is problem+json of this status and code; gives its body for more to be said."""
    problem: Json = answer.json
    assert (answer.status, problem["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert set(problem) >= PROBLEM_FIELDS
    assert problem["type"] == f"urn:problem:{code}"
    assert problem["status"] == status
    assert problem["instance"].startswith("urn:request:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["retryable"] is (status in (429, 500, 503))
    assert ("retry-after" in answer.headers) is problem["retryable"]
    return problem


def events() -> list[Path]:
    """Every sample input."""
    return sorted((ROOT / "events").glob("*/*.json"))
