"""The control plane: what runs in Lambda."""
