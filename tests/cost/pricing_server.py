"""The Pricing API on the wire, as far as GetProducts goes: filters, pages, and the shape of its price list."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

_PAGE = 2


def product(service: str, usage: str, *tiers: tuple[str, str], **attributes: str) -> dict[str, Any]:
    """Make an entry of a price list. `tiers`: begin of the range, US dollars; further attributes by name."""
    family = attributes.pop("productFamily", None)
    sku = f"SKU-{usage}-{'-'.join(attributes.values())}"
    dimensions = {
        f"{sku}.{place}": {"unit": "Hrs", "beginRange": begin, "pricePerUnit": {"USD": usd}}
        for place, (begin, usd) in enumerate(tiers)
    }
    shape = {"sku": sku, "attributes": {"usagetype": usage, "regionCode": "eu-central-1", **attributes}}
    return {
        "product": {**shape, **({"productFamily": family} if family else {})},
        "serviceCode": service,
        "terms": {"OnDemand": {"term": {"priceDimensions": dimensions}}, "Reserved": {}},
        "version": "20260925174521",
        "publicationDate": "2026-09-25T17:45:21Z",
    }


def matching(products: list[dict[str, Any]], request: dict[str, Any]) -> list[dict[str, Any]]:
    def has(entry: dict[str, Any], field: str, value: str) -> bool:
        inner = entry["product"]
        return bool(value == (inner.get(field) if field == "productFamily" else inner["attributes"].get(field)))

    return [
        entry
        for entry in products
        if entry["serviceCode"] == request["ServiceCode"]
        and all(has(entry, row["Field"], row["Value"]) for row in request["Filters"])
    ]


@contextmanager
def serving(products: list[dict[str, Any]], refuse: str = "") -> Iterator[tuple[str, list[str]]]:
    """Answer at a URL of this machine; also give the list that fills with the targets that were called."""
    called: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            called.append(self.headers["X-Amz-Target"])
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if refuse:
                self._send(400, {"__type": refuse, "message": "not allowed to perform pricing:GetProducts"})
                return
            found, start = matching(products, request), int(request.get("NextToken", "0"))
            texts = [json.dumps(entry) for entry in found[start : start + _PAGE]]
            more = {"NextToken": str(start + _PAGE)} if start + _PAGE < len(found) else {}
            self._send(200, {"FormatVersion": "aws_v1", "PriceList": texts, **more})

        def _send(self, code: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", called
        server.shutdown()
        thread.join()
