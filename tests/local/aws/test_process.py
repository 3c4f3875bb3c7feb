"""`python -m missyou_local.aws` as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3

ROOT = Path(__file__).parents[3] / "local"


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    ready, log = tmp_path / "ready", tmp_path / "log"
    command = [sys.executable, "-m", "missyou_local.aws", "--ready-file", str(ready), "--log", str(log)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 120
            while not ready.exists():
                assert process.poll() is None, "the test AWS ended before it was ready"
                assert time.monotonic() < deadline, "the test AWS was not ready within 120 s"
                time.sleep(0.02)
            url = ready.read_text().strip()
            assert url.startswith("http://127.0.0.1:")
            client = boto3.client(
                "sts", region_name="us-east-1", endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x"
            )
            assert client.get_caller_identity()["Account"] == "123456789012"
            with urllib.request.urlopen(url + "/_control") as answer:
                assert json.load(answer)["counts"] == {"sts:GetCallerIdentity": 1}
        finally:
            process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert url in output
    assert json.loads(log.read_text())["operation"] == "sts:GetCallerIdentity"
