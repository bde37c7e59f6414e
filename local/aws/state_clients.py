"""SDK clients for the tasks of state machines, with the rights of the machine's role.

moto makes a new client for every task, of an account without rights to check, on a port of its
own. These are made once a service and role, point at this server and carry a session of the
role, so that a missing policy of the state machine fails here as it does on AWS.
"""

import hashlib
import threading
from typing import Any

import boto3
from botocore.config import Config
from ministack.services import sts

from local.aws.patches.hooks import original
from local.aws.settings import ACCOUNT_ID

CONNECTIONS_PER_CLIENT = 64
# Above any TimeoutSeconds of a task; the interpreter enforces that one.
CALL_LIMIT_S = 3_600


class StateClients:
    """Clients by service, region and role; used by all executions at once."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._register = original(sts, "register_session")
        self._credentials: dict[str, dict[str, str]] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def admit(self, role_arn: str) -> None:
        """Open a session of the role on this server, once."""
        if role_arn in self._credentials:
            return
        digest = hashlib.sha256(f"state machine:{role_arn}".encode()).hexdigest()
        role_name = role_arn.rsplit("/", 1)[-1]
        access_key, secret_key, token = f"ASIA{digest[:16].upper()}", digest, digest[::-1]
        self._register(
            access_key,
            {
                "Arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role_name}/states",
                "UserId": f"{role_name}:states",
                "SecretAccessKey": secret_key,
                "SessionToken": token,
            },
        )
        self._credentials[role_arn] = {
            "aws_access_key_id": access_key,
            "aws_secret_access_key": secret_key,
            "aws_session_token": token,
        }

    def client_for(self, region: str, service: str, state_credentials: Any = None) -> Any:
        """What moto calls `boto_client_for`; `state_credentials` names the machine's role."""
        role_arn = state_credentials.role_arn
        key = (service, region, role_arn)
        with self._lock:
            if key not in self._clients:
                config: Any = Config(  # type: ignore[no-untyped-call]
                    parameter_validation=False,
                    max_pool_connections=CONNECTIONS_PER_CLIENT,
                    retries={"total_max_attempts": 1},
                    connect_timeout=10,
                    read_timeout=CALL_LIMIT_S,
                )
                client = boto3.client(  # type: ignore[no-untyped-call]
                    service,
                    region_name=region,
                    endpoint_url=self._endpoint_url,
                    config=config,
                    **self._credentials[role_arn],
                )
                client.meta.events.register("after-call.*", _with_request_id)
                self._clients[key] = client
            return self._clients[key]


def _with_request_id(parsed: dict[str, Any], **_: Any) -> None:
    """Every answer of AWS has a request id, and moto counts on it; a denial here has none."""
    parsed.setdefault("ResponseMetadata", {}).setdefault("RequestId", "unknown")
