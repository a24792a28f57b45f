"""The process that stands for AWS: moto, what moto lacks, and faults on demand, on a free loopback port.

    python -m trellis.doubles.aws.moto_process FILE

`FILE` gets the port once it is open. All state is in memory and gone with the process.
"""

from __future__ import annotations

import copy
import json
import sys
import threading
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from moto.iam.models import IAMBackend, ManagedPolicy
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from trellis.doubles.aws import gaps
from trellis.doubles.aws.faults import Environ, Fault, Faults, StartResponse, refuse

CONTROL = "/trellis/faults"
"""PUT gives the faults from now on; GET tells how many were given."""


class _InTurn:
    """Moto's application, one request after the other: moto's own memory is not made for threads."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(_application)
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            with self._lock:
                answer: Iterable[bytes] = self._app(environ, start_response)
                return answer
        except Exception as error:  # told to whoever asked: nobody reads the log of a server that is gone
            traceback.print_exc()
            bug = Fault(code="RehearsalBug", message=f"the stand-in for AWS failed: {type(error).__name__}: {error}")
            return refuse(environ, start_response, bug)


def _application(service: Any) -> Any:
    app = create_backend_app(service)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app


class _Server:
    """What is served: the control address, else moto behind the faults."""

    def __init__(self) -> None:
        self._faults = Faults(_InTurn())

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != CONTROL:
            return self._faults(environ, start_response)
        request = Request(environ)
        if request.method == "PUT":
            self._faults.replace(json.loads(request.get_data()))
        return Response(json.dumps(self._faults.given()), mimetype="application/json")(environ, start_response)


class _Quiet(MotoRequestHandler):
    """Writes no line for each request."""

    def log_request(self, *_: Any, **__: Any) -> None:
        """Nothing."""


def _keep_managed_policies() -> None:
    """Read AWS's thousand managed policies once: moto does so again at each reset, which takes half a second."""
    read = IAMBackend._init_aws_policies
    kept: dict[tuple[str, str], list[ManagedPolicy]] = {}

    def policies(self: IAMBackend) -> list[ManagedPolicy]:
        key = (self.account_id, self.region_name)
        if key not in kept:
            kept[key] = read(self)
        return [copy.copy(one) for one in kept[key]]

    IAMBackend._init_aws_policies = policies  # type: ignore[method-assign]  # the point of it


def main(told: Path) -> None:
    """Serve until killed."""
    gaps.install()
    _keep_managed_policies()
    server = make_server("127.0.0.1", 0, _Server(), threaded=True, request_handler=_Quiet)
    new = told.with_suffix(".new")
    new.write_text(str(server.server_port), encoding="ascii")
    new.replace(told)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
