"""Runs in the environment of PyPI's openspace-api 0.9.1 (dialect 1.0, TCP): ``current.py PORT PASSWORD``."""

import asyncio
import sys

from connecting import conform
from openspace import Api

port, password = int(sys.argv[1]), sys.argv[2]
URI = "Scene.Earth.Renderable.Enabled"


async def script(api):
    if password:
        assert (await api.authenticate("wrong"))["status"] == "incorrectKey"
    assert (await api.authenticate(password))["status"] == "authorized"

    assert await api.executeLuaScript("return 1, 'zwölf', {1, 2, 3}") == {"1": 1.0, "2": "zwölf", "3": [1.0, 2.0, 3.0]}
    assert await api.executeLuaScript("x = 5", getReturnValue=False) is None
    assert await api.executeLuaScript("return x") == {"1": 5.0}
    assert await api.executeLuaScript("return nonsense.here") == {}
    assert await api.executeLuaFunction("openspace.time.setTime", ["2031-05-06T07:08:09"]) == {}

    library = await api.library()
    assert await library.time.UTC() == "2031-05-06T07:08:09.000"
    assert await library.propertyValue(URI) is True
    assert "Earth" in (await library.sceneGraphNodes()).values()
    await library.navigation.setNavigationState({"Anchor": "Mars", "Position": [1e7, 2e7, 3e7]})
    state = await library.navigation.getNavigationState()
    assert (state["Anchor"], [round(metres, 3) for metres in state["Position"]]) == ("Mars", [1e7, 2e7, 3e7])

    found = await api.getProperty(URI)
    assert found["type"] == "property"
    assert found["value"]["metaData"]["type"] == "BoolProperty"
    assert (await api.getProperty("__rootOwner"))["type"] == "propertyOwner"

    topic = api.subscribeToProperty(URI)
    assert (await topic.next())["type"] == "metaData"
    assert (await topic.next())["value"] is True
    api.setProperty(URI, False)
    assert (await topic.next())["value"] is False
    topic.cancel()

    events = api.subscribeToEvent("FocusNodeChanged")
    await library.navigation.setFocus("Earth")
    assert (await events.next())["NewNode"] == "Earth"
    events.cancel()

    heard = asyncio.Queue()
    cancel = await maybe(api.subscribeToLogMessages({"logLevel": "Error"}, heard.put_nowait))
    await api.executeLuaScript("openspace.printError('über')")
    assert (await heard.get())["message"] == "über"
    await cancel()

    time = api.startTopic("time", {"event": "start_subscription"}, {"event": "stop_subscription"})
    assert (await time.next())["time"].startswith("2031-05-06")
    assert "deltaTimeSteps" in await time.next()
    time.cancel()
    assert await api.getDocumentation("meta")


async def maybe(value):
    return await value if asyncio.iscoroutine(value) else value


conform(lambda: Api("localhost", port), script)
