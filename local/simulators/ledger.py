"""What the vendors would bill: one row for each job that a simulated vendor accepted."""

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from local.simulators.journal import Journal

CHARGE_QUANTUM_MICROS = 100
SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class Row:
    """One accepted job. `billed` is false when the vendor took the job but refused its result.

    `cost` is in US dollars with four places, by the guide price card, also where it is not billed.
    """

    id: str
    reference: str | None
    accepted_at: str
    billed: bool
    cost: str
    prompt_sha256: str


def image_cost_micros(price_micros: int, count: int) -> int:
    return price_micros * count


def clip_cost_micros(price_micros_per_minute: int, duration_s: int) -> int:
    """The guide price of a clip, rounded once, up to 0.0001 USD."""
    per_quantum = SECONDS_PER_MINUTE * CHARGE_QUANTUM_MICROS
    return -(-price_micros_per_minute * duration_s // per_quantum) * CHARGE_QUANTUM_MICROS


def usd(micros: int) -> str:
    """Micro-dollars as a decimal string with four places, rounded up."""
    quanta = -(-micros // CHARGE_QUANTUM_MICROS)
    return f"{quanta // 10_000}.{quanta % 10_000:04d}"


def timestamp(epoch_s: float) -> str:
    moment = datetime.fromtimestamp(epoch_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def prompt_hash(prompt: str) -> str:
    """SHA-256 of the prompt's text alone, in UTF-8; a lone surrogate counts as its three bytes."""
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()


class Ledger:
    """The accepted jobs of every provider, in the order they were accepted."""

    def __init__(self, providers: tuple[str, ...], journal: Journal) -> None:
        self._rows: dict[str, dict[str, Row]] = {name: {} for name in providers}
        self._journal = journal

    def accept(
        self,
        provider: str,
        *,
        id: str,
        prompt: str,
        cost_micros: int,
        accepted_at_s: float,
        reference: str | None = None,
        billed: bool = True,
    ) -> Row:
        row = Row(
            id=id,
            reference=reference,
            accepted_at=timestamp(accepted_at_s),
            billed=billed,
            cost=usd(cost_micros),
            prompt_sha256=prompt_hash(prompt),
        )
        self._put(provider, row)
        return row

    def unbill(self, provider: str, id: str) -> None:
        """Take back the charge of a job whose result the vendor refused to give."""
        self._put(provider, replace(self._rows[provider][id], billed=False))

    def restore(self, data: dict[str, Any]) -> None:
        """Put back one row that the journal kept."""
        row = Row(**data["row"])
        self._rows.setdefault(data["provider"], {})[row.id] = row

    def clear(self) -> None:
        for rows in self._rows.values():
            rows.clear()

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        return {name: [asdict(row) for row in rows.values()] for name, rows in self._rows.items()}

    def journal_entries(self) -> list[dict[str, Any]]:
        """Every row in the form that `restore` takes."""
        return [
            {"provider": name, "row": asdict(row)}
            for name, rows in self._rows.items()
            for row in rows.values()
        ]

    def _put(self, provider: str, row: Row) -> None:
        self._rows[provider][row.id] = row
        self._journal.append("row", {"provider": provider, "row": asdict(row)})
