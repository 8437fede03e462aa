"""All checks, in the order in which they run."""

import importlib

import methods

TOPICS = ("seed", "fields", "lists", "turns", "streams", "approvals", "conversations", "files", "travel", "groups", "repeats", "errors", "door", "killed")


def register(world):
    """Registers the checks: those of a topic do it when they are imported, those of methods come from the client."""
    for topic in TOPICS:
        importlib.import_module(topic)
    methods.register_methods(world.letta)


def outcomes():
    """What became of each method."""
    return methods.OUTCOMES
