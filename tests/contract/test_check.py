"""The contract agrees with itself."""

import subprocess
import sys
from pathlib import Path

CHECK = Path(__file__).parents[2] / "docs" / "contract" / "check.py"


def test_the_contract_is_whole() -> None:
    run = subprocess.run([sys.executable, str(CHECK)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "the contract is whole"), (
        run.stdout + run.stderr
    )
