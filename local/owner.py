"""What the owner of an installation does once: make a token, store a provider's key.

    python -m local.owner token --stack filmgate-dev --role admin
    python -m local.owner key dalle --stack filmgate-dev < key.txt

The same code serves the local stack and one on AWS. A token is shown once; the table keeps its
SHA-256. A key is read from standard input, never from an argument, and goes to Secrets Manager.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import boto3

from filmgate.adapters.table import StudioTable
from filmgate.domain.chain import ProviderSettings
from filmgate.providers.data import catalogue
from filmgate.usecases.authorize import token_hash
from filmgate.usecases.ports import Principal, Token

TENANT = "studio"


@dataclass(frozen=True)
class Installation:
    """The parts of a deployed stack that an owner's tools touch."""

    table: StudioTable
    secrets: Any
    secret_prefix: str


def secret_prefix(stage: str) -> str:
    """Where an installation's keys lie in Secrets Manager, as in template.yaml."""
    return f"filmgate/{stage}/"


def make_token(installation: Installation, *, user: str, role: str, tenant: str = TENANT) -> str:
    """Make an API token of 256 random bits, keep its hash, and give it, this one time."""
    token = f"fg_{tenant}_{secrets.token_urlsafe(32)}"
    found = Token(Principal(tenant, user, role))
    installation.table.put_token(token_hash(token), found)
    return token


def store_key(
    installation: Installation, provider: str, key: dict[str, str], *, tenant: str = TENANT
) -> None:
    """Put a provider's key into its secret and mark it as set in the settings."""
    name = f"{installation.secret_prefix}{tenant}/{provider}"
    text = json.dumps(key)
    try:
        installation.secrets.create_secret(Name=name, SecretString=text)
    except installation.secrets.exceptions.ResourceExistsException:
        installation.secrets.put_secret_value(SecretId=name, SecretString=text)
    change_settings(installation, provider, tenant=tenant, key_set=True)


def change_settings(
    installation: Installation, provider: str, *, tenant: str = TENANT, **changes: Any
) -> None:
    """Change some of an owner's settings for a provider; the others stay."""
    known = installation.table.provider_settings(tenant).get(provider, ProviderSettings())
    installation.table.put_provider_settings(tenant, provider, replace(known, **changes))


def main() -> int:
    arguments = _arguments()
    installation = _installation(arguments.stack)
    if arguments.command == "token":
        token = make_token(installation, user=arguments.user, role=arguments.role)
        print(f"Keep this token, it is shown once:\n{token}")
        return 0
    if arguments.provider not in catalogue().providers:
        print(f"Unknown provider. Known: {', '.join(catalogue().providers)}", file=sys.stderr)
        return 2
    text = sys.stdin.read().strip()
    if not text:
        print("Give the key on standard input.", file=sys.stderr)
        return 2
    key = json.loads(text) if text.startswith("{") else {"api_key": text}
    store_key(installation, arguments.provider, key)
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
        StudioTable(client("dynamodb"), outputs["TableName"]),
        client("secretsmanager"),
        secret_prefix(stage),
    )


if __name__ == "__main__":
    raise SystemExit(main())
