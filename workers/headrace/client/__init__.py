"""The HTTP API from Python: one method per endpoint, with retries and typed errors."""
