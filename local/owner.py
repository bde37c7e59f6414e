"""What the owner of an installation does once: make a token, store a provider's key.

    python -m local.owner token --stack filmgate-dev --role admin
    python -m local.owner key dalle --stack filmgate-dev < key.txt

The same code serves the local stack and one on AWS. A token is shown once; the table keeps its
SHA-256. A key is read from standard input, never from an argument, and goes to Secrets Manager.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import boto3

from filmgate.adapters.owners_table import OwnersTable
from filmgate.adapters.secrets import ProviderKeyStore
from filmgate.domain.audit import Author
from filmgate.domain.errors import CallerError
from filmgate.providers.data import catalogue
from filmgate.usecases.provider_keys import Key, set_key
from filmgate.usecases.provider_settings import change_settings
from filmgate.usecases.tokens import Grant
from filmgate.usecases.tokens import make_token as make

TENANT = "studio"


@dataclass(frozen=True)
class Installation:
    """The parts of a deployed stack that an owner's tools touch."""

    table: OwnersTable
    keys: ProviderKeyStore


def secret_prefix(stage: str) -> str:
    """Where an installation's keys lie in Secrets Manager, as in template.yaml."""
    return f"filmgate/{stage}/"


def make_token(installation: Installation, *, user: str, role: str, tenant: str = TENANT) -> str:
    """Make an API token of 256 random bits, keep its hash, and give it, this one time."""
    grant = Grant(user, role, note="made by the owner's tool")
    return make(grant, tenant=tenant, by=_tool(), desk=installation.table).text


def store_key(installation: Installation, provider: str, key: Key, *, tenant: str = TENANT) -> None:
    """Put a provider's key into its secret and mark it as set in the settings.

    Raises ValidationFailed for a key that is none of this provider's.
    """
    set_key(
        provider,
        key,
        tenant=tenant,
        studio=installation.table,
        catalogue=catalogue(),
        keys=installation.keys,
        by=_tool(),
    )


def point_at(
    installation: Installation, provider: str, api_url: str, *, tenant: str = TENANT
) -> None:
    """Send a provider's calls to this address, unchecked: who can write the table may."""
    change_settings(
        provider,
        {"api_url": api_url},
        tenant=tenant,
        studio=installation.table,
        catalogue=catalogue(),
        check_url=lambda _, url: url,
        by=_tool(),
    )


def _tool() -> Author:
    """What the trail says of a change made here: no token was used, and no request sent."""
    return Author("local.owner", "", f"local.owner-{uuid4().hex}", datetime.now(UTC))


def main() -> int:
    arguments = _arguments()
    installation = _installation(arguments.stack)
    if arguments.command == "token":
        token = make_token(installation, user=arguments.user, role=arguments.role)
        print(f"Keep this token, it is shown once:\n{token}")
        return 0
    text = sys.stdin.read().strip()
    try:
        key = json.loads(text) if text.startswith("{") else text
        store_key(installation, arguments.provider, key)
    except json.JSONDecodeError:
        print("The key on standard input is no readable JSON.", file=sys.stderr)
        return 2
    except CallerError as error:
        print(f"{arguments.provider}: {error.detail}", file=sys.stderr)
        return 2
    print(f"The key of {arguments.provider} is stored and in use.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.owner", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    token = commands.add_parser("token", help="make an API token")
    token.add_argument("--role", choices=("viewer", "creator", "admin"), default="admin")
    token.add_argument("--user", default="owner")
    key = commands.add_parser("key", help="store a provider's key, read from standard input")
    key.add_argument("provider")
    for command in (token, key):
        command.add_argument("--stack", default="filmgate-dev", help="the CloudFormation stack")
    return parser.parse_args()


def _installation(stack: str) -> Installation:
    client: Callable[[str], Any] = boto3.client
    found = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
    stage = next(p["ParameterValue"] for p in found["Parameters"] if p["ParameterKey"] == "Stage")
    return Installation(
        OwnersTable(client("dynamodb"), outputs["TableName"]),
        ProviderKeyStore(client("secretsmanager"), secret_prefix(stage)),
    )


if __name__ == "__main__":
    raise SystemExit(main())
