"""Runs the embedded server over the small control plane. Arguments: data directory, port, further options as JSON."""

import json
import sys
from pathlib import Path

from headrace.local.server import ServerOptions, serve

directory = Path(sys.argv[1])
more = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
options = ServerOptions(
    port=int(sys.argv[2]),
    data_dir=directory / "server",
    home=directory,
    **{"root": Path(__file__).parent / "plane", **more},
)
sys.exit(serve(options))
