"""What holds for every test."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Let tests send Ctrl-C: whatever a shell starts with `&` ignores it, and so would all processes of the tests.

    No test sees the charts of whoever runs it: which objects a plan has must not depend on that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["TRELLIS_CHARTS"] = str(Path(__file__).parent / ".no-charts")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI (`TRELLIS_STRICT=1`) a test that was skipped is a failure: nobody looks at skips on a green run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if os.environ.get("TRELLIS_STRICT") == "1" and skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{len(skipped)} skipped with TRELLIS_STRICT=1: a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
