"""One exchange over HTTP, bounded: its way, its time, and what comes back. Nothing is sent again here.

route     the way to a server, through a proxy or not      exchange  one deadline for all of a request and its answer
bodies    bodies and JSON, no larger than they may be
"""

from syncer.transport.bodies import ExcessError, body, decoded, paged
from syncer.transport.exchange import Transport, handshake
from syncer.transport.route import Route

__all__ = ["ExcessError", "Route", "Transport", "body", "decoded", "handshake", "paged"]
