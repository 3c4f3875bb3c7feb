"""What Prometheus would have scraped of an operator's process."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from missyou_local import processes
from tests.integration.bench import PATIENCE, Bench


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer of `/metrics`: the value of each series, by the sample's name and its labels."""

    series: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, /, **labels: str) -> float | None:
        return self.series.get((name, frozenset(labels.items())))

    def of(self, name: str, /, **labels: str) -> dict[frozenset[tuple[str, str]], float]:
        """Give the series of a name that have at least these labels."""
        wanted = frozenset(labels.items())
        return {found: value for (other, found), value in self.series.items() if other == name and wanted <= found}

    def requests(self) -> Counter[tuple[str, str]]:
        """Give the requests to AWS by operation, as the ledger names it, and code."""
        counts: Counter[tuple[str, str]] = Counter()
        for labels, value in self.of("missyou_aws_requests_total").items():
            said = dict(labels)
            counts[f"{said['service']}:{said['operation']}", said["code"]] += int(value)
        return counts


def parse(text: str) -> Scrape:
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    series = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(series) == len(samples), "no series is given twice"
    return Scrape(series)


def port(bench: Bench) -> int:
    """Give the port of the operator's probes, which it chose itself."""

    def said() -> list[str]:
        return re.findall(r"probes and metrics are at port (\d+)", bench.operator.log.read_text())

    assert processes.wait_until(lambda: bool(said()), PATIENCE), bench.operator.log_tail()
    return int(said()[-1])


def get(bench: Bench, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port(bench)}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        # It is being started again, at another port.
        return 0, str(error)


def scrape(bench: Bench) -> Scrape:
    return parse(get(bench, "/metrics")[1])


def ledger(bench: Bench) -> Counter[tuple[str, str]]:
    """Give what AWS says that this operator has asked it, in the same words."""
    entries = bench.aws.control.ledger.entries(caller=bench.key)
    return Counter((entry["operation"], entry["error"] or "OK") for entry in entries)
