"""Pushes an image, the one thing that a stack waits for a person to do. In an emulated AWS the demo does it."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys

import boto3
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_local import cluster
from missyou_local.aws.services.ecs.agent import COMMAND, ENVIRONMENT
from missyou_local.environment import DemoError, Surroundings
from missyou_local.say import Voice

_KIND = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"


class Pusher:
    """Registers an image once, as soon as the app reports that its tag is missing."""

    def __init__(self, api: client.ApiClient, place: Surroundings, name: str, voice: Voice) -> None:
        self._api, self._place, self._name, self._voice = api, place, name, voice
        self._message = ""
        # In a real AWS an image without layers would only fail to start: there, the status says how to push.
        self._done = not place.emulated

    def look(self) -> None:
        """Push the image if the app waits for it."""
        if self._done:
            return
        try:
            app = cluster.get_app(self._api, self._name)
        except (ApiException, HTTPError, OSError):
            return  # whoever watches the app tells of lost connections; the next look may succeed
        status = app.get("status", {})
        waits = any(
            c["type"] == "ServiceReady" and c["reason"] == "ImageNotFound" for c in status.get("conditions", [])
        )
        url = status.get("outputs", {}).get("ecrRepositoryURL")
        if not waits or not url:
            return
        self._done = True
        tag = app["spec"].get("image", {}).get("tag", "latest")
        try:
            push(self._place, url, tag)
            self._message = f"ServiceReady said ImageNotFound: the demo registered {url}:{tag}, as docker push would do"
        except DemoError as error:
            self._message = str(error)
        if not sys.stdout.isatty():
            self.report()

    def report(self) -> None:
        """Print once what has been done. On a terminal, only after the live view, which redraws in place."""
        if self._message:
            self._voice.note(self._message)
        self._message = ""


def push(place: Surroundings, url: str, tag: str, command: str = "") -> str:
    """Register the app, or a shell command, as an image, as the last step of `docker push` does.

    Returns what was done, a line. Error: DemoError. It happens in a process of its own: boto3 takes all of its settings
    from the environment, and this one's are the user's.
    """
    arguments = [sys.executable, "-m", "missyou_local.pushing", url, tag, *([command] if command else [])]
    done = subprocess.run(arguments, env=place.environ(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"no image could be registered as {url}:{tag}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip()


def repository(api: client.ApiClient, name: str = "") -> str:
    """Return the URL of an app's repository, of the only one if none is named. Error: DemoError."""
    apps = cluster.apps(api)
    meant = [app for app in apps if name in ("", app["metadata"]["name"])]
    if len(meant) != 1:
        names = ", ".join(app["metadata"]["name"] for app in apps) or "none"
        raise DemoError(f"which app is meant? There are: {names}. Name one: make demo-push APP=... TAG=...")
    url = meant[0].get("status", {}).get("outputs", {}).get("ecrRepositoryURL")
    if not url:
        raise DemoError(f"{meant[0]['metadata']['name']} has no repository of its own yet (status.outputs)")
    return str(url)


def put_image(url: str, tag: str, command: str = "") -> None:
    """Register an image of `manifest(command)`, and print that, or that the tag is on that very image already.

    Errors: those of botocore.

    The region is that in the URL. An emulated AWS may name its registry otherwise: then it is the environment's.
    """
    host, _, name = url.partition("/")
    match = re.match(r"[0-9]+\.dkr\.ecr\.([a-z0-9-]+)\.", host)
    ecr = boto3.client("ecr", region_name=match[1] if match else None)
    try:
        ecr.put_image(repositoryName=name, imageTag=tag, imageManifest=manifest(command), imageManifestMediaType=_KIND)
        done = "registered"
    except ecr.exceptions.ImageAlreadyExistsException:
        done = "nothing to do: there already is"
    sys.stdout.write(f"{done} {url}:{tag}, which runs {command or 'the backend of this checkout'}\n")


def manifest(command: str = "") -> str:
    """Return the manifest of an image without layers that names its command on this machine.

    `command` is for the shell; without it, it is the backend of this checkout.
    """
    runs = ["/bin/sh", "-c", command] if command else [sys.executable, "-m", "missyou_backend"]
    notes = {
        COMMAND: json.dumps(runs),
        ENVIRONMENT: json.dumps({"HOST": "127.0.0.1"}),
    }
    config = {"mediaType": _CONFIG, "size": 2, "digest": f"sha256:{hashlib.sha256(b'{}').hexdigest()}"}
    return json.dumps({"schemaVersion": 2, "mediaType": _KIND, "config": config, "layers": [], "annotations": notes})


if __name__ == "__main__":
    put_image(*sys.argv[1:])
