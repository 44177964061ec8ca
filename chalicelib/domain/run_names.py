"""Names for runs that nobody named: two words that are easy to say and to tell apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def run_name(dice: Callable[[], float]) -> str:
    """`swift-otter`, by two throws of dice that show at least 0 and less than 1."""
    return f"{_one(_FIRST, dice())}-{_one(_SECOND, dice())}"


def _one(words: Sequence[str], shown: float) -> str:
    return words[int(shown * len(words))]
