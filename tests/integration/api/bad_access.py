"""Bad inputs of API keys."""

from __future__ import annotations

from tests.integration.api.bad import GONE, Bad
from tests.integration.api.bad_pools import NAMES, PAGES

ROWS: dict[str, list[Bad]] = {
    "POST /api_keys": [
        *(Bad(why, patch={"name": name}) for why, name in NAMES),
        Bad("no role", patch={"role": GONE}),
        Bad("a role that is null", patch={"role": None}),
        Bad("an unknown role", patch={"role": "root"}),
        Bad("a role in capitals", patch={"role": "ADMIN"}),
        Bad("two roles", patch={"role": ["admin", "worker"]}),
        Bad("a worker's key without a pool", patch={"work_pool_name": GONE}),
        Bad("a worker's key for no pool", patch={"work_pool_name": None}),
        Bad("a worker's key for a pool that is not", 404, patch={"work_pool_name": "nobody"}),
        Bad("a pool's name with a slash", patch={"work_pool_name": "a/b"}),
        Bad("an admin's key for a pool", patch={"role": "admin"}),
        Bad("a viewer's key for a pool", patch={"role": "viewer"}),
        Bad("an end in the past", patch={"expires_at": "2026-03-02T11:59:59Z"}),
        Bad("an end at this moment", patch={"expires_at": "2026-03-02T12:00:00Z"}),
        Bad("an end that is no time", patch={"expires_at": "soon"}),
        Bad("an end in the year 9999", patch={"expires_at": "9999-01-01T00:00:00Z"}),
        Bad("a secret of one's own", patch={"key": "hr_0"}),
        Bad("an id of one's own", patch={"id": "00000000-0000-4000-8000-000000000001"}),
        Bad("a digest of one's own", patch={"digest": "0" * 64}),
        Bad("another creator", patch={"created_by": "root"}),
    ],
    "GET /api_keys/{key_id}": [
        Bad("a whole key as an id", path=f"/api_keys/hr_{'0' * 32}_{'a' * 43}"),
    ],
    "DELETE /api_keys/{key_id}": [
        Bad("last is neither yes nor no", path="/api_keys/<key>?last=perhaps"),
        Bad("last is empty", path="/api_keys/<key>?last="),
    ],
    "POST /work_pools/{pool}/workers/{worker}/credentials": [
        Bad(f"a worker is called {name:.20}", path=f"/work_pools/pool/workers/{name}/credentials")
        for name in ("filter", "heartbeat", "%00", "a%2Fb", "%20", "..", "x" * 201, "50%25")
    ],
    "POST /api_keys/filter": [
        *PAGES,
        Bad("a filter by role", patch={"role": "admin"}),
        Bad("another list's cursor", patch={"cursor": "abc"}),
    ],
}
