"""The process that stands for AWS: whose it is, what outlives whom, and that accounts are apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.doubles.aws.lives import make
from trellis.doubles.aws.server import AwsServer, AwsServerError
from trellis.doubles.aws.session import AwsSession, checked_account
from trellis.doubles.errors import Refused
from trellis.paths import ROOT

OWNER = """
import sys, time
from pathlib import Path
from trellis.doubles.aws.server import AwsServer

with AwsServer.start(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    time.sleep(600)
"""
USER = """
import os, signal, sys
from trellis.doubles.aws.session import Clients

Clients(sys.argv[1], "us-east-1").client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
os.kill(os.getpid(), signal.SIGKILL)
"""


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/trellis/faults", timeout=5).ok
    except requests.RequestException:
        return False


def test_it_ends_with_its_owner_however_that_one_ends(tmp_path: Path) -> None:
    folder = tmp_path / "aws"
    command = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as owner:  # noqa: S603 - our own
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        assert answers(url)
        os.kill(owner.pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while (answers(url) or folder.exists()) and time.monotonic() < until:
        time.sleep(0.1)
    assert not answers(url)
    assert not folder.exists()


def test_what_a_killed_process_made_is_still_there(server: AwsServer) -> None:
    done = subprocess.run([sys.executable, "-c", USER, server.url], check=False, cwd=ROOT)  # noqa: S603 - our own
    assert done.returncode == -signal.SIGKILL
    assert list(server.inventory(["us-east-1"])) == ["aws:ec2/vpc:Vpc"]


def test_a_reset_empties_the_account(aws: AwsSession, server: AwsServer) -> None:
    make(aws, "ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16")
    make(aws, "ec2/placementGroup:PlacementGroup", "fabric", name="fabric")
    assert server.inventory([aws.region])
    server.reset()
    assert server.inventory([aws.region]) == {}


def test_regions_are_apart(aws: AwsSession, server: AwsServer) -> None:
    make(aws, "ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16")
    assert server.inventory(["eu-central-1"]) == {}


def test_a_server_that_is_gone_is_told() -> None:
    with pytest.raises(AwsServerError, match="does not answer"):
        AwsServer("http://127.0.0.1:9", "123456789012").reset()


def test_another_account_than_the_allowed_ones_is_refused() -> None:
    checked_account({"allowedAccountIds": ["1"]}, "1")
    checked_account({}, "1")
    with pytest.raises(Refused, match=r"account 2 only.*this is account 1"):
        checked_account({"allowedAccountIds": ["2"]}, "1")
    with pytest.raises(Refused, match="must not work in account 1"):
        checked_account({"forbiddenAccountIds": ["1"]}, "1")
