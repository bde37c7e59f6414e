"""What can go wrong, as a sentence, what to do next, and a code for scripts to tell it by."""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Final

from filmgate_cli.shapes import Json


class ExitCode(IntEnum):
    """Part of the interface: scripts branch on them, so they never change."""

    DONE = 0
    NO = 1  # a question was answered with no: books that disagree, a key that is not good
    USAGE = 2  # the command or the request is wrong as it stands
    SIGN_IN = 3  # nobody is signed in, or the token's role is not enough
    BUDGET = 4  # a budget, a cost limit or a rate refused it
    FAILED = 5  # what was asked for was not made, or not all of it
    UNREACHABLE = 6  # the gateway gives no answer
    UNFINISHED = 7  # it still runs, and the given time is over
    BUG = 70  # a fault of this program
    INTERRUPTED = 130


class Problem(Exception):
    """An end of a command that its user is told of."""

    def __init__(
        self, message: str, *, code: str, exit_code: ExitCode, todo: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.exit_code = exit_code
        self.todo = todo

    def as_json(self) -> Json:
        return {"code": self.code, "detail": self.message, "todo": self.todo}


class WrongUsage(Problem):
    def __init__(self, message: str, todo: str | None = None) -> None:
        super().__init__(message, code="usage", exit_code=ExitCode.USAGE, todo=todo)


class NotSignedIn(Problem):
    def __init__(self, message: str, todo: str = "Sign in: filmgate login") -> None:
        super().__init__(message, code="not-signed-in", exit_code=ExitCode.SIGN_IN, todo=todo)


class Unreachable(Problem):
    """No answer, whatever was tried. `sent` says whether a request may have arrived."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(
            message,
            code="unreachable",
            exit_code=ExitCode.UNREACHABLE,
            todo="Check the address (filmgate login) and the network. On this machine: make run",
        )
        self.sent = sent


class Refused(Problem):
    """The gateway's own refusal, a problem+json."""

    def __init__(self, problem: Json, status: int) -> None:
        code = str(problem.get("code", f"http-{status}"))
        super().__init__(
            str(problem.get("detail") or problem.get("title") or f"HTTP status {status}"),
            code=code,
            exit_code=_exit_code(status),
            todo=_todo(code, problem),
        )
        self.problem = problem
        self.status = status

    @property
    def faults(self) -> list[tuple[str, str]]:
        """(option or place in the file, what is wrong with it), one per fault."""
        errors = self.problem.get("errors") or []
        return [(_place(one), str(one.get("message", ""))) for one in errors]

    def as_json(self) -> Json:
        return {**self.problem, "todo": self.todo}


def _exit_code(status: int) -> ExitCode:
    match status:
        case 401 | 403:
            return ExitCode.SIGN_IN
        case 402 | 429:
            return ExitCode.BUDGET
        case _ if status >= 500:
            return ExitCode.UNREACHABLE
    return ExitCode.USAGE


def _wait(problem: Json) -> str:
    seconds = problem.get("retryAfter")
    return f"Try again in {seconds} s." if seconds else "Try again in a moment."


def _replaced(problem: Json) -> str | None:
    replacement = problem.get("replacement")
    return f"Ask for its replacement: --provider {replacement}" if replacement else None


def _changed(problem: Json) -> str | None:
    fresh = problem.get("quote")
    if not isinstance(fresh, dict):
        return None
    return f"It costs at most {fresh.get('max')} USD now: --quote {fresh.get('quote_id')}"


def _over_budget(problem: Json) -> str:
    scope = problem.get("scope")
    if scope == "storyboard":
        return f"Give it a larger budget: --budget {problem.get('needed', '…')}"
    return (
        f"See what is left: filmgate budget. An admin can raise it: filmgate budget set {scope} …"
    )


_TODO: Final[Mapping[str, Callable[[Json], str | None]]] = {
    "unauthenticated": lambda _: "Sign in anew: filmgate login",
    "forbidden": lambda _: "Ask an admin of the studio, or sign in with another token.",
    "budget-exceeded": _over_budget,
    "cost-limit-exceeded": lambda problem: (
        f"Raise it (--max-cost {problem.get('needed', '…')}), or look for less: filmgate compare"
    ),
    "no-capable-provider": lambda _: "See who can, and why the others cannot: filmgate compare",
    "retired": _replaced,
    "quote-changed": _changed,
    "not-found": lambda _: "See the latest ones: filmgate status",
    "idempotency-key-reused": lambda _: "Leave --key out for a new request.",
    "rate-limited": _wait,
    "too-many-in-flight": _wait,
    "version-conflict": lambda _: "Somebody changed it meanwhile. Look again, then repeat.",
}


def _todo(code: str, problem: Json) -> str | None:
    tell = _TODO.get(code)
    return tell(problem) if tell else None


_OPTIONS: Final[Mapping[str, str]] = {
    "/prompt": "PROMPT",
    "/cost_limit": "--max-cost",
    "/budget": "--budget",
    "/params/duration_s": "--duration",
    "/params/aspect_ratio": "--aspect",
    "/script_id": "--script",
    "/shot_number": "--shot",
    "/tags": "--tag",
    "/quote_id": "--quote",
    "/webhook_url": "--webhook",
}


def _place(error: Json) -> str:
    """Where a fault is: the option of a field, or the line and column of a file."""
    line, column = error.get("line"), error.get("column")
    if line is not None:
        return f"line {line}" + (f", {column}" if column else "")
    pointer = str(error.get("pointer", "")).replace("?", "/")
    if pointer in _OPTIONS:
        return _OPTIONS[pointer]
    name = pointer.removeprefix("/params/").removeprefix("/")
    return pointer if "/" in name or not name else f"--{name.replace('_', '-')}"
