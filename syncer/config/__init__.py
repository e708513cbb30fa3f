"""Settings, at the edge: flags beat the environment's variables, which beat the file. One frozen Settings.

settings       the settings as values: keys, bounds, defaults
settings_file  the file: found, read, checked
settings_edits its text with a table more
common         what it says for every model file: defaults, and what connectors are called
environments   which environment a run is about, and its target
variables      credentials and secrets, from the environment's variables alone
env_file       the same from a file at the desk
servers        URLs: what can be one, and who may get credentials
network        proxies and certificates

Few commands need settings_edits and env_file, so those import them by name.
"""

from syncer.config.environments import (
    declared_environment,
    environment,
    environment_name,
    require_target,
    target,
    with_target,
)
from syncer.config.network import check_certificates, check_proxies, check_way
from syncer.config.servers import (
    api_root,
    is_in_clear,
    may_get_credentials,
    root_of_page,
    server,
    why_no_ui,
    why_no_url,
)
from syncer.config.settings import (
    ENVIRONMENT_KEYS,
    FILES,
    KEYS,
    LARGEST_ID,
    NUMBER_KEYS,
    SANDBOX_URL,
    Environment,
    Key,
    Numbers,
    Settings,
)
from syncer.config.settings_file import changed_keys, find, load, repository, written
from syncer.config.variables import (
    CREDENTIAL_VARIABLES,
    TARGET_VARIABLES,
    VARIABLES,
    credential_variables,
    credentials,
    is_credential,
    own_variables,
    secret,
    secrets,
)

__all__ = [
    "CREDENTIAL_VARIABLES",
    "ENVIRONMENT_KEYS",
    "FILES",
    "KEYS",
    "LARGEST_ID",
    "NUMBER_KEYS",
    "SANDBOX_URL",
    "TARGET_VARIABLES",
    "VARIABLES",
    "Environment",
    "Key",
    "Numbers",
    "Settings",
    "api_root",
    "changed_keys",
    "check_certificates",
    "check_proxies",
    "check_way",
    "credential_variables",
    "credentials",
    "declared_environment",
    "environment",
    "environment_name",
    "find",
    "is_credential",
    "is_in_clear",
    "load",
    "may_get_credentials",
    "own_variables",
    "repository",
    "require_target",
    "root_of_page",
    "secret",
    "secrets",
    "server",
    "target",
    "why_no_ui",
    "why_no_url",
    "with_target",
    "written",
]
