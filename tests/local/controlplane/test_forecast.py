"""What `make demo` says at its beginning is what it then does."""

from __future__ import annotations

import pytest

from missyou_local import binaries
from missyou_local.forecast import forecast
from missyou_local.progress import Progress, duration


@pytest.fixture
def warm(tmp_path):
    folder = binaries.kept_in({"XDG_CACHE_HOME": str(tmp_path)})
    folder.mkdir(parents=True)
    for name in ("kube-apiserver", "etcd"):
        (folder / name).touch(mode=0o755)
    return {"XDG_CACHE_HOME": str(tmp_path)}


def test_a_newcomer_reads_everything(tmp_path):
    said = forecast(tmp_path, {"XDG_CACHE_HOME": str(tmp_path)}, venv=False)
    assert [line.split()[0] for line in said.splitlines()[1:]] == ["1.", "2.", "3."]
    assert "five minutes with Go" in said


def test_what_is_there_is_not_announced(tmp_path, warm):
    assert len(forecast(tmp_path, warm, venv=True).splitlines()) == 2


def test_a_cluster_of_the_users_needs_no_control_plane(tmp_path):
    cold = {"XDG_CACHE_HOME": str(tmp_path)}
    assert "kube-apiserver" not in forecast(tmp_path, cold | {"KUBECONFIG": "/my/config"}, venv=True)
    own = str(tmp_path / ".demo/cluster/admin.kubeconfig")
    assert "kube-apiserver" in forecast(tmp_path, cold | {"KUBECONFIG": own}, venv=True)


def test_the_real_aws_takes_its_time(tmp_path, warm):
    real = {"AWS_ENDPOINT_URL": "https://ec2.eu-west-1.amazonaws.com"}
    assert "twenty minutes" in forecast(tmp_path, warm | real, venv=True)


def test_times_are_said_as_people_do():
    assert [duration(seconds) for seconds in (0.4, 59.9, 60, 200)] == ["0 s", "59 s", "1 min 00 s", "3 min 20 s"]


def test_what_is_quick_says_nothing():
    said = []
    with Progress("quick", said.append):
        pass
    assert said == []
