"""What may stand in a repository's address, which is stored and shown."""

from __future__ import annotations

USERS = frozenset({"git", "oauth2", "x-access-token", "x-token-auth", "gitlab-ci-token"})
"""User names that go with any token. Another one may be a token itself: hosts take it there, too."""
