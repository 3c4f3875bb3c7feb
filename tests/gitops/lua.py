"""Argo CD's Lua, by a real interpreter: no standard libraries but `os.date`, as its sandbox has it.

Source: Argo CD, `util/lua/lua.go` (only base, package and table are opened; `os` is a safe one of its own).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import lupa

from .recording import CUSTOMIZATION

_TAKEN_AWAY = ("string", "math", "io", "debug", "coroutine", "utf8", "load", "loadstring", "dofile", "loadfile")
_FIRST_OF_RUN = """
  for _, name in ipairs(names) do _G[name] = nil end
  os = nil
  require = function(name) if name == "os" then return { date = date } end error("no module " .. name) end
"""


def run(script: str, obj: dict[str, Any]) -> Any:
    """Run a script with `obj`; give what it returns as plain Python. Raises lupa.LuaError for what Lua raises."""
    lua = lupa.LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    prepare = lua.eval(f"function(names, date) {_FIRST_OF_RUN} end")
    prepare(_table(lua, list(_TAKEN_AWAY)), lambda _: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    lua.globals().obj = _table(lua, json.loads(json.dumps(obj)))
    return _plain(lua.execute((CUSTOMIZATION / script).read_text()))


def _table(lua: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({key: _table(lua, each) for key, each in value.items()})
    if isinstance(value, list):
        return lua.table_from([_table(lua, each) for each in value])
    return value


def _plain(value: Any) -> Any:
    if lupa.lua_type(value) != "table":
        return value
    keys = list(value)
    if keys and keys == list(range(1, len(keys) + 1)):
        return [_plain(value[key]) for key in keys]
    return {key: _plain(value[key]) for key in keys}
