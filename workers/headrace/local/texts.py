"""What the terminal says when the server is up."""

from __future__ import annotations

from pathlib import Path

_BANNER = """
  Headrace is up ({seconds:.1f} s)

  API             {url}/api
  Data            {data}
{keys}
  Ctrl-C stops it; everything is kept. Next, in another terminal:

{use}{worker}  headrace deploy path/to/file.py:flow -n my-deployment -p {pool}

"""
_WORKER = """  headrace work-pool create --type process my-pool
  headrace worker start --pool my-pool
"""
_REQUIRED = """  Keys            every request needs an API key: headrace api-key create, headrace login
"""
_EXPOSED = """
  Listening beyond this machine, unencrypted: use it in a network that you trust, or behind a proxy with TLS
  (--advertise https://NAME).
"""
_FIRST = """
  The first admin key, made now and shown this once:

    {key}
"""


def banner(
    *,
    seconds: float,
    url: str,
    data_dir: Path,
    profile: Path | None,
    profile_active: bool,
    keys_required: bool,
    exposed: bool,
    first_key: str | None,
    shown: bool,
    served: str | None = None,
) -> str:
    """The whole text. `profile`: the file into which the address, and a new key, were written.

    `served`: the pool whose worker runs beside the server.
    """
    keys = (_REQUIRED if keys_required else "") + (_EXPOSED if exposed else "")
    if first_key is not None:
        keys += _FIRST.format(key=first_key) if shown or profile is None else ""
        keys += f"\n  The first admin key is in profile 'local' of {profile}\n" if profile else ""
    return _BANNER.format(
        seconds=seconds,
        url=url,
        data=data_dir,
        use="" if profile_active else f"  export HEADRACE_API_URL={url}/api\n",
        worker="" if served else _WORKER,
        pool=served or "my-pool",
        keys=keys,
    )
