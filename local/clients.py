"""SDK clients for the AWS on this machine, blind to the AWS settings of whoever runs it."""

import os
from functools import lru_cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
# Where botocore would look for profiles and endpoints of another account.
IGNORED_SETTINGS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


@lru_cache(maxsize=64)
def client_for(service: str, endpoint_url: str) -> Any:
    """A client with the rights of the account's owner, without retries that hide a fault."""
    config: Any = Config(  # type: ignore[no-untyped-call]
        retries={"total_max_attempts": 2},
        max_pool_connections=64,
        connect_timeout=10,
        proxies={},
        s3={"addressing_style": "path"},
        inject_host_prefix=False,
    )
    core: Any = botocore.session.Session(  # type: ignore[no-untyped-call]
        session_vars=IGNORED_SETTINGS
    )
    session: Any = boto3.session.Session(  # type: ignore[no-untyped-call]
        botocore_session=core, region_name=REGION, **CREDENTIALS
    )
    return session.client(service, endpoint_url=endpoint_url, config=config)
