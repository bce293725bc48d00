"""What a host that was away may still be drawing for nobody."""

from __future__ import annotations

import logging

from openspace_server.orchestrator.host_client import HostClient
from openspace_server.orchestrator.store import SessionStore

log = logging.getLogger(__name__)


async def sweep(client: HostClient, slots: int, sessions: SessionStore) -> None:
    """Stop the instances of sessions of ours that ended while the host did not answer.

    Instances of sessions that this database does not know may belong to another orchestrator: they are left alone.

    Raises:
        HostUnreachable, CommandRefused.
    """
    for instance in range(slots):
        status = await client.status(instance)
        row = await sessions.session(status.session) if status.busy and status.session else None
        if row is not None and row.ended and row.instance == instance:
            log.info("stopping the instance of session %s, which has ended", row.id)
            await client.stop(row)
