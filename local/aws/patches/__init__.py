"""Patches of ministack and moto, one module a trap, applied before the server starts.

Each module says what the trap is, why it matters here and what upstream says, and has
`apply(settings)`, which fails when what it patches is not there. They were written against
exactly the versions below; the inside of a package is no interface.
"""

from importlib.metadata import version

from local.aws.patches import (
    embedded_metrics,
    http_api_body,
    http_api_errors,
    kept_configuration,
    kept_executions,
    kept_items,
    kept_objects,
    payload_limit,
    runtime_client,
    runtime_latency,
    schedules,
    secret_reference,
    secure_transport,
    shared_code,
    start_execution,
    state_machines,
    stream_failures,
    stream_positions,
    stream_rights,
    worker_environment,
    worker_pool,
)
from local.aws.patches.hooks import PatchTargetMissing
from local.aws.settings import ServerSettings

VERSIONS = {"ministack": "1.5.33", "moto": "5.2.5", "awslambdaric": "4.2.2"}
PATCHES = (
    shared_code,
    worker_environment,
    runtime_client,
    runtime_latency,
    worker_pool,
    payload_limit,
    http_api_body,
    http_api_errors,
    secret_reference,
    secure_transport,
    stream_positions,
    stream_failures,
    stream_rights,
    embedded_metrics,
    state_machines,
    start_execution,
    schedules,
    kept_items,
    kept_objects,
    kept_executions,
    kept_configuration,
)


def apply_all(settings: ServerSettings) -> None:
    """Apply every patch. Raises PatchTargetMissing when a version or an inside is another."""
    for package, expected in VERSIONS.items():
        if version(package) != expected:
            raise PatchTargetMissing(
                f"local/aws is written for {package} {expected}, found {version(package)}"
            )
    for patch in PATCHES:
        patch.apply(settings)
