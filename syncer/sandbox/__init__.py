"""The sandbox: an embedded server that answers like the real models API, for tests, demos and rehearsals.

    sandbox = Sandbox()                                              # the shipped seed, in memory
    client = httpx.Client(transport=httpx.WSGITransport(app=sandbox.wsgi), base_url="http://localhost/api/v1")

or, over HTTP on loopback: `serve(Sandbox(path="sandbox.db"), ready=print)`.

The first check that fails answers the request. This is their order, and where each of them is:

    http_server              bytes on a socket become a WSGI request; without a port this step is left out
    sandbox                  control requests (`/__sandbox__/`) are answered here; all others are logged
    faults                   a fault that is due answers, or drops the connection
    http_request             the request becomes plain values: path, headers, body
    routes                   foreign Host 403 · (login: limit per address 429) · health check · unknown route 404
    params                   query string, body and path become parameters: bad bytes or names 400, bad content type 406
    login                    token 401; malformed JSON is refused only after it: 400
    contracts                parameters of the wrong type or form 400; `limit_rule` is one of their rules
    controllers              the endpoint's own checks, in this order:
      workspace_access         workspace: foreign, unknown or missing 400
      controllers.*            row: not found 404 · connector of a model: no catalog 422
      workspace_access         role: may only read 403
      controllers.models       empty model 422
      validation               the model as it would be written: invalid 422
    serializers              which attributes of a row an answer shows
    http_response            entity tag, 304, gzip

What they use:

    error_responses          the five shapes of error bodies
    pagination               `page`, `per_page` and links
    database                 the tables, in SQLite
    row_order                the order of rows with the same `updated_at`
    jsonb                    JSON as the database keeps it: order of keys, numbers, equality
    number_text              numbers in text, read and written
    seeds, seed.json         the rows that a sandbox starts with

The sandbox imports no other room of syncer, and only the command line and the tests import it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from syncer.sandbox.faults import Faults
    from syncer.sandbox.http_server import serve
    from syncer.sandbox.sandbox import Sandbox

__all__ = ["Faults", "Sandbox", "serve"]

_MODULES: Final = {"Faults": "faults", "Sandbox": "sandbox", "serve": "http_server"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: it needs Werkzeug or an HTTP server, which cost time."""
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
