"""A secret parameter from its reference to the flow: nowhere on the way is the secret itself."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from tests.support.town import Town

SECRET = 'hunter"2&more\nsecond line of it'
FLOWS = """
import base64, json, logging, os, pathlib, sys
from urllib.parse import quote
from headrace import Secret, flow, flow_run, get_run_logger

@flow(log_prints=True)
def login(password: Secret, note: str = "") -> dict:
    text = password.get()
    place = f"/proc/{os.getpid()}"
    seen = [pathlib.Path(place, name).read_bytes() for name in ("environ", "cmdline")]
    assert not any(text.split("\\\\n")[0].encode() in part for part in seen), "the process shows it"
    print("printed", text, f"{password} {password!r}")
    get_run_logger().warning("logged %s", json.dumps({"password": text}))
    sys.stderr.write(f"raw {quote(text, safe='')} {base64.b64encode(text.encode()).decode()}\\\\n")
    if note:
        raise ValueError(f"cannot log in with {text}")
    return {"length": len(text), "returned": text, "told": flow_run.parameters}

@flow(log_prints=True)
def from_environment() -> int:
    print("environment", os.environ["PASSWORD"])
    return len(os.environ["PASSWORD"])
"""
PROJECT = """
name: vault
deployments:
  - name: flow
    entrypoint: vault.py:from_environment
    work_pool: {name: pool, job_variables: {env: {PASSWORD: {$secret: "env:DB_PASSWORD"}}}}
  - name: command
    entrypoint: vault.py:from_environment
    work_pool:
      name: pool
      job_variables:
        command: sh -c 'echo "environment $PASSWORD"'
        env: {PASSWORD: {$secret: "env:DB_PASSWORD"}}
"""


def _scan(home: Town) -> list[str]:
    """Files of this home that hold the secret, in any form in which a part of it was written."""
    forms = {SECRET, *SECRET.splitlines(), quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode()}
    forms |= {json.dumps(form)[1:-1] for form in forms}
    files = [path for path in home.home.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(form.encode() in path.read_bytes() for form in forms)]


def test_the_secret_reaches_the_flow_and_nothing_else(home: Town) -> None:
    (home.home / "vault.py").write_text(FLOWS.replace("\\\\n", "\\n"))
    home.run("deploy", "vault.py:login", "-n", "main", "-p", "pool", "--param", "password=env:DB_PASSWORD")
    (home.home / "headrace.yaml").write_text(PROJECT)
    home.run("deploy", "--all")
    home.settings["DB_PASSWORD"] = SECRET
    worker = home.worker()
    del home.settings["DB_PASSWORD"]
    assert home.get("/deployments/name/login/main")["parameters"] == {
        "password": {"$secret": "env:DB_PASSWORD"}
    }
    refused = home.run("deployment", "run", "login/main", "--param", f"password={SECRET}", code=2).stderr
    assert "reference to a secret" in refused
    assert "hunter" not in refused
    done = home.until(home.trigger("login/main"), "COMPLETED", "FAILED", "CRASHED")
    assert done["result"] == {
        "length": len(SECRET),
        "returned": "***",
        "told": {"password": {"$secret": "env:DB_PASSWORD"}},
    }, done
    failed = home.until(home.trigger("login/main", note="fail"), "COMPLETED", "FAILED", "CRASHED")
    assert failed["state"]["message"] == "ValueError: cannot log in with ***"
    log = home.run("flow-run", "logs", failed["id"]).stdout
    assert "printed ***" in log and "logged" in log and "raw ***" in log
    assert "hunter" not in log + json.dumps([done, failed]) + worker.text()
    absent = home.trigger("login/main", password={"$secret": "env:ABSENT"})
    crashed = home.until(absent, "CRASHED", "FAILED")
    message = crashed["state"]["message"]
    assert "env:ABSENT of parameter 'password'" in message
    assert "ABSENT is not set where this worker runs" in message
    assert home.state(home.trigger("login/main")) in ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED")
    for name in ("flow", "command"):
        inherited = home.until(home.trigger(f"from-environment/{name}"), "COMPLETED", "FAILED", "CRASHED")
        assert inherited["state_type"] == "COMPLETED", inherited
        log = home.run("flow-run", "logs", inherited["id"]).stdout
        assert "environment ***" in log and "hunter" not in log
        variables = home.get(f"/deployments/name/from-environment/{name}")["job_variables"]
        assert variables["env"] == {"PASSWORD": {"$secret": "env:DB_PASSWORD"}}
    assert _scan(home) == []
