"""What holds for every test."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.shared import strict
from trellis.sandbox.control_plane import BINARIES
from trellis.toolchain import ToolUnavailableError, ensure_all, ensure_pulumi, listing


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


@pytest.fixture(scope="session")
def pulumi_cli() -> Path:
    """The real engine, built once where it is not there."""
    try:
        return ensure_pulumi()
    except ToolUnavailableError as error:
        if strict():
            pytest.fail(f"{error} (TRELLIS_STRICT=1 turns this skip into a failure)")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def tools() -> None:
    """The programs of a control plane; they are made only where TRELLIS_STRICT=1, since that may take long."""
    missing = [row.name for row, path in listing() if row.name in BINARIES and path is None]
    if missing and not strict():
        pytest.skip(f"{', '.join(missing)}: not here; `trellis toolchain install {' '.join(missing)}` brings them")
    try:
        ensure_all(BINARIES)
    except ToolUnavailableError as error:
        pytest.fail(str(error))
