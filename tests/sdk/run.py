"""Tries a real server with real clients: each version of `letta-client` that `clients.txt` names.

Afterwards `docs/letta-compatibility.md` must say what was found; `--bless` writes it anew.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import table

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parent.parent / "docs" / "letta-compatibility.md"


def main():
    """Runs all versions; fails where a check does, or the document is not what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="the program `resident`")
    parser.add_argument("--models", required=True, help="the folder of the models")
    parser.add_argument("--clients", required=True, help="the folder with a folder for each version of the client")
    parser.add_argument("--client", help="try only this version")
    parser.add_argument("--only", default="", help="run checks with this in their name")
    parser.add_argument("--failures", help="append here what failed, with what was said on the wire")
    parser.add_argument("--bless", action="store_true", help="write the document instead of comparing it")
    arguments = parser.parse_args()

    versions = [arguments.client] if arguments.client else (FOLDER / "clients.txt").read_text().split()
    found, failed = {}, False
    for version in versions:
        outcomes, succeeded = try_version(arguments, version)
        found[version], failed = outcomes, failed or not succeeded
    if not (arguments.only or arguments.client):
        failed = not compare(found, arguments.bless) or failed
    sys.exit(1 if failed else 0)


def try_version(arguments, version):
    """Runs the suite with one version; returns what became of each method, and whether all checks passed."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = Path(folder) / "outcomes.json"
        command = [sys.executable, "-B", str(FOLDER / "suite.py"), "--server", arguments.server, "--models", arguments.models]
        command += ["--only", arguments.only, "--outcomes", str(outcomes)]
        command += ["--failures", arguments.failures] if arguments.failures else []
        client = str(Path(arguments.clients).resolve() / version)
        result = subprocess.run(command, env={**os.environ, "PYTHONPATH": client}, check=False)
        return table.read(outcomes), result.returncode == 0


def compare(found, bless):
    """Compares the document with what was found, or writes it."""
    text = table.document(found)
    if bless:
        DOCUMENT.write_text(text)
        return True
    is_same = DOCUMENT.exists() and DOCUMENT.read_text() == text
    if not is_same:
        print(table.difference(DOCUMENT, text))
        print(f"{DOCUMENT} is not what was found; `cargo xtask clients --bless` writes it")
    print(f"test result: {'ok' if is_same else 'FAILED'}. {int(is_same)} passed; {int(not is_same)} failed")
    return is_same


if __name__ == "__main__":
    main()
