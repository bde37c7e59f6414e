"""What is deployed, and every secret, is in the state file before it is answered.

Trap: ministack writes the state of its services when it stops, one file after the other.
Killed before that, it comes back with the stack of an earlier run, or without one; killed
meanwhile, with services of two different moments.
Workaround: the states of all services are written together, in one transaction: when a stack
has come to rest, before anybody can see that it has, after every other call that changes
configuration, and at the stop. While a stack is being changed nothing is written but secrets:
after a kill in the middle of a deploy everything is as it was before, the items and objects
written meanwhile included, and the deploy is simply done again.
The log events and metrics of functions are written at a rest and at a stop only. A call that
only sends, receives or deletes messages writes the queues, and no other state.
A message that a service itself puts into a queue is written with the next change.
Upstream: "service state is saved to STATE_DIR on shutdown", by design.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ministack import app as ministack_app
from ministack.core import persistence
from ministack.services import dynamodb, lambda_svc
from ministack.services.cloudformation import changesets, handlers

from local.aws.patches.hooks import original, replace, wrap
from local.aws.settings import ServerSettings
from local.aws.state_file import StateFile, open_state_file

logger = logging.getLogger("state")

SECRETS = "secretsmanager"
QUEUES = "sqs"
TELEMETRY = frozenset({"cloudwatch", "cloudwatch_logs"})
# Services whose calls change nothing that has to be there after a kill.
NEVER_KEPT = frozenset({"sts", "monitoring", "logs", "cloudtrail"})
READING = re.compile(r"Get|List|Describe|BatchGet|Search|Query|Scan|Validate|Estimate|Lookup")
# Calls that other patches keep (items, executions), or that only deliver something.
OF_ITEMS = re.compile(
    r"(Put|Update|Delete)Item$|(Batch|Transact)(Write|Get)|Execute(Statement|Transaction)|Batch"
)
OF_EXECUTIONS = re.compile(r"St(art|op)(Sync)?Execution|SendTask|GetActivityTask|TestState")
# Calls that put messages into queues, or take them out.
OF_MESSAGES = {
    "sqs": re.compile(r"(Send|Receive|Delete)Message|ChangeMessageVisibility"),
    "sns": re.compile(r"Publish"),
    "events": re.compile(r"PutEvents$"),
}
FORM_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")


def changes_configuration(
    service: str, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> bool:
    """Whether a call may have changed more than items, objects, executions and telemetry."""
    if service in NEVER_KEPT or method in ("GET", "HEAD", "OPTIONS"):
        return False
    match service:
        case "s3":
            return "/" not in path.strip("/")  # Below a bucket there are objects.
        case "lambda":
            return not path.rstrip("/").endswith(("/invocations", "/invoke-async"))
    action = _action(headers, body)
    of_data = {"dynamodb": OF_ITEMS, "states": OF_EXECUTIONS}.get(service)
    return not (READING.match(action) or (of_data and of_data.match(action)))


def only_moves_messages(service: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a call changes nothing but what lies in queues."""
    known = OF_MESSAGES.get(service)
    return known is not None and known.match(_action(headers, body)) is not None


def _action(headers: Mapping[str, str], body: bytes) -> str:
    """The name of what is called, such as PutEvents; empty where the address alone says it."""
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if not action and (form := FORM_ACTION.search(body or b"")):
        action = form[1].decode()
    return action


class ConfigurationKeeper:
    """Writes the states of services; `collect` gives the function of each that tells its state."""

    def __init__(
        self,
        file: StateFile,
        collect: Callable[[], Mapping[str, Callable[[], Any]]],
        *,
        old_files: Path,
    ) -> None:
        self._file = file
        self._old_files = old_files
        self._collect = collect
        self._written: dict[str, int] = {}
        self._operations = 0
        self._read_old = original(persistence, "load_state")
        self._is_new = file.is_empty()
        self._prune_code = original(lambda_svc, "_prune_orphan_code_blobs")
        self._code_in_use: set[str] | None = None

    def load(self, service: str) -> Any:
        """The state of a service, None for none; from the old JSON files if there is no other."""
        if self._is_new:
            return self._read_old(service)
        body = self._file.state(service)
        return json.loads(body, object_hook=persistence._json_object_hook) if body else None

    def keep_all(self, *, leaving_out: Iterable[str] = ()) -> None:
        """Write every state that has changed, unless a stack is being changed."""
        if self._operations:
            return
        changed: dict[str, str] = {}
        for service, state_of in self._collect().items():
            if service in leaving_out:
                continue
            try:
                state = state_of()
                body = None if state is None else _text(state)
            except Exception:  # One service must not keep the others from being written.
                logger.exception("The state of %s cannot be written", service)
                continue
            if body is not None and self._written.get(service) != hash(body):
                changed[service] = body
        tables: Any = dynamodb._tables
        table_ids = {table["TableId"] for table in tables.all_values()}
        self._file.put_states(changed, table_ids=table_ids)
        self._written.update({service: hash(body) for service, body in changed.items()})
        if self._code_in_use is not None:
            self._prune_code(self._code_in_use)

    def prune_code_later(self, in_use: set[str]) -> None:
        """Leave the code of functions alone that the file still names until it does no more."""
        self._code_in_use = in_use

    def after_loading(self, load: Callable[[], None]) -> Callable[[], None]:
        """Put what was restored from the JSON files of a former version into the file."""

        def load_state() -> None:
            load()
            if self._is_new:
                self._is_new = False
                self.keep_all()
                for old in self._old_files.glob("*.json"):
                    old.unlink()

        return load_state

    def keep_secrets(self) -> None:
        self._keep_one(SECRETS)

    def keep_queues(self) -> None:
        """Write what lies in queues, unless a stack is being changed."""
        if not self._operations:
            self._keep_one(QUEUES)

    def _keep_one(self, service: str) -> None:
        state_of = self._collect().get(service)
        if state_of is None:
            return  # nobody has asked it for anything yet
        body = _text(state_of())
        if self._written.get(service) != hash(body):
            self._file.put_state(service, body)
            self._written[service] = hash(body)

    async def until_rest(self, operation: Any) -> None:
        """Wait for an operation on a stack, begun already, and keep what it has made."""
        try:
            await operation
        finally:
            self._operations -= 1
            self.keep_all()

    def begin(self) -> None:
        self._operations += 1


def _text(state: Any) -> str:
    return json.dumps(state, default=persistence._json_default)


def apply(settings: ServerSettings) -> None:
    keeper = ConfigurationKeeper(
        open_state_file(settings.layout.state_file),
        original(ministack_app, "_build_persistence_save_dict"),
        old_files=settings.layout.state,
    )
    replace(ministack_app, "load_state", keeper.load)
    replace(ministack_app, "save_all", lambda _: keeper.keep_all())
    _keep_after_calls(keeper)
    _keep_when_a_stack_rests(keeper)
    replace(lambda_svc, "_prune_orphan_code_blobs", keeper.prune_code_later)
    wrap(ministack_app, "_load_persisted_state", keeper.after_loading)


def _keep_after_calls(keeper: ConfigurationKeeper) -> None:
    def keeping(service: str, handle: Any) -> Any:
        async def handle_request(
            method: str, path: str, headers: dict[str, str], body: bytes, query: Any
        ) -> Any:
            answer = await handle(method, path, headers, body, query)
            if changes_configuration(service, method, path, headers, body):
                if service == SECRETS:
                    keeper.keep_secrets()
                elif only_moves_messages(service, headers, body):
                    keeper.keep_queues()
                else:
                    keeper.keep_all(leaving_out=TELEMETRY)
            return answer

        return handle_request

    by_service = original(ministack_app, "SERVICE_HANDLERS")
    for service in list(by_service):
        by_service[service] = keeping(service, by_service[service])


def _keep_when_a_stack_rests(keeper: ConfigurationKeeper) -> None:
    def counting(create_task: Any) -> Any:
        def create_stack_task(operation: Any, *stack: Any) -> None:
            keeper.begin()
            create_task(keeper.until_rest(operation), *stack)

        return create_stack_task

    for module in (handlers, changesets):
        wrap(module, "_create_stack_task_in_region", counting)
