"""What the cache takes and what it refuses, the lock file, and the commands: nothing here needs Helm or a network."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.charts.archives import chart_bytes, chart_file
from trellis.charts import cache as store
from trellis.charts import lock, rows
from trellis.charts.pull import Outcome, pull
from trellis.charts.render import NotOpenedError, archive_of
from trellis.charts.rows import Chart
from trellis.cli_charts import charts

SERVER = Chart("server", "v1.2.0", "oci://registry.invalid/charts/server")
BYTES = chart_bytes("server", "1.2.0")
DIGEST = hashlib.sha256(BYTES).hexdigest()
RELEASE = {"chart": SERVER.origin, "version": SERVER.version}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of archives, as a person brings it to a machine without internet."""
    return chart_file(tmp_path / "brought", "server", "1.2.0").parent


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of two charts."""
    other = Chart("other", "2.0.0", "https://charts.invalid")
    monkeypatch.setattr(rows, "charts", lambda: [other, SERVER])
    monkeypatch.setattr("trellis.charts.listing.charts", lambda: [other, SERVER])


def take(folder: Path | None) -> Outcome:
    return pull([SERVER], lambda _line: None, folder)[0]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(charts, arguments)


def test_archives_of_a_folder_are_taken_and_locked(folder: Path) -> None:
    assert take(folder).problem == ""
    assert lock.load() == {SERVER.key: DIGEST}
    path = store.find("server", "v1.2.0", DIGEST)
    assert path == store.find("server", "v1.2.0") == archive_of(RELEASE, lock.load())
    assert path is not None
    assert path.read_bytes() == BYTES


def test_archives_dropped_into_the_cache_are_taken(cache: Path) -> None:
    chart_file(cache, "server", "1.2.0").rename(cache / "whatever.tgz")
    assert take(None).problem == ""
    assert lock.load() == {SERVER.key: DIGEST}


def test_a_folder_with_other_bytes_than_locked_is_refused(folder: Path) -> None:
    lock.change({SERVER.key: "0" * 64})
    assert f"sha256:{'0' * 64} is locked; nothing stored" in take(folder).problem
    assert store.digests("server", "v1.2.0") == []


@pytest.mark.parametrize(
    "content",
    [BYTES[: len(BYTES) // 2], b"<html>", b"", chart_bytes("server", "1.2.0").replace(b"\x1f\x8b", b"PK", 1)],
    ids=["half", "a page", "empty", "no gzip"],
)
def test_a_broken_archive_is_refused(folder: Path, content: bytes) -> None:
    (folder / "server-1.2.0.tgz").write_bytes(content)
    assert "server-1.2.0.tgz is no whole chart archive" in take(folder).problem
    assert (store.digests("server", "v1.2.0"), lock.load()) == ([], {})


def test_a_folder_without_the_version_says_so(folder: Path) -> None:
    chart_file(folder, "server", "9.9.9").rename(folder / "server-1.2.0.tgz")
    assert f"{folder} holds no archive of this name and version" in take(folder).problem


def test_a_file_that_rotted_in_the_cache_is_not_used_and_is_replaced(folder: Path) -> None:
    take(folder)
    path = store.find("server", "v1.2.0", DIGEST)
    assert path is not None
    path.write_bytes(BYTES[:-1])
    assert store.find("server", "v1.2.0", DIGEST) is None
    assert store.find("server", "v1.2.0") is None
    with pytest.raises(NotOpenedError, match="broken; `trellis charts pull` fetches it anew"):
        archive_of(RELEASE, lock.load())
    assert take(folder).problem == ""
    assert path.read_bytes() == BYTES


def test_reasons_for_not_having_an_archive(folder: Path) -> None:
    with pytest.raises(NotOpenedError, match="no archive in the cache"):
        archive_of(RELEASE, {})
    take(folder)
    with pytest.raises(NotOpenedError, match="none is locked"):
        archive_of(RELEASE, {})
    with pytest.raises(NotOpenedError, match="another archive than is locked"):
        archive_of(RELEASE, {SERVER.key: "0" * 64})
    assert archive_of(RELEASE, lock.load()).is_file()


def test_a_chart_of_this_name_from_elsewhere_is_not_taken_for_it(folder: Path) -> None:
    """Two origins may publish other charts under one name and version."""
    take(folder)
    elsewhere = {"chart": "server", "version": "v1.2.0", "repositoryOpts": {"repo": "https://elsewhere.invalid"}}
    with pytest.raises(NotOpenedError, match="none is locked"):
        archive_of(elsewhere, lock.load())


def test_two_archives_of_one_version_are_told_apart_by_digest_only(folder: Path) -> None:
    take(folder)
    other = chart_file(folder, "server", "1.2.0", {"templates/other.yaml": "{}"}).read_bytes()
    lock.change({}, [SERVER.key])
    take(folder)
    assert store.find("server", "v1.2.0") is None
    for content in (BYTES, other):
        assert store.find("server", "v1.2.0", hashlib.sha256(content).hexdigest()) is not None


def test_a_broken_lock_file_is_named_with_its_cure(lock_file: Path) -> None:
    lock_file.write_text("oci://a.invalid/b@1: deadbeef\n")
    with pytest.raises(lock.LockError, match=r"at oci://a\.invalid/b@1\. Restore the file"):
        lock.load()
    assert run("list").exit_code == 1


def test_the_lock_file_is_sorted_and_holds_still() -> None:
    assert lock.change({"b@1": DIGEST, "a@1": DIGEST})
    assert not lock.change({"a@1": DIGEST})
    assert [*lock.load()] == ["a@1", "b@1"]
    assert lock.change({}, ["a@1", "b@1"])
    assert lock.load() == {}


def test_the_checked_in_lock_names_only_charts_of_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert set(lock.load()) <= {chart.key for chart in rows.charts()}


def test_every_release_of_the_catalogue_is_a_row() -> None:
    found = rows.charts()
    assert len({chart.key for chart in found}) == len(found) >= 20
    assert all(chart.origin.startswith(("https://", "oci://")) for chart in found)


@pytest.mark.usefixtures("catalogue")
def test_pull_tells_what_it_took_and_all_that_it_lacks(folder: Path) -> None:
    found = run("pull", "--from", str(folder))
    assert found.exit_code == 1
    assert found.stdout == f"server v1.2.0: sha256:{DIGEST} from {folder}/server-1.2.0.tgz\n"
    assert "other 2.0.0 from https://charts.invalid: " in found.stderr
    assert "1 of 2 charts could not be had" in found.stderr
    assert run("pull", "server").exit_code == 0, "what is cached needs nothing"


@pytest.mark.usefixtures("catalogue")
def test_an_unknown_chart_names_the_nearest() -> None:
    found = run("pull", "serve", "nothing")
    assert found.exit_code == 2
    assert "the catalogue has no chart 'serve'; did you mean 'server'?" in found.stderr
    assert "the catalogue has no chart 'nothing'" in found.stderr


@pytest.mark.usefixtures("catalogue")
def test_list_says_what_is_there_and_why_not(folder: Path) -> None:
    run("pull", "server", "--from", str(folder))
    other, server = json.loads(run("list", "--format", "json").stdout)
    assert (other["locked"], other["inCache"], other["whyNot"][:20]) == (None, False, "no archive in the ca")
    assert server == {
        "chart": "server",
        "version": "v1.2.0",
        "origin": SERVER.origin,
        "locked": f"sha256:{DIGEST}",
        "inCache": True,
        "whyNot": None,
    }
    for form in ("text", "markdown"):
        assert DIGEST[:12] in run("list", "--format", form).stdout
