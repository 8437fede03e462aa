"""Lists: an iteration with the client ends, sees everything once, and goes the way that was asked for."""

from checks import check, holds, named, same
from things import Things, fresh, tool_source
from world import whole_list

# More than the client's page of any list here, which is 3.
MANY = 7


def ids_of(items):
    """The ids, in their order."""
    return [item.id for item in items]


def check_both_ways(lists, known, limit=3):
    """`lists(order=, limit=)` gives the known ids from the oldest on, and from the newest on."""
    upwards = ids_of(whole_list(lists(order="asc", limit=limit)))
    same(upwards, known, "oldest first")
    same(ids_of(whole_list(lists(order="desc", limit=limit))), known[::-1], "newest first")
    earlier = ids_of(whole_list(lists(order="asc", limit=limit, before=known[-1])))
    same((len(earlier), set(earlier)), (len(known) - 1, set(known[:-1])), "what is before the last")


@check
def agents_are_listed_once_each_way(world):
    tag = fresh("tag")
    agents = [world.agent(tags=[tag]).id for _ in range(MANY)]
    check_both_ways(lambda **page: world.letta.agents.list(tags=[tag], **page), agents)


@check
def agents_beyond_the_default_page_are_listed(world):
    tag = fresh("tag")
    agents = [world.agent(tags=[tag]).id for _ in range(53)]
    same(sorted(ids_of(whole_list(world.letta.agents.list(tags=[tag])))), sorted(agents), "all, once")


@check
def agents_are_found_by_each_filter(world):
    letta, word = world.letta, fresh("word")
    one = world.agent(name=f"{word} One", tags=[word, "red"])
    two = world.agent(name=f"{word} two", tags=[word, "blue"])
    hidden = world.agent(name=f"{word} hidden", hidden=True, tags=[word])
    for query, expected in (
        ({"name": f"{word} One"}, [one.id]),
        ({"query_text": f"{word} ONE"}, [one.id]),
        ({"tags": ["red", "blue"], "query_text": word}, [one.id, two.id]),
        ({"tags": [word, "red"], "match_all_tags": True}, [one.id]),
        ({"query_text": word}, [one.id, two.id]),
        ({"query_text": word, "extra_query": {"show_hidden_agents": True}}, [one.id, two.id, hidden.id]),
    ):
        same(sorted(ids_of(whole_list(letta.agents.list(**query)))), sorted(expected), f"agents with {query}")
    letta.agents.messages.create(agent_id=one.id, input="Hi")
    found = whole_list(letta.agents.list(query_text=word, last_stop_reason="end_turn"))
    same(ids_of(found), [one.id], "by how the last turn ended")
    found = ids_of(whole_list(letta.agents.list(query_text=word, order_by="last_run_completion", order="desc", limit=1)))
    same(found[0], one.id, "the one that was used last comes first")
    same(sorted(found), sorted([one.id, two.id]), "and both are there, once")


@check
def blocks_are_listed_once_each_way(world):
    label = fresh("label")
    blocks = [world.letta.blocks.create(label=label, value=str(n)).id for n in range(MANY)]
    check_both_ways(lambda **page: world.letta.blocks.list(label=label, **page), blocks)


@check
def blocks_beyond_the_default_page_are_listed(world):
    label = fresh("label")
    blocks = [world.letta.blocks.create(label=label, value=str(n)).id for n in range(53)]
    same(ids_of(whole_list(world.letta.blocks.list(label=label))), blocks, "all, once, oldest first")


@check
def blocks_are_found_by_each_filter(world):
    letta, word = world.letta, fresh("word")
    plain = letta.blocks.create(label=word, value=f"the value {word}x", description=f"about {word}y", tags=[word])
    template = letta.blocks.create(label=word, value="v", is_template=True, template_name=f"{word} template")
    used = letta.blocks.create(label=word, value="used")
    world.agent(block_ids=[used.id])
    for query, expected in (
        ({"label": word, "templates_only": True}, [template.id]),
        ({"name": f"{word} template"}, [template.id]),
        ({"value_search": f"{word}x"}, [plain.id]),
        ({"description_search": f"{word}y"}, [plain.id]),
        ({"tags": [word]}, [plain.id]),
        ({"label": word, "connected_to_agents_count_gt": 0}, [used.id]),
        ({"label": word, "connected_to_agents_count_eq": [1]}, [used.id]),
    ):
        same(ids_of(whole_list(letta.blocks.list(**query))), expected, f"blocks with {query}")


@check
def tools_are_listed_once_each_way(world):
    tag = fresh("roll")
    tools = [world.letta.tools.create(source_code=tool_source(f"{tag}_{n}")).id for n in range(MANY)]
    check_both_ways(lambda **page: world.letta.tools.list(search=tag, **page), tools)


@check
def all_tools_are_listed_once(world):
    found = ids_of(whole_list(world.letta.tools.list(limit=4)))
    same(len(found), len(set(found)), "none twice")
    names = {tool.name for tool in whole_list(world.letta.tools.list())}
    holds({"send_message", "memory_replace", "archival_memory_search"} <= names, f"the tools that are built in: {names}")


@check
def tools_are_found_by_their_type(world):
    custom = whole_list(world.letta.tools.list(tool_types=["custom"]))
    same({tool.tool_type for tool in custom} | {"custom"}, {"custom"}, "only custom ones")
    others = whole_list(world.letta.tools.list(exclude_tool_types=["custom"]))
    holds(others and "custom" not in {tool.tool_type for tool in others}, "all but custom ones")


@check
def tools_of_an_agent_are_listed_once(world):
    agent = world.agent(tools=["archival_memory_insert", "archival_memory_search", "core_memory_append", "core_memory_replace"])
    expected = {tool.id for tool in agent.tools}
    for order in ("asc", "desc"):
        found = ids_of(whole_list(world.letta.agents.tools.list(agent.id, limit=2, order=order)))
        same((len(found), set(found)), (len(expected), expected), f"each once, {order}")


@check
def blocks_of_an_agent_are_listed_once(world):
    blocks = [{"label": f"label {n}", "value": "v"} for n in range(MANY)]
    agent = world.agent(memory_blocks=blocks)
    expected = {block.id for block in agent.memory.blocks}
    for order in ("asc", "desc"):
        found = ids_of(whole_list(world.letta.agents.blocks.list(agent.id, limit=3, order=order)))
        same((len(found), set(found)), (len(expected), expected), f"each once, {order}")


@check
def agents_of_a_block_are_listed_once(world):
    block = world.letta.blocks.create(label=fresh("shared"), value="v")
    agents = [world.agent(block_ids=[block.id]).id for _ in range(MANY)]
    check_both_ways(lambda **page: world.letta.blocks.agents.list(block.id, **page), agents)


@check
def passages_are_listed_once_each_way(world):
    letta, agent = world.letta, world.agent()
    known = [letta.agents.passages.create(agent_id=agent.id, text=f"fact {n}")[0].id for n in range(MANY)]
    for ascending in (True, False):
        # Cursors of this list mean created later and earlier, whichever way it goes.
        seen, cursor = [], {}
        while page := letta.agents.passages.list(agent.id, limit=3, ascending=ascending, **cursor):
            seen += ids_of(page)
            cursor = {"after" if ascending else "before": page[-1].id}
            holds(len(seen) <= MANY, "the iteration goes on")
        same(seen, known if ascending else known[::-1], f"ascending={ascending}")
    same([passage.text for passage in letta.agents.passages.list(agent.id, search="fact 3")], ["fact 3"], "by a word in it")


@check
def archives_are_listed_once_each_way(world):
    letta, name = world.letta, fresh("archive")
    archives = [letta.archives.create(name=name).id for _ in range(MANY)]
    check_both_ways(lambda **page: letta.archives.list(name=name, **page), archives)


@check
def folders_are_listed_once(world):
    letta, name = world.letta, fresh("folder")
    known = {letta.folders.create(name=f"{name} {n}", embedding="openai/text-embedding-3-small").id for n in range(MANY)}
    for order in ("asc", "desc"):
        found = ids_of(whole_list(letta.folders.list(limit=3, order=order)))
        same(len(found), len(set(found)), f"none twice, {order}")
        holds(known <= set(found), f"all, {order}")


@check
def files_are_listed_once_each_way(world):
    letta, things = world.letta, Things(world)
    folder = letta.folders.create(name=fresh("folder"), embedding="openai/text-embedding-3-small")
    files = [things.upload(folder).id for _ in range(5)]
    check_both_ways(lambda **page: letta.folders.files.list(folder.id, **page), files, limit=2)
    agent = world.agent(folder_ids=[folder.id])
    seen = [file.file_id for file in whole_list(letta.agents.files.list(agent.id, limit=2))]
    same(sorted(seen), sorted(files), "as the agent sees them, each once")


@check
def messages_are_iterated_to_their_end(world):
    letta, agent = world.letta, world.agent()
    for n in range(MANY):
        letta.agents.messages.create(agent_id=agent.id, input=f"Message {n}.")
    said = [f"Message {n}." for n in range(MANY)]

    def user_texts(page):
        messages = whole_list(page)
        same(len(messages), len({(m.id, m.otid, m.message_type) for m in messages}), "none twice")
        return [m.content for m in messages if m.message_type == "user_message"]

    same(user_texts(letta.agents.messages.list(agent.id, order="asc", limit=4)), said, "from the first to the last")
    page = letta.agents.messages.list(agent.id, limit=2)
    dates = [message.date for message in page.items]
    same(dates, sorted(dates), "a page is oldest first even where it is the newest page")
    same(page.items[-1].content, f"You said: {said[-1]}", "and ends with the last message")
    before = letta.agents.messages.list(agent.id, before=page.items[-1].id, limit=3)
    holds(said[0] in user_texts(before), "`before` goes back to the first")


@check
def messages_can_be_listed_by_type(world):
    letta, agent = world.letta, world.agent()
    letta.agents.messages.create(agent_id=agent.id, input="Hello")
    answer = world.raw("GET", f"/v1/agents/{agent.id}/messages?include_return_message_types=user_message")
    same({message["message_type"] for message in answer.json()}, {"user_message"}, "only what was asked for")


@check
def runs_and_steps_are_listed_once_each_way(world):
    letta, agent = world.letta, world.agent()
    for n in range(5):
        letta.agents.messages.create(agent_id=agent.id, input=f"Message {n}.")
    runs = ids_of(whole_list(letta.runs.list(agent_id=agent.id, order="asc")))
    same(len(runs), 5, "a run for each message")
    check_both_ways(lambda **page: letta.runs.list(agent_id=agent.id, **page), runs, limit=2)
    steps = ids_of(whole_list(letta.steps.list(agent_id=agent.id, order="asc")))
    same(len(steps), 5, "a step for each message")
    check_both_ways(lambda **page: letta.steps.list(agent_id=agent.id, **page), steps, limit=2)
    check_both_ways(lambda **page: letta.runs.steps.list(runs[0], **page), [steps[0]])
    messages = whole_list(letta.runs.messages.list(runs[0], limit=1))
    same([m.content for m in messages if m.message_type == "user_message"], ["Message 0."], "the run's own messages")
    holds(whole_list(letta.steps.messages.list(steps[0], limit=1)), "the step's messages")


@check
def conversations_are_listed_once(world):
    letta, agent = world.letta, world.agent()
    known = [letta.conversations.create(agent_id=agent.id, summary=f"number {n}").id for n in range(5)]
    for order in ("asc", "desc"):
        seen, cursor = [], {}
        while page := letta.conversations.list(agent_id=agent.id, limit=2, order=order, **cursor):
            seen += ids_of(page)
            cursor = {"after": page[-1].id}
            holds(len(seen) <= len(known), "the iteration goes on")
        same(seen, known if order == "asc" else known[::-1], order)
    found = letta.conversations.list(agent_id=agent.id, summary_search="number 3")
    same(ids_of(found), [known[3]], "by their summary")


@check
def messages_of_a_conversation_are_iterated_to_their_end(world):
    letta, agent = world.letta, world.agent()
    conversation = letta.conversations.create(agent_id=agent.id)
    for n in range(5):
        list(letta.conversations.messages.create(conversation.id, messages=[{"role": "user", "content": f"Message {n}."}]))
    said = [f"Message {n}." for n in range(5)]
    for order in ("asc", "desc"):
        messages = whole_list(letta.conversations.messages.list(conversation.id, order=order, limit=3))
        users = [m.content for m in messages if m.message_type == "user_message"]
        same(users, said if order == "asc" else said[::-1], order)
    own = whole_list(letta.agents.messages.list(agent.id, extra_query={"conversation_id": "default"}, order="asc"))
    same([m.content for m in own if m.message_type == "user_message"], [], "the agent's own thread has none of them")


@check
def tags_are_listed_once(world):
    word = fresh("tag")
    tags = sorted(f"{word} {n}" for n in range(5))
    world.agent(tags=tags)
    seen, cursor = [], {}
    while page := world.letta.tags.list(limit=2, query_text=word, **cursor):
        seen += page
        cursor = {"after": page[-1]}
        holds(len(seen) <= len(tags), "the iteration goes on")
    same(seen, tags, "in their order")


def unknown(prefix):
    """An id of the right form that names nothing."""
    return f"{prefix}-00000000-0000-4000-8000-0000000000ff"


for path, prefix in (
    ("/v1/agents/", "agent"), ("/v1/blocks/", "block"), ("/v1/tools/", "tool"), ("/v1/archives/", "archive"),
    ("/v1/folders/", "source"), ("/v1/runs/", "run"), ("/v1/steps/", "step"),
):

    @named(f"an unknown cursor never begins {path} anew")
    def unknown_cursor(world, path=path, prefix=prefix):
        answer = world.raw("GET", f"{path}?after={unknown(prefix)}")
        holds(answer.status_code == 404 or (answer.status_code == 200 and answer.json() == []), f"{answer.status_code} {answer.text}")


for path in ("/v1/agents", "/v1/blocks", "/v1/tools", "/v1/models", "/v1/health", "/v1/runs", "/v1/tags"):

    @named(f"{path} is served with and without a slash")
    def both_forms(world, path=path):
        same([world.raw("GET", path + end).status_code for end in ("", "/")], [200, 200], "both forms")
