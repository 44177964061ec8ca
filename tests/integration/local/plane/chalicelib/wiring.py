"""Counts the ticks and starts."""

TICKS = 0
STARTS = 0


class ControlPlane:
    def after_start(self):
        global STARTS
        STARTS += 1

    def tick(self):
        global TICKS
        TICKS += 1


def control_plane():
    return ControlPlane()
