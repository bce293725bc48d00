"""``time``: simulation time and its rate."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.snapshot import Snapshot, TimeState
from openspace_server.instance.api.topics.base import Subscription


class TimeTopic(Subscription):
    """Everything, then the steps; then ``{"time"}`` at most every 50 ms, and everything when the rate changes."""

    names = ("time",)
    interests = frozenset({"time"})
    _sent: TimeState | None = None

    async def start(self, payload: dict[str, Any]) -> None:
        state = await self.query(TimeState.of)
        self.send(_full(state))
        self.send(_steps(state))
        self._sent = state

    def on_snapshot(self, snapshot: Snapshot) -> None:
        state, sent = snapshot.time, self._sent
        if state is None or sent is None or state == sent or self._connection.is_congested:
            return
        if state.steps != sent.steps:
            self.send(_steps(state))
        if _rates(state) != _rates(sent):
            self.send_text(snapshot.encoded("time full", lambda: _full(state)))
        else:
            self.send_text(snapshot.encoded("time", lambda: {"time": state.time}))
        self._sent = state


def _rates(state: TimeState) -> tuple[Any, ...]:
    return state.rate, state.target_rate, state.paused, state.next_step, state.previous_step


def _full(state: TimeState) -> dict[str, Any]:
    return {
        "time": state.time,
        "deltaTime": state.rate,
        "targetDeltaTime": state.target_rate,
        "isPaused": state.paused,
    } | _neighbours(state)


def _steps(state: TimeState) -> dict[str, Any]:
    return {"deltaTimeSteps": list(state.steps)} | _neighbours(state)


def _neighbours(state: TimeState) -> dict[str, Any]:
    data: dict[str, Any] = {
        "hasNextStep": state.next_step is not None,
        "hasPrevStep": state.previous_step is not None,
    }
    if state.next_step is not None:
        data["nextStep"] = state.next_step
    if state.previous_step is not None:
        data["prevStep"] = state.previous_step
    return data
