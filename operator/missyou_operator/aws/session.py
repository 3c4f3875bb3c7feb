"""boto3 clients: one set per region, whoever they act for. Retries and timeouts suit a pass that never waits long.

A client of its own for each role and external ID would take megabytes, and anybody may try external IDs. So all
identities share the clients of a region, and differ in the credentials by which a request is signed.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session as BotocoreSession
from botocore.session import get_session

from missyou_operator.aws.answers import Parsers
from missyou_operator.aws.assumed import Assumed, Identity
from missyou_operator.aws.calls import Call, hooks
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.cloud import Client
from missyou_operator.aws.errors import is_throttling
from missyou_operator.aws.informer import Inventory
from missyou_operator.aws.models import loader
from missyou_operator.aws.rates import Rates

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
#: The services that a look at any stack needs.
_NEEDED = (
    "acm", "application-autoscaling", "cloudwatch", "ec2", "ecr", "ecs", "elbv2", "iam", "logs", "rds",
    "resourcegroupstaggingapi", "s3", "secretsmanager", "sns", "sts", "wafv2",
)  # fmt: skip
#: Accounts and regions that are kept, and the seconds after which an account that nobody asks for is forgotten.
_MOST, _MOST_REGIONS, _UNUSED = 4096, 40, 900.0
#: Seconds between two searches for accounts to forget.
_SWEEP = 5.0
#: By whose credentials the request is signed that this thread makes; None: by the operator's own.
_ACTING: ContextVar[Assumed | None] = ContextVar("acting", default=None)


@dataclass(slots=True)
class Region:
    """The clients of one region. They are thread-safe; creating them is not."""

    name: str
    session: boto3.Session
    _clients: dict[tuple[str, Config], Client] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str, config: Config) -> Client:
        """Return the one client of a service."""
        with self._lock:
            if (service, config) not in self._clients:
                self._clients[service, config] = self.session.client(service, config=config)
            return self._clients[service, config]


@dataclass(slots=True)
class Account:
    """One identity in one region: its clients, its account, and the reads that its stacks share.

    `assumed` is None for the operator's own identity.
    """

    region: Region
    inventory: Inventory
    assumed: Assumed | None = None
    used_at: float = field(default_factory=seconds)

    @property
    def acts_as(self) -> Identity:
        """By whose credentials it acts."""
        return self.assumed.identity if self.assumed else Identity()

    def client(self, service: str) -> Client:
        """Return the one client of a service."""
        return self._client(service, _CONFIG)

    def client_without_retries(self, service: str) -> Client:
        """Return a client of a service that never retries a call."""
        return self._client(service, _ONCE)

    def _client(self, service: str, config: Config) -> Client:
        shared = self.region.client(service, config)
        return shared if self.assumed is None else _acting_for(shared, self.assumed)

    def identity(self) -> tuple[str, str]:
        """Return account number and partition (`aws`, `aws-cn`, `aws-us-gov`), read once. Errors: any ClientError."""
        answer = self.inventory.get(
            "sts.get_caller_identity", self.client("sts").get_caller_identity, since=float("-inf")
        )
        return answer["Account"], answer["Arn"].split(":")[1]


class Accounts:
    """All identities that stacks act under, created at first use.

    `gate` is called before each request and raises if it must not be sent. A value that it returns is the answer, and
    the request is not sent (botocore's `before-send`). `report` is called with each request that was sent. `rates`
    holds requests back.
    """

    def __init__(
        self,
        gate: Callable[..., Any] | None = None,
        report: Callable[[Call], None] | None = None,
        rates: Rates | None = None,
    ) -> None:
        self._gate, self._report, self._rates = gate, report, rates or Rates()
        #: The number of the operator's own account, once AWS has told it.
        self._own = ""
        self._regions: dict[str, Region] = {}
        self._accounts: dict[tuple[str, Identity], Account] = {}
        self._inventories: dict[tuple[str, str, str], Inventory] = {}
        self._swept = seconds()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many accounts are kept."""
        return len(self._accounts)

    @property
    def regions(self) -> int:
        """How many regions have clients."""
        return len(self._regions)

    @property
    def part(self) -> float:
        """The part of AWS's limits that is this process's."""
        return self._rates.part

    def prepare(self, region: str) -> None:
        """Make the clients of a region while nobody waits for them. What hinders that, passes will tell.

        They take half a second of CPU, one after the other, and the first change of a spec would wait for it.
        """
        with suppress(BotoCoreError, ValueError):
            account = self.get(region)
            for service in _NEEDED:
                account.client(service)

    def get(self, region: str, identity: Identity = Identity()) -> Account:  # noqa: B008 - it is frozen
        """Return the account for a region, through an assumed role if the identity names one."""
        key = (region, identity if identity.role else Identity())
        with self._lock:
            found = self._accounts.pop(key, None) or self._made(*key)
            found.used_at = seconds()
            # In the order of their last use, for `_forget`.
            self._accounts[key] = found
            if seconds() - self._swept >= _SWEEP or len(self._accounts) > _MOST:
                self._forget()
            return found

    def _made(self, region: str, identity: Identity) -> Account:
        clients = self._regions.pop(region, None) or Region(
            region, boto3.Session(botocore_session=self._session(region))
        )
        self._regions[region] = clients
        if len(self._regions) > _MOST_REGIONS:
            # Names of regions are anybody's choice. Who still works with these clients keeps them.
            self._regions.pop(next(iter(self._regions)))
        # Only who gives the same external ID may see what another session of the role has read.
        shared = self._inventories.setdefault((region, identity.role, identity.external_id), Inventory())
        if not identity.role:
            return Account(clients, shared)
        return Account(clients, shared, Assumed(identity, functools.partial(clients.client, "sts", _CONFIG)))

    def _forget(self) -> None:
        """Forget what nobody uses any more, and roles that AWS has refused once they may be tried again."""
        self._swept = now = seconds()
        for key, account in list(self._accounts.items()):
            refused = account.assumed is not None and account.assumed.refused
            longest = account.assumed.pause if account.assumed and refused else _UNUSED
            if now - account.used_at > longest or len(self._accounts) > _MOST:
                del self._accounts[key]
        kept = {(region, each.role, each.external_id) for region, each in self._accounts}
        for gone in self._inventories.keys() - kept:
            del self._inventories[gone]

    def _session(self, region: str) -> BotocoreSession:
        session = get_session()
        session.register_component("data_loader", loader())
        session.register_component("response_parser_factory", Parsers())
        session.set_config_variable("region", region)
        # At the first request, not here: the operator may start before its credentials are there.
        session._credentials = _Chosen(session)  # noqa: SLF001 - as botocore's own providers do; it has no public setter
        session.register("after-call", _name_service)
        session.register("after-call.sts.GetCallerIdentity", self._learn_own)
        # Before the gate, which judges by what is true when the request is sent.
        session.register("before-send", functools.partial(self._wait, region))
        session.register("response-received", functools.partial(self._learn_throttling, region))
        if self._gate:
            session.register("before-send", self._gate)
        for event, handler in hooks(self._report, own=_is_own).items() if self._report else ():
            session.register(event, handler)
        return session

    def _wait(self, region: str, event_name: str, **_: Any) -> None:
        _event, service, operation = event_name.split(".")
        self._rates.wait(self._account(), region, service, operation)

    def _learn_throttling(self, region: str, event_name: str, parsed_response: Any = None, **_: Any) -> None:
        if is_throttling(str((parsed_response or {}).get("Error", {}).get("Code", ""))):
            _event, service, operation = event_name.split(".")
            self._rates.throttled(self._account(), region, service, operation)

    def _learn_own(self, parsed: Mapping[str, Any], **_: Any) -> None:
        if _is_own():
            self._own = str(parsed.get("Account", self._own))

    def _account(self) -> str:
        """Return the number of the account that a request is for."""
        assumed = _ACTING.get()
        return assumed.identity.role.split(":")[4] if assumed else self._own


class _Chosen(Credentials):  # type: ignore[misc]  # botocore has no types
    """The credentials of whoever the request is made for."""

    def __init__(self, session: BotocoreSession) -> None:
        super().__init__("", "")
        self._session = session
        self._own: Credentials | None = None

    def get_frozen_credentials(self) -> ReadOnlyCredentials | None:
        """Return the keys to sign a request with; None where the operator has none."""
        assumed = _ACTING.get()
        if assumed is not None:
            # The role is assumed with the operator's own.
            with _acting(None):
                return assumed.credentials()
        self._own = self._own or self._session.get_component("credential_provider").load_credentials()
        return self._own.get_frozen_credentials() if self._own else None


@contextmanager
def _acting(assumed: Assumed | None) -> Iterator[None]:
    token = _ACTING.set(assumed)
    try:
        yield
    finally:
        _ACTING.reset(token)


def _is_own() -> bool:
    return _ACTING.get() is None


def _acting_for(client: Client, assumed: Assumed) -> Client:
    """Return a view of a client whose calls are signed by a role. It shares all else with the client."""
    kind: type = type(client)
    view: Client = object.__new__(_view_of(kind))
    view.__dict__.update(client.__dict__, missyou_assumed=assumed)
    return view


@functools.cache
def _view_of(kind: type) -> Any:
    def call(self: Any, operation_name: str, api_params: Any) -> Any:
        # In botocore, a call is signed and sent by the thread that makes it; paginators make theirs by this method too.
        with _acting(self.missyou_assumed):
            return kind._make_api_call(self, operation_name, api_params)  # type: ignore[attr-defined]  # noqa: SLF001

    return type(kind.__name__, (kind,), {"_make_api_call": call})


def _name_service(parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """Write into an error whose error it is: botocore's exceptions name only the operation, IAM's actions both."""
    if "Error" in parsed:
        parsed["Error"]["Service"] = model.service_model.signing_name
