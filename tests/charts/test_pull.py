"""The cache is filled by the real Helm from a repository and a registry on loopback, and only with what is locked."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.charts.archives import chart_bytes
from tests.charts.origins import Origin
from trellis.charts import cache, lock
from trellis.charts.pull import Outcome, pull, relock
from trellis.charts.rows import Chart
from trellis.paths import ROOT

Place = Callable[..., Chart]

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("helm")]

ONE = chart_bytes("server", "1.2.0")
OTHER = chart_bytes("server", "1.2.0", {"templates/other.yaml": "# other bytes under the same version\n"})


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetch(*charts: Chart, folder: Path | None = None) -> list[Outcome]:
    return pull(charts, lambda _line: None, folder)


def in_repository(served: Origin, content: bytes = ONE, version: str = "1.2.0") -> Chart:
    return Chart("server", "1.2.0", served.repository({("server", version): content}))


def in_registry(served: Origin, content: bytes = ONE, version: str = "1.2.0") -> Chart:
    return Chart("server", "1.2.0", served.registry("server", {version: content}))


ORIGINS = pytest.mark.parametrize("place", [in_repository, in_registry], ids=["repository", "registry"])


@ORIGINS
def test_the_first_pull_stores_and_locks_what_was_served(place: Place, served: Origin) -> None:
    chart = place(served)
    (found,) = fetch(chart)
    assert (found.problem, found.digest) == ("", digest(ONE))
    path = cache.find("server", "1.2.0", digest(ONE))
    assert path is not None
    assert path.read_bytes() == ONE
    assert lock.load() == {chart.key: digest(ONE)}


@ORIGINS
def test_what_is_cached_needs_no_network(place: Place, served: Origin) -> None:
    chart = place(served)
    fetch(chart)
    served.asked.clear()
    (found,) = fetch(chart)
    assert (found.problem, found.how, served.asked) == ("", "in the cache", [])


@ORIGINS
def test_other_bytes_under_a_locked_version_are_refused(place: Place, served: Origin) -> None:
    chart = place(served, OTHER)
    lock.change({chart.key: digest(ONE)})
    (found,) = fetch(chart)
    assert f"sha256:{digest(OTHER)}" in found.problem
    assert f"sha256:{digest(ONE)} is locked; nothing stored" in found.problem
    assert cache.digests("server", "1.2.0") == []
    assert lock.load() == {chart.key: digest(ONE)}


def test_locking_by_name_accepts_what_is_served_now(served: Origin) -> None:
    chart = in_registry(served, OTHER)
    lock.change({chart.key: digest(ONE), "oci://gone.invalid/chart@1.0.0": digest(ONE)})
    relock([chart], [chart], lambda _line: None, again=False)
    assert lock.load() == {chart.key: digest(ONE)}, "without a name nothing locked is changed; what is gone is dropped"
    relock([chart], [chart], lambda _line: None, again=True)
    assert lock.load() == {chart.key: digest(OTHER)}
    (found,) = fetch(chart)
    assert (found.problem, found.how) == ("", "in the cache")


@ORIGINS
def test_a_missing_version_names_the_nearest(place: Place, served: Origin) -> None:
    place(served)
    contents = {version: chart_bytes("server", version) for version in ("1.1.0", "1.1.9", "2.0.0")}
    if place is in_repository:
        served.repository({("server", version): content for version, content in contents.items()})
        chart = Chart("server", "1.3.0", f"http://{served.host}/charts")
    else:
        served.registry("server", contents)
        chart = Chart("server", "1.3.0", f"oci://{served.host}/charts/server")
    (found,) = fetch(chart)
    assert "not found" in found.problem
    assert "the nearest lower is 1.1.9, the newest is 2.0.0" in found.problem
    assert "\n" not in found.problem


def test_all_that_cannot_be_reached_is_said_at_once(served: Origin) -> None:
    good = in_repository(served)
    down = [Chart("server", "1.2.0", "http://127.0.0.1:9/charts"), Chart("other", "1.0.0", "oci://127.0.0.1:9/other")]
    found = fetch(good, *down)
    assert [bool(one.problem) for one in found] == [False, True, True]
    assert all("connection refused" in one.problem and "\n" not in one.problem for one in found[1:])
    assert list(lock.load()) == [good.key]


@ORIGINS
def test_an_answer_that_breaks_off_stores_nothing(place: Place, served: Origin) -> None:
    chart = place(served)
    served.cut = {path for path, (_, content) in served.pages.items() if content == ONE}
    (found,) = fetch(chart)
    assert found.problem
    assert cache.digests("server", "1.2.0") == []
    assert lock.load() == {}
    served.cut.clear()
    assert fetch(chart)[0].problem == "", "the next try is not in the way of the first"


def test_a_page_that_is_no_archive_stores_nothing(served: Origin) -> None:
    chart = in_repository(served, b"<html>please log in</html>")
    (found,) = fetch(chart)
    assert found.problem
    assert cache.digests("server", "1.2.0") == []


def test_an_archive_of_another_chart_is_refused(served: Origin) -> None:
    chart = in_repository(served, chart_bytes("impostor", "1.2.0"))
    (found,) = fetch(chart)
    assert "calls itself impostor 1.2.0; nothing was stored" in found.problem
    assert cache.digests("server", "1.2.0") == []


def test_two_at_once_fetch_once(served: Origin, lock_file: Path) -> None:
    chart = in_registry(served)
    script = (
        "import sys; from pathlib import Path;"
        "from trellis.charts import lock, pull; from trellis.charts.rows import Chart;"
        "lock.LOCK = Path(sys.argv[1]);"
        "print(pull.pull([Chart('server', '1.2.0', sys.argv[2])], lambda _line: None)[0].how)"
    )
    command = [sys.executable, "-c", script, str(lock_file), chart.origin]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]  # noqa: S603 - ours
    assert sorted(one.communicate()[0].strip() for one in both) == [f"from {chart.origin}", "in the cache"]
    assert len([path for path in served.asked if "/blobs/" in path and path.endswith(digest(ONE))]) == 1
    assert lock.load() == {chart.key: digest(ONE)}
