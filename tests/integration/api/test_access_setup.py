"""Setting keys up, losing the last one, and going without."""

from __future__ import annotations

from uuid import UUID

from tests.support.plane import rig


def test_the_last_admin_key_goes_only_when_it_is_meant() -> None:
    with rig(require_keys=True) as made:
        text = made.plane.access.first_admin()
        assert text is not None and made.plane.access.first_admin() is None
        made.key, first = text, str(UUID(hex=text.split("_")[1]))
        later = "2026-03-02T13:00:00Z"
        other = made.ok("POST", "/api_keys", {"name": "b", "role": "admin", "expires_at": later})
        assert made.call("DELETE", f"/api_keys/{other['id']}").status == 204
        made.ok("POST", "/api_keys", {"name": "c", "role": "admin", "expires_at": later})
        made.clock.forward(3600)
        refused = made.call("DELETE", f"/api_keys/{first}")
        assert (refused.status, refused.body["code"]) == (409, "last_admin_key"), "an ended key is no admin"
        assert made.call("DELETE", f"/api_keys/{first}?last=true").status == 204
        assert made.call("GET", "/me").status == 401
        made.key = made.plane.access.first_admin()
        assert made.ok("GET", "/me")["name"] == "first admin key", "the way back in"


def test_credentials_without_a_role_are_refused_clearly() -> None:
    with rig(worker_role_arn=None) as made:
        made.pool()
        reply = made.call("POST", "/work_pools/pool/workers/w/credentials")
        assert (reply.status, reply.body["code"]) == (409, "no_worker_role")


def test_without_keys_everybody_is_an_admin() -> None:
    with rig() as made:
        assert made.ok("GET", "/me") | {"role": "admin", "keys_required": False, "name": None} == made.ok(
            "GET", "/me"
        )
        made.key = "nonsense"
        assert made.call("GET", "/me").status == 200, "where no keys are asked for, none is looked at"
