"""`syncer doctor --ci`: what the host has set for the CI files, as far as a token reads it; the rest is for a person."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from fake_github import FakeGitHub
from fake_gitlab import FakeGitLab
from inside import Inside
from places import IDENTITY
from world import Result, definition, recorded_world
from wsgi import serving

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "never-shown-42"
MODEL = {**definition(recorded_world()["models"][0]), "configuration": {"key": {"env": "SYNCER_SECRET_OPENAI"}}}


def test_x(tmp_path):
    team = Inside(tmp_path, "http://127.0.0.1:9")
    team.variables = {}
    print(team.run("init", "--ci", "github", "--no-check").text)
    print(team.run("doctor", "--ci").text)
    fake = FakeGitHub()
    fake.settings = {"": {"default_branch": "main", "owner": {"type": "Organization"}}}
    with serving(fake) as url:
        team.variables = {"GH_TOKEN": "ghs_job", "GITHUB_API_URL": url, "GITHUB_REPOSITORY": "acme/models"}
        print(team.run("doctor", "--ci").text)
    assert 0
