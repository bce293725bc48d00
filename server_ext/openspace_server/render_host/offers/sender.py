"""Sender for ``POST /offer``: array messages over a data channel, as fast as credits and the channel allow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from openspace_server.protocols import transfer
from openspace_server.protocols.fields import ProtocolError, parse_object
from openspace_server.protocols.transfer import SendCredits
from openspace_server.render_host.offers import webrtc
from openspace_server.render_host.offers.webrtc import Outlet

OPEN_TIMEOUT = 20.0
STALL_TIMEOUT = 30.0
"""Seconds without a credit after which the receiver is considered lost."""


class OfferError(Exception):
    """The receiver could not be reached, refused, or was lost; the message states what to do."""


class OfferSender:
    """``await open()``, then any number of ``await send(parts)``, then ``await close()``."""

    def __init__(
        self, url: str, *, library: str = "auto", secret: str | None = None, session: str = "", token: str | None = None
    ) -> None:
        self._url = url.rstrip("/") + ("" if url.rstrip("/").endswith("/offer") else "/offer")
        self.library, self._module = webrtc.load(library)
        self._secret = secret
        self._target = {"session": session, "token": token} if session else {}
        self._connection: Any = None
        self._outlet: Outlet | None = None
        self._credits = SendCredits()
        self._changed = asyncio.Event()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._sending = asyncio.Lock()
        self._lost = ""

    async def open(self) -> None:
        """Raises OfferError."""
        self._connection = webrtc.connection(self._module)
        self._connection.on("connectionstatechange", self._on_state)
        channel = self._connection.createDataChannel("bulk")
        opened = asyncio.Event()
        channel.on("open", opened.set)
        channel.on("message", self._on_message)
        channel.on("close", lambda: self._lose("the receiver closed the data channel"))
        await self._connection.setLocalDescription(await self._connection.createOffer())
        answer = await self._offer(str(self._connection.localDescription.sdp))
        await self._connection.setRemoteDescription(
            self._module.RTCSessionDescription(sdp=webrtc.checked_sdp(answer), type="answer")
        )
        try:
            async with asyncio.timeout(OPEN_TIMEOUT):
                await opened.wait()
        except TimeoutError:
            raise OfferError("the receiver answered, but no data channel opened: is UDP blocked between you?") from None
        self._outlet = Outlet(channel)

    async def send(self, parts: Sequence[bytes | memoryview]) -> asyncio.Future[dict[str, Any]]:
        """Send one message; returns the future of the receiver's answer when all of it is in the channel.

        Raises:
            OfferError: the receiver was lost, or granted no credits for :data:`STALL_TIMEOUT` seconds.
        """
        assert self._outlet is not None, "call open() first"
        async with self._sending:
            self._number += 1
            answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self._answers[self._number] = answer
            for chunk in transfer.chunks(self._number, parts, transfer.CHANNEL_CHUNK_BYTES):
                await self._wait_for_credits(len(chunk) - transfer.PREFIX_BYTES)
                if answer.done():
                    break
                try:
                    await self._outlet.send(chunk)
                except ConnectionError as problem:
                    raise OfferError(self._lost or str(problem)) from None
                # The libraries run in callbacks of this event loop.
                await asyncio.sleep(0)
        return answer

    @property
    def waiting(self) -> int:
        """Bytes that wait to be sent."""
        return self._outlet.waiting if self._outlet is not None else 0

    async def close(self) -> None:
        """Safe to repeat, and without :meth:`open`."""
        self._lose("this sender has ended")
        if self._connection is not None:
            await self._connection.close()

    async def _wait_for_credits(self, size: int) -> None:
        while not self._credits.take(size):
            if self._lost:
                raise OfferError(self._lost)
            self._changed.clear()
            try:
                async with asyncio.timeout(STALL_TIMEOUT):
                    await self._changed.wait()
            except TimeoutError:
                raise OfferError(f"the receiver granted no credits for {STALL_TIMEOUT:g} seconds") from None
        if self._lost:
            raise OfferError(self._lost)

    async def _offer(self, sdp: str) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers["Authorization"] = f"Bearer {self._secret}"
        body = json.dumps({"type": "offer", "sdp": sdp, **self._target})
        request = HTTPRequest(
            self._url, "POST", headers, body, connect_timeout=10, request_timeout=OPEN_TIMEOUT, follow_redirects=False
        )
        try:
            response = await AsyncHTTPClient().fetch(request)
            return parse_object(response.body).get("sdp")
        except HTTPClientError as problem:
            raise OfferError(f"{self._url}: {_reason(problem)}") from None
        except (OSError, ProtocolError, ValueError) as problem:
            raise OfferError(f"{self._url} does not answer: {problem}") from None

    def _on_message(self, raw: str | bytes) -> None:
        try:
            message = parse_object(raw)
        except ProtocolError:
            return
        match message.get("type"):
            case "credit":
                self._credits.grant(transfer.read_credit(message))
                self._changed.set()
            case "reply":
                self._settle(message.get("id"), {"received": True, **(message.get("result") or {})})
            case "error":
                self._settle(message.get("id"), {"received": False, "reason": str(message.get("reason"))})

    def _settle(self, number: Any, result: dict[str, Any]) -> None:
        answer = self._answers.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(result)

    def _on_state(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self._lose("the connection to the receiver was lost")

    def _lose(self, reason: str) -> None:
        self._lost = self._lost or reason
        self._changed.set()
        for number in list(self._answers):
            self._settle(number, {"received": False, "reason": reason})


def _reason(problem: HTTPClientError) -> str:
    try:
        return str(json.loads(problem.response.body)["error"]) if problem.response else str(problem)
    except (ValueError, KeyError, TypeError):
        return str(problem)
