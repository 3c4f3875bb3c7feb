"""What a change means to the app is declared for everything that can change, and the page says it."""

from __future__ import annotations

import pytest

from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.aws.registry import KINDS
from missyou_operator.engine.effects import NOTHING, Effect, Effects, Risk, together
from missyou_operator.engine.plan import Action, Change
from missyou_operator.engine.resource import Observed
from tools import changes

OURS = [kind for kind in KINDS if not kind.EXTERNAL]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.TYPE)
def test_every_compared_field_says_what_its_change_means(kind):
    effects = kind.EFFECTS
    named = [effects.create, effects.delete, *(effects.of_field(f) for f in kind.COMPARED if f not in replaced(kind))]
    assert all(effect.call and effect.feels for effect in named)
    assert {*effects.fields} - {*kind.COMPARED} <= UNCOMPARED.get(kind.TYPE, set())


def replaced(kind):
    return kind.FORCES_REPLACEMENT


#: Differences that are not fields: see the classes' `diff`.
UNCOMPARED = {
    "rds.DBInstance": {"password", "storage_shrink", "major_downgrade"},
}


def test_a_field_without_an_effect_is_a_mistake():
    with pytest.raises(KeyError, match="color"):
        Effects(Effect("Create"), Effect("Delete")).of_field("color")


def test_the_page_is_current():
    assert changes.PAGE.read_text() == changes.page(), "run make changes"


def test_a_database_is_restarted_or_fails_over():
    def of(*, multi_az: bool) -> Effect:
        observed = Observed(DBInstance, "db", "db", {"multi_az": multi_az})
        return DBInstance.EFFECTS.of_update(["instance_class"], DBInstance.case(observed))

    assert "about 5 minutes" in of(multi_az=False).feels
    assert "one to two minutes" in of(multi_az=True).feels


def test_effects_of_one_change_are_summed_up_worst_first():
    quiet, felt = (
        Effect("ModifyDBInstance", 60),
        Effect("ModifyDBInstance, RebootDBInstance", 30, "away", restarts=True),
    )
    both = together([quiet, felt])
    assert both == Effect("ModifyDBInstance, RebootDBInstance", 60, "away", restarts=True)
    assert together([quiet]).feels == NOTHING


@pytest.mark.parametrize(
    ("action", "destroys", "effect", "risk"),
    [
        (Action.CREATE, "", Effect("C"), Risk.CREATE),
        (Action.CREATE, "its last trace", Effect("C"), Risk.DATA_LOSS),
        (Action.UPDATE, "", Effect("U"), Risk.IN_PLACE),
        (Action.UPDATE, "", Effect("U", restarts=True), Risk.RESTART),
        (Action.REPLACE, "", Effect("R"), Risk.REPLACE),
        (Action.REPLACE, "all data", Effect("R"), Risk.DATA_LOSS),
        (Action.DELETE, "", Effect("D"), Risk.IN_PLACE),
        (Action.DELETE, "images", Effect("D"), Risk.DATA_LOSS),
    ],
)
def test_the_risk_of_a_change(action, destroys, effect, risk):
    assert Change(action, "toy.Thing/a", destroys=destroys, effect=effect).risk is risk


def test_the_effect_is_no_part_of_what_is_approved():
    one, other = (Change(Action.UPDATE, "toy.Thing/a", effect=Effect("U", seconds)) for seconds in (1, 2))
    assert one.digest == other.digest
