"""Base classes of the handlers: access by kernel token, the orchestrator, and errors as JSON."""

from __future__ import annotations

import json
from http.client import responses
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError

from openspace_server.jupyter.identity import KernelTokenMixin
from openspace_server.orchestrator import errors
from openspace_server.protocols.fields import ProtocolError

if TYPE_CHECKING:
    from openspace_server.orchestrator.orchestrator import Orchestrator

RESOURCE = "openspace"
ADMIN_RESOURCE = "openspace-admin"

STATUS: dict[type[Exception], int] = {
    ProtocolError: 400,
    errors.UnknownSession: 404,
    errors.UnknownShare: 404,
    errors.TooManyShares: 429,
    errors.KeyReused: 409,
    errors.SessionEnded: 409,
    errors.SessionNotRunning: 409,
    errors.CommandRefused: 502,
    errors.NoFreeSlot: 503,
    errors.QuotaReached: 429,
    errors.UnknownHost: 404,
    errors.HostInUse: 409,
    errors.HostUnreachable: 503,
    errors.DatabaseUnusable: 500,
}


class OrchestratorMixin(KernelTokenMixin):
    """For handlers, before JupyterHandler: provides ``await self.orchestrator()``."""

    async def orchestrator(self) -> Orchestrator:
        orchestrator: Orchestrator = await self.settings["openspace"].orchestrator()
        return orchestrator


class RestHandler(OrchestratorMixin, APIHandler):
    """Base of the REST handlers. Errors are ``{"message", "reason"}``: a text for people, a word for programs."""

    auth_resource = RESOURCE

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        problem = kwargs.get("exc_info", (None, None))[1]
        message, reason = responses.get(status_code, "error"), _word(responses.get(status_code, "error"))
        if type(problem) in STATUS:
            message, reason = str(problem), getattr(problem, "code", "bad_request")
        elif isinstance(problem, HTTPError) and problem.log_message:
            message = problem.log_message
        more = {}
        if isinstance(problem, errors.NoFreeSlot) and problem.total:
            more = {"busy": problem.busy, "total": problem.total, "next_end": problem.next_end}
        self.finish(json.dumps({"message": message, "reason": reason} | more))

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        problem = kwargs.get("exc_info", (None, None))[1]
        super().send_error(STATUS.get(type(problem), status_code), **kwargs)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if typ in STATUS:
            self.log.info("OpenSpace: %s %s: %s", self.request.method, self.request.path, value)
        else:
            super().log_exception(typ, value, tb)


def _word(phrase: str) -> str:
    return phrase.lower().replace(" ", "_")
