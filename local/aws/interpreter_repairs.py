"""Where moto's interpreter differs from AWS in what this product's state machines use.

1. A `States.*` error inside a Map item or a Parallel branch (a timeout, a failed child
   execution) makes moto raise "Custom Error Names MUST NOT begin with the prefix 'States.'"
   and report States.Runtime, so that no Catch finds the error by its name.
2. `States.ALL` catches States.Runtime and States.DataLimitExceeded in moto. On AWS it does not:
   such an execution fails (docs.aws.amazon.com/step-functions/latest/dg/
   concepts-error-handling.html, read 2026-11-22). A machine that counts on it would pass here.
3. `states:startExecution` sends its parameters in the case of the state language and reads the
   answer in that case; the SDK wants and gives the other. LocalStack's interpreter, from which
   moto's was taken, translates; moto left that out.
4. A `.sync` task looks every 0.5 s whether what it started has ended; that is felt in tests.
Upstream: no reports known.
"""

from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name import error_equals_decl
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
    state_task_service_sfn,
)

from local.aws.patches.hooks import original, replace, wrap

RESERVED_PREFIX = "States."
SYNC_POLL_S = 0.2
NOT_IN_STATES_ALL = frozenset(
    {
        StatesErrorNameType.StatesRuntime,
        StatesErrorNameType.StatesStatesDataLimitExceeded,
    }
)
# Parts of an answer that are structures themselves; what is below Input and Output is the
# machine's own and keeps its case.
NESTED_PARTS = frozenset({"InputDetails", "OutputDetails"})


def repair() -> None:
    """Apply all four. Raises PatchTargetMissing when moto is not what it was."""
    replace(iteration_worker, "CustomErrorName", error_named)
    replace(branches_decl, "CustomErrorName", error_named)
    wrap(error_equals_decl.ErrorEqualsDecl, "_eval_body", without_uncatchable)
    start_execution = original(state_task_service_sfn, "StateTaskServiceSfn")
    wrap(start_execution, "_normalise_parameters", with_request_in_sdk_case)
    wrap(start_execution, "_normalise_response", with_response_in_states_case)
    replace(state_task_service_callback, "_DELAY_SECONDS_SYNC_CONDITION_CHECK", SYNC_POLL_S)


def error_named(error_name: str | None) -> ErrorName:
    """The error of that name, be it one of the language or one of ours."""
    if error_name is not None and error_name.startswith(RESERVED_PREFIX):
        return StatesErrorName.from_name(error_name)
    return CustomErrorName(error_name)


def without_uncatchable(evaluate: Any) -> Any:
    def evaluate_match(self: Any, env: Any) -> None:
        error = env.stack[-1]
        is_reserved = isinstance(error, StatesErrorName) and error.typ in NOT_IN_STATES_ALL
        if is_reserved and self._STATE_ALL_ERROR in self.error_names:
            env.stack.pop()
            env.stack.append(False)
        else:
            evaluate(self, env)

    return evaluate_match


def with_request_in_sdk_case(normalise: Any) -> Any:
    def normalise_parameters(
        self: Any, parameters: dict[str, Any], *rest: Any, **named: Any
    ) -> None:
        normalise(self, parameters, *rest, **named)
        for key in list(parameters):
            parameters[key[0].lower() + key[1:]] = parameters.pop(key)

    return normalise_parameters


def with_response_in_states_case(normalise: Any) -> Any:
    def normalise_response(self: Any, response: Any, *rest: Any, **named: Any) -> None:
        normalise(self, response, *rest, **named)
        if isinstance(response, dict):
            _in_states_case(response)

    return normalise_response


def _in_states_case(part: dict[str, Any]) -> None:
    for key in list(part):
        value = part.pop(key)
        name = key[0].upper() + key[1:]
        if name in NESTED_PARTS and isinstance(value, dict):
            _in_states_case(value)
        if isinstance(value, datetime):
            value = int(value.timestamp() * 1000)  # As AWS shows it to the next state.
        part[name] = value
