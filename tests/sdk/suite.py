"""Runs the checks with the one version of the client that is on Python's path; `run.py` starts it for each."""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import letta_client

import checks
import topics
from world import World, check_items_of_pages


def main():
    """Runs, reports, and leaves what was found for the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="the program `resident`")
    parser.add_argument("--models", required=True, help="the folder of the models")
    parser.add_argument("--only", default="", help="run checks with this in their name")
    parser.add_argument("--outcomes", help="write here what became of each method")
    parser.add_argument("--failures", help="append here what failed, with what was said on the wire")
    arguments = parser.parse_args()

    # Methods that the client advises against are tried like the others.
    warnings.simplefilter("ignore", DeprecationWarning)
    check_items_of_pages()
    world = World(arguments.server, arguments.models)
    try:
        topics.register(world)
        passed, failures = checks.run(world, arguments.only)
        write_down(arguments, failures, topics.outcomes())
    finally:
        world.close()
    state = "FAILED" if failures else "ok"
    print(f"letta-client {letta_client.__version__}")
    print(f"test result: {state}. {passed} passed; {len(failures)} failed", flush=True)
    # Threads of checks that were given up on must not keep the program.
    os._exit(1 if failures else 0)


def write_down(arguments, failures, outcomes):
    """Writes the files that were asked for."""
    if arguments.outcomes:
        Path(arguments.outcomes).write_text(json.dumps(outcomes))
    if arguments.failures:
        with open(arguments.failures, "a") as file:
            for failure in failures:
                file.write(f"### {letta_client.__version__}: {failure.name}\n{failure.trace}\n{failure.wire}\n\n")


if __name__ == "__main__":
    main()
