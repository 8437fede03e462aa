"""Agents that travel: files come in through `import_file`, go out through `export_file`, and mean the same."""

import json
import os
from pathlib import Path

from letta_client import APIStatusError

from checks import check, holds, named, same
from world import texts_of, whole_list

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "crates/agent-file/tests/fixtures"
# Files of others, which are no part of the sources.
REAL = Path(os.environ.get("RESIDENT_SHARED_DATA", ROOT.parent / "shared")) / "data/agent-files"
REAL_NAMES = ("memgpt_agent", "memgpt_agent_with_convo", "outreach_workflow_agent", "deep_research_agent", "evie")


def imported(world, content, **options):
    """The ids of the agents of a file that is taken in under its own names."""
    return world.letta.agents.import_file(file=content, **{"append_copy_suffix": False, **options}).agent_ids


def exported(world, agent_id, **options):
    """What is in the file of an agent, but for the moment in which it was written."""
    file = json.loads(world.letta.agents.export_file(agent_id, **options))
    file.pop("created_at")
    return file


def travels(path):
    """A check that a file means the same after a journey."""

    def journey(world):
        if not path.exists():
            print(f"skipped: {path.name} is not here", flush=True)
            return
        first = imported(world, path.read_bytes())
        written = exported(world, first[0])
        second = imported(world, json.dumps(written).encode())
        same(exported(world, second[0]), written, "after the second journey")
        for agent_id, agent in zip(second, written["agents"]):
            shown = world.letta.agents.retrieve(agent_id)
            values = {block["id"]: block["value"] for block in written["blocks"]}
            same([block.value for block in shown.memory.blocks], [values[id] for id in agent["block_ids"]], "its blocks")
        for agent_id in first + second:
            world.letta.agents.delete(agent_id)

    return journey


for name in ("current", "legacy", "wild"):
    named(f"the fixture {name} means the same after a journey")(travels(FIXTURES / f"{name}.af"))
for name in REAL_NAMES:
    named(f"the real file {name} means the same after a journey")(travels(REAL / f"{name}.af"))


@check
def what_was_said_before_is_listed_and_found(world):
    juno = imported(world, (FIXTURES / "current.af").read_bytes())[0]
    said = texts_of(whole_list(world.letta.agents.messages.list(juno)), "user_message")
    same(said[:2], ["Hello", "Log the tide."], "what the user said, out of its envelopes")
    passages = world.letta.agents.passages.search(juno, query="pier")
    holds(passages.count > 0, "archival memory came along")
    same(world.letta.agents.retrieve(juno).model, "openai/tiny", "the model is reported as it was asked for")


@check
def an_import_does_as_it_is_asked(world):
    content = (FIXTURES / "current.af").read_bytes()
    name = lambda ids: world.letta.agents.retrieve(ids[0]).name
    same(name(world.letta.agents.import_file(file=content).agent_ids), "Juno_copy", "the suffix is V1's default")
    bare = imported(world, content, override_name="Ida", strip_messages=True, model="openai/gpt-4o", secrets='{"KEY": "hush"}')
    agent = world.letta.agents.retrieve(bare[0])
    same((agent.name, agent.model), ("Ida", "openai/gpt-4o"), "name and model")
    same(whole_list(world.letta.agents.messages.list(bare[0])), [], "no messages")
    file = exported(world, bare[0])
    same(file["agents"][0]["secrets"]["KEY"], "", "the name of a secret, not its value")
    whole = imported(world, content)
    same(exported(world, whole[0], scrub_messages=True)["agents"][0]["messages"], [], "an export without messages")


@check
def files_that_cannot_be_taken_in_are_refused_with_the_place(world):
    before = len(whole_list(world.letta.agents.list()))
    for content, words in (
        (b"%PDF-1.4", "not an agent file"),
        (b'{"agents": [{"messages": [{"content": "hi"}]}]}', "agents[0].messages[0]"),
        (b"[" * 100_000, "deep"),
    ):
        try:
            imported(world, content)
        except APIStatusError as error:
            same(error.status_code, 400, "refused")
            holds(words in str(error.body), f"{words} in {error.body}")
        else:
            raise AssertionError(f"{content[:40]} was taken in")
    same(len(whole_list(world.letta.agents.list())), before, "nothing came in")
    agent = world.agent()
    try:
        world.letta.agents.export_file(agent.id, use_legacy_format=True)
    except APIStatusError as error:
        same(error.status_code, 400, "the legacy form is not written")
    else:
        raise AssertionError("the legacy form was written")
