"""Headrace: a serverless control plane for Python flows that run on your own machines."""

__version__ = "0.1.0"
