"""Passes of the engine over a toy cloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Action, make_plan
from missyou_operator.engine.resource import Observed, failed
from missyou_operator.engine.values import Ref, Sensitive

from .things import Box, Thing, ToyCloud, plan, run, thing


def statuses(outcome):
    return {address.partition("/")[2]: result.health.status for address, result in outcome.results.items()}


def test_one_pass_creates_everything_that_nothing_holds_up():
    cloud = ToyCloud()
    a = thing("a")
    b = thing("b", a)
    outcome = run(cloud, b, a)
    assert cloud.calls == ["create a", "create b"]
    assert statuses(outcome) == {"a": "ready", "b": "ready"}
    assert plan(cloud, a, b).changes == ()


def test_a_pass_without_changes_calls_nothing():
    cloud = ToyCloud()
    a = thing("a")
    run(cloud, a, thing("b", a))
    cloud.calls.clear()
    run(cloud, a, thing("b", a))
    assert cloud.calls == []


def test_what_needs_a_ready_resource_waits_and_says_for_what():
    cloud = ToyCloud(slow={"a"})
    a = thing("a")
    outcome = run(cloud, a, thing("b", a.ref(ready=True)), thing("c", a))
    assert cloud.calls == ["create a", "create c"]
    waiting = outcome.results["toy.Thing/b"].health
    assert (waiting.status, waiting.waits_for) == ("pending", "toy.Thing/a")
    assert "a grows" in waiting.message
    cloud.ready("a")
    assert statuses(run(cloud, a, thing("b", a.ref(ready=True)), thing("c", a)))["b"] == "ready"


def test_a_failure_stops_only_its_own_branch():
    cloud = ToyCloud(broken={"a"})
    a, b = thing("a"), thing("b")
    outcome = run(cloud, a, thing("a2", a), b, thing("b2", b))
    assert statuses(outcome) == {"a": "failed", "a2": "pending", "b": "ready", "b2": "ready"}
    assert statuses(run(cloud, a, thing("a2", a), b, thing("b2", b))) == dict.fromkeys(("a", "a2", "b", "b2"), "ready")


def test_changes_are_made_in_place_and_reported_with_both_values():
    cloud = ToyCloud()
    run(cloud, thing("a"))
    (change,) = plan(cloud, thing("a", color="blue")).changes
    assert (change.action, change.fields[0].before, change.fields[0].after) == (Action.UPDATE, "red", "blue")
    outcome = run(cloud, thing("a", color="blue"))
    assert cloud.things["a"].attrs["color"] == "blue"
    assert [done.address for done in outcome.done] == ["toy.Thing/a"]


def test_an_update_that_moves_an_attribute_reaches_those_who_refer_to_it_in_the_same_pass():
    cloud = ToyCloud()
    a = thing("a")
    run(cloud, a, thing("b", a.ref("version")))
    a = thing("a", color="blue")
    planned = plan(cloud, a, thing("b", a.ref("version")))
    assert "(known after apply)" in planned.changes[1].fields[0].after
    run(cloud, a, thing("b", a.ref("version")))
    assert cloud.things["b"].attrs["uses"] == (cloud.things["a"].attrs["version"],)


def test_what_is_not_desired_goes_after_nothing_uses_it_any_more():
    cloud = ToyCloud()
    old, new = thing("old"), thing("new")
    run(cloud, old, thing("user", old))
    cloud.calls.clear()
    run(cloud, new, thing("user", new))
    assert cloud.calls == ["create new", "update user", "delete old"]


def test_what_is_still_used_stays():
    cloud = ToyCloud(broken={"user"})
    old, new = thing("old"), thing("new")
    cloud.broken.clear()
    run(cloud, old, thing("user", old))
    cloud.broken = {"user"}
    outcome = run(cloud, new, thing("user", new))
    assert "old" in cloud.things
    assert "no longer uses it" in outcome.results["toy.Thing/old"].health.message


def test_an_empty_graph_takes_everything_down_in_order():
    cloud = ToyCloud()
    box = Box(name="box")
    run(cloud, box, thing("a", box))
    cloud.calls.clear()
    outcome = run(cloud)
    assert cloud.calls == ["delete a", "delete box"]
    assert outcome.world == {}


def test_replacing_happens_in_two_passes_and_is_named_in_the_plan():
    cloud = ToyCloud()
    run(cloud, thing("a"))
    assert plan(cloud, thing("a", fixed="elm")).changes[0].action is Action.REPLACE
    first = run(cloud, thing("a", fixed="elm"))
    assert first.results["toy.Thing/a"].health.reason == "Replacing"
    run(cloud, thing("a", fixed="elm"))
    assert cloud.calls == ["create a", "delete a", "create a"]


def test_data_is_destroyed_only_where_it_is_not_withheld():
    cloud = ToyCloud()
    run(cloud, thing("precious"))
    planned = plan(cloud, thing("precious", fixed="elm"))
    assert planned.destructive().changes[0].destroys == "a memory"
    no = {"toy.Thing/precious": failed("ApprovalRequired", "approve it")}
    outcome = run(cloud, thing("precious", fixed="elm"), held=no)
    assert cloud.calls == ["create precious"]
    assert outcome.results["toy.Thing/precious"].health.reason == "ApprovalRequired"


def test_an_approval_covers_one_plan_only():
    cloud = ToyCloud()
    run(cloud, thing("a"))
    first, second = plan(cloud, thing("a", fixed="elm")), plan(cloud, thing("a", fixed="ash"))
    assert first.digest != second.digest
    assert first.digest == plan(cloud, thing("a", fixed="elm")).digest


def test_what_belongs_to_others_is_left_alone():
    cloud = ToyCloud()
    cloud.things["a"] = Observed(Thing, "a", "id-a", {"uses": ()}, owned=False, owner="somebody")
    outcome = run(cloud, thing("a"))
    assert cloud.calls == []
    assert outcome.results["toy.Thing/a"].health.reason == "OwnedElsewhere"
    run(cloud)
    assert cloud.calls == []


def test_of_twins_the_surplus_goes():
    cloud = ToyCloud()
    run(cloud, thing("a"))
    twin = Observed(Thing, "a", "id-twin", {"uses": ()})
    world = {"toy.Thing/a": (cloud.things["a"], twin)}
    changes = make_plan(Graph([thing("a")]), world).changes
    assert [(change.action, change.id) for change in changes] == [(Action.DELETE, "id-twin")]


@pytest.mark.parametrize(
    ("things", "message"),
    [
        ([thing("a"), thing("a")], "declared twice"),
        ([thing("a", Ref("toy.Thing/b", "id"))], "which is not declared"),
        ([thing("a", Ref("toy.Thing/b", "id")), thing("b", Ref("toy.Thing/a", "id"))], "circle"),
    ],
)
def test_mistakes_of_the_stack_are_named(things, message):
    with pytest.raises(ValueError, match=message):
        _ = Graph(things).edges


def test_secrets_never_show():
    cloud = ToyCloud()
    run(cloud, thing("a"))
    planned = plan(cloud, thing("a", color=Sensitive("hunter2")))
    assert "hunter2" not in repr(planned)
    assert "********" in repr(planned)


@st.composite
def graphs(draw):
    """A random graph: each thing uses some of those before it."""
    size = draw(st.integers(1, 8))
    things = []
    for number in range(size):
        users = draw(st.sets(st.integers(0, number - 1), max_size=3)) if things else set()
        color = draw(st.sampled_from(["red", "blue"]))
        things.append(thing(f"t{number}", *(things[user] for user in sorted(users)), color=color))
    return things


names = st.sets(st.sampled_from([f"t{number}" for number in range(8)]))


@given(before=graphs(), after=graphs(), broken=names, slow=names)
def test_any_stack_becomes_any_other_whatever_fails_on_the_way(before, after, broken, slow):
    """The toy cloud itself asserts that nothing is made twice, used too early or deleted while used."""
    cloud = ToyCloud(slow=slow)
    for things in (before, after):
        cloud.broken = set(broken)
        for _ in range(2 * len(things) + 2 * len(before) + 4):
            run(cloud, *things)
            for name in list(cloud.things):
                cloud.ready(name)
        assert plan(cloud, *things).changes == ()
        assert cloud.things.keys() == {one.name for one in things}
        calls = len(cloud.calls)
        run(cloud, *things)
        assert len(cloud.calls) == calls
