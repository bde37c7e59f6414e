"""AWS as moto plays it, in this process: the template's own table, and the functions over it."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
from samtranslator.yaml_helper import yaml_parse

from filmgate import settings as settings_module
from filmgate import wiring
from filmgate.http import ROUTES
from tests.support.builders import TENANT

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-central-1"
TABLE = "studio"
SECRET_PREFIX = "filmgate/test/"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "nonsense",
    "AWS_SECRET_ACCESS_KEY": "nonsense",
    "AWS_DEFAULT_REGION": REGION,
    "STUDIO_TABLE_NAME": TABLE,
    "PROVIDER_SECRET_PREFIX": SECRET_PREFIX,
    "DEFAULT_MONTHLY_LIMIT_MICROS": "10000000",
    "RATE_CARD": "guide",
}
_CACHED = (
    settings_module.settings,
    wiring.studio,
    wiring.provider_keys,
    wiring.key_store,
    wiring._session,
)


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def create_table() -> None:
    """The table as template.yaml has it."""
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    table = _template()["Resources"]["StudioTable"]["Properties"]
    client("dynamodb").create_table(TableName=TABLE, **{name: table[name] for name in wanted})


def forget_wiring() -> None:
    """The next call makes its clients anew, in the AWS of the next test."""
    for cached in _CACHED:
        cached.cache_clear()


def load_function(verb: str) -> ModuleType:
    """The module functions/<verb>/app.py, loaded as Lambda does: by its path."""
    place = ROOT / "functions" / verb / "app.py"
    spec = importlib.util.spec_from_file_location(f"function_{verb}", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Answer:
    """What a function gave to the HTTP API."""

    status: int
    headers: Mapping[str, Any]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def pointers(self) -> list[str]:
        return [fault["pointer"] for fault in self.json["errors"]]


class Context:
    """Lambda's context, as far as the logger reads it."""

    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = f"arn:aws:lambda:{REGION}:000000000000:function:function"
    aws_request_id = "request"


def call(
    function: ModuleType,
    method: str,
    path: str,
    body: Any = None,
    *,
    role: str = "admin",
    tenant: str = TENANT,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request as the HTTP API hands it over, after the authorizer; a str is sent as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    event = {
        "version": "2.0",
        "routeKey": _route_key(method, path),
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", **(headers or {})},
        "requestContext": {
            "http": {"method": method, "path": path},
            "requestId": "req-1",
            "stage": "$default",
            "authorizer": {"lambda": {"tenant": tenant, "user": "ada", "role": role}},
        },
        "body": None if body is None else text,
        "isBase64Encoded": False,
    }
    answer = function.handler(event, Context())
    return Answer(answer["statusCode"], answer.get("headers", {}), answer.get("body") or "")


def _route_key(method: str, path: str) -> str:
    return f"{method} {path}" if path in ROUTES else "$default"


@cache
def _template() -> Any:
    return yaml_parse((ROOT / "template.yaml").read_text())
