"""Functions run under AWS's own runtime client, so that they fail as they fail on Lambda.

Trap: ministack's own Python worker reports every exception as `Runtime.HandlerError` and is
killed by it. Retry and Catch of a state machine go by the name of the exception's class, and
the next call after a failure would always be a cold one.
Workaround: Python functions take the path of custom runtimes (`provided.*`), whose
`bootstrap` runs awslambdaric. A failed import keeps its error type too.
Upstream: no report known; ministack's docstring says that its worker "speaks the
JSON-line stdio protocol".
"""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.aws.patches.hooks import original, replace, wrap
from local.aws.settings import ServerSettings

PARALLEL_STARTS = 4


def python_worker(base: type, runtime_error: type) -> type:
    """The class of a Python function's execution environment, made from ministack's own."""
    # prctl(PR_SET_PDEATHSIG) in the child means the death of the *thread* that forked it, and
    # ministack invokes from threads that live for one call. These here live as long as we do.
    starters = ThreadPoolExecutor(PARALLEL_STARTS, thread_name_prefix="function-start")

    class PythonWorker(base):  # type: ignore[misc]
        def _spawn(self, init_timeout: float | None = None) -> None:
            context = contextvars.copy_context()
            starters.submit(context.run, super()._spawn, init_timeout).result()

        def _await_init(self, init_timeout: float | None = None) -> None:
            try:
                super()._await_init(init_timeout)
            except RuntimeError as failure:
                reported = self._init_error
                if not isinstance(reported, dict):
                    if self._proc is None or self._proc.poll() is None:
                        raise
                    # Killed before its first call; ministack would say Runtime.Unknown.
                    raise runtime_error(str(failure), "Runtime.ExitError") from failure
                raise runtime_error(
                    reported.get("errorMessage", str(failure)),
                    reported.get("errorType", "Runtime.Unknown"),
                ) from failure

    return PythonWorker


def apply(settings: ServerSettings) -> None:
    base = original(lambda_runtime, "ProvidedWorker")
    for method in ("_spawn", "_await_init", "invoke", "_teardown"):
        original(base, method)
    worker = python_worker(base, original(lambda_runtime, "ProvidedRuntimeError"))

    def choose(choose_worker: Any) -> Any:
        def class_for(config: dict[str, Any]) -> type:
            if str(config.get("Runtime", "")).startswith("python"):
                return worker
            return choose_worker(config)  # type: ignore[no-any-return]

        return class_for

    wrap(lambda_runtime, "_worker_class_for", choose)
    by_runtime_api = original(lambda_svc, "_execute_function_provided_warm")
    replace(lambda_svc, "_execute_function_warm", by_runtime_api)
