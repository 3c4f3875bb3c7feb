"""`missyou cost` and `missyou prices` as a person runs them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml

from missyou_operator.cli import main
from missyou_operator.cost import bundled


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    """Write manifests; gives the path."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    def write(name: str = "app", **spec: object) -> str:
        path = tmp_path / f"{name}.yaml"
        body = {
            "apiVersion": "missyou.app/v1alpha1",
            "kind": "MissYouApp",
            "metadata": {"name": "missyou"},
            "spec": spec,
        }
        path.write_text(yaml.safe_dump_all([{"kind": "Namespace", "metadata": {"name": "x"}}, body]))
        return str(path)

    return write


def run(capsys, *arguments: str) -> str:
    assert main(["cost", *arguments]) == 0
    return capsys.readouterr().out


def test_the_table(manifest, capsys):
    lines = run(capsys, "-f", manifest()).splitlines()
    assert lines[0] == "missyou: Production in us-east-1"
    words = [line.split() for line in lines]
    assert ["Network", "73.45"] in words
    assert ["NAT", "gateways:", "2", "1460", "hours", "x", "0.045", "65.70"] in words
    assert ["Total", "170.57"] in words
    assert "On-demand list prices, the oldest from 2026-08-31." in lines
    # Amounts stand below one another.
    amounts = [line for line in lines if line.endswith(("73.45", "0.45", "170.57"))]
    assert len({len(line) for line in amounts}) == 1


def test_the_difference_that_a_change_makes(manifest, capsys):
    before, after = manifest("before"), manifest("after", network={"natGateways": 1})
    words = [line.split() for line in run(capsys, "-f", after, "--from", before).splitlines()]
    assert ["Network", "73.45", "36.95", "-36.50"] in words
    assert ["Database", "30.88", "30.88", "0.00"] in words
    assert ["Total", "170.57", "134.07", "-36.50"] in words


def test_json(manifest, capsys):
    out = json.loads(run(capsys, "-f", manifest(environment="Development"), "--from", manifest("b"), "-o", "json"))
    assert (out["monthlyUSD"], out["before"]["monthlyUSD"], out["differenceUSD"]) == ("88.60", "170.57", "-81.97")
    [nat] = [line for line in out["lines"] if line["item"] == "nat.hour"]
    assert (nat["quantity"], nat["unitUSD"], nat["monthlyUSD"], nat["date"]) == ("730", "0.045", "32.85", "2026-09-30")
    assert nat["source"].startswith("https://pricing.us-east-1.amazonaws.com/")
    assert out["assumed"]["hours"] == "730"
    assert out["notPriced"] == []


def test_what_is_not_counted_is_named(manifest, capsys):
    copied = manifest("copied", database={"backupCopyRegion": "eu-central-1", "backupRetentionDays": 9})
    text = "the copy of automated backups in eu-central-1: 9 days of storage there, and the transfer"
    assert f"Not counted: {text}." in run(capsys, "-f", copied).splitlines()
    lines = run(capsys, "-f", copied, "--from", manifest()).splitlines()
    assert f"Not counted: {text}." in lines
    assert ["Total", "170.57", "170.57", "0.00"] in [line.split() for line in lines]
    assert json.loads(run(capsys, "-f", copied, "-o", "json"))["omitted"] == [text]
    assert "Not counted" not in run(capsys, "-f", manifest())


def test_assumptions_are_options(manifest, capsys):
    out = json.loads(run(capsys, "-f", manifest(), "--nat-gb", "1010", "--log-gb", "0", "-o", "json"))
    assert out["components"]["Network"] == "118.45"
    assert out["components"]["Monitoring"] == "4.00"


def test_a_region_without_prices_says_so(manifest, capsys):
    out = run(capsys, "-f", manifest(region="eu-south-2"))
    assert "At least" in out
    assert "No price for eu-south-2 in the table: nat.hour," in out
    assert "missyou prices --refresh eu-south-2" in out
    found = json.loads(run(capsys, "-f", manifest(region="eu-south-2"), "-o", "json"))
    assert (found["monthlyUSD"], found["pricedUSD"]) == (None, "0.00")


def test_the_budget_is_compared(manifest, capsys):
    assert "Budget: 200 USD a month, 29.43 left." in run(capsys, "-f", manifest(budget={"monthlyUSD": 200}))
    assert "exceeded by 70.57" in run(capsys, "-f", manifest(budget={"monthlyUSD": 100}))
    unknown = run(capsys, "-f", manifest(budget={"monthlyUSD": 100}, region="eu-south-2"))
    assert "items without one do not count" in unknown
    assert " left" not in unknown


def test_another_table_and_standard_input(manifest, tmp_path, monkeypatch, capsys):
    table = tmp_path / "prices.json"
    table.write_text(bundled().to_json().replace('"0.018"', '"1.018"'))
    with Path(manifest(environment="Development")).open() as file:
        monkeypatch.setattr("sys.stdin", io.StringIO(file.read()))
    out = json.loads(run(capsys, "-f", "-", "--prices", str(table), "-o", "json"))
    assert out["monthlyUSD"] == "818.60"


def test_the_regions_are_listed(capsys):
    assert main(["prices"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["REGION", "PRICES", "OLDEST", "NEWEST"]
    assert [row.split()[0] for row in rows] == ["eu-central-1", "us-east-1"]


def test_frankfurt_has_what_a_development_stack_needs_and_names_what_it_lacks(manifest, capsys):
    words = run(capsys, "-f", manifest(environment="Development"), "--region", "eu-central-1").splitlines()
    assert ["Total", "101.18"] in [line.split() for line in words]
    lacking = run(capsys, "-f", manifest(), "--region", "eu-central-1")
    assert "No price for eu-central-1 in the table: rds.db.t3.micro.multi" in lacking


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: Pod\n", "must contain one MissYouApp, but contains 0"),
        ("kind: MissYouApp\n", "metadata.name: required"),
        ('kind: MissYouApp\nmetadata: {name: ok, namespace: "x\\n# all"}\n', "metadata.namespace: 1 to 63"),
        ("a: [", "cannot be read"),
        ("kind: MissYouApp\nmetadata: {name: a}\nspec: {service: {cpu: 300}}\n", "spec.service.cpu"),
    ],
)
def test_what_is_no_manifest_is_named(text, says, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    path = tmp_path / "app.yaml"
    path.write_text(text)
    assert main(["cost", "-f", str(path)]) == 64
    error = capsys.readouterr().err
    assert error.startswith(f"missyou: {path}: ")
    assert says in error
    assert error.count("\n") == 1


def test_no_region_and_no_file_are_named(manifest, monkeypatch, capsys):
    path = manifest()
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    assert main(["cost", "-f", path]) == 64
    assert "set it, AWS_REGION or --region" in capsys.readouterr().err
    assert main(["cost", "-f", "/nowhere.yaml"]) == 64
    assert "cannot be read" in capsys.readouterr().err
    assert main(["cost", "-f", path, "--region", "us-east-1", "--prices", path]) == 64
    assert "--prices" in capsys.readouterr().err


def test_wrong_amounts_are_named(manifest, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["cost", "-f", manifest(), "--nat-gb", "much"])
    assert ended.value.code == 64
    assert "write a number of zero or more" in capsys.readouterr().err
