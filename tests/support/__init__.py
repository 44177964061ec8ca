"""What tests share: a control plane on in-process moto with a clock of its own, and a client of its routes."""
