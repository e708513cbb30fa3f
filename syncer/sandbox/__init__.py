"""The sandbox: an embedded server that answers like the real models API, for tests, demos and rehearsals.

    sandbox = Sandbox()                                              # the shipped seed, in memory
    client = httpx.Client(transport=httpx.WSGITransport(app=sandbox.wsgi), base_url="http://localhost/api/v1")

or, over HTTP on loopback: `serve(Sandbox(path="sandbox.db"), ready=print)`.

Its own small house: it imports none of the other rooms of syncer, and only the command line and the tests know it.
"""

from syncer.sandbox.faults import Faults
from syncer.sandbox.http_server import serve
from syncer.sandbox.sandbox import Sandbox

__all__ = ["Faults", "Sandbox", "serve"]
