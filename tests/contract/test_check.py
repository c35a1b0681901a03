"""The contract agrees with itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from tests.contract.endpoints import DIALECTS

pytestmark = pytest.mark.once


CHECK = Path(__file__).parents[2] / "docs" / "contract" / "check.py"


def test_the_contract_is_whole() -> None:
    run = subprocess.run([sys.executable, str(CHECK)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "the contract is whole"), (
        run.stdout + run.stderr
    )


WHOLE = (
    *(
        "platform_api.",
        "client_v1.",
        "services_v1.platforms.",
        "services_v1.audit_logs.",
        "services_v1.admin.",
    ),
    *("api_v1.tenants.", "api_v1.users.", "api_v1.profiles.", "api_v1.permissions.", "api_v1.org_settings."),
    *("api_v1.email_settings.", "api_v1.setup."),
)
"""Groups that the product has, each to its last endpoint."""
_MISSING = re.compile(r"missing, (?:documented|our own) +(\S+): (.+)")


def test_the_documents_show_whole_groups_with_all_their_fields(app: Flask, tmp_path: Path) -> None:
    files = []
    for dialect in DIALECTS:
        files.append(str(tmp_path / f"{dialect}.json"))
        Path(files[-1]).write_bytes(app.test_client().get(f"/openapi/{dialect}.json").data)
    run = subprocess.run(
        [sys.executable, str(CHECK), "--openapi", *files], capture_output=True, text=True, check=False
    )
    lines = run.stdout.splitlines()
    assert len(lines) > len(DIALECTS), run.stderr
    assert [line for line in lines if line.startswith("undocumented")] == []
    missing = [found.groups() for line in lines if (found := _MISSING.match(line))]
    assert [found for found in missing if " field " in f" {found[1]}"] == []
    assert [name for name, _ in missing if name.startswith(WHOLE)] == []
