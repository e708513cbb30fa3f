"""The REST API, at the edge: pages, timeouts, retries, rate, login; HTTP trouble becomes ApiError.

limiter   how fast requests may go          reasons   an answer's error in words
session   one request, rightly sent         api       models and connectors, rightly read
newest    what the newest page proves
"""

from syncer.client.api import Api
from syncer.client.session import Options, Session

__all__ = ["Api", "Options", "Session"]
