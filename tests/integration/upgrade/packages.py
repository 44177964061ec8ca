"""Our own code of each release as a file, to be run beside the current one.

`python -m tests.integration.upgrade.packages` writes `tests/fixtures/packages/<version>.zip`: what
`headrace cloud up` packs of ours, without the libraries, the same bytes for the same sources.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from headrace import __version__
from infra.packaging.archive import zip_folder
from infra.packaging.sources import copy_own

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "tests" / "fixtures" / "packages"


def main() -> None:
    """Write the file of this version."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{__version__}.zip"
    with TemporaryDirectory() as place:
        copy_own(ROOT, Path(place))
        zip_folder(Path(place), path)
    print(f"Wrote {path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
