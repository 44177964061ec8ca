"""The worker: takes flow runs of one pool and runs each as a subprocess."""
