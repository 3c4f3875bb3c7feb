"""The task sizes that Fargate offers, and the rule that a spec requests one of them.

Source: "Task size" in the ECS developer guide. Memory in MiB, CPU in units of 1/1024 vCPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from missyou_operator.api.defaults import DEFAULTS, cel_or_default
from missyou_operator.api.rules import Rule, cel_list, cel_text

if TYPE_CHECKING:
    from missyou_operator.api.spec import Spec

#: CPU -> the memories that go with it.
SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
    32768: (61440, 122880, 249856),
}
MEMORY_MIN, MEMORY_MAX = min(map(min, SIZES.values())), max(map(max, SIZES.values()))

_PRODUCTION, _DEVELOPMENT = DEFAULTS["Production"], DEFAULTS["Development"]


def describe(memories: tuple[int, ...]) -> str:
    """Describe the legal memories: a short list in full, a long one by its ends and step."""
    if len(memories) <= 4:
        return ", ".join(map(str, memories[:-1])) + f" or {memories[-1]}"
    return f"{memories[0]} to {memories[-1]} in steps of {memories[1] - memories[0]}"


def _check(spec: Spec) -> str | None:
    defaults, service = DEFAULTS[spec.environment], spec.service
    cpu, memory = service.cpu or defaults.cpu, service.memory or defaults.memory
    if memory in SIZES[cpu]:
        return None
    chosen = [f"memory {memory}", f"cpu {cpu}"]
    for index, given in enumerate((service.memory, service.cpu)):
        chosen[index] += "" if given else f" (the {spec.environment} default)"
    return f"{chosen[0]} does not go with {chosen[1]} on Fargate: set memory to {describe(SIZES[cpu])}"


def _value(field: str) -> str:
    path = f"self.service.{field}"
    return cel_or_default(path, path, getattr(_PRODUCTION, field), getattr(_DEVELOPMENT, field))


def _named(field: str) -> str:
    path, production, development = f"self.service.{field}", getattr(_PRODUCTION, field), getattr(_DEVELOPMENT, field)
    return cel_or_default(
        path,
        f"'{field} %d'.format([{path}])",
        f"'{field} {production} (the Production default)'",
        f"'{field} {development} (the Development default)'",
    )


def _legal() -> str:
    """Return the CEL condition on `c` and `m`: steps where the memories form a range, a list elsewhere."""
    cases = ""
    for cpu, memories in SIZES.items():
        step = memories[1] - memories[0]
        if memories == tuple(range(memories[0], memories[-1] + 1, step)):
            legal = f"m >= {memories[0]} && m <= {memories[-1]} && m % {step} == 0"
        else:
            legal = f"m in {cel_list(memories)}"
        cases += f"c == {cpu} ? {legal} : "
    return cases + "false"


_CPU = _value("cpu")
_TEXTS = "{" + ", ".join(f"{cpu}: {cel_text(describe(memories))}" for cpu, memories in SIZES.items()) + "}"

#: A rule on the whole spec, because the default of the one not given depends on the environment.
LEGAL_SIZE = Rule(
    cel=f"[{_CPU}].all(c, [{_value('memory')}].all(m, {_legal()}))",
    message_cel="'%s does not go with %s on Fargate: set memory to %s'.format(["
    f"{_named('memory')}, {_named('cpu')}, {_TEXTS}[{_CPU}]])",
    path=".service.memory",
    check=_check,
)
