"""Counts the ticks."""

TICKS = 0


class ControlPlane:
    def tick(self):
        global TICKS
        TICKS += 1


def control_plane():
    return ControlPlane()
