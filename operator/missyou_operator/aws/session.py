"""boto3 clients: one set per role and region. Their retries and timeouts suit a pass that never waits long."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.loaders import Loader
from botocore.session import Session as BotocoreSession
from botocore.session import get_session

from missyou_operator.aws.answers import Parsers
from missyou_operator.aws.calls import Call, hooks
from missyou_operator.aws.cloud import Client, Inventory

#: A single call ends within about half a minute, so that a stopping operator can finish what it began. The retry mode
#: is standard because that knows every service's throttling codes.
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=25,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=64,
    user_agent_extra="missyou-operator",
)
_ONCE = _CONFIG.merge(Config(retries={"total_max_attempts": 1}))


@dataclass(slots=True)
class Account:
    """One identity in one region: its clients, its account, and the reads that its stacks share."""

    session: boto3.Session
    inventory: Inventory = field(default_factory=Inventory)
    _clients: dict[tuple[str, Config], Client] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str) -> Client:
        """Return the one client of a service."""
        return self._client(service, _CONFIG)

    def client_without_retries(self, service: str) -> Client:
        """Return a client of a service that never retries a call."""
        return self._client(service, _ONCE)

    def _client(self, service: str, config: Config) -> Client:
        # In boto3, creating clients is not thread-safe; using them is.
        with self._lock:
            if (service, config) not in self._clients:
                self._clients[service, config] = self.session.client(service, config=config)
            return self._clients[service, config]

    def identity(self) -> tuple[str, str]:
        """Return account number and partition (`aws`, `aws-cn`, `aws-us-gov`), read once. Errors: any ClientError."""
        answer = self.inventory.get(
            "sts.get_caller_identity", self.client("sts").get_caller_identity, since=float("-inf")
        )
        return answer["Account"], answer["Arn"].split(":")[1]


class Accounts:
    """All identities that stacks act under, created at first use.

    `gate` is called before each request and raises if it must not be sent. A value that it returns is the answer, and
    the request is not sent (botocore's `before-send`). `report` is called with each request that was sent.
    """

    def __init__(self, gate: Callable[..., Any] | None = None, report: Callable[[Call], None] | None = None) -> None:
        self._gate, self._report = gate, report
        self._accounts: dict[tuple[str, str, str], Account] = {}
        self._lock = threading.Lock()

    def get(self, region: str, role_arn: str = "", external_id: str = "") -> Account:
        """Return the account for a region, through an assumed role if one is named."""
        key = (region, role_arn, external_id)
        with self._lock:
            if key not in self._accounts:
                base = _new_session()
                # For the session's own calls: assuming the role is a call to STS in this region.
                base.set_config_variable("region", region)
                self._attach(base, own=True)
                if role_arn:
                    base = _assuming(base, role_arn, external_id)
                    self._attach(base, own=False)
                self._accounts[key] = Account(boto3.Session(botocore_session=base, region_name=region))
            return self._accounts[key]

    def _attach(self, session: BotocoreSession, *, own: bool) -> None:
        session.register("after-call", _name_service)
        if self._gate:
            session.register("before-send", self._gate)
        for event, handler in hooks(self._report, own=own).items() if self._report else ():
            session.register(event, handler)


def _name_service(parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """Write into an error whose error it is: botocore's exceptions name only the operation, IAM's actions both."""
    if "Error" in parsed:
        parsed["Error"]["Service"] = model.service_model.signing_name


@functools.cache
def _loader() -> Loader:
    """Return the one loader of AWS's models: a loader per role takes 52 MB and 0.7 s, a shared one 5 MB and 0.14 s."""
    loader: Loader = get_session().get_component("data_loader")
    return loader


def _new_session() -> BotocoreSession:
    session = get_session()
    session.register_component("data_loader", _loader())
    session.register_component("response_parser_factory", Parsers())
    return session


def _assuming(source: BotocoreSession, role_arn: str, external_id: str) -> BotocoreSession:
    arguments = {"RoleSessionName": "missyou-operator", **({"ExternalId": external_id} if external_id else {})}
    fetcher = AssumeRoleCredentialFetcher(
        source.create_client, source.get_credentials(), role_arn, extra_args=arguments
    )
    session = _new_session()
    credentials = DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
    session._credentials = credentials  # noqa: SLF001 - as botocore's own providers do; it has no public setter
    return session
