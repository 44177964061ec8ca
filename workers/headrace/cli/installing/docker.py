"""A Dockerfile for a worker in a container, with the environment in a file that is not part of the image.

When a container ends, all its processes do: a restart cannot hand runs over. They are reported lost by the
next worker, from the volume, and start again if their retries allow it.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from headrace import __version__
from headrace.cli.installing.service import DRAIN_SECONDS, File, Plan, Service, environment_text, one_line

ENVIRONMENT = "worker.env"
WHEEL = f"headrace-{__version__}-py3-none-any.whl"
_DOCKERFILE = """\
# Written by `headrace worker install --docker`.
FROM python:{python}-slim
RUN apt-get update \\
 && apt-get install --yes --no-install-recommends git openssh-client \\
 && rm -rf /var/lib/apt/lists/*
# What pip installs: a version, or ./NAME.whl for a wheel that lies beside this file
# (docker build --build-arg HEADRACE=./NAME.whl ...).
ARG HEADRACE=headrace=={version}
WORKDIR /opt/headrace
COPY Dockerfile *.whl ./
RUN pip install --no-cache-dir "$HEADRACE" \\
 && useradd --create-home headrace \\
 && install --directory --owner=headrace --mode=700 /var/lib/headrace
USER headrace
WORKDIR /home/headrace
ENV HEADRACE_HOME=/var/lib/headrace PYTHONUNBUFFERED=1
VOLUME /var/lib/headrace
# The first one lets the runs finish; --stop-timeout says for how long.
STOPSIGNAL SIGTERM
ENTRYPOINT {entrypoint}
"""


def plan(service: Service, folder: Path | None) -> Plan:
    """The Dockerfile, its environment file and what keeps that to itself; in a folder of their own."""
    place = folder or Path.cwd() / service.label
    words = ["headrace", *service.arguments]
    entrypoint = json.dumps([one_line(word, repr(word)) for word in words])
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    files = (
        File(
            place / "Dockerfile",
            _DOCKERFILE.format(python=python, version=__version__, entrypoint=entrypoint),
        ),
        File(
            place / ENVIRONMENT, environment_text(service.environment, quoted=False), 0o600, environment=True
        ),
        File(place / ".dockerignore", f"# Secrets never go into an image.\n{ENVIRONMENT}\n", shared=True),
        File(place / ".gitignore", f"# Secrets never go into a repository.\n{ENVIRONMENT}\n", shared=True),
    )
    image = service.label.lower()
    where = shlex.quote(str(place))
    run = (
        f"docker run --detach --init --name {image} --hostname {image} --restart unless-stopped "
        f"--stop-timeout {DRAIN_SECONDS} --env-file {shlex.quote(str(place / ENVIRONMENT))} "
        f"--volume {image}:/var/lib/headrace {image}"
    )
    return Plan(
        files,
        (
            ("Build it:", f"docker build --tag {image} {where}"),
            (
                "Or from a checkout of Headrace, for what no release has: make a wheel there, and build with it:",
                f"pip wheel --no-deps --wheel-dir {where} CHECKOUT && "
                f"docker build --build-arg HEADRACE=./{WHEEL} --tag {image} {where}",
            ),
            ("Start it, now and with Docker:", run),
            ("Stop it when its runs are over:", f"docker stop {image}"),
            ("Read its log:", f"docker logs --follow {image}"),
        ),
    )
