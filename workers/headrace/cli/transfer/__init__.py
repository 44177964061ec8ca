"""Everything that people made in a control plane, as lines of a file, and back."""
