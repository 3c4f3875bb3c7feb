"""`missyou prices`: the contents of the price table, and a newer table from AWS's Pricing API."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.render import table
from missyou_operator.cost import BadTable, PriceTable, bundled, read_table
from missyou_operator.cost.charges import ITEMS
from missyou_operator.cost.price_list import RegionPrices, read_products

#: The Pricing API has endpoints in a few regions only; it answers for all of them.
_ENDPOINT = "us-east-1"
_ABOUT = """\
List the regions of the price table that `missyou cost` and the operator use, and how old their prices are.
With --refresh, request the current prices of some regions from AWS's Pricing API (pricing:GetProducts) and print
the updated table, for the option --prices of `missyou cost` and `missyou-operator`.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser of `missyou`."""
    parser = commands.add_parser("prices", help="list or refresh the prices behind cost estimates", description=_ABOUT)
    add_table(parser)
    parser.add_argument("--refresh", nargs="+", metavar="REGION", help="request prices of these regions from AWS")
    parser.set_defaults(run=_run)


def add_table(parser: argparse.ArgumentParser) -> None:
    """Add the option --prices."""
    parser.add_argument("--prices", metavar="FILE", help="price table to use (default: the built-in table)")


def load(path: str | None) -> PriceTable:
    """Read the price table from a file, or the built-in one. Raises Failure."""
    if path is None:
        return bundled()
    try:
        return read_table(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadTable) as error:
        raise Failure(Exit.USAGE, f"--prices {path}: {error}") from None


def fetch(client: Any, region: str, day: date) -> RegionPrices:
    """Request the prices of all items in a region."""
    paginator = client.get_paginator("get_products")
    return read_products(
        {
            name: [text for page in paginator.paginate(**item.request(region)) for text in page["PriceList"]]
            for name, item in ITEMS.items()
        },
        day,
    )


def _run(options: argparse.Namespace) -> None:
    prices = load(options.prices)
    if options.refresh is None:
        sys.stdout.write("".join(f"{line}\n" for line in _listed(prices)))
        return
    client = boto3.client("pricing", region_name=_ENDPOINT)
    for region in options.refresh:
        try:
            found = fetch(client, region, datetime.now(UTC).date())
        except (BotoCoreError, ClientError) as error:
            raise Failure(Exit.CLUSTER, f"the Pricing API returned no prices for {region}: {error}") from None
        if found.unclear:
            sys.stderr.write(f"missyou: {region}: no clear price for {', '.join(found.unclear)}\n")
        prices = prices.with_region(region, found.prices)
    sys.stdout.write(prices.to_json())


def _listed(prices: PriceTable) -> list[str]:
    rows = [("REGION", "PRICES", "OLDEST", "NEWEST")]
    for region, items in sorted(prices.regions.items()):
        days = sorted(price.date.isoformat() for price in items.values()) or [""]
        rows.append((region, str(len(items)), days[0], days[-1]))
    return table(rows)
