"""The Lua of Argo CD: a real interpreter with no more open than scripts of argocd-cm get.

Source: Argo CD 3.5, util/lua/lua.go and oslib_safe.go: package, base and table; `require("os")` gives date and time.
Argo CD's own interpreter, gopher-lua, runs the same scripts in `kstatus/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lupa import lua51

_REDUCE = """
getmetatable("").__index = nil
local left = { date = os.date, time = os.time }
package.loaded.os = left
for _, name in ipairs({ "string", "math", "io", "os", "debug", "coroutine", "python" }) do _G[name] = nil end
for _, name in ipairs({ "string", "math", "io", "debug", "coroutine", "python" }) do package.loaded[name] = nil end
actionParams = {}
"""


def run(script: str, obj: Mapping[str, Any]) -> Any:
    """Give what a script returns for an object, as plain values. Raises lua51.LuaError."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    lua.execute(_REDUCE)
    lua.globals().obj = lua.table_from(obj, recursive=True)
    return _plain(lua.execute(script))


def restored(new: Any, old: Any) -> Any:
    """Make mappings again of empty tables that were mappings, as Argo CD does with what an action gives."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {key: restored(value, old.get(key)) for key, value in new.items()}
    if isinstance(new, list) and isinstance(old, list):
        return [restored(*pair) for pair in zip(new, old, strict=False)] + new[len(old) :]
    return {} if new == [] and isinstance(old, dict) else new


def _plain(value: Any) -> Any:
    if lua51.lua_type(value) != "table":
        return value
    entries = {key: _plain(item) for key, item in value.items()}
    if list(entries) == list(range(1, len(entries) + 1)):
        return list(entries.values())
    return entries
