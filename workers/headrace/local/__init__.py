"""The embedded control plane: the same handlers, tables and queues on one machine."""
