"""Alert rules and dashboard, read by Prometheus's own code: promtool checks, parses, and plays the rules through."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from missyou_operator.aws.calls import Call
from missyou_operator.controller.metrics import Metrics, Pass
from missyou_operator.controller.report import Report
from missyou_operator.controller.threads import Urgency
from tests import gotools

from .scraping import Scrape, parse

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
MONITORING = ROOT / "manifests/monitoring"
RULES: dict[str, Any] = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["spec"]
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]}
#: What Grafana puts in the place of its variables.
VARIABLES = {"$__rate_interval": "5m", "$namespace": ".*"}
#: Labels that Prometheus adds when it scrapes.
SCRAPED = {"instance", "job", "namespace", "pod", "container", "endpoint"}
#: A name with its matchers, and a name of ours that has none.
SELECTED = re.compile(r"([a-z_][a-z0-9_]*)\s*\{([^}]*)\}")
BARE = re.compile(r"\b((?:missyou|controller_runtime|workqueue|process|leader)_\w+)\b(?!\{)")
GROUPED = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


@pytest.fixture(scope="session")
def promtool() -> Path:
    return gotools.built(HERE / "promtool", "github.com/prometheus/prometheus/cmd/promtool")


@pytest.fixture(scope="session")
def exported() -> Scrape:
    """One of every series that there can be."""
    metrics = Metrics(16, {"missyou-operator-0": lambda: True})
    meta = {"namespace": "default", "name": "one", "creationTimestamp": "2026-01-01T00:00:00Z"}
    metrics.seen({"metadata": {**meta, "deletionTimestamp": "2026-01-02T00:00:00Z"}})
    asks = {"reason": "ApprovalRequired", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    ready = {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Stalled", "status": "True", **asks}]}
    drift = [{"resource": "ec2.Vpc/one", "action": "Corrected", "foundAt": "2026-01-01T00:00:00Z"}]
    report = Report({**ready, "resources": [{"state": "Ready"}]}, 1.0, drift=drift)
    metrics.queued(Urgency.CHANGE, lambda: None)()
    metrics.waited("ec2:CreateNatGateway", 1.0)
    metrics.put_off("ec2:CreateNatGateway")
    metrics.passed(Pass({"metadata": meta}, report))
    metrics.call(Call("ec2", "CreateVpc", "Throttling", 0.1))
    return parse(metrics.text())


def expressions() -> Iterator[tuple[str, str]]:
    for name, rule in ALERTS.items():
        yield name, rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            yield panel["title"], expression


def run(promtool: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(promtool), *map(str, words)], capture_output=True, text=True, check=False)


@pytest.mark.timeout(900)
def test_the_rules_are_valid(promtool: Path, tmp_path: Path) -> None:
    plain = tmp_path / "rules.yaml"
    plain.write_text(yaml.safe_dump(RULES))
    checked = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", plain)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(ALERTS)} rules found" in checked.stdout


@pytest.mark.timeout(900)
def test_the_alerts_fire_when_they_should_and_only_then(promtool: Path, tmp_path: Path) -> None:
    # What is played is when an alert fires; that its texts are valid templates, `check` has seen.
    bare = [{**group, "rules": [{**r, "annotations": {}} for r in group["rules"]]} for group in RULES["groups"]]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": bare}))
    shutil.copy(HERE / "alerts_test.yaml", tmp_path)
    played = run(promtool, "test", "rules", tmp_path / "alerts_test.yaml")
    assert played.returncode == 0, played.stdout + played.stderr
    tested = {
        case["alertname"]
        for test in yaml.safe_load((HERE / "alerts_test.yaml").read_text())["tests"]
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert tested == ALERTS.keys(), "each alert is seen to fire"


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_metric_and_label_is_exported(promtool: Path, exported: Scrape, where: str, expression: str) -> None:
    formatted = run(promtool, "--experimental", "promql", "format", expression)
    assert formatted.returncode == 0, f"{where}: {formatted.stderr}"
    known: dict[str, set[str]] = {}
    for name, labels in exported.series:
        known.setdefault(name, set()).update(label for label, _ in labels)
    text = formatted.stdout
    selectors = SELECTED.findall(text) + [(name, "") for name in BARE.findall(text)]
    assert selectors, where
    for name, matchers in selectors:
        assert name in known, f"{where}: nothing exports {name}"
        asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert asked <= known[name] | SCRAPED, f"{where}: {name} has no label {asked - known[name]}"
    grouped = {label.strip() for group in GROUPED.findall(text) for label in group.split(",")}
    every = set().union(*(known[name] for name, _ in selectors))
    assert grouped <= every | SCRAPED, f"{where}: grouped by {grouped - every}"


def test_every_alert_has_its_paragraph() -> None:
    page = (ROOT / "docs/observability.md").read_text()
    for name, rule in ALERTS.items():
        assert f"### {name}\n" in page
        assert rule["annotations"]["runbook_url"] == f"docs/observability.md#{name.lower()}"


def test_every_metric_is_explained(exported: Scrape) -> None:
    page = (ROOT / "docs/observability.md").read_text()
    own = {re.sub(r"_(bucket|sum|count)$", "", name) for name, _ in exported.series if not name.endswith("_created")}
    own = {name for name in own if not name.startswith(("process_", "python_"))}
    assert own == set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE))
