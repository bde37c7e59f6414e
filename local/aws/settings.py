"""What the server process is told, and the environment that ministack reads at import."""

import os
from dataclasses import dataclass
from pathlib import Path

from local.aws.layout import Layout
from local.ports import HOST, Ports

REGION = "us-east-1"
ACCOUNT_ID = "000000000000"
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class ServerSettings:
    """One server: its ports and its files. `workers_per_function` processes at most."""

    ports: Ports
    layout: Layout
    workers_per_function: int = 4

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.ports.aws}"

    @classmethod
    def of(cls, data_dir: Path, ports: Ports) -> "ServerSettings":
        return cls(
            ports=ports,
            layout=Layout(data_dir.resolve()),
            workers_per_function=workers_for(os.cpu_count() or 1),
        )


def workers_for(cores: int) -> int:
    """How many processes one function gets on a machine: each takes 50 to 150 MB."""
    return max(4, min(8, cores))


def isolate_environment(settings: ServerSettings) -> None:
    """Replace this process's environment by what ministack needs, before it is imported.

    No AWS variable, profile or proxy of the person at the keyboard gets in: AWS_ENDPOINT_URL,
    for one, would send the server's own calls to another place. AUTH=true enforces IAM
    policies; SFTP and MQTT stay shut; MINISTACK_HOST has to stay `localhost`, because a host
    name is matched against it, while BIND_HOST decides who can connect.
    """
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    layout = settings.layout
    os.environ.clear()
    os.environ.update(
        kept,
        GATEWAY_PORT=str(settings.ports.aws),
        BIND_HOST=HOST,
        MINISTACK_HOST="localhost",
        MINISTACK_REGION=REGION,
        AWS_DEFAULT_REGION=REGION,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AUTH="true",
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        PERSIST_STATE="1",
        STATE_DIR=str(layout.state),
        S3_PERSIST="1",
        S3_DATA_DIR=str(layout.objects),
        TMPDIR=str(layout.temporary),
        LAMBDA_WARM_TTL_SECONDS="120",
        DOCKER_HOST="unix:///nonexistent",  # Functions run as processes; do not look for Docker.
    )
