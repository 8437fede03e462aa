"""All checks, in the order in which they run."""

import seed
import methods
import lists
import turns
import streams
import approvals
import conversations
import repeats
import errors
import door
import killed

TOPICS = [seed, lists, turns, streams, approvals, conversations, repeats, errors, door, killed]


def register(world):
    """Registers what is found by looking at the client; the rest registered itself when it was imported."""
    methods.register_methods(world.letta)
    assert TOPICS


def outcomes():
    """What became of each method."""
    return methods.OUTCOMES
