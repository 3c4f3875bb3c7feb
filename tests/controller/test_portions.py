"""A long work of the event loop leaves others their turn."""

from __future__ import annotations

import asyncio

from missyou_operator.controller.portions import in_portions


def test_what_becomes_due_meanwhile_gets_between() -> None:
    done: list[object] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def each(number: int) -> None:
            done.append(number)
            # As a loop of an app that has begun: its first step is due then.
            loop.call_soon(done.append, f"step of {number}")
            if number == 999:
                loop.call_soon(ended.set_result, None)

        in_portions(each, range(1000), loop.call_soon)
        loop.call_soon(done.append, "change")
        await ended

    asyncio.run(work())
    assert [one for one in done if isinstance(one, int)] == list(range(1000)), "each once, in order"
    assert done.index("change") < 40, "it has waited for one portion and its steps alone"
    between = [done.index(f"step of {number}") - done.index(number) for number in range(1000)]
    assert max(between) < 40, "and no step for more than that"
