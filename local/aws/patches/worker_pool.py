"""A burst of calls waits for a worker instead of starting one process a call.

Trap: ministack starts as many processes as there are calls at once. On two cores, fifty
interpreters importing boto3 take longer than the ten seconds that Lambda gives to init, and
most of the calls fail; AWS has as many machines as it needs.
Workaround: a function has `workers_per_function` processes at most, and a call waits for a
free one, as long as a queue on AWS would. What then still finds none is throttled (429).
A function that calls itself, synchronously, deeper than that would wait in vain; none does.
Upstream: deliberate ("AWS lets an unreserved function scale into the account pool").
"""

import threading
import time
from collections import defaultdict
from typing import Any

from ministack.services import lambda_svc

from local.aws.patches.hooks import original, replace
from local.aws.settings import ServerSettings

WAIT_LIMIT_S = 120.0
LOOK_AGAIN_S = 1.0


def apply(settings: ServerSettings) -> None:
    acquire = original(lambda_svc, "acquire_worker")
    release = original(lambda_svc, "release_worker")
    # One for every function: a worker that is free is told to one of those that wait for it.
    freed: defaultdict[str, threading.Condition] = defaultdict(threading.Condition)

    def acquire_in_turn(
        func_name: str,
        config: dict[str, Any],
        code_zip: bytes,
        qualifier: str = "$LATEST",
        max_concurrency: int | None = None,
    ) -> tuple[Any, str]:
        limit = max_concurrency or settings.workers_per_function
        give_up_at = time.monotonic() + WAIT_LIMIT_S
        with freed[func_name]:
            while True:
                worker, reason = acquire(
                    func_name, config, code_zip, qualifier=qualifier, max_concurrency=limit
                )
                if worker is not None or time.monotonic() > give_up_at:
                    return worker, reason
                freed[func_name].wait(LOOK_AGAIN_S)

    def release_and_tell(worker: Any) -> None:
        release(worker)
        if worker is not None:  # as when it died and was let go before
            with freed[worker.func_name]:
                freed[worker.func_name].notify()

    replace(lambda_svc, "acquire_worker", acquire_in_turn)
    replace(lambda_svc, "release_worker", release_and_tell)
