"""A runner of checks: small, so that the suite needs nothing but the client it tries.

A check is a function whose name is the claim; it takes the world that the suite made. One that takes too long is given
up on, since a list that never ends would otherwise stop everything.
"""

import threading
import time
import traceback
from pathlib import Path

# What a check may take, in seconds. The slowest waits for three turns of three seconds, on a machine that is busy.
PATIENCE_S = 90

CHECKS = []


def check(function):
    """Registers a claim under the function's name."""
    return named(function.__name__.replace("_", " "))(function)


def named(name):
    """Registers a claim under a name of its own, for cases that are data."""

    def register(function):
        CHECKS.append((name, function))
        return function

    return register


def same(actual, expected, what):
    """Both are equal, or the difference is told."""
    assert actual == expected, f"{what}: expected {expected!r}, got {actual!r}"


def holds(condition, what):
    """The condition holds, or what was claimed is told."""
    assert condition, what


def wait_until(is_so, what, patience_s=20.0):
    """Waits until something is so, and returns what made it so."""
    end = time.monotonic() + patience_s
    while True:
        found = is_so()
        if found:
            return found
        assert time.monotonic() < end, f"after {patience_s} s: {what}"
        time.sleep(0.02)


class Failure:
    """A check that failed, with what was said on the wire before."""

    def __init__(self, name, trace, wire):
        self.name, self.trace, self.wire = name, trace, wire


def run(world, pattern):
    """Runs the checks whose name has the pattern; returns how many passed, and the failures."""
    passed, failures = 0, []
    for name, function in CHECKS:
        if pattern and pattern not in name:
            continue
        began = time.monotonic()
        world.forget_wire()
        problem = attempt(function, world)
        took = time.monotonic() - began
        if problem is None:
            passed += 1
            print(f"ok      {name} ({took:.2f} s)", flush=True)
        else:
            failures.append(Failure(name, problem, world.wire_text()))
            print(f"FAILED  {name} ({took:.2f} s)\n{problem.rstrip()}\n{world.wire_text()}", flush=True)
    return passed, failures


def told(error):
    """An error with the lines of this suite that led to it; those of the client say nothing more."""
    here = str(Path(__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(here)]
    lines = [f"    {Path(frame.filename).name}:{frame.lineno} {frame.line}" for frame in frames[-4:]]
    what = f"{type(error).__name__}: {error}"[:1500]
    cause = f"\n    because {error.__cause__}"[:1500] if error.__cause__ else ""
    return "\n".join([f"    {what}{cause}", *lines])


def attempt(function, world):
    """Runs one check; returns the trace of what went wrong, or None."""
    problem = [f"it did not end within {PATIENCE_S} s"]

    def work():
        try:
            function(world)
            problem[0] = None
        except BaseException as error:
            problem[0] = told(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    return problem[0]
