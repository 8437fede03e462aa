"""Conversations: threads of one agent that know nothing of each other but what the memory holds."""

from letta_client import APIStatusError

from checks import check, holds, same
from endpoint import script
from things import Later
from world import texts_of, types_of, whole_list


def say(world, conversation_id, content, **options):
    """The chunks of a turn in a conversation."""
    messages = [{"role": "user", "content": content}]
    return list(world.letta.conversations.messages.create(conversation_id, messages=messages, **options))


def users(messages):
    """What the user said, in the order of the list."""
    return texts_of(messages, "user_message")


@check
def a_conversation_is_answered_as_a_stream(world):
    conversation = world.letta.conversations.create(agent_id=world.agent().id)
    chunks = say(world, conversation.id, "Hello")
    same(types_of(chunks), ["ping", "assistant_message", "stop_reason", "usage_statistics"], "its chunks")


@check
def conversations_are_apart_and_share_the_memory(world):
    letta, agent = world.letta, world.agent(memory_blocks=[{"label": "human", "value": "Ada"}], tools=["memory_insert"])
    one, two = (letta.conversations.create(agent_id=agent.id) for _ in range(2))
    insert = {"call": "memory_insert", "arguments": {"label": "human", "new_string": "Likes tea."}}
    say(world, one.id, script(insert, {"say": "Noted."}))
    say(world, two.id, "Hello, two")
    same(users(whole_list(letta.conversations.messages.list(two.id))), ["Hello, two"], "only its own messages")
    own = letta.agents.messages.list(agent.id, extra_query={"conversation_id": "default"})
    same(users(whole_list(own)), [], "and the agent's own thread has neither")
    everything = users(whole_list(letta.agents.messages.list(agent.id, order="asc")))
    same(len(everything), 2, "the agent's list has both")
    holds("Likes tea." in letta.agents.blocks.retrieve("human", agent_id=agent.id).value, "the memory is the agent's")


@check
def the_default_conversation_is_the_agents_own(world):
    letta, agent = world.letta, world.agent()
    letta.agents.messages.create(agent_id=agent.id, input="Before")
    chunks = say(world, "default", "Hello", agent_id=agent.id)
    same(texts_of(chunks, "assistant_message"), ["You said: Hello"], "it answers")
    listed = whole_list(letta.conversations.messages.list("default", agent_id=agent.id, order="asc"))
    same(users(listed), ["Before", "Hello"], "one thread")


@check
def a_busy_conversation_is_a_conflict_that_is_not_tried_again(world):
    conversation = world.letta.conversations.create(agent_id=world.agent().id)
    busy = world.letta.conversations.messages.create(
        conversation.id, messages=[{"role": "user", "content": script({"say": "Done.", "wait_s": 2})}]
    )
    next(iter(busy))
    try:
        say(world, conversation.id, "And now?")
        raise AssertionError("it was taken")
    except APIStatusError as error:
        same((error.status_code, error.response.headers.get("x-should-retry")), (409, "false"), "the conflict")
    list(busy)
    same(texts_of(say(world, conversation.id, "And now?"), "assistant_message"), ["You said: And now?"], "afterwards")


@check
def conversations_of_one_agent_do_not_wait_for_each_other(world):
    letta, agent = world.letta, world.agent()
    one, two = (letta.conversations.create(agent_id=agent.id) for _ in range(2))
    slow = Later(lambda: say(world, one.id, script({"say": "Slow.", "wait_s": 3})))
    chunks = say(world, two.id, "Quick")
    same(texts_of(chunks, "assistant_message"), ["You said: Quick"], "the other is answered")
    same(texts_of(slow.get(), "assistant_message"), ["Slow."], "and the slow one too")


@check
def a_conversation_of_nobody_is_not_found(world):
    missing = "00000000-0000-4000-8000-0000000000ff"
    for call, status in (
        (lambda: world.letta.conversations.create(agent_id=f"agent-{missing}"), 404),
        (lambda: world.letta.conversations.retrieve(f"conv-{missing}"), 404),
        (lambda: say(world, f"conv-{missing}", "Hello"), 404),
        (lambda: world.letta.conversations.retrieve("nonsense"), 422),
    ):
        try:
            call()
            raise AssertionError("it was answered")
        except APIStatusError as error:
            same(error.status_code, status, f"the status, {error.body}")
    same(world.raw("POST", "/v1/conversations/", json={}).status_code, 422, "without an agent")


@check
def a_fork_goes_its_own_way(world):
    letta = world.letta
    if not hasattr(letta.conversations, "fork"):
        return
    conversation = letta.conversations.create(agent_id=world.agent().id)
    say(world, conversation.id, "Together")
    fork = letta.conversations.fork(conversation.id)
    say(world, fork.id, "Alone")
    same(users(whole_list(letta.conversations.messages.list(conversation.id, order="asc"))), ["Together"], "the first")
    same(users(whole_list(letta.conversations.messages.list(fork.id, order="asc"))), ["Together", "Alone"], "the fork")


@check
def a_deleted_conversation_takes_no_messages(world):
    conversation = world.letta.conversations.create(agent_id=world.agent().id)
    world.letta.conversations.delete(conversation.id)
    same(world.raw("GET", f"/v1/conversations/{conversation.id}").status_code, 404, "it is gone")


@check
def a_conversation_isolates_the_blocks_it_is_asked_to(world):
    letta, agent = world.letta, world.agent(memory_blocks=[{"label": "human", "value": "Ada"}], tools=["memory_insert"])
    body = {"isolated_block_labels": ["human"]}
    answer = world.raw("POST", f"/v1/conversations/?agent_id={agent.id}", json=body)
    same(answer.status_code, 200, answer.text)
    same(len(answer.json()["isolated_block_ids"]), 1, "its own block")
    insert = {"call": "memory_insert", "arguments": {"label": "human", "new_string": "Likes tea."}}
    say(world, answer.json()["id"], script(insert, {"say": "Noted."}))
    same(letta.agents.blocks.retrieve("human", agent_id=agent.id).value, "Ada", "the agent's block is as it was")
    own = letta.blocks.retrieve(answer.json()["isolated_block_ids"][0])
    holds("Likes tea." in own.value, f"the conversation's block has it: {own.value}")
