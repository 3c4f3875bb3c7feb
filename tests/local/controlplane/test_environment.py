"""Whose cluster and AWS the demo uses, and what it may remove."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest

from missyou_local import environment, installation
from missyou_local.__main__ import main
from missyou_local.environment import DemoError, Surroundings

VARIABLES = ("KUBECONFIG", "MISSYOU_STATE", *(name for name in os.environ if name.startswith("AWS_")))


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def own(tmp_path):
    return Surroundings(tmp_path / "state" / "cluster" / "admin.kubeconfig", "http://127.0.0.1:5", True, True)


def test_without_variables_both_are_the_demos_own(tmp_path):
    assert environment.given(tmp_path) == (None, None)


def test_a_cluster_and_an_aws_that_are_named_are_used(tmp_path, monkeypatch):
    (tmp_path / "config").touch()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.0.0.1:4566")
    assert environment.given(tmp_path / "state") == (tmp_path / "config", "http://10.0.0.1:4566")


def test_its_own_exports_do_not_make_them_the_users(tmp_path, monkeypatch, own):
    """Also when what they led to has been stopped since."""
    for name, value in own.variables().items():
        monkeypatch.setenv(name, value)
    assert environment.given(tmp_path / "state") == (None, None)


def test_the_exports_of_another_checkout_are_somebody_elses(tmp_path, monkeypatch, own):
    own.kubeconfig.parent.mkdir(parents=True)
    own.kubeconfig.touch()
    for name, value in own.variables().items():
        monkeypatch.setenv(name, value)
    assert environment.given(tmp_path / "another") == (own.kubeconfig, own.endpoint)


def test_a_kubeconfig_that_is_not_there_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "typo"))
    with pytest.raises(DemoError, match="unset it to get a cluster"):
        environment.given(tmp_path)


def test_exports_survive_a_shell(tmp_path):
    odd = Surroundings(tmp_path / "it's $HOME", "http://127.0.0.1:5", True, True)
    command = f'{odd.exports()}\nprintf %s "$KUBECONFIG"'
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == str(odd.kubeconfig)


def test_with_its_own_aws_nothing_leads_to_another(monkeypatch, own):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_EC2", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.setenv(name, "real")
    environ = own.environ()
    assert "real" not in [value for name, value in environ.items() if name.startswith("AWS_")]
    assert (environ["AWS_CONFIG_FILE"], environ["AWS_ENDPOINT_URL"]) == (os.devnull, own.endpoint)


def test_the_users_credentials_go_to_his_aws_only(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    given = Surroundings(tmp_path / "config", "https://ec2.eu-west-1.amazonaws.com", True, False)
    assert set(given.variables()) == {"KUBECONFIG", "AWS_ENDPOINT_URL"}
    assert given.environ()["AWS_PROFILE"] == "work"


@pytest.mark.parametrize(
    ("endpoint", "emulated"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localstack:4566", True),
        ("https://ecs.us-east-1.amazonaws.com", False),
        ("https://ecs.cn-north-1.amazonaws.com.cn", False),
    ],
)
def test_images_are_pushed_to_emulators_only(tmp_path, endpoint, emulated):
    assert Surroundings(tmp_path, endpoint, True, False).emulated is emulated


def test_a_folder_of_somebodys_is_neither_used_nor_removed(tmp_path):
    (tmp_path / "thesis").touch()
    with pytest.raises(DemoError, match="holds other things"):
        environment.claim(tmp_path)
    installation.tear_down(tmp_path)
    assert (tmp_path / "thesis").exists()


def test_a_folder_of_the_demos_is_removed(tmp_path):
    state = tmp_path / "state"
    environment.claim(state)
    environment.claim(state)
    assert installation.tear_down(state) == []
    assert not state.exists()


def test_behind_a_proxy_the_exports_spare_what_runs_here(monkeypatch, own):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "intern.example")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    for _ in range(2):
        environment.spare_proxies()
    assert "export NO_PROXY=intern.example,127.0.0.1,localhost" in own.exports()
    assert "export no_proxy=intern.example,127.0.0.1,localhost" in own.exports()


def test_without_a_proxy_they_say_nothing_of_one(monkeypatch, own):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    environment.spare_proxies()
    assert "PROXY" not in own.exports()


@pytest.mark.parametrize(("code", "words"), [("EACCES", "Permission denied"), ("ENOSPC", "No space left on device")])
def test_a_folder_that_cannot_be_used_is_said_in_a_line(monkeypatch, capsys, code, words):
    number = getattr(errno, code)

    def refuse(_) -> None:
        raise OSError(number, os.strerror(number), "/theirs/.demo")

    monkeypatch.setattr("missyou_local.__main__.tear_down", refuse)
    monkeypatch.setattr("sys.argv", ["missyou_local", "down"])
    assert main() == 1
    assert capsys.readouterr().err == f"demo: /theirs/.demo: {words}\n"
