"""Rules of `rate(5 seconds)`, for schedules that a person or a test can wait for.

Trap: ministack looks at its rules every ten seconds, and the finest rate, as on AWS, is a
minute; the first tick of a rule comes after its interval. What a deployed stack does every five
minutes would hardly ever be seen on this machine.
Workaround: `rate(N seconds)` is understood too, and the rules are looked at twice a second. A
rule of seconds skips a tick while the function that its last one called still runs; otherwise a
slow one would pile up calls. The local deploy passes such a rate as a parameter; AWS would
refuse it, so no template may have it as its default.
Upstream: AWS's own limit; no report.
"""

import json
import re
import threading
from typing import Any

from ministack.services import eventbridge, lambda_svc

from local.aws.patches.hooks import original, replace, wrap
from local.aws.settings import ServerSettings

SECONDS = re.compile(r"rate\(([1-9]\d*) seconds?\)")
LOOK_S = 0.5


class OneCallAtATime:
    """Calls a function for a rule in a thread, unless the last call for that rule still runs."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], threading.Thread] = {}
        for name in (
            "_get_func_record_for_ref",
            "_execution_record_for_config",
            "_execute_function_with_config_scope",
        ):
            original(lambda_svc, name)

    def is_running(self, rule: str, function: str) -> bool:
        last = self._running.get((rule, function))
        return last is not None and last.is_alive()

    def call(self, rule: str, function: str, payload: str) -> None:
        found, config, _ = lambda_svc._get_func_record_for_ref(function)
        if not found or not config:
            return  # A rule whose function is being replaced.
        thread = threading.Thread(
            target=lambda_svc._execute_function_with_config_scope,
            args=(lambda_svc._execution_record_for_config(found, config), json.loads(payload)),
            name=f"schedule-{rule}",
            daemon=True,
        )
        self._running[(rule, function)] = thread
        thread.start()


def rate_s(expression: str) -> int | None:
    """The interval of a rate in seconds, which AWS does not have; None for all else."""
    found = SECONDS.fullmatch(expression)
    return int(found[1]) if found else None


def apply(settings: ServerSettings) -> None:
    calls = OneCallAtATime()
    due = threading.local()

    def with_seconds(parse: Any) -> Any:
        def parse_rate(expression: str) -> int | None:
            seconds = rate_s(expression)
            return parse(expression) if seconds is None else seconds

        return parse_rate

    def of_a_rule(invoke: Any) -> Any:
        def invoke_target(target: Any, event: Any, rule: dict[str, Any], *view: Any) -> None:
            in_seconds = rate_s(rule.get("ScheduleExpression") or "") is not None
            due.rule = rule["Arn"] if in_seconds else None
            invoke(target, event, rule, *view)

        return invoke_target

    def unless_running(dispatch: Any) -> Any:
        def dispatch_to_lambda(function: str, payload: str) -> None:
            rule = getattr(due, "rule", None)
            if rule is None:
                dispatch(function, payload)
            elif not calls.is_running(rule, function):
                calls.call(rule, function, payload)

        return dispatch_to_lambda

    wrap(eventbridge, "_parse_rate_seconds", with_seconds)
    wrap(eventbridge, "_invoke_target", of_a_rule)
    wrap(eventbridge, "_dispatch_to_lambda", unless_running)
    replace(eventbridge, "_SCHEDULER_TICK_INTERVAL", LOOK_S)
