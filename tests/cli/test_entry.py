"""The commands as a person runs them, as far as that needs no cluster."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from missyou_operator.api.crd import crd_yaml
from missyou_operator.cli import main


def test_crd_prints_the_crd(capsys):
    assert main(["crd"]) == 0
    assert capsys.readouterr().out == crd_yaml()


@pytest.mark.parametrize("arguments", [[], ["watch"], ["get", "-o", "json"], ["watch", "shop", "--timeout", "soon"]])
def test_wrong_usage_is_not_taken_for_stalled(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 64
    assert capsys.readouterr().err.splitlines()[-1].startswith("missyou: ")


def test_no_cluster_is_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert main(["get"]) == 4
    error = capsys.readouterr().err
    assert error.startswith("missyou: no cluster is configured: set KUBECONFIG")
    assert error.count("\n") == 1


DEAD = """
apiVersion: v1
kind: Config
current-context: dead
clusters: [{name: dead, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: dead, user: {}}]
contexts: [{name: dead, context: {cluster: dead, user: dead}}]
"""


@pytest.mark.parametrize("arguments", [["get"], ["watch", "shop"], ["resources", "shop"]])
def test_an_unreachable_cluster_is_one_line(arguments, monkeypatch, tmp_path, capsys):
    (tmp_path / "config").write_text(DEAD)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert main(arguments) == 4
    error = capsys.readouterr().err
    assert error.startswith("missyou: cannot reach the cluster at http://127.0.0.1:1: ")
    assert error.count("\n") == 1


def status_of(code, message, **details):
    return json.dumps({"kind": "Status", "code": code, "message": message, "details": details})


NO_CRD = "does not know MissYouApp: install the CRD with `missyou crd | kubectl apply -f -`"
ANSWERS = [
    (404, "404 page not found\n", NO_CRD),
    (401, status_of(401, "Unauthorized"), "rejects the credentials of the kubeconfig"),
    (403, status_of(403, "missyouapps is forbidden: nobody cannot list"), "answers: missyouapps is forbidden"),
    (503, status_of(503, "etcd is away"), "cannot reach the cluster at http://127.0.0.1:{port}: 503 etcd is away"),
    (500, "<html>", "cannot reach the cluster at http://127.0.0.1:{port}: 500 Internal Server Error"),
]


@pytest.mark.parametrize("given", ANSWERS, ids=lambda given: str(given[0]))
def test_what_the_cluster_cannot_do_is_one_line(given, monkeypatch, tmp_path, capsys):
    code, answer, says = given

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(code)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        (tmp_path / "config").write_text(DEAD.replace("127.0.0.1:1", f"127.0.0.1:{port}"))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        found = [(main(arguments), capsys.readouterr().err) for arguments in (["get"], ["watch", "shop"])]
        server.shutdown()
    for ended, error in found:
        assert ended == 4
        assert says.format(port=port) in error
        assert error.count("\n") == 1
