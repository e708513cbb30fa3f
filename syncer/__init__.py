"""Plan and apply for AI Squared (Multiwoven) models: YAML in git is desired state, the REST API is live state."""

__version__ = "0.1.0"
