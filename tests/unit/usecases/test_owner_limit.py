"""The owner's budget always has a limit: taking it away gives the installation's default."""

from filmgate.domain.ledger import OWNER_SCOPE
from filmgate.usecases.budgets import set_budget
from tests.support.builders import NOW, TENANT, author, usd
from tests.support.memory_studio import MemoryStudio


def test_an_owner_whose_limit_is_taken_away_has_the_installations() -> None:
    standing = set_budget(
        OWNER_SCOPE,
        tenant=TENANT,
        limit=None,
        alert_at=None,
        studio=MemoryStudio(),
        default_limit=usd("10"),
        by=author(),
        now=NOW,
    )

    assert standing.budget.limit == usd("10")
    assert standing.is_own
