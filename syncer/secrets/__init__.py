"""Secrets: how they look, and how they are kept out of what is printed.

scrubber   takes a run's secrets out of foreign text, however they are written there
"""
