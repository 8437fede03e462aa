"""Every method of the client, each once: it works, or the server says with 501 what is not offered and why.

The methods are found by looking at the client, so that none is forgotten; the calls below say with what each is tried
and what must be true of its answer. What was found becomes the table in `docs/letta-compatibility.md`.
"""

import contextlib
import functools
import inspect
import json
import re

import letta_client
from letta_client import APIStatusError

from checks import holds, named, same, wait_until
from endpoint import script
from table import WORKS
from things import HI, Things, fresh, tool_source
from world import body_of, whole_list

# What each method turned out to be, as the table has it.
OUTCOMES = {}

CALLS = {}

EMBEDDING = "openai/text-embedding-3-small"

# Stands in ids of things that are not there, so that a route shows what they would name.
NOBODY = "00000000-0000-4000-8000-0000000000ff"


def calls(name):
    """Registers how a method is called. The function gets the client and the things."""

    def register(function):
        CALLS[name] = function
        return function

    return register


def methods_of(thing, path=()):
    """The names of all methods of the client, as one writes them: `agents.messages.create`."""
    found = set()
    for name in dir(type(thing)):
        if name.startswith(("_", "with_")):
            continue
        attribute = inspect.getattr_static(type(thing), name)
        if type(attribute).__name__ == "cached_property":
            inner = getattr(thing, name)
            if isinstance(inner, letta_client._resource.SyncAPIResource):
                found |= methods_of(inner, (*path, name))
        elif inspect.isfunction(attribute) and (path or name == "health"):
            found.add(".".join((*path, name)))
    return found


def route_of(request):
    """The route that a request took: its ids are replaced by what they name."""
    path = request.url.raw_path.decode().split("?")[0]
    path = re.sub(r"/([a-z_]+)-[0-9a-f]{8}-[0-9a-f-]{27}", r"/{\1}", path)
    path = re.sub(r"/core-memory/blocks/(?!attach|detach)[^/]+$", "/core-memory/blocks/{label}", path)
    path = re.sub(r"/tools/(approval/)?[^/{]+(/run)?$", r"/tools/\1{name}\2", path) if "/v1/agents/" in path else path
    return f"{request.method} {path}"


def register_methods(letta):
    """Makes a check of every method."""
    wanted = methods_of(letta)
    for name in sorted(wanted):
        named(f"method {name}")(lambda world, name=name: try_method(world, name))


def try_method(world, name):
    """Calls one method, and keeps what it turned out to be."""
    holds(name in CALLS, f"nothing says how `{name}` is called")
    if not hasattr(world, "things"):
        world.things = Things(world)
    with watched(world, name) as seen:
        try:
            CALLS[name](world.letta, world.things)
            answer = WORKS
        except APIStatusError as error:
            if error.status_code != 501 or error is not seen.get("error"):
                raise
            answer = body_of(error)["detail"]
            same(error.response.headers.get("x-should-retry"), "false", "what is not offered is not asked for again")
    holds("request" in seen, f"the call does not use `{name}`")
    OUTCOMES[name] = {"route": route_of(seen["request"]), "answer": answer}


@contextlib.contextmanager
def watched(world, name):
    """Notes the request that a method sends, and the error that it raises; other methods may be used around it."""
    *path, last = name.split(".")
    resource = type(functools.reduce(getattr, path, world.letta))
    method, seen = getattr(resource, last), {}

    def watching(*arguments, **named_arguments):
        try:
            return method(*arguments, **named_arguments)
        except APIStatusError as error:
            seen["error"] = error
            raise
        finally:
            seen.setdefault("request", world.last_request)

    setattr(resource, last, watching)
    try:
        yield seen
    finally:
        setattr(resource, last, method)


@calls("health")
def _(letta, things):
    same(letta.health().status, "ok", "health")


# Agents


@calls("agents.create")
def _(letta, things):
    agent = letta.agents.create(
        name=fresh("agent"), memory_blocks=[{"label": "human", "value": "Ada"}], model="openai/gpt-4o", embedding=EMBEDDING,
        tags=["a"], description="d", metadata={"k": 1}, system="Be brief.", include_base_tools=True, timezone="Europe/Rome",
    )
    same((agent.model, agent.embedding, agent.tags, agent.system), ("openai/gpt-4o", EMBEDDING, ["a"], "Be brief."), "as asked")
    same(agent.metadata["k"], 1, "metadata")


@calls("agents.retrieve")
def _(letta, things):
    same(letta.agents.retrieve(things.agent.id, include=["agent.blocks"]).id, things.agent.id, "id")


@calls("agents.update")
def _(letta, things):
    agent = letta.agents.update(things.agent.id, description="changed", metadata={"new": True}, tags=["tried", "twice"])
    same((agent.description, agent.metadata, sorted(agent.tags)), ("changed", {"new": True}, ["tried", "twice"]), "changed")
    same(agent.name, things.agent.name, "what is not named stays")


@calls("agents.list")
def _(letta, things):
    found = whole_list(letta.agents.list(name=things.agent.name))
    same([agent.id for agent in found], [things.agent.id], "the agent of that name")


@calls("agents.delete")
def _(letta, things):
    agent = things.world.agent()
    letta.agents.delete(agent.id)
    same(whole_list(letta.agents.list(name=agent.name)), [], "it is gone")


@calls("agents.recompile")
def _(letta, things):
    holds("Ada" in letta.agents.recompile(things.agent.id), "the prompt has the block")


@calls("agents.export_file")
def _(letta, things):
    holds(things.agent.name in letta.agents.export_file(things.agent.id), "the file has the agent")


@calls("agents.import_file")
def _(letta, things):
    same(len(letta.agents.import_file(file=json.dumps(AGENT_FILE).encode()).agent_ids), 1, "one agent")


AGENT_FILE = {
    "agents": [{
        "id": "agent-0", "name": "imported", "system": "Be brief.", "agent_type": "letta_v1_agent", "tool_ids": [],
        "block_ids": [], "messages": [], "in_context_message_ids": [], "files_agents": [], "group_ids": [],
        "llm_config": {"model": "m", "model_endpoint_type": "openai", "context_window": 8192},
    }],
    "groups": [], "blocks": [], "files": [], "sources": [], "tools": [], "mcp_servers": [], "metadata": {},
}


@calls("agents.archives.attach")
def _(letta, things):
    letta.agents.archives.attach(things.archive.id, agent_id=things.world.agent().id)


@calls("agents.archives.detach")
def _(letta, things):
    agent = things.world.agent()
    letta.agents.archives.attach(things.archive.id, agent_id=agent.id)
    letta.agents.archives.detach(things.archive.id, agent_id=agent.id)
    same(whole_list(letta.archives.list(agent_id=agent.id)), [], "no archive is left")


@calls("agents.blocks.list")
def _(letta, things):
    labels = {block.label for block in letta.agents.blocks.list(things.agent.id)}
    holds({"human", "notes"} <= labels, f"both blocks: {labels}")


@calls("agents.blocks.retrieve")
def _(letta, things):
    same(letta.agents.blocks.retrieve("human", agent_id=things.agent.id).value, "Ada", "value")


@calls("agents.blocks.update")
def _(letta, things):
    block = letta.agents.blocks.update("notes", agent_id=things.agent.id, value="some", description="Notes.")
    same((block.value, block.description), ("some", "Notes."), "changed")


@calls("agents.blocks.attach")
def _(letta, things):
    block = things.block
    agent = letta.agents.blocks.attach(block.id, agent_id=things.agent.id)
    holds(block.id in [block.id for block in agent.memory.blocks], "the agent has it")


@calls("agents.blocks.detach")
def _(letta, things):
    block = things.block
    letta.agents.blocks.attach(block.id, agent_id=things.agent.id)
    agent = letta.agents.blocks.detach(block.id, agent_id=things.agent.id)
    holds(block.id not in [block.id for block in agent.memory.blocks], "the agent has it no more")


@calls("agents.files.list")
def _(letta, things):
    things.folder
    files = whole_list(letta.agents.files.list(things.agent.id))
    holds(files and files[0].file_name.endswith(".txt"), f"the folder's file: {files}")


@calls("agents.files.open")
def _(letta, things):
    letta.agents.files.open(things.open_file.file_id, agent_id=things.agent.id)
    holds(next(iter(letta.agents.files.list(things.agent.id))).is_open, "it is open")


@calls("agents.files.close")
def _(letta, things):
    letta.agents.files.close(things.open_file.file_id, agent_id=things.agent.id)
    holds(not next(iter(letta.agents.files.list(things.agent.id))).is_open, "it is closed")


@calls("agents.files.close_all")
def _(letta, things):
    letta.agents.files.open(things.open_file.file_id, agent_id=things.agent.id)
    same(len(letta.agents.files.close_all(things.agent.id)), 1, "one was open")


@calls("agents.folders.attach")
def _(letta, things):
    agent = things.world.agent()
    letta.agents.folders.attach(things.folder.id, agent_id=agent.id)
    tools = {tool.name for tool in letta.agents.tools.list(agent.id, limit=100)}
    holds({"open_files", "grep_files", "semantic_search_files"} <= tools, f"the tools for files: {tools}")


@calls("agents.folders.detach")
def _(letta, things):
    agent = things.world.agent()
    letta.agents.folders.attach(things.folder.id, agent_id=agent.id)
    letta.agents.folders.detach(things.folder.id, agent_id=agent.id)
    same(whole_list(letta.agents.folders.list(agent.id)), [], "no folder is left")


@calls("agents.folders.list")
def _(letta, things):
    things.folder
    same([folder.id for folder in letta.agents.folders.list(things.agent.id)], [things.folder.id], "the folder")


@calls("agents.identities.attach")
def _(letta, things):
    letta.agents.identities.attach(things.identity["id"], agent_id=things.agent.id)
    holds(things.identity["id"] in letta.agents.retrieve(things.agent.id).identity_ids, "the agent has it")


@calls("agents.identities.detach")
def _(letta, things):
    letta.agents.identities.attach(things.identity["id"], agent_id=things.agent.id)
    letta.agents.identities.detach(things.identity["id"], agent_id=things.agent.id)
    same(letta.agents.retrieve(things.agent.id).identity_ids, [], "the agent has it no more")


@calls("agents.messages.create")
def _(letta, things):
    answer = letta.agents.messages.create(agent_id=things.agent.id, messages=HI)
    same(answer.stop_reason.stop_reason, "end_turn", "it ended")
    same(answer.messages[-1].content, "You said: Hello there.", "the answer")


@calls("agents.messages.stream")
def _(letta, things):
    chunks = list(letta.agents.messages.stream(agent_id=things.agent.id, messages=HI))
    holds("You said: Hello there." in [getattr(chunk, "content", None) for chunk in chunks], "the answer is streamed")


@calls("agents.messages.create_async")
def _(letta, things):
    run = letta.agents.messages.create_async(agent_id=things.agent.id, messages=HI)
    done = wait_until(lambda: (now := letta.runs.retrieve(run.id)).status in ("completed", "failed") and now, "the run goes on")
    same(done.status, "completed", "its status")


@calls("agents.messages.list")
def _(letta, things):
    things.agent
    contents = [getattr(message, "content", None) for message in letta.agents.messages.list(things.agent.id)]
    holds("Hello there." in contents, "what was said is there")


@calls("agents.messages.cancel")
def _(letta, things):
    agent = things.world.agent()
    stream, first = things.busy({"say": "one two three", "wait_s": 5}, agent.id)
    answer = letta.agents.messages.cancel(agent.id)
    same(answer, {first.run_id: "cancelled"}, "the run is cancelled")
    list(stream)


@calls("agents.messages.compact")
def _(letta, things):
    agent = things.world.agent()
    for n in range(4):
        letta.agents.messages.create(agent_id=agent.id, input=f"This is message {n}. " + "All is well. " * 20)
    answer = letta.agents.messages.compact(agent.id)
    holds(answer.num_messages_after < answer.num_messages_before, f"fewer messages: {answer}")
    holds(answer.summary, "there is a summary")


@calls("agents.messages.reset")
def _(letta, things):
    agent = things.world.agent()
    letta.agents.messages.create(agent_id=agent.id, messages=HI)
    letta.agents.messages.reset(agent.id, add_default_initial_messages=False)
    holds(len(letta.agents.retrieve(agent.id).message_ids) <= 1, "only the instructions are in the window")


@calls("agents.passages.create")
def _(letta, things):
    passages = letta.agents.passages.create(agent_id=things.agent.id, text="Ada plays chess.", tags=["games"])
    same([(passage.text, passage.tags) for passage in passages], [("Ada plays chess.", ["games"])], "one passage")


@calls("agents.passages.list")
def _(letta, things):
    passage = things.passage()
    holds(passage.id in [found.id for found in letta.agents.passages.list(things.agent.id)], "the passage is listed")


@calls("agents.passages.search")
def _(letta, things):
    passage = things.passage("The boiler was repaired by Mr Olsen.")
    answer = letta.agents.passages.search(things.agent.id, query="boiler repaired", top_k=3)
    same(answer.count, len(answer.results), "the count")
    same(answer.results[0].id, passage.id, "the best hit")


@calls("agents.passages.delete")
def _(letta, things):
    passage = things.passage()
    letta.agents.passages.delete(passage.id, agent_id=things.agent.id)
    holds(passage.id not in [found.id for found in letta.agents.passages.list(things.agent.id)], "the passage is gone")


SCHEDULE = {"type": "one-time", "scheduled_at": 4102444800000}


@calls("agents.schedule.create")
def _(letta, things):
    letta.agents.schedule.create(things.agent.id, messages=HI, schedule=SCHEDULE)


@calls("agents.schedule.list")
def _(letta, things):
    letta.agents.schedule.list(things.agent.id)


@calls("agents.schedule.retrieve")
def _(letta, things):
    letta.agents.schedule.retrieve(f"scheduled_message-{NOBODY}", agent_id=things.agent.id)


@calls("agents.schedule.delete")
def _(letta, things):
    letta.agents.schedule.delete(f"scheduled_message-{NOBODY}", agent_id=things.agent.id)


@calls("agents.tools.list")
def _(letta, things):
    names = {tool.name for tool in letta.agents.tools.list(things.agent.id)}
    holds({"memory_replace", "memory_insert", "conversation_search"} <= names, f"the tools of its kind: {names}")


@calls("agents.tools.attach")
def _(letta, things):
    tool = things.tool
    letta.agents.tools.attach(tool.id, agent_id=things.agent.id)
    holds(tool.name in {found.name for found in letta.agents.tools.list(things.agent.id)}, "the agent has it")


@calls("agents.tools.detach")
def _(letta, things):
    tool = things.tool
    letta.agents.tools.attach(tool.id, agent_id=things.agent.id)
    letta.agents.tools.detach(tool.id, agent_id=things.agent.id)
    holds(tool.name not in {found.name for found in letta.agents.tools.list(things.agent.id)}, "the agent has it no more")


@calls("agents.tools.run")
def _(letta, things):
    answer = letta.agents.tools.run("memory_insert", agent_id=things.agent.id, args={"label": "notes", "new_string": "more"})
    same(answer.status, "success", f"it ran: {answer}")
    holds("more" in letta.agents.blocks.retrieve("notes", agent_id=things.agent.id).value, "it did what it does")


@calls("agents.tools.update_approval")
def _(letta, things):
    agent = things.world.agent()
    letta.agents.tools.update_approval("memory_insert", agent_id=agent.id, body_requires_approval=True)
    rules = [(rule.type, rule.tool_name) for rule in letta.agents.retrieve(agent.id).tool_rules]
    holds(("requires_approval", "memory_insert") in rules, f"the rule is there: {rules}")


# Archives and passages


@calls("archives.create")
def _(letta, things):
    same(letta.archives.create(name="papers", description="d").name, "papers", "name")


@calls("archives.retrieve")
def _(letta, things):
    same(letta.archives.retrieve(things.archive.id).name, things.archive.name, "name")


@calls("archives.update")
def _(letta, things):
    same(letta.archives.update(things.archive.id, description="changed").description, "changed", "description")


@calls("archives.list")
def _(letta, things):
    same([archive.id for archive in letta.archives.list(name=things.archive.name)], [things.archive.id], "by its name")


@calls("archives.delete")
def _(letta, things):
    archive = letta.archives.create(name=fresh("archive"))
    letta.archives.delete(archive.id)
    same(whole_list(letta.archives.list(name=archive.name)), [], "it is gone")


@calls("archives.passages.create")
def _(letta, things):
    passage = letta.archives.passages.create(things.archive.id, text="The ladder is in the shed.", tags=["house"])
    same((passage.text, passage.archive_id), ("The ladder is in the shed.", things.archive.id), "the passage")


@calls("archives.passages.create_many")
def _(letta, things):
    passages = letta.archives.passages.create_many(things.archive.id, passages=[{"text": "one"}, {"text": "two"}])
    same([passage.text for passage in passages], ["one", "two"], "both, in their order")


@calls("archives.passages.delete")
def _(letta, things):
    passage = letta.archives.passages.create(things.archive.id, text="to be forgotten")
    letta.archives.passages.delete(passage.id, archive_id=things.archive.id)


@calls("passages.search")
def _(letta, things):
    passage = letta.archives.passages.create(things.archive.id, text="The piano tuner comes in May.")
    found = letta.passages.search(query="piano tuner", archive_id=things.archive.id, limit=3)
    same(found[0].passage.id, passage.id, "the best hit")


# Blocks


@calls("blocks.create")
def _(letta, things):
    block = letta.blocks.create(label="topic", value="v", limit=100, description="d", metadata={"k": 1}, tags=["t"])
    same((block.label, block.value, block.limit, block.metadata, block.tags), ("topic", "v", 100, {"k": 1}, ["t"]), "as asked")


@calls("blocks.retrieve")
def _(letta, things):
    block = things.block
    same(letta.blocks.retrieve(block.id).value, block.value, "value")


@calls("blocks.update")
def _(letta, things):
    block = letta.blocks.update(things.block.id, value="changed", read_only=True)
    same((block.value, block.read_only), ("changed", True), "changed")


@calls("blocks.list")
def _(letta, things):
    block = things.block
    same([found.id for found in letta.blocks.list(label=block.label)], [block.id], "by its label")


@calls("blocks.delete")
def _(letta, things):
    block = things.block
    letta.blocks.delete(block.id)
    same(whole_list(letta.blocks.list(label=block.label)), [], "it is gone")


@calls("blocks.agents.list")
def _(letta, things):
    block = things.block
    letta.agents.blocks.attach(block.id, agent_id=things.agent.id)
    same([agent.id for agent in letta.blocks.agents.list(block.id)], [things.agent.id], "the agent that has it")


# Conversations


def say(letta, conversation, text="Hello there."):
    """Says something in a conversation, to its end."""
    return list(letta.conversations.messages.create(conversation.id, messages=[{"role": "user", "content": text}]))


@calls("conversations.create")
def _(letta, things):
    conversation = letta.conversations.create(agent_id=things.agent.id, summary="About tea")
    same((conversation.agent_id, conversation.summary), (things.agent.id, "About tea"), "as asked")


@calls("conversations.retrieve")
def _(letta, things):
    same(letta.conversations.retrieve(things.conversation.id).agent_id, things.agent.id, "its agent")


@calls("conversations.update")
def _(letta, things):
    same(letta.conversations.update(things.conversation.id, summary="Changed").summary, "Changed", "summary")


@calls("conversations.list")
def _(letta, things):
    things.conversation
    found = letta.conversations.list(agent_id=things.agent.id)
    holds(things.conversation.id in [conversation.id for conversation in found], "it is listed")


@calls("conversations.delete")
def _(letta, things):
    conversation = letta.conversations.create(agent_id=things.agent.id)
    letta.conversations.delete(conversation.id)
    found = letta.conversations.list(agent_id=things.agent.id)
    holds(conversation.id not in [conversation.id for conversation in found], "it is gone")


@calls("conversations.fork")
def _(letta, things):
    say(letta, things.conversation)
    fork = letta.conversations.fork(things.conversation.id)
    holds(fork.id != things.conversation.id, "another conversation")
    contents = [getattr(message, "content", None) for message in letta.conversations.messages.list(fork.id)]
    holds("Hello there." in contents, "what was said before is there")


@calls("conversations.cancel")
def _(letta, things):
    conversation = letta.conversations.create(agent_id=things.agent.id)
    content = script({"say": "one", "wait_s": 5})
    stream = letta.conversations.messages.create(conversation.id, messages=[{"role": "user", "content": content}])
    first = next(iter(stream))
    same(letta.conversations.cancel(conversation.id), {first.run_id: "cancelled"}, "the run is cancelled")
    list(stream)


@calls("conversations.recompile")
def _(letta, things):
    holds("Ada" in letta.conversations.recompile(things.conversation.id), "the prompt has the block")


@calls("conversations.messages.create")
def _(letta, things):
    chunks = say(letta, things.conversation)
    holds("You said: Hello there." in [getattr(chunk, "content", None) for chunk in chunks], "the answer")


@calls("conversations.messages.list")
def _(letta, things):
    say(letta, things.conversation, "Something else.")
    messages = whole_list(letta.conversations.messages.list(things.conversation.id))
    holds("Something else." in [getattr(message, "content", None) for message in messages], "what was said")


@calls("conversations.messages.stream")
def _(letta, things):
    conversation = letta.conversations.create(agent_id=things.agent.id)
    content = script({"say": "one two three four", "word_s": 0.2})
    begun = letta.conversations.messages.create(
        conversation.id, messages=[{"role": "user", "content": content}], background=True
    )
    next(iter(begun))
    chunks = list(letta.conversations.messages.stream(conversation.id))
    begun.close()
    holds("one two three four" in [getattr(chunk, "content", None) for chunk in chunks], "the answer is streamed again")


@calls("conversations.messages.compact")
def _(letta, things):
    conversation = letta.conversations.create(agent_id=things.agent.id)
    for n in range(4):
        say(letta, conversation, f"This is message {n}. " + "All is well. " * 20)
    answer = letta.conversations.messages.compact(conversation.id)
    holds(answer.num_messages_after < answer.num_messages_before, f"fewer messages: {answer}")


# Folders


@calls("folders.create")
def _(letta, things):
    same(letta.folders.create(name=(name := fresh("folder")), embedding=EMBEDDING, description="d").name, name, "name")


@calls("folders.retrieve")
def _(letta, things):
    same(letta.folders.retrieve(things.folder.id).name, things.folder.name, "name")


@calls("folders.update")
def _(letta, things):
    same(letta.folders.update(things.folder.id, description="changed").description, "changed", "description")


@calls("folders.list")
def _(letta, things):
    same([folder.id for folder in letta.folders.list(name=things.folder.name)], [things.folder.id], "by its name")


@calls("folders.delete")
def _(letta, things):
    folder = letta.folders.create(name=fresh("folder"), embedding=EMBEDDING)
    letta.folders.delete(folder.id)
    same(whole_list(letta.folders.list(name=folder.name)), [], "it is gone")


@calls("folders.agents.list")
def _(letta, things):
    holds(things.agent.id in letta.folders.agents.list(things.folder.id), "the agent that has it")


@calls("folders.files.upload")
def _(letta, things):
    file = things.upload(things.folder)
    holds(file.file_name.endswith(".txt"), "its name")


@calls("folders.files.list")
def _(letta, things):
    file = things.upload(things.folder)
    holds(file.id in [found.id for found in letta.folders.files.list(things.folder.id)], "it is listed")


@calls("folders.files.retrieve")
def _(letta, things):
    file = things.upload(things.folder)
    found = letta.folders.files.retrieve(file.id, folder_id=things.folder.id, include_content=True)
    same(found.content, "The key is under the mat.\n", "its content")


@calls("folders.files.delete")
def _(letta, things):
    file = things.upload(things.folder)
    letta.folders.files.delete(file.id, folder_id=things.folder.id)
    holds(file.id not in [found.id for found in letta.folders.files.list(things.folder.id)], "it is gone")


# Tool servers


@calls("mcp_servers.create")
def _(letta, things):
    server = letta.mcp_servers.create(server_name=(name := fresh("adder")), config=things.mcp_config)
    same((server.server_name, server.mcp_server_type), (name, "stdio"), "as asked")
    letta.mcp_servers.delete(server.id)


@calls("mcp_servers.retrieve")
def _(letta, things):
    same(letta.mcp_servers.retrieve(things.mcp_server.id).server_name, things.mcp_server.server_name, "name")


@calls("mcp_servers.update")
def _(letta, things):
    server = letta.mcp_servers.update(things.mcp_server.id, server_name=fresh("adder"), config=things.mcp_config)
    holds(server.server_name != things.mcp_server.server_name, "renamed")


@calls("mcp_servers.list")
def _(letta, things):
    holds(things.mcp_server.id in [server.id for server in letta.mcp_servers.list()], "it is listed")


@calls("mcp_servers.refresh")
def _(letta, things):
    letta.mcp_servers.refresh(things.mcp_server.id)


@calls("mcp_servers.delete")
def _(letta, things):
    server = letta.mcp_servers.create(server_name=fresh("adder"), config=things.mcp_config)
    letta.mcp_servers.delete(server.id)
    holds(server.id not in [server.id for server in letta.mcp_servers.list()], "it is gone")


@calls("mcp_servers.tools.list")
def _(letta, things):
    same([tool.name for tool in letta.mcp_servers.tools.list(things.mcp_server.id)], ["add"], "its tool")


@calls("mcp_servers.tools.retrieve")
def _(letta, things):
    same(letta.mcp_servers.tools.retrieve(things.mcp_tool.id, mcp_server_id=things.mcp_server.id).name, "add", "name")


@calls("mcp_servers.tools.run")
def _(letta, things):
    answer = letta.mcp_servers.tools.run(things.mcp_tool.id, mcp_server_id=things.mcp_server.id, args={"a": 2, "b": 3})
    same(answer.status, "success", f"it ran: {answer}")
    holds("5" in str(answer.func_return), f"the sum: {answer.func_return}")


# Messages, models, tags


@calls("messages.list")
def _(letta, things):
    things.agent
    holds(letta.messages.list(), "messages of all agents")


@calls("messages.retrieve")
def _(letta, things):
    holds(things.message.id in [message.id for message in letta.messages.retrieve(things.message.id)], "its parts")


@calls("messages.search")
def _(letta, things):
    agent = things.world.agent()
    letta.agents.messages.create(agent_id=agent.id, input="The violin needs new strings.")
    found = letta.messages.search(query="violin strings", agent_id=agent.id)
    holds("The violin needs new strings." in [getattr(hit, "content", None) for hit in found], "what was said is found")


@calls("models.list")
def _(letta, things):
    handles = [model.handle for model in letta.models.list()]
    holds(any("script-1" in handle for handle in handles), f"the endpoint's model: {handles}")


@calls("models.embeddings.list")
def _(letta, things):
    holds(letta.models.embeddings.list(), "there is an embedder")


@calls("tags.list")
def _(letta, things):
    things.agent
    holds("tried" in letta.tags.list(limit=1000), "the agent's tag")


# Runs and steps


@calls("runs.list")
def _(letta, things):
    same({run.agent_id for run in letta.runs.list(agent_id=things.agent.id)}, {things.agent.id}, "of the agent")


@calls("runs.retrieve")
def _(letta, things):
    same(letta.runs.retrieve(things.run.id).status, "completed", "its status")


@calls("runs.messages.list")
def _(letta, things):
    holds(len(whole_list(letta.runs.messages.list(things.run.id))) >= 2, "what was said and answered")


@calls("runs.messages.stream")
def _(letta, things):
    agent = things.world.agent()
    stream, first = things.busy({"say": "one two three"}, agent.id)
    whole = [chunk.message_type for chunk in stream]
    again = list(letta.runs.messages.stream(first.run_id, starting_after=0))
    holds("one two three" in [getattr(chunk, "content", None) for chunk in again], f"the answer again, after {whole}")


@calls("runs.steps.list")
def _(letta, things):
    same([step.run_id for step in letta.runs.steps.list(things.run.id)], [things.run.id], "its one step")


@calls("runs.trace.retrieve")
def _(letta, things):
    letta.runs.trace.retrieve(things.run.id)


@calls("runs.usage.retrieve")
def _(letta, things):
    same(letta.runs.usage.retrieve(things.run.id).completion_tokens, 10, "what the endpoint counted")


@calls("steps.list")
def _(letta, things):
    same({step.agent_id for step in letta.steps.list(agent_id=things.agent.id)}, {things.agent.id}, "of the agent")


@calls("steps.retrieve")
def _(letta, things):
    same(letta.steps.retrieve(things.step.id).id, things.step.id, "id")


@calls("steps.messages.list")
def _(letta, things):
    holds(whole_list(letta.steps.messages.list(things.step.id)), "its messages")


@calls("steps.metrics.retrieve")
def _(letta, things):
    same(letta.steps.metrics.retrieve(things.step.id).id, things.step.id, "id")


@calls("steps.trace.retrieve")
def _(letta, things):
    letta.steps.trace.retrieve(things.step.id)


@calls("steps.feedback.create")
def _(letta, things):
    same(letta.steps.feedback.create(things.step.id, feedback="positive").feedback, "positive", "feedback")


# Tools


@calls("tools.create")
def _(letta, things):
    tool = letta.tools.create(source_code=tool_source(name := fresh("roll")), tags=["dice"])
    same((tool.name, tool.tool_type), (name, "custom"), "its name comes from its source")
    same(tool.json_schema["parameters"]["required"], ["sides"], "its schema too")


@calls("tools.upsert")
def _(letta, things):
    tool = things.tool
    again = letta.tools.upsert(source_code=tool_source(tool.name), description="changed")
    same((again.id, again.description), (tool.id, "changed"), "the same tool, changed")


@calls("tools.retrieve")
def _(letta, things):
    tool = things.tool
    same(letta.tools.retrieve(tool.id).name, tool.name, "name")


@calls("tools.update")
def _(letta, things):
    same(letta.tools.update(things.tool.id, tags=["changed"]).tags, ["changed"], "tags")


@calls("tools.list")
def _(letta, things):
    tool = things.tool
    same([found.id for found in letta.tools.list(name=tool.name)], [tool.id], "by its name")


@calls("tools.delete")
def _(letta, things):
    tool = things.tool
    letta.tools.delete(tool.id)
    same(whole_list(letta.tools.list(name=tool.name)), [], "it is gone")


@calls("tools.search")
def _(letta, things):
    tool = things.tool
    holds(tool.id in [hit.tool.id for hit in letta.tools.search(query=tool.name)], "it is found")


def greet(name: str) -> str:
    """
    Greets a person.

    Args:
        name (str): Who is greeted.

    Returns:
        str: The greeting.
    """
    return f"Hello, {name}."


@calls("tools.create_from_function")
def _(letta, things):
    same(letta.tools.create_from_function(func=greet).name, "greet", "name")


@calls("tools.upsert_from_function")
def _(letta, things):
    same(letta.tools.upsert_from_function(func=greet).name, "greet", "name")


@calls("tools.add")
def _(letta, things):
    same(letta.tools.add(tool=greet_tool()).name, "greet_politely", "name")


def greet_tool():
    """A tool as older clients write one."""
    from pydantic import BaseModel

    from letta_client.types.tool import BaseTool

    class Greeting(BaseModel):
        name: str

    class GreetPolitely(BaseTool):
        name: str = "greet_politely"
        args_schema: type[BaseModel] = Greeting
        description: str = "Greets a person politely."

        def run(self, name: str) -> str:
            """Greets."""
            return f"Good evening, {name}."

    return GreetPolitely(id="tool-that-is-not-made-yet")


# What belongs to the provider's cloud


@calls("access_tokens.create")
def _(letta, things):
    letta.access_tokens.create(hostname="example.org", policy=[])


@calls("access_tokens.list")
def _(letta, things):
    letta.access_tokens.list()


@calls("access_tokens.delete")
def _(letta, things):
    letta.access_tokens.delete(f"token-{NOBODY}", body={})


@calls("environments.list")
def _(letta, things):
    letta.environments.list()


@calls("environments.retrieve")
def _(letta, things):
    letta.environments.retrieve(f"device-{NOBODY}")


@calls("environments.send_message")
def _(letta, things):
    letta.environments.send_message(f"connection-{NOBODY}", messages=HI)


@calls("templates.create")
def _(letta, things):
    letta.templates.create(type="agent", agent_id=things.agent.id)


@calls("templates.update")
def _(letta, things):
    letta.templates.update(f"template-{NOBODY}", agent_file_json={})


@calls("templates.delete")
def _(letta, things):
    letta.templates.delete(f"template-{NOBODY}")


@calls("templates.rollback")
def _(letta, things):
    letta.templates.rollback(f"template-{NOBODY}", version="1")


@calls("templates.save")
def _(letta, things):
    letta.templates.save(f"template-{NOBODY}")


@calls("templates.agents.create")
def _(letta, things):
    letta.templates.agents.create(f"template_version-{NOBODY}")
