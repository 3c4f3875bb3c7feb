package main

import (
	"context"
	"encoding/json"
	"time"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
)

type luaResult struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

// runLua runs a script of Argo CD's as argocd-cm's scripts are run: package, base and table are open, `require("os")`
// gives date and time, and a second is all there is. Source: Argo CD 3.5, util/lua/lua.go and oslib_safe.go.
func runLua(script string, object map[string]any) luaResult {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	open(state, lua.LoadLibName, lua.OpenPackage)
	open(state, lua.BaseLibName, lua.OpenBase)
	open(state, lua.TabLibName, lua.OpenTable)
	state.PreloadModule(lua.OsLibName, safeOs)
	limit, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(limit)
	state.SetGlobal("actionParams", state.NewTable())
	state.SetGlobal("obj", luajson.DecodeValue(state, floats(object)))
	if err := state.DoString(script); err != nil {
		return luaResult{Error: err.Error()}
	}
	encoded, err := luajson.Encode(state.Get(-1))
	if err != nil {
		return luaResult{Error: err.Error()}
	}
	return luaResult{Value: encoded}
}

func open(state *lua.LState, name string, library lua.LGFunction) {
	state.Push(state.NewFunction(library))
	state.Push(lua.LString(name))
	state.Call(1, 0)
}

// safeOs gives what Argo CD leaves of the os library.
func safeOs(state *lua.LState) int {
	open(state, lua.OsLibName, lua.OpenOs)
	whole := state.GetGlobal(lua.OsLibName).(*lua.LTable)
	state.SetGlobal(lua.OsLibName, lua.LNil)
	left := state.NewTable()
	for _, name := range []string{"date", "time"} {
		left.RawSetString(name, whole.RawGetString(name))
	}
	state.Push(left)
	return 1
}

// floats turns whole numbers into what the decoder of Lua values knows.
func floats(value any) any {
	switch known := value.(type) {
	case int64:
		return float64(known)
	case map[string]any:
		turned := make(map[string]any, len(known))
		for key, inner := range known {
			turned[key] = floats(inner)
		}
		return turned
	case []any:
		turned := make([]any, len(known))
		for index, inner := range known {
			turned[index] = floats(inner)
		}
		return turned
	}
	return value
}
