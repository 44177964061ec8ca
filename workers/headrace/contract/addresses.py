"""What may stand in a repository's address, which is stored and shown."""

from __future__ import annotations

import re

USERS = frozenset({"git", "oauth2", "x-access-token", "x-token-auth", "gitlab-ci-token"})
"""User names that go with any token. Another one may be a token itself: hosts take it there, too."""
SECRET_QUERY = re.compile(r"(?i)token|secret|passw|pwd|auth|api_?key|signature|^(key|sig|code)$")
"""Names in an address's query that carry what must not be stored."""
