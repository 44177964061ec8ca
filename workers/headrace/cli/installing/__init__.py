"""`headrace worker install`: what a service manager needs to keep a worker running, as values and as files."""
