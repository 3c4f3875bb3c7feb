"""The health checks themselves: a task per target, which asks it at its interval."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from missyou_local.dataplane.balancing.health import NO_ANSWER, TIMED_OUT, Fault, Vitals, mismatch
from missyou_local.dataplane.balancing.values import Check
from missyou_local.dataplane.balancing.wanted import Checked

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Patient:
    """A target under checks. `changed` wakes its task when `check` was replaced."""

    check: Check
    vitals: Vitals = field(default_factory=Vitals)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Checker:
    """Checks targets, and knows how they fare. To be used on one event loop; `vitals` from any thread."""

    def __init__(self) -> None:
        # An ALB closes the connection after each check, so that checks test that a target still accepts one.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._patients: dict[Checked, _Patient] = {}

    def follow(self, checks: Mapping[Checked, Check]) -> None:
        """Check these targets, and no others. What is known of a target outlasts a change of how it is checked."""
        for gone in self._patients.keys() - checks.keys():
            _cancel(self._patients.pop(gone))
        for checked, check in checks.items():
            known = self._patients.get(checked)
            if known is None:
                patient = self._patients[checked] = _Patient(check)
                patient.task = asyncio.create_task(self._watch(checked, patient))
            elif known.check != check:
                known.check = check
                known.changed.set()

    def vitals(self, checked: Checked) -> Vitals:
        """Return what is known of a target, which is nothing before its first check."""
        patient = self._patients.get(checked)
        return patient.vitals if patient else Vitals()

    async def close(self) -> None:
        """End all checks."""
        self.follow({})
        await self._session.close()

    async def _watch(self, checked: Checked, patient: _Patient) -> None:
        """Check a target at a steady rate: how long an answer takes does not shift the next check."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            check = patient.check
            fault = await self._check(checked, check)
            self._note(checked, patient, fault, check)
            due = max(due + check.interval, clock())
            try:
                async with asyncio.timeout_at(due):
                    await patient.changed.wait()
            except TimeoutError:
                continue
            patient.changed.clear()
            due = clock()

    async def _check(self, checked: Checked, check: Check) -> Fault | None:
        target = checked.target
        url = URL(f"http://{target.host}:{target.port}{check.path}", encoded=True)
        headers = {"Host": target.id, "User-Agent": "ELB-HealthChecker/2.0", "Connection": "close"}
        try:
            async with (
                asyncio.timeout(check.timeout),
                self._session.get(url, headers=headers, allow_redirects=False) as answer,
            ):
                return None if check.accepts(answer.status) else mismatch(answer.status)
        except TimeoutError:
            return TIMED_OUT
        except (aiohttp.ClientError, OSError, ValueError):
            return NO_ANSWER

    def _note(self, checked: Checked, patient: _Patient, fault: Fault | None, check: Check) -> None:
        before, patient.vitals = patient.vitals, patient.vitals.after(fault, check)
        if patient.vitals.state != before.state:
            why = f": {patient.vitals.fault.description}" if patient.vitals.fault else ""
            _log.info("target %s of %s is %s%s", checked.target.id, checked.group, patient.vitals.state, why)


def _cancel(patient: _Patient) -> None:
    if patient.task is not None:
        patient.task.cancel()
