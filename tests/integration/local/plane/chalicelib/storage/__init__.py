"""The parts of the control plane that the embedded server calls."""
