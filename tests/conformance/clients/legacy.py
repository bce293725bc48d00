"""Runs in the environment of PyPI's openspace-api 0.1.3 (legacy dialect, TCP): ``legacy.py PORT PASSWORD``."""

import asyncio
import sys

from connecting import conform
from openspace import Api

port, password = int(sys.argv[1]), sys.argv[2]
URI = "Scene.Earth.Renderable.Enabled"


async def script(api):
    if password:
        assert await api.authenticate("wrong") == ["status", "incorrectKey"]
    assert await api.authenticate(password) == ["status", "authorized"]

    assert await api.executeLuaScript("return 1, 'zwölf', {1, 2, 3}") == {"1": 1.0, "2": "zwölf", "3": [1.0, 2.0, 3.0]}
    assert await api.executeLuaScript("return nonsense.here") == {}
    assert await api.executeLuaFunction("openspace.time.setTime", ["2031-05-06T07:08:09"]) == {}

    library = await api.library()
    assert await library.time.UTC() == "2031-05-06T07:08:09.000"
    assert await library.propertyValue(URI) is True
    await library.pathnavigation.jumpTo("Mars")
    assert (await library.navigation.getNavigationState())["Anchor"] == "Mars"

    found = await api.getProperty(URI)
    assert found["value"] is True
    assert found["Value"] is True
    assert found["Description"]["Type"] == "BoolProperty"

    topic = api.subscribeToProperty(URI)
    assert (await api.nextValue(topic))["value"] is True
    assert (await api.nextValue(topic))["metaData"]["type"] == "BoolProperty"
    api.setProperty(URI, False)
    assert (await api.nextValue(topic))["value"] is False
    topic.cancel()

    events = api.subscribeToEvent("FocusNodeChanged")
    # This client listens only from the first await on.
    waiting = asyncio.ensure_future(api.nextValue(events))
    await asyncio.sleep(0)
    await library.navigation.setFocus("Earth")
    event = await waiting
    assert (event["Event"], event["NewNode"]) == ("FocusNodeChanged", "Earth")
    events.cancel()

    time = api.startTopic("time", {"event": "start_subscription"})
    assert (await api.nextValue(time))["time"].startswith("2031-05-06")
    assert "deltaTimeSteps" in await api.nextValue(time)
    time.talk({"event": "stop_subscription"})
    time.cancel()


conform(lambda: Api("localhost", port), script)
