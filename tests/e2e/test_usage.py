"""Usage through the whole product: rows, totals, and what came otherwise than ordered."""

import csv
import io
from pathlib import Path

import urllib3

from filmgate.domain.money import parse_usd
from tests.e2e.gateway import Gateway, Studio, fetch, prompt


def test_a_clip_of_another_size_is_one_discrepancy_a_warning_and_nothing_lost(
    gateway: Gateway, studio: Studio, tmp_path: Path
) -> None:
    wish = prompt()
    gateway.script("kling", "wrong_size", code="size")

    made = studio.make(
        type="video", prompt=wish, provider="kling", params={"duration_s": 3, "resolution": "1080p"}
    )

    assert (made["state"], len(made["warnings"])) == ("succeeded", 1)
    (row,) = studio.api.get("/v1/usage/discrepancies")["items"]
    assert row["differences"] == [
        {"what": "size", "ordered": "1920x1080", "delivered": "1280x720", "unit": "pixels"}
    ]
    assert row["costs"]["estimate"] == row["costs"]["ledger"] == made["actual_cost"]
    assert (row["ordered"]["sound"], row["delivered"]["has_audio"]) == ("on", True)
    assert fetch(made["takes"][0], tmp_path).stat().st_size > 0
    assert len(gateway.paid_jobs(wish)) == 1


def test_rows_file_and_totals_tell_of_the_same_money(gateway: Gateway, studio: Studio) -> None:
    gateway.script("dalle", "refuse")
    studio.make(type="image", prompt=prompt(), project="fox")
    studio.make(type="image", prompt=prompt(), provider="dalle")

    rows = studio.api.get("/v1/usage")["items"]
    totals = studio.api.get("/v1/usage/summary")
    linked = studio.api.get("/v1/usage?format=link")

    spent = sum(parse_usd(row["actual_cost"]) for row in rows)
    assert {row["status"] for row in rows} == {"success", "failed"}
    assert spent == parse_usd(totals["total_spent"]) == parse_usd(studio.budget()["spent"]) > 0
    assert (totals["count"], totals["failed"]) == (len(rows), 1)
    file = urllib3.request("GET", linked["url"]).data.decode()
    lines = list(csv.DictReader(io.StringIO(file, newline="")))
    assert sum(parse_usd(line["actual_cost"]) for line in lines) == spent
    scopes = [one["scope"] for one in studio.api.get("/v1/budgets")["items"]]
    assert scopes[0] == "owner"
    assert {"project:fox", "provider:dalle", "user:owner"} <= set(scopes)
