"""What an API key looks like, and how one is drawn. Standard library only: the domain uses it too."""

from __future__ import annotations

import secrets
import string
from uuid import UUID

LETTERS = string.ascii_letters + string.digits
SECRET_LENGTH = 43
"""Of 62 letters and digits: 256 bits."""
FORM = rf"hr_([0-9a-f]{{32}})_([0-9A-Za-z]{{{SECRET_LENGTH}}})"


def draw(key_id: UUID) -> str:
    """A whole key with a fresh secret."""
    return f"hr_{key_id.hex}_{''.join(secrets.choice(LETTERS) for _ in range(SECRET_LENGTH))}"
