"""Names for runs that nobody named: two words that are easy to say and to tell apart."""

from __future__ import annotations

import random

_FIRST = """
    amber azure brisk calm clear coral crisp deep early fair fleet fresh gentle glad golden grand
    green hazel idle jade keen lilac lively lucid mellow merry mild misty noble olive opal pale
    plain proud quick quiet rapid rosy ruby sable silver sleek smooth spry still sunny swift tidal
    upper vivid warm wide windy
""".split()  # noqa: SIM905 - a list of words reads better so
_SECOND = """
    alder anchor basin bay beaver birch bridge brook canal cascade channel cove creek current delta
    dipper eddy estuary falls ferry fjord flume ford gate glacier grayling gully harbor heron kayak
    kingfisher lagoon lake lock marsh mill moor otter paddle pike pond pool rapids reed ridge river
    salmon shoal sluice spring stream sturgeon tarn tide trout valley wave weir well wharf willow
""".split()  # noqa: SIM905 - a list of words reads better so


def run_name() -> str:
    """`swift-otter`."""
    return f"{random.choice(_FIRST)}-{random.choice(_SECOND)}"  # noqa: S311 - a name, not a secret
