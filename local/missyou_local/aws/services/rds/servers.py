"""The servers of RDS instances: a PostgreSQL each where a data plane runs, none otherwise."""

from __future__ import annotations

from missyou_local.aws.call import Call
from missyou_local.aws.errors import AwsError


def create(call: Call, name: str) -> None:
    """Start creating the server of an instance, with the database and the master user of CreateDBInstance."""
    params = call.params
    if call.plane is None or params["Engine"] != "postgres":
        return
    from missyou_local.dataplane.databases import Master  # noqa: PLC0415 - only where a data plane runs

    user = params.get("MasterUsername", "postgres")
    master = Master(params.get("DBName", "postgres"), user, params["MasterUserPassword"])
    call.plane.databases.create(_key(call, name), master)


def exists(call: Call, name: str) -> bool:
    """Return whether the server of an instance, if it has one, can be reached."""
    return call.plane is None or not call.plane.databases.knows(_key(call, name)) or address(call, name) is not None


def address(call: Call, name: str) -> tuple[str, int] | None:
    """Return host and port of an instance's server, None where there is no data plane, or no server yet."""
    return call.plane.databases.address(_key(call, name)) if call.plane else None


def at_work(call: Call, name: str) -> bool:
    """Return whether an operation on an instance's server is still under way."""
    return call.plane is not None and call.plane.databases.at_work(_key(call, name))


def keep(call: Call, name: str, snapshot: str) -> None:
    """Start copying the data of an instance into a snapshot."""
    if call.plane is not None and call.plane.databases.knows(_key(call, name)):
        call.plane.databases.keep(_key(call, name), _key(call, snapshot))


def keeping(call: Call, snapshot: str) -> bool:
    """Return whether the data of a snapshot are still being copied."""
    return call.plane is not None and call.plane.databases.keeping(_key(call, snapshot))


def forget(call: Call, snapshot: str) -> None:
    """Remove the data of a snapshot."""
    if call.plane is not None:
        call.plane.databases.forget(_key(call, snapshot))


def needs_data(call: Call, snapshot: str) -> None:
    """Refuse a snapshot whose data the data plane does not have: it keeps manual ones only."""
    if call.plane is not None and not call.plane.databases.kept(_key(call, snapshot)):
        raise AwsError("InvalidRestoreFault", f"the data plane has no data of {snapshot}: it is no manual snapshot")


def restore(call: Call, name: str, snapshot: str) -> None:
    """Start creating the server of an instance from a snapshot."""
    if call.plane is not None:
        call.plane.databases.restore(_key(call, name), _key(call, snapshot))


def modify(call: Call, name: str) -> None:
    """Pass on a new password."""
    if call.plane is not None and "MasterUserPassword" in call.params:
        call.plane.databases.change_password(_key(call, name), call.params["MasterUserPassword"])


def switch(call: Call, name: str) -> None:
    """Stop, start or restart the server, as the operation says."""
    if call.plane is None:
        return
    databases = call.plane.databases
    orders = {
        "StopDBInstance": databases.stop,
        "StartDBInstance": databases.start,
        "RebootDBInstance": databases.reboot,
    }
    orders[call.operation](_key(call, name))


def remove(call: Call, name: str) -> None:
    """Start removing the server and its data."""
    if call.plane is not None:
        call.plane.databases.remove(_key(call, name))


def _key(call: Call, name: str) -> str:
    return f"{call.account}/{call.region}/{name}"
