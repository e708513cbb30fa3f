"""Live state: the REST API, what is asked of it and how, and what its answers mean.

api       models, connectors and syncs      lists     pages, rightly read: all of a list, or not at all
session   one request, rightly sent         newest    what the newest page proves
limiter   how fast requests may go          reasons   an answer's error in words
wire      payloads and the API's habits     probe     the layers below, one question each

Only `wire` and `newest` are pure.
"""
