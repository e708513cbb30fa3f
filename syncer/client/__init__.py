"""The REST API, at the edge: pages, timeouts, retries, rate, login; HTTP trouble becomes ApiError.

limiter   how fast requests may go          reasons   an answer's error in words
session   one request, rightly sent         lists     pages, rightly read: all of a list, or not at all
newest    what the newest page proves       probe     the layers below, one question each
api       models, connectors and syncs
"""
