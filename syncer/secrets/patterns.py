"""How the keys and tokens of known services look, wherever they stand: AWS, GitHub, GitLab, Slack, Google and others.

A new service needs its pattern in `CREDENTIAL` and a part of it in `CREDENTIAL_SIGNS`.
"""

from __future__ import annotations

import re
from typing import Final

CREDENTIAL: Final = re.compile(
    r"""
      -----BEGIN [ A-Z]{0,40} PRIVATE\ KEY-----
    | (?<![A-Za-z0-9]) (?: AKIA | ASIA ) [0-9A-Z]{16} (?![A-Za-z0-9])
    | (?<![A-Za-z0-9]) gh[oprsu]_[A-Za-z0-9]{36,}
    | (?<![A-Za-z0-9]) github_pat_[A-Za-z0-9_]{22,}
    | (?<![A-Za-z0-9]) glpat-[A-Za-z0-9_-]{20,}
    | (?<![A-Za-z0-9]) xox[abeoprs]-[A-Za-z0-9-]{10,}
    | (?<![A-Za-z0-9]) AIza[A-Za-z0-9_-]{35,}
    | (?<![A-Za-z0-9_-]) sk-(?=[A-Za-z_-]{0,100}[0-9])[A-Za-z0-9_-]{20,}
    | ://[^/\s:@"']{1,100}:[^/\s@"'*{$]{3,200}@
    | (?<![A-Za-z0-9_-]) eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+
    """,
    re.VERBOSE,
)
"""Text that looks like a key or a token of a known service, wherever it stands."""

CREDENTIAL_SIGNS: Final = (
    *("PRIVATE KEY", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "xox", "AIza", "sk-", "eyJ", "://"),
)
"""Every text that `CREDENTIAL` finds has one of these in it: a quick look that spares nearly all texts the pattern."""
