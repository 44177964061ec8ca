"""The account and region that everything embedded lives in."""

from __future__ import annotations

ACCOUNT = "123456789012"
REGION = "us-east-1"
