"""The tenants that docs/tenancy.md has people apply are valid, and grant what the page says."""

from __future__ import annotations

from pathlib import Path

import yaml

from missyou_operator.api.tenant import parse_tenant
from missyou_operator.tenancy.selection import Cluster

from .cluster import body, judged, paths

PAGE = (Path(__file__).parents[2] / "docs" / "tenancy.md").read_text()


def test_the_two_teams_of_the_page() -> None:
    # As it stands in the file: whoever pastes that gets no leading spaces, and the shell finds the end.
    text, end, _ = PAGE.partition("<<'EOF'\n")[2].partition("\nEOF\n")
    assert end
    assert text.startswith("apiVersion:")
    tenants = {one["metadata"]["name"]: parse_tenant(one) for one in yaml.safe_load_all(text)}
    cluster = Cluster(tenants, {"team-a": {}, "team-b": {}})
    assert judged(cluster, body(domain={"name": "shop.team-a.example.com"})) == ()
    theirs = {"secretARN": "arn:aws:secretsmanager:eu-west-1:111111111111:secret:team-b/key-AbCdEf"}
    [refusal] = judged(cluster, body(secrets={"googleAPIKey": theirs}))
    assert str(refusal).startswith("spec.secrets.googleAPIKey.secretARN: arn:aws:")
    assert "ask whoever administers MissYouTenant/team-a to add it to spec.secrets" in str(refusal)
    assert paths(cluster, body("team-b", "team-b-shop")) == ["spec.loadBalancer.scheme"]
