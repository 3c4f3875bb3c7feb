"""An app as the watch has shown it."""

from __future__ import annotations

from missyou_operator.controller.shown import Shown

APP = {
    "apiVersion": "missyou.app/v1alpha1",
    "kind": "MissYouApp",
    "metadata": {"name": "a", "generation": 2, "managedFields": [{"manager": "kubectl"}]},
    "spec": {"environment": "Production"},
    "status": {"resources": [{"type": "ec2.Subnet", "id": f"subnet-{n}", "state": "Ready"} for n in range(100)]},
}


def test_it_is_the_app_without_who_wrote_what() -> None:
    meta = {"name": "a", "generation": 2}
    assert dict(Shown(APP)) == {**APP, "metadata": meta}
    assert len(Shown(APP)) == len(APP)


def test_an_app_without_a_status_has_an_empty_one() -> None:
    assert Shown({"metadata": {"name": "a"}})["status"] == {}


def test_whoever_changes_a_status_changes_a_copy() -> None:
    shown = Shown(APP)
    shown["status"]["resources"].clear()
    assert shown["status"] == APP["status"]
