"""The whole local stack as one object: the AWS, the simulators, the deployed template.

with LocalStack(root) as stack:
    stack.deploy({"Stage": "local"})
    requests to stack.url
"""

import fcntl
import http.client
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any

from local.aws.layout import Layout
from local.clients import client_for
from local.deploy import deploy
from local.notices import subscribe
from local.ports import HOST, Ports, require_free
from local.processes import members_of, workers_of

STACK_NAME = "filmgate"
API_ID_OUTPUT = "ApiId"
AWS = "aws"
SIMULATORS = "simulators"
TOPIC_OUTPUT = "OwnerTopicArn"
REQUIRED_PACKAGES = ("ministack", "moto", "awslambdaric", "samtranslator", "hypercorn", "boto3")
READY_LIMIT_S = 60.0
# Stopping takes well below a second; a slow disk may take longer.
STOP_LIMIT_S = 20.0
POLL_S = 0.02
LOG_TAIL_LINES = 25


class StackFailed(RuntimeError):
    """A part of the stack did not start or has died; the message ends with its log."""


class StackAlreadyRunning(RuntimeError):
    """Another process uses the data directory."""


class ToolMissing(RuntimeError):
    """A package of the virtual environment is missing."""


@dataclass(frozen=True)
class Part:
    """One child process of the stack. `process` leads a process group of its own."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    port: int
    ready_path: str

    def failure(self, what: str) -> StackFailed:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return StackFailed("\n".join([f"{self.name} {what}; the end of {self.log}:", *lines]))

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", self.ready_path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def end(self, limit_s: float) -> None:
        """SIGTERM, wait, and SIGKILL for what is left of the process group."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # The usual case: nothing of the group is left.
        finally:
            if self.process.stdin:
                self.process.stdin.close()


class DirectoryLock:
    """The right to use a data directory, held by this process and by the AWS it starts.

    The kernel gives it back when both have ended, so that a lock of a killed run does not
    count, and the next run waits for the end of the last one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    @property
    def descriptor(self) -> int:
        if self._file is None:
            raise RuntimeError("the lock is not held")
        return self._file.fileno()

    def acquire(self) -> None:
        """Raises StackAlreadyRunning."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        give_up_at = time.monotonic() + STOP_LIMIT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                file.seek(0)
                owner = file.read().strip()
                if _is_alive(owner) or time.monotonic() > give_up_at:
                    file.close()
                    raise StackAlreadyRunning(
                        f"Another run (process {owner or 'unknown'}) uses {self._path.parent}. "
                        "Stop it first."
                    ) from None
                time.sleep(5 * POLL_S)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class LocalStack:
    """Starts, deploys to and stops everything that a local run needs.

    root: the repository, with template.yaml. data_dir: where state and logs live.
    simulators: False leaves them out. The object can be started again after a stop.
    """

    def __init__(
        self,
        root: Path,
        ports: Ports | None = None,
        data_dir: Path | None = None,
        *,
        template: Path | None = None,
        stack_name: str = STACK_NAME,
        simulators: bool = True,
    ) -> None:
        self.root = root.resolve()
        self.ports = ports or Ports.from_environment()
        self.data_dir = (data_dir or self.root / ".local").resolve()
        self.template = template or self.root / "template.yaml"
        self.stack_name = stack_name
        self.outputs: dict[str, str] = {}
        self._with_simulators = simulators
        self._layout = Layout(self.data_dir)
        self._lock = DirectoryLock(self.data_dir / "lock")
        self._parts: list[Part] = []
        self._old_handler: Any = None

    @property
    def url(self) -> str:
        """The product's API and page."""
        return f"http://{HOST}:{self.ports.front_door}"

    @property
    def aws_endpoint(self) -> str:
        return f"http://{HOST}:{self.ports.aws}"

    @property
    def simulators_url(self) -> str:
        return f"http://{HOST}:{self.ports.simulators}"

    @property
    def environment_file(self) -> Path:
        return self.data_dir / "env"

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def notices(self) -> Path:
        """Where what the owner is told lies, a file each."""
        return self._layout.notices

    @property
    def processes(self) -> dict[str, int]:
        """The process ids of the running parts, by name."""
        return {part.name: part.process.pid for part in self._parts}

    def start(self) -> None:
        """Start the AWS and the simulators and wait until both answer.

        Raises ToolMissing, StackAlreadyRunning, PortBusy or StackFailed; nothing runs then.
        """
        require_packages()
        self._lock.acquire()
        try:
            self._end_on_sigterm()
            require_free(
                self.ports.by_variable() if self._with_simulators else self.ports.by_variable()[:2]
            )
            self.logs.mkdir(parents=True, exist_ok=True)
            for name in (AWS, SIMULATORS) if self._with_simulators else (AWS,):
                (self.logs / f"{name}.log").write_bytes(b"")
                self._begin(name)
            for part in self._parts:
                self._until_ready(part)
        except BaseException:
            self.stop()
            raise

    def kill(self, name: str) -> None:
        """SIGKILL one part, "aws" or "simulators", with every process of it; the other goes on.

        `resume` starts it again. For tests of what survives.
        """
        part = next(each for each in self._parts if each.name == name)
        os.killpg(part.process.pid, signal.SIGKILL)
        part.end(STOP_LIMIT_S)
        self._parts.remove(part)
        give_up_at = time.monotonic() + STOP_LIMIT_S
        while members_of(part.process.pid):
            if time.monotonic() > give_up_at:
                raise part.failure("has processes that do not die")
            time.sleep(POLL_S)

    def resume(self, name: str) -> None:
        """Start a part that was killed, on its ports and with its state, until it answers.

        Raises StackFailed.
        """
        self._begin(name)
        self._until_ready(self._parts[-1])

    def workers(self, logical_id: str) -> list[int]:
        """The processes of a deployed function, by its name in the template; idle ones too."""
        found = client_for("cloudformation", self.aws_endpoint).describe_stack_resource(
            StackName=self.stack_name, LogicalResourceId=logical_id
        )
        name = found["StackResourceDetail"]["PhysicalResourceId"]
        return workers_of(self.processes[AWS], name)

    def deploy(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """Bring the deployed stack to the template and open the front door to its API.

        Gives the stack's outputs, which must hold the API's id as ApiId. A stack with an owner's
        topic has its notices delivered to `notices`. Raises DeployFailed or TimeoutError.
        """
        self.outputs = deploy(
            self.template,
            stack_name=self.stack_name,
            parameters=parameters,
            endpoint_url=self.aws_endpoint,
            build_dir=self.data_dir / "build",
        )
        _write(self._layout.api_id, self.outputs[API_ID_OUTPUT])
        if TOPIC_OUTPUT in self.outputs:
            topic = self.outputs[TOPIC_OUTPUT]
            subscribe(topic, url=self.url, aws_endpoint=self.aws_endpoint)
        return self.outputs

    def write_environment(self, token: str) -> Path:
        """Write the file that scripts read to reach this run; only its owner can read it."""
        lines = {
            "FILMGATE_URL": self.url,
            "FILMGATE_TOKEN": token,
            "AWS_ENDPOINT_URL": self.aws_endpoint,
            "FILMGATE_SIM_URL": self.simulators_url,
        }
        _write(self.environment_file, "".join(f"{key}={value}\n" for key, value in lines.items()))
        return self.environment_file

    def wait(self, *, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Block while all parts run, doing something again and again. Raises StackFailed when a
        part has died."""
        while True:
            meanwhile()
            for part in self._parts:
                if part.process.poll() is not None:
                    raise part.failure(f"has ended with status {part.process.returncode}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop every part, the state saved. A second Ctrl-C does not cut it short."""
        with _undisturbed():
            self.environment_file.unlink(missing_ok=True)
            for part in reversed(self._parts):
                if part.process.poll() is None:
                    part.process.terminate()
            while self._parts:
                self._parts[-1].end(STOP_LIMIT_S)
                self._parts.pop()
            self._lock.release()
        self._restore_handler()

    def __enter__(self) -> "LocalStack":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _begin(self, name: str) -> None:
        log = self.logs / f"{name}.log"
        if name == AWS:
            command = ["local.aws", "--data-dir", str(self.data_dir)]
            port, ready_path = self.ports.aws, "/_ministack/health"
        else:
            command = ["local.simulators"]
            port, ready_path = self.ports.simulators, "/__sim/ledger"
        with open(log, "ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.child", *command],
                cwd=self.root,
                env={**os.environ, **self.ports.environment(), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[self._lock.descriptor],
            )
        self._parts.append(Part(name, process, log, port, ready_path))

    def _until_ready(self, part: Part) -> None:
        give_up_at = time.monotonic() + READY_LIMIT_S
        while not part.is_ready():
            if part.process.poll() is not None:
                raise part.failure(f"ended at its start with status {part.process.returncode}")
            if time.monotonic() > give_up_at:
                raise part.failure(f"did not answer within {READY_LIMIT_S:.0f} s")
            time.sleep(POLL_S)

    def _end_on_sigterm(self) -> None:
        """Make SIGTERM unwind this process like Ctrl-C does, so that `with` stops the stack."""
        if threading.current_thread() is threading.main_thread():
            self._old_handler = signal.signal(signal.SIGTERM, _unwind)

    def _restore_handler(self) -> None:
        if self._old_handler is not None:
            signal.signal(signal.SIGTERM, self._old_handler)
            self._old_handler = None


def require_packages(
    find: Callable[[str], object | None] = importlib.util.find_spec,
) -> None:
    """Raises ToolMissing when the interpreter lacks a package that the local run needs."""
    missing = [name for name in REQUIRED_PACKAGES if find(name) is None]
    if missing:
        raise ToolMissing(
            f"{sys.executable} has no {', '.join(missing)}. `make run` sets up the environment "
            "that has."
        )


class _undisturbed:
    """SIGINT and SIGTERM wait while the block runs; only the main thread can arrange that."""

    def __enter__(self) -> None:
        self._in_main = threading.current_thread() is threading.main_thread()
        if self._in_main:
            self._before = {
                number: signal.signal(number, signal.SIG_IGN)
                for number in (signal.SIGINT, signal.SIGTERM)
            }

    def __exit__(self, *_: object) -> None:
        if self._in_main:
            for number, handler in self._before.items():
                signal.signal(number, handler)


def _unwind(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _is_alive(process_id: str) -> bool:
    if not process_id.isdecimal():
        return False
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write(path: Path, text: str) -> None:
    """Write a file that nobody sees half of and only its owner reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(path)
