"""Every topic, in both dialects."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import until
from tests.instance.api.harness import Api, Client, api

EVERYTHING = {"event": "start_subscription", "settings": {"logLevel": "All"}}


def run(test: Any, tmp: Path | None = None, **settings: Any) -> None:
    async def main() -> None:
        async with api(tmp, **settings) as running:
            await test(running)

    asyncio.run(main())


dialects = pytest.mark.parametrize("kind", ["1.0", "legacy"])
transports = pytest.mark.parametrize("transport", ["ws", "tcp"])


@dialects
@transports
def test_a_script_answers_with_its_returns_by_index(kind: str, transport: str) -> None:
    async def test(server: Api) -> None:
        client = await server.client(kind, transport)
        answer = await client.lua("return 1, 'zwei ü', {1, 2, 3}, {1, 2, 3, 4, 5}, {a = true}, nil")
        assert answer == {
            "1": 1.0,
            "2": "zwei ü",
            "3": [1.0, 2.0, 3.0],
            "4": {"1": 1.0, "2": 2.0, "3": 3.0, "4": 4.0, "5": 5.0},
            "5": {"a": True},
        }

    run(test)


@dialects
def test_a_function_is_called_with_json_arguments(kind: str) -> None:
    async def test(server: Api) -> None:
        client = await server.client(kind)
        call = {"function": "openspace.time.setTime", "arguments": ["2030-01-02T03:04:05"], "return": True}
        assert await client.ask("luascript", call) == {}
        call = {"function": "openspace.time.UTC", "arguments": [], "return": True}
        assert await client.ask("luascript", call) == {"1": "2030-01-02T03:04:05.000"}
        call = {"function": "openspace.setPropertyValueSingle", "return": True}
        call["arguments"] = ["Scene.Earth.Renderable.Color", [0, 0.5, 1], None]
        assert await client.ask("luascript", call) == {}
        assert server.engine.tree.get("Scene.Earth.Renderable.Color").value == (0.0, 0.5, 1.0)

    run(test)


@dialects
def test_a_failing_script_answers_with_an_empty_object_and_the_log_says_why(kind: str) -> None:
    async def test(server: Api) -> None:
        client = await server.client(kind)
        topic = await client.start("errorLog", EVERYTHING)
        assert await client.lua("return openspace.navigation.flyTu('Mars')") == {}
        entry = await client.next(topic, lambda each: each.get("category") == "ScriptEngine")
        assert "openspace.navigation.flyTo" in entry["message"]
        assert entry["level"] == "Error"
        assert await client.lua("while true do end") == {}
        entry = await client.next(topic)
        assert "was ended" in entry["message"]
        assert await client.lua("return 1 + 1") == {"1": 2.0}

    run(test)


def test_the_library_is_documented_as_it_is() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        libraries = await client.ask("documentation", {"type": "lua"})
        assert libraries[0]["name"] == libraries[0]["library"] == ""
        names = {f"{each['fullName']}.{function['name']}" for each in libraries for function in each["functions"]}
        assert {"openspace.navigation.flyTo", "openspace.setPropertyValueSingle"} <= names
        for each in libraries:
            for function in each["functions"]:
                assert function["help"], function["name"]
                assert all({"name", "type"} <= set(argument) for argument in function["arguments"])
        script = "return " + ", ".join(f"type({name})" for name in sorted(names))
        assert set((await client.lua(script)).values()) == {"function"}
        for kind in ("factories", "asset", "meta"):
            assert isinstance(await client.ask("documentation", {"type": kind}), list)
        assert (await client.ask("documentation", {"type": "keyboard"}))["name"] == "Keybindings"

    run(test)


def test_a_property_is_read_in_the_form_of_the_dialect() -> None:
    async def test(server: Api) -> None:
        uri = {"property": "Scene.Earth.Scale.Scale"}
        new = await (await server.client()).ask("get", uri)
        assert new["type"] == "property"
        assert new["value"]["uri"] == "Scene.Earth.Scale.Scale"
        assert new["value"]["metaData"]["type"] == "FloatProperty"
        assert new["value"]["metaData"]["additionalData"] == {"min": 0.1, "max": 1e6, "exponent": 3}
        old = await (await server.client("legacy")).ask("get", uri)
        assert old["value"] == old["Value"] == 1.0
        assert old["metaData"]["guiName"] == "Scale"
        assert old["Description"]["Identifier"] == "Scene.Earth.Scale.Scale"
        assert old["Description"]["AdditionalData"]["MaximumValue"] == 1e6

    run(test)


def test_the_whole_tree_is_read() -> None:
    async def test(server: Api) -> None:
        tree = await (await server.client()).ask("get", {"property": "__rootOwner"})
        assert tree["type"] == "propertyOwner"
        scene = next(each for each in tree["value"]["subowners"] if each["identifier"] == "Scene")
        earth = next(each for each in scene["subowners"] if each["identifier"] == "Earth")
        assert earth["uri"] == "Scene.Earth"
        assert earth["tags"] == ["planet_solarSystem"]
        client = await server.client("legacy")
        assert (await client.ask("get", {"property": "__rootOwner"}))["subowners"]
        assert len((await client.ask("get", {"property": "__allNodes"}))["value"]) == len(server.engine.bodies)
        assert (await client.ask("get", {"property": "__screenSpaceRenderables"})) == {"value": []}

    run(test)


def test_an_unknown_property_is_met_with_silence_or_a_404_and_a_near_name_in_the_log() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        log = await client.start("errorLog", EVERYTHING)
        topic = await client.start("get", {"property": "Scene.Earth.Renderable.Enabeld"})
        assert "Scene.Earth.Renderable.Enabled" in (await client.next(log))["message"]
        assert client.nothing_for(topic)
        old = await server.client("legacy")
        answer = await old.ask("get", {"property": "Scene.Erth.Scale.Scale"})
        assert (answer["status"], answer["code"]) == ("error", 404)
        assert "Scene.Earth.Scale.Scale" in (await client.next(log))["message"]

    run(test)


@dialects
def test_a_changed_property_is_sent_to_its_subscribers(kind: str) -> None:
    async def test(server: Api) -> None:
        client = await server.client(kind)
        key = "property" if client.legacy else "uri"
        uri = "Scene.Earth.Renderable.Enabled"
        topic = await client.start("subscribe", {"event": "start_subscription", key: uri})
        first, second = await client.next(topic), await client.next(topic)
        if client.legacy:
            assert first["value"] is first["Value"] is True
            assert second["metaData"]["type"] == "BoolProperty"
        else:
            assert first["type"] == "metaData"
            assert second == {"type": "value", "value": True}
        await client.start("set", {"property": uri, "value": False})
        assert (await client.next(topic))["value"] is False
        await client.send(topic, {"event": "stop_subscription"})
        await client.start("set", {"property": uri, "value": True})
        await client.settled()
        assert client.nothing_for(topic)

    run(test)


def test_a_refused_value_changes_nothing_and_the_log_says_why() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        log = await client.start("errorLog", EVERYTHING)
        for uri, value, reason in (
            ("Scene.Earth.Renderable.Opacity", 1.5, "outside 0 to 1"),
            ("Scene.Earth.Renderable.Opacity", "much", "expected a finite number"),
            ("Scene.Earth.Renderable.Enabled", 1, "expected true or false"),
            ("Scene.Earth.Renderable.Type", "x", "read-only"),
            ("Scene.Earth.Renderable.Color", [1, 2], "expected 3 numbers"),
        ):
            before = server.engine.tree.get(uri).value
            await client.start("set", {"property": uri, "value": value})
            assert reason in (await client.next(log))["message"]
            assert server.engine.tree.get(uri).value == before

    run(test)


def test_every_change_is_sent_to_the_property_tree_topic() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        topic = await client.start("propertyTree", {"event": "start_subscription"})
        await client.lua("openspace.setPropertyValue('Scene.*.Renderable.Opacity', 0.5)")
        changed = [await client.next(topic) for _ in server.engine.bodies]
        assert {each["uri"] for each in changed} == {
            f"Scene.{name}.Renderable.Opacity" for name in server.engine.bodies
        }
        assert all(each["type"] == "value" and each["value"] == 0.5 for each in changed)

    run(test)


def test_a_trigger_is_pulled() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        await client.start("trigger", {"property": "NavigationHandler.OrbitalNavigator.RetargetAnchor"})
        await client.settled()
        assert server.engine.calls == ["look_at_focus"]

    run(test)


@dialects
def test_time_is_sent_in_full_and_then_as_it_passes(kind: str) -> None:
    async def test(server: Api) -> None:
        client = await server.client(kind)
        topic = await client.start("time", {"event": "start_subscription"})
        full, steps = await client.next(topic), await client.next(topic)
        assert full["time"] == "2026-08-12T17:45:00.000"
        assert full["isPaused"] is True
        assert (full["deltaTime"], full["nextStep"], full["prevStep"]) == (1.0, 2.0, -1.0)
        assert 3600 in steps["deltaTimeSteps"]
        await client.lua("openspace.time.setPause(false) openspace.time.setDeltaTime(3600)")
        assert (await client.next(topic, lambda each: each.get("deltaTime") == 3600))["isPaused"] is False
        first = (await client.next(topic, lambda each: set(each) == {"time"}))["time"]
        assert (await client.next(topic))["time"] > first

    run(test)


def test_the_camera_is_sent_geographically() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        topic = await client.start("camera", {"event": "start_subscription"})
        first = await client.next(topic)
        assert first["altitudeUnit"] == "km"
        assert first["altitudeMeters"] == pytest.approx(2e7 - 6.371e6)
        assert first["subSolarLatitude"] == 12.5
        await client.lua("openspace.navigation.jumpToGeo('Mars', 10, 20, 5000)")
        second = await client.next(topic)
        assert [second[name] for name in ("latitude", "longitude", "altitude")] == pytest.approx([10, 20, 5])

    run(test)


def test_a_flight_shows_in_path_mode_and_events() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        path = await client.start("cameraPath", {"event": "start_subscription"})
        mode = await client.start("engineMode", {"event": "start_subscription"})
        events = await client.start("event", {"event": "start_subscription", "eventType": "*"})
        assert await client.next(mode) == {"mode": "user_control"}
        await client.lua("openspace.navigation.flyTo('Mars', 0.3)")
        assert await client.next(path) == {"target": "Mars", "remainingTime": 0, "isPaused": False}
        assert await client.next(mode) == {"mode": "camera_path"}
        assert await client.next(mode) == {"mode": "user_control"}
        seen = [await client.next(events, lambda each: "Camera" in each["event"]) for _ in range(2)]
        assert seen[0] == {"event": "CameraPathStarted", "Origin": "Earth", "Destination": "Mars"}
        assert seen[1]["event"] == "CameraPathFinished"

    run(test)


@dialects
def test_only_subscribed_events_are_sent(kind: str) -> None:
    async def test(server: Api) -> None:
        client = await server.client(kind)
        if client.legacy:
            order: dict[str, Any] = {"status": "start_subscription", "event": ["FocusNodeChanged"]}
        else:
            order = {"event": "start_subscription", "eventType": ["FocusNodeChanged"]}
        topic = await client.start("event", order)
        await client.lua("openspace.fadeOut('Scene.Moon.Renderable', 0)")
        await client.lua("openspace.navigation.setFocus('Moon')")
        event = await client.next(topic)
        assert event["Event" if client.legacy else "event"] == "FocusNodeChanged"
        assert (event["OldNode"], event["NewNode"]) == ("Earth", "Moon")

    run(test)


@dialects
def test_the_joystick_holds_its_values_until_the_next_message(kind: str) -> None:
    async def test(server: Api) -> None:
        client = await server.client(kind)
        word = "type" if client.legacy else "event"
        topic = await client.start("flightcontroller", {word: "connect"})
        if client.legacy:
            assert "Earth" in (await client.next(topic))["connect"]["focusNodes"]

        def state(**axes: float) -> dict[str, Any]:
            return {word: "inputState", "inputState": {"values": axes} if client.legacy else axes}

        await client.send(topic, state(orbitX=0.5, zoomIn=3))
        await client.settled()
        assert server.engine.axes == {"orbitX": 0.5, "zoomIn": 1.0}
        await client.send(topic, state(panX=-0.25))
        await client.settled()
        assert server.engine.axes == {"panX": -0.25}
        await client.send(topic, state())
        await client.settled()
        assert server.engine.axes == {}
        await client.send(topic, state(panX=1))
        await client.send(topic, {word: "disconnect"})
        await client.settled()
        assert server.engine.axes == {}

    run(test)


def test_joysticks_add_up_and_a_lost_client_lets_go() -> None:
    async def test(server: Api) -> None:
        clients = [await server.client("1.0", transport) for transport in ("ws", "tcp")]
        for client in clients:
            topic = await client.start("flightcontroller", {"event": "connect"})
            await client.send(topic, {"event": "inputState", "inputState": {"orbitX": 0.4}})
            await client.settled()
        assert server.engine.axes == pytest.approx({"orbitX": 0.8})
        await clients[0].close()
        await until(lambda: server.engine.axes == pytest.approx({"orbitX": 0.4}))
        await clients[1].close()
        await until(lambda: server.engine.axes == {})

    run(test)


def test_actions_and_keys_are_listed() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        await client.lua(
            "openspace.action.registerAction({Identifier='go', Name='Go', Command='went = args.x', Color={1,0,0}})"
            "openspace.bindKey('CTRL+F', 'go')"
        )
        everything = await client.ask("actionsKeybinds", {"event": "get_all"})
        assert everything["actions"][0]["color"] == [1, 0, 0, 1]
        keybind = everything["keybinds"][0]
        assert (keybind["key"], keybind["action"], keybind["modifiers"]["control"]) == ("F", "go", True)
        one = await client.ask("actionsKeybinds", {"event": "get_action", "identifier": "go"})
        assert one["action"]["name"] == "Go"
        old = await server.client("legacy")
        assert len((await old.ask("shortcuts", {"event": "get_all_shortcuts"}))["shortcuts"]) == 2

    run(test)


def test_recording_shows_its_state_and_files(tmp_path: Path) -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        order = {"event": "start_subscription", "properties": ["state", "files"]}
        topic = await client.start("sessionRecording", order)
        assert await client.next(topic) == {"state": "idle", "files": []}
        await client.lua("openspace.sessionRecording.startRecording()")
        assert (await client.next(topic))["state"] == "recording"
        await client.lua("openspace.sessionRecording.stopRecording('tour', 'Ascii')")
        assert await client.next(topic) == {"state": "idle", "files": ["tour.osrectxt"]}

    run(test, tmp_path)


def test_what_is_not_here_is_honestly_empty() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        assert await client.ask("missions", {}) == {"missions": {}}
        browsers = await client.ask("skybrowser", {"event": "start_subscription"})
        assert browsers["browsers"] == {}
        assert (await client.ask("profile", {}))["addons"] == []
        assert (await client.ask("version", {}))["openSpaceVersion"]["minor"] == 22
        await client.start("downloadEvent", {"event": "start_subscription"})
        assert await (await server.client("legacy")).ask("bounce", {"a": 1}) == {"a": 1}

    run(test)


def test_the_log_is_sent_from_a_level_on() -> None:
    async def test(server: Api) -> None:
        client: Client = await server.client()
        settings = {"logLevel": "Error", "timeStamping": False, "dateStamping": False, "logLevelStamping": False}
        topic = await client.start("errorLog", {"event": "start_subscription", "settings": settings})
        await client.lua("openspace.printInfo('quiet') openspace.printError({1, 2})")
        assert await client.next(topic) == {"message": "{1, 2}", "category": "print"}
        await client.send(topic, {"event": "update_log_level", "logLevel": "Info"})
        await client.lua("print('hello', 1, nil)")
        assert (await client.next(topic))["message"] == "hello\t1\tnil"

    run(test)
