"""The HTTP API from Python: one method per endpoint, with retries and typed errors."""

from __future__ import annotations

import sys

# httpx, where it finds rich, click and pygments, imports its own command line with them: 5 MB and half of
# the import's time in every worker. `None` tells it that there is none, which it allows for.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
