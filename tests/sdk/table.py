"""The table of methods in `docs/letta-compatibility.md`: what is the same for every run is in it, and nothing else."""

import difflib
import json

# What a method is that answered as it should.
WORKS = "works"

HEAD = """# What works with letta-client

`resident server` is compatible with `letta-client` 1.3.3 and later (V1 REST as of server 0.16.8). This page is made by
the tests in `tests/sdk`: they call every method of the client against a real server, with strict validation of the
answers, and write down what became of it. `cargo xtask test` fails when the page is not what it finds;
`cargo xtask clients --bless` writes it anew.

Models that are not configured (such as `openai/gpt-4o`) are answered by the default model and reported back as asked
for. What is not offered is answered with the status 501 and the reason; clients are told not to try again.
"""


def read(path):
    """What a run of the suite wrote; nothing, where it ended before."""
    return json.loads(path.read_text()) if path.exists() else {}


def document(found):
    """The document. `found` has for each version what became of each of its methods."""
    versions = sorted(found, key=lambda version: [int(part) for part in version.split(".")])
    names = sorted({name for outcomes in found.values() for name in outcomes})
    works = [f"{sum(o['answer'] == WORKS for o in found[v].values())} of {len(found[v])} with {v}" for v in versions]
    lines = [HEAD, f"Methods that work: {', '.join(works)}.", ""]
    lines += [f"| Method | Route | {' | '.join(versions)} |", "| --- " * (2 + len(versions)) + "|"]
    lines += [row(name, versions, found) for name in names]
    return "\n".join([*lines, "", *reasons(names, found)]) + "\n"


def row(name, versions, found):
    """One method. A version that does not have it shows a dash."""
    outcomes = [found[version].get(name) for version in versions]
    route = next(outcome["route"] for outcome in reversed(outcomes) if outcome)
    answers = ["–" if not outcome else WORKS if outcome["answer"] == WORKS else "not offered" for outcome in outcomes]
    return f"| `{name}` | `{route}` | {' | '.join(answers)} |"


def reasons(names, found):
    """What is not offered, by its reason."""
    methods = {}
    for name in names:
        for outcomes in found.values():
            answer = outcomes.get(name, {}).get("answer", WORKS)
            if answer != WORKS:
                methods.setdefault(answer, {})[name] = True
    lines = [f"- {', '.join(f'`{name}`' for name in found)}: {reason}" for reason, found in methods.items()]
    return ["## Not offered", "", *lines] if lines else []


def difference(path, text):
    """How the committed document differs."""
    old = path.read_text().splitlines() if path.exists() else []
    return "\n".join(difflib.unified_diff(old, text.splitlines(), "committed", "found", lineterm="", n=0))
