"""A user's project: its flows found by reading, its `headrace.yaml`, and the plan that brings it about."""

FILE = "headrace.yaml"
"""The name of a project's file."""
