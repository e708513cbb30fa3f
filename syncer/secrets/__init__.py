"""Secrets: how they are named, how they look, and how they are kept out of what is printed. Pure.

value     a secret, and the reference by which a file names one
keys      which keys of a configuration hold a secret
patterns  how the keys and tokens of known services look
scrubber  takes a run's secrets out of foreign text, however they are written there
"""

from syncer.secrets.keys import is_secret_key, resembles_secret_key
from syncer.secrets.patterns import CREDENTIAL, CREDENTIAL_SIGNS
from syncer.secrets.value import SECRET_VARIABLE, SENSITIVE, Secret, SecretRef, is_mask

__all__ = [
    "CREDENTIAL",
    "CREDENTIAL_SIGNS",
    "SECRET_VARIABLE",
    "SENSITIVE",
    "Secret",
    "SecretRef",
    "is_mask",
    "is_secret_key",
    "resembles_secret_key",
]
