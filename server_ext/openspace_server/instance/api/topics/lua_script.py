"""``luascript``: execution of Lua."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.scripting.sandbox import LuaError
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.engines.scripting.values import to_json
from openspace_server.instance.api.topics.base import OneShot
from openspace_server.protocols.fields import ProtocolError, describe


class LuaScriptTopic(OneShot):
    """``{"script"}`` or ``{"function", "arguments"}``; with ``"return": true`` answered by ``{"1": …, "2": …}``.

    A script that fails is answered by ``{}``; the reason is in the log.
    """

    names = ("luascript",)

    async def receive(self, payload: dict[str, Any]) -> None:
        wants_return = payload.get("return", False)
        if not isinstance(wants_return, bool):
            raise ProtocolError(f"return: expected true or false, got {describe(wants_return)}")
        script, function = payload.get("script"), payload.get("function")
        arguments = payload.get("arguments", [])
        if isinstance(script, str):

            def run(script_host: ScriptHost) -> list[Any]:
                return script_host.run_script(script)
        elif isinstance(function, str) and isinstance(arguments, list):

            def run(script_host: ScriptHost) -> list[Any]:
                return script_host.call_function(function, [_as_double(each) for each in arguments])
        else:
            raise ProtocolError("expected script, or function and arguments")
        try:
            values = await self.change(run)
        except LuaError:
            values = []  # written to the log already
        if wants_return:
            self.send({str(index): to_json(each) for index, each in enumerate(values, 1) if each is not None})


def _as_double(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e308 else value
    if isinstance(value, dict):
        return {key: _as_double(item) for key, item in value.items()}
    return [_as_double(item) for item in value]
