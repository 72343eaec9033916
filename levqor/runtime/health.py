"""Whether the portal is ready, asked as anybody would: over HTTP."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass

_TIMEOUT_S = 2.0
_WELL = "ok"


@dataclass(frozen=True, slots=True)
class Health:
    """Which parts answered: the web process, beat and a worker."""

    web: bool
    beat: bool
    worker: bool

    @property
    def ready(self) -> bool:
        """Whether all three answer."""
        return self.web and self.beat and self.worker

    @property
    def missing(self) -> str:
        """The parts that do not answer, for people."""
        parts = {"web": self.web, "beat": self.beat, "worker": self.worker}
        return ", ".join(name for name, answers in parts.items() if not answers)


def ask_health(host: str, port: int) -> Health:
    """This will ask `GET /health` once; at most about 2 s."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health", headers={"Accept": "application/json"})
        answer = connection.getresponse()
        said = json.loads(answer.read(65_536))
    except (OSError, http.client.HTTPException, ValueError):
        return Health(web=False, beat=False, worker=False)
    finally:
        connection.close()
    if not isinstance(said, dict):
        return Health(web=False, beat=False, worker=False)
    return Health(
        web=answer.status == http.client.OK,
        beat=said.get("beat") == _WELL,
        worker=said.get("worker") == _WELL,
    )
