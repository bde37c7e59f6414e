"""Scripted faults: what a test or a person orders at `POST /__sim/faults`, and who takes them.

A fault concerns one kind of call (`where`): `submit`, the paid call; `result`, the job or picture
that a paid call makes; `poll`, a question about a job; `download`, a result link. Scripts of one
provider are tried in the order in which they were given, each counting only the calls that
concern it; the first one that is due takes the call.

To the client `drop_request` and `drop_reply` look alike, a connection that ends without a byte.
With the first the vendor never saw the call; with the second it took the job and bills it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Where = Literal["submit", "result", "poll", "download"]
FaultName = Literal[
    "http_500",
    "http_429",
    "quota",
    "bad_key",
    "refuse",
    "hang",
    "drop_reply",
    "drop_request",
    "malformed",
    "html",
    "slow",
    "stuck",
    "expired_url",
    "truncated",
    "wrong_size",
    "wrong_sound",
    "wrong_count",
    "odd_status",
    "charge_after_cancel",
    "retired",
    "overcharge",
]
# Which faults make sense for a provider: for each fault the places where it can be ordered, the
# first being the default, and for each place the accepted codes, again the default first.
FaultTable = Mapping[FaultName, Mapping[Where, tuple[str, ...]]]

JSON_DAMAGES = (
    "truncated", "duplicate_key", "nan", "deep", "huge", "empty", "not_json", "hollow", "list",
)  # fmt: skip
FILE_DAMAGES = ("not_media", "truncated", "empty", "huge")
INLINE_DAMAGES = ("not_media", "empty")
HUGE_JSON_BYTES = 20_000_000
DEEP_LEVELS = 1_000_000
DEFAULT_SLOW_S = 5.0
HANG_S = 600.0
ACCEPTING = ("http_500", "html")
RETRY_FAULTS = ("http_429", "http_500", "quota")
STATUS_FAULTS = ("http_500", "http_429", "quota", "bad_key", "refuse", "html", "retired")
TIMED_FAULTS = ("slow", "hang")


class FaultOrder(BaseModel):
    """The body of `POST /__sim/faults`. Everything after `after` is an extra of ours."""

    model_config = ConfigDict(extra="forbid", strict=True)

    provider: str
    fault: FaultName
    times: int = Field(default=1, ge=0, description="0 means until reset")
    after: int = Field(default=0, ge=0, description="how many calls pass first")
    where: Where | None = None
    code: str | None = Field(default=None, description="the vendor's code, or the kind of damage")
    status: int | None = Field(default=None, ge=200, le=599, description="another HTTP status")
    retry_after: int | float | str | None = None
    seconds: float | None = Field(default=None, ge=0, le=HANG_S)
    accepted: bool = Field(default=False, description="the job is made though an error is answered")
    size_bytes: int | None = Field(default=None, ge=1, le=4_000_000_000)
    prompt: str | None = Field(default=None, description="only calls whose prompt begins so")

    def concerns(self, prompt: str | None) -> bool:
        return self.prompt is None or (prompt or "").startswith(self.prompt)


class UnusableFault(ValueError):
    """The order makes no sense for this provider."""


@dataclass
class Fault:
    """One armed script, with its defaults filled in."""

    name: FaultName
    where: Where
    code: str
    order: FaultOrder
    remaining: int
    to_skip: int
    hits: int = 0

    @property
    def spent(self) -> bool:
        return self.order.times > 0 and self.remaining == 0

    def retry_after_s(self) -> float | None:
        value = self.order.retry_after
        return None if value is None or isinstance(value, str) else value

    def as_json(self) -> dict[str, Any]:
        return self.order.model_dump(exclude_none=True) | {
            "where": self.where,
            "code": self.code or None,
            "hits": self.hits,
            "left": self.remaining if self.order.times else None,
        }


def arm(order: FaultOrder, tables: Mapping[str, FaultTable]) -> Fault:
    """Check an order against its provider's table. Raises UnusableFault with a plain reason."""
    table = tables.get(order.provider)
    if table is None:
        raise UnusableFault(f"unknown provider {order.provider!r}; there are {sorted(tables)}")
    places = table.get(order.fault)
    if places is None:
        raise UnusableFault(f"{order.provider} cannot have {order.fault}; it can {sorted(table)}")
    where: Where = next(iter(places)) if order.where is None else order.where
    if where not in places:
        raise UnusableFault(
            f"{order.fault} of {order.provider} happens at {sorted(places)}, not at {where!r}"
        )
    codes = places[where]
    if order.code is not None and order.code not in codes:
        raise UnusableFault(f"{order.fault} at {where} takes code {list(codes)}")
    _check_extras(order, where)
    code = order.code or (codes[0] if codes else "")
    return Fault(order.fault, where, code, order, order.times, order.after)


def _check_extras(order: FaultOrder, where: Where) -> None:
    allowed = {
        "retry_after": order.fault in RETRY_FAULTS,
        "status": order.fault in STATUS_FAULTS,
        "seconds": order.fault in TIMED_FAULTS,
        "accepted": order.fault in ACCEPTING and where == "submit",
        "size_bytes": order.fault == "malformed" and order.code == "huge",
        "prompt": where in ("submit", "result"),
    }
    for field, usable in allowed.items():
        if getattr(order, field) not in (None, False) and not usable:
            raise UnusableFault(f"{order.fault} at {where} does not use {field!r}")


class Faults:
    """The armed scripts of all providers."""

    def __init__(self, tables: Mapping[str, FaultTable]) -> None:
        self._tables = tables
        self._scripts: list[Fault] = []

    def add(self, order: FaultOrder) -> Fault:
        fault = arm(order, self._tables)
        self._scripts.append(fault)
        return fault

    def take(self, provider: str, where: Where, prompt: str | None = None) -> Fault | None:
        """The fault that this call meets, if any; it counts as used."""
        for fault in self._scripts:
            if fault.order.provider != provider or fault.where != where or fault.spent:
                continue
            if not fault.order.concerns(prompt):
                continue
            if fault.to_skip > 0:
                fault.to_skip -= 1
                continue
            fault.hits += 1
            fault.remaining = max(0, fault.remaining - 1)
            return fault
        return None

    def clear(self) -> None:
        self._scripts.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [fault.as_json() for fault in self._scripts]


def damage_json(content: bytes, damage: str, size_bytes: int | None = None) -> bytes:
    """The given JSON object, damaged in one of the JSON_DAMAGES."""
    match damage:
        case "truncated":
            damaged = content[: len(content) * 2 // 3]
        case "duplicate_key":
            key = content[1 : content.index(b":")]
            damaged = b"{" + key + b": null, " + content[1:]
        case "nan":
            damaged = b'{"not_a_number": NaN, ' + content[1:]
        case "deep":
            damaged = b"[" * DEEP_LEVELS + b"]" * DEEP_LEVELS
        case "huge":
            padding = b"x" * max(1, (size_bytes or HUGE_JSON_BYTES) - len(content))
            damaged = content[:-1] + b', "padding": "' + padding + b'"}'
        case "empty":
            damaged = b""
        case "not_json":
            damaged = b"OK"
        case "hollow":
            damaged = b"{}"
        case "list":
            damaged = b"[" + content + b"]"
        case unknown:
            raise ValueError(f"unknown damage {unknown!r}")
    return damaged


def damage_file(content: bytes, damage: str) -> bytes:
    """The given file, damaged in one of the FILE_DAMAGES but `huge`, which is sent in parts."""
    match damage:
        case "not_media":
            return b"\x00" * 4096
        case "truncated":
            return content[: len(content) // 2]
        case "empty":
            return b""
    raise ValueError(f"unknown damage {damage!r}")
