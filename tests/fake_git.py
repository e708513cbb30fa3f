"""A code host's git over HTTP: the real `git http-backend` behind a token, as a WSGI application.

server = GitServer(folder / "remote.git", "acme/models", "ghs_job")
with serving(server) as url:      # git fetch URL/acme/models refs/pull/8/head
    ...
server.calls                      # path and Authorization of every request
"""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from email.parser import BytesParser
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment


class GitServer:
    """One bare repository, for whoever has the token."""

    def __init__(self, repository: Path, name: str, token: str) -> None:
        self.repository, self.name = repository, name
        self.header = f"Basic {b64encode(f'x-access-token:{token}'.encode()).decode()}"
        self.calls: list[tuple[str, str]] = []
        self.redirect = ""
        """Where every request is sent on to."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        said = request.headers.get("Authorization", "")
        self.calls.append((request.path, said))
        if self.redirect:
            return Response(status=302, headers={"Location": f"{self.redirect}{request.full_path}"})
        if said != self.header:
            return Response("who are you?", 401, {"WWW-Authenticate": 'Basic realm="git"'})
        inner = request.path.removeprefix(f"/{self.name}")
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(self.repository),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": inner,
            "QUERY_STRING": request.query_string.decode(),
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(request.content_length or ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"],
            input=request.get_data(),
            env=variables,
            capture_output=True,
            check=True,
            timeout=60,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(BytesParser().parsebytes(head + b"\r\n\r\n").items())
        return Response(body, headers.pop("Status", "200 OK"), headers)
