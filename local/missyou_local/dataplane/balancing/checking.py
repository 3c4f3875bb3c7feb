"""The health checks themselves: one task per target."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from missyou_local.dataplane.balancing.health import HEALTHY, NO_ANSWER, TIMED_OUT, History, mismatch
from missyou_local.dataplane.balancing.values import Check, Target, TargetHealth

#: The name of a group and a target. A target that moves to another port is another one, and begins anew.
Member = tuple[str, Target]
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Checked:
    """A target under checks."""

    check: Check
    task: asyncio.Task[None]
    history: History


class Checker:
    """Checks targets and keeps their health. Use it on one event loop; `health` may be called from any thread."""

    def __init__(self) -> None:
        # An ALB closes the connection after each check, so that a check shows whether a target accepts new ones.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._checked: dict[Member, _Checked] = {}

    def follow(self, checks: Mapping[Member, Check]) -> None:
        """Check these targets and no others. A change of the check keeps what is known of a target."""
        for member in self._checked.keys() - checks.keys():
            self._checked.pop(member).task.cancel()
        for member, check in checks.items():
            known = self._checked.get(member)
            if known is None or known.check != check:
                if known is not None:
                    known.task.cancel()
                task = asyncio.create_task(self._watch(member, check))
                self._checked[member] = _Checked(check, task, known.history if known else History())

    def health(self, member: Member) -> TargetHealth | None:
        """Return the health of a target, None if it is not checked."""
        known = self._checked.get(member)
        return known.history.health if known else None

    async def close(self) -> None:
        """End all checks."""
        self.follow({})
        await self._session.close()

    async def _watch(self, member: Member, check: Check) -> None:
        """Check a target at a steady rate: a slow response does not delay the next check."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            result = await self._check(member[1], check)
            known = self._checked[member]
            before, known.history = known.history.health, known.history.after(result, check)
            if (after := known.history.health).state != before.state:
                _log.info("target %s of %s is %s %s", member[1].id, member[0], after.state, after.description)
            due = max(due + check.interval, clock())
            await asyncio.sleep(due - clock())

    async def _check(self, target: Target, check: Check) -> TargetHealth:
        if target.check_port is None:
            return TIMED_OUT
        url = URL(f"{check.protocol.lower()}://{target.host}:{target.check_port}{check.path}", encoded=True)
        headers = {"Host": target.id, "User-Agent": "ELB-HealthChecker/2.0", "Connection": "close"}
        try:
            async with (
                asyncio.timeout(check.timeout),
                self._session.get(url, headers=headers, allow_redirects=False) as response,
            ):
                return HEALTHY if check.accepts(response.status) else mismatch(response.status)
        except TimeoutError:
            return TIMED_OUT
        except (aiohttp.ClientError, OSError, ValueError):
            return NO_ANSWER
