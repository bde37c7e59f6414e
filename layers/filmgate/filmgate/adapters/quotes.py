"""The table behind the port Quotes. A quote is one item, and the table forgets it by itself.

Whether a quote still holds is said by its own `expires_at`. It is kept for a day more, so that who
comes late is told that it expired, and gets a fresh one, rather than that nobody knows it.
"""

from datetime import timedelta
from typing import Final

from filmgate.adapters import items
from filmgate.adapters.items import dump, load, to_wire
from filmgate.adapters.one_table import OneTable
from filmgate.domain.quotes import Quote

KEPT_AFTER: Final = timedelta(days=1)


class QuoteTable(OneTable):
    """The table, and in it what was quoted."""

    def put_quote(self, tenant: str, quote: Quote) -> None:
        item = {
            **items.quote_key(tenant, quote.id),
            items.DELETE_AFTER: int((quote.expires_at + KEPT_AFTER).timestamp()),
            **dump(quote),
        }
        self._call("put_item", Item=to_wire(item))

    def find_quote(self, tenant: str, quote_id: str) -> Quote | None:
        item = self._get(items.quote_key(tenant, quote_id))
        return None if item is None else load(Quote, item)
