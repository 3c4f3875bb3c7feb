"""The table of prices: the one of the package, and what is said of texts that are none."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from missyou_operator.cost import BadTable, bundled, read_table


def table(row: object) -> str:
    return json.dumps({"currency": "USD", "regions": {"us-east-1": {"nat.hour": row}}})


def test_every_price_of_the_package_has_a_source():
    for prices in bundled().regions.values():
        for item, price in prices.items():
            assert price.usd > 0, item
            lists = ("https://pricing.us-east-1.amazonaws.com/offers/", "https://aws.amazon.com/waf/pricing/")
            assert price.source.startswith((*lists, "Infracost's ")), item


def test_the_defaults_of_both_environments_have_prices():
    assert {"rds.db.t3.micro.single", "rds.db.t3.micro.multi"} <= bundled().regions["us-east-1"].keys()


def test_a_table_that_was_written_reads_back():
    assert read_table(bundled().to_json()) == bundled()


def test_prices_are_exact():
    [price] = read_table(table({"usd": "0.1", "date": "2026-01-02", "source": "x"})).regions["us-east-1"].values()
    assert price.usd * 3 == Decimal("0.3")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "currency"),
        ('{"currency": "EUR", "regions": {}}', "currency"),
        ('{"currency": "USD"}', "regions"),
        ('{"currency": "USD", "regions": {"us-east-1": []}}', "regions"),
        (table(0.045), "regions.us-east-1.nat.hour"),
        (table({"usd": "much", "date": "2026-01-02", "source": "x"}), "regions.us-east-1.nat.hour"),
        (table({"usd": "1", "date": "soon", "source": "x"}), "regions.us-east-1.nat.hour"),
        (table({"usd": "1", "date": "2026-01-02"}), "regions.us-east-1.nat.hour"),
        (table({"usd": "-1", "date": "2026-01-02", "source": "x"}), "zero or more"),
        (table({"usd": "NaN", "date": "2026-01-02", "source": "x"}), "zero or more"),
    ],
)
def test_what_is_no_table_is_named(text, says):
    with pytest.raises(BadTable, match=says):
        read_table(text)
