"""HTTP: the only folder that knows Chalice."""
