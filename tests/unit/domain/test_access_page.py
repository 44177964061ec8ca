"""The guide's table of roles says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.domain.access import GRANTS, Need
from headrace.contract.roles import Role

PAGE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "access.md"
COLUMNS = (Need.VIEW, Need.OPERATE, Need.DEPLOY, Need.FETCH, Need.WORK, Need.MANAGE)


def test_the_table_of_roles_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    told = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows if name in set(Role)}
    assert set(told) == set(Role)
    for role, cells in told.items():
        assert [cell != "-" for cell in cells] == [need in GRANTS[Role(role)] for need in COLUMNS], role
    assert told["worker"][4] == "its own pool"


def test_every_need_has_a_column_or_a_sentence() -> None:
    assert set(Need) == {*COLUMNS, Need.NOTHING, Need.KEY}
