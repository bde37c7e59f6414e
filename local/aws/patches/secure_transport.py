"""Loopback counts as secure transport.

Trap: the template's buckets refuse what does not come over TLS, as they should, and the AWS on
this machine speaks plain HTTP on 127.0.0.1, where nothing leaves the machine. So every function is
denied its own bucket by the `aws:SecureTransport` condition.
Workaround: the condition key is always "true" here; the policy itself stays in force.
Upstream: works as designed, ministack reports the scheme truthfully.
"""

from typing import Any

from ministack.core import iam_evaluator

from local.aws.patches.hooks import wrap
from local.aws.settings import ServerSettings

KEY = "aws:securetransport"


def apply(settings: ServerSettings) -> None:
    def resolve_with(known: Any) -> Any:
        def resolve(key: str, context: Any) -> Any:
            return "true" if key.lower() == KEY else known(key, context)

        return resolve

    wrap(iam_evaluator, "_resolve_condition_key", resolve_with)
