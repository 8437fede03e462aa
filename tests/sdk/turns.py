"""Turns that are answered in one piece: what is in the answer, what is kept of it, and who waits for whom."""

from checks import check, holds, same, wait_until
from endpoint import MODEL, Endpoint, script
from things import Later, Things
from world import texts_of, types_of, whole_list


def say(world, agent, content, **options):
    """Says something and gets the answer."""
    return world.letta.agents.messages.create(agent_id=agent.id, messages=[{"role": "user", "content": content}], **options)


@check
def a_tool_is_called_and_its_result_is_told(world):
    agent = world.agent(memory_blocks=[{"label": "human", "value": "Ada"}])
    call = {"call": "memory_insert", "arguments": {"label": "human", "new_string": "Likes tea."}, "say": "Let me note that."}
    answer = say(world, agent, script(call, {"say": "I noted it."}))
    kinds = types_of(answer.messages)
    same(kinds, ["assistant_message", "tool_call_message", "tool_return_message", "assistant_message"], "the messages")
    called, returned = answer.messages[1], answer.messages[2]
    same(called.tool_call.name, "memory_insert", "the call")
    same((returned.status, returned.tool_call_id), ("success", called.tool_call.tool_call_id), "its result")
    same(called.id, answer.messages[0].id, "text and call are one row")
    same((answer.usage.step_count, answer.usage.completion_tokens), (2, 20), "usage")
    holds("Likes tea." in world.letta.agents.blocks.retrieve("human", agent_id=agent.id).value, "memory has changed")
    same(len({message.run_id for message in answer.messages}), 1, "one run")


@check
def a_tool_of_a_server_runs_within_a_turn(world):
    if not hasattr(world, "things"):
        world.things = Things(world)
    agent = world.agent()
    world.letta.agents.tools.attach(world.things.mcp_tool.id, agent_id=agent.id)
    call = {"call": "add", "arguments": {"a": 2, "b": 3}}
    answer = say(world, agent, script(call, {"say": "It is five."}))
    same(types_of(answer.messages), ["tool_call_message", "tool_return_message", "assistant_message"], "the messages")
    same((answer.messages[1].status, answer.messages[1].tool_return), ("success", "5"), "the sum")


@check
def answers_have_no_message_of_the_user_and_lists_do(world):
    agent = world.agent()
    answer = say(world, agent, "Hello")
    same(types_of(answer.messages), ["assistant_message"], "the answer")
    listed = whole_list(world.letta.agents.messages.list(agent.id))
    same([m.content for m in listed if m.message_type == "user_message"], ["Hello"], "the list")


@check
def one_row_gives_several_messages_whose_otids_count_up(world):
    agent = world.agent()
    call = {"say": "Wait.", "call": "conversation_search", "arguments": {"query": "tea"}}
    answer = say(world, agent, script(call, {"say": "Nothing."}))
    first, second = answer.messages[0], answer.messages[1]
    same(first.id, second.id, "one row")
    same((first.otid[-1:], second.otid[-1:]), ("0", "1"), "the last digit counts")
    listed = {(m.id, m.message_type): m.otid for m in whole_list(world.letta.agents.messages.list(agent.id))}
    same(listed[(first.id, "assistant_message")], first.otid, "the list has the same")


@check
def several_messages_are_one_turn(world):
    agent = world.agent()
    messages = [{"role": "user", "content": "First."}, {"role": "user", "content": "Second."}]
    answer = world.letta.agents.messages.create(agent_id=agent.id, messages=messages)
    same(answer.stop_reason.stop_reason, "end_turn", "one answer")
    users = texts_of(whole_list(world.letta.agents.messages.list(agent.id)), "user_message")
    holds("First." in "".join(users) and "Second." in "".join(users), f"both are recorded: {users}")


@check
def input_and_parts_are_read_as_text(world):
    agent = world.agent()
    answer = world.letta.agents.messages.create(agent_id=agent.id, input="Short.")
    same(answer.messages[-1].content, "You said: Short.", "input")
    answer = say(world, agent, [{"type": "text", "text": "In parts."}])
    same(answer.messages[-1].content, "You said: In parts.", "parts")


@check
def only_the_wanted_types_come_back(world):
    agent = world.agent()
    call = {"call": "conversation_search", "arguments": {"query": "tea"}}
    answer = say(world, agent, script(call, {"say": "Done."}), include_return_message_types=["assistant_message"])
    same(types_of(answer.messages), ["assistant_message"], "one type")
    both = ["tool_call_message", "tool_return_message"]
    answer = say(world, agent, script(call, {"say": "Done."}), include_return_message_types=both)
    same(types_of(answer.messages), both, "two types")


@check
def send_message_is_speech_unless_the_client_wants_the_call(world):
    agent = world.agent(agent_type="memgpt_agent")
    content = script({"call": "send_message", "arguments": {"message": "Good evening."}})
    answer = say(world, agent, content)
    same(texts_of(answer.messages, "assistant_message"), ["Good evening."], "as speech")
    holds("tool_call_message" not in types_of(answer.messages), "and not as a call")
    answer = say(world, agent, content, use_assistant_message=False)
    calls = [m.tool_call.name for m in answer.messages if m.message_type == "tool_call_message"]
    same(calls, ["send_message"], "as a call")
    holds("tool_return_message" in types_of(answer.messages), "with its result")


@check
def a_turn_ends_at_the_most_steps_asked_for(world):
    agent = world.agent()
    calls = [{"call": "conversation_search", "arguments": {"query": str(n)}} for n in range(6)]
    answer = say(world, agent, script(*calls), max_steps=2)
    same((answer.stop_reason.stop_reason, answer.usage.step_count), ("max_steps", 2), "it stops")
    same(say(world, agent, "Go on").messages[-1].content, "You said: Go on", "the agent answers the next message")


@check
def another_model_or_system_counts_for_one_turn(world):
    agent = world.letta.agents.create(name="elsewhere", model="openai/gpt-4o")
    answer = say(world, agent, "Hello", override_model=world.agent().model)
    same(answer.messages[-1].content, "You said: Hello", "the other model answers")
    same(world.letta.agents.retrieve(agent.id).model, "openai/gpt-4o", "the agent keeps its own")


@check
def an_endpoint_that_refuses_ends_the_turn_and_not_the_agent(world):
    agent = world.agent()
    answer = world.raw("POST", f"/v1/agents/{agent.id}/messages", json={"input": script({"status": 400})})
    if answer.status_code == 200:
        same(answer.json()["stop_reason"]["stop_reason"] in ("error", "llm_api_error"), True, f"it says so: {answer.text}")
    else:
        holds(answer.status_code >= 400 and answer.json()["detail"], answer.text)
        same(answer.headers["x-should-retry"], "false", "and is not asked again")
    same(say(world, agent, "Still there?").messages[-1].content, "You said: Still there?", "the next message")


@check
def an_endpoint_that_is_gone_ends_the_turn_and_not_the_agent(world):
    gone = Endpoint()
    world.server.app("saveEndpoint", id="gone", baseUrl=gone.base_url)
    agent = world.agent(model=f"remote/gone/{MODEL}")
    say(world, agent, "Hello")
    gone.close()
    answer = say(world, agent, "Still there?")
    holds(answer.stop_reason.stop_reason in ("error", "llm_api_error"), f"it says so: {answer.stop_reason}")
    world.letta.agents.update(agent.id, model=world.agent().model)
    same(say(world, agent, "And now?").messages[-1].content, "You said: And now?", "with another model it goes on")


@check
def odd_and_long_texts_come_back_as_they_were(world):
    agent = world.agent()
    for text in ("naïve 🦊 عربى 漢字", "a\tb \u200b c", 'quotes " and \\ and </script>', "x" * 20_000):
        same(say(world, agent, text).messages[-1].content, f"You said: {text}", "the answer")
        users = texts_of(whole_list(world.letta.agents.messages.list(agent.id, order="asc")), "user_message")
        same(users[-1], text, "what is recorded")


@check
def a_text_that_cannot_be_kept_is_refused_and_nothing_more(world):
    agent = world.agent()
    for text in ("a\x00b", "y" * 17_000_000):
        answer = world.raw("POST", f"/v1/agents/{agent.id}/messages", json={"input": text})
        holds(answer.status_code in (200, 400, 413, 422), f"{answer.status_code} {answer.text[:300]}")
    same(say(world, agent, "Hello").messages[-1].content, "You said: Hello", "the agent answers the next message")


@check
def an_agent_deleted_in_the_middle_of_a_turn_leaves_nobody_waiting(world):
    agent = world.agent()
    turn = Later(lambda: world.raw("POST", f"/v1/agents/{agent.id}/messages", json={"input": script({"say": "late", "wait_s": 4})}))
    wait_until(lambda: whole_list(world.letta.runs.list(agent_id=agent.id, active=True)), "the turn does not begin")
    deleted = world.raw("DELETE", f"/v1/agents/{agent.id}")
    holds(deleted.status_code in (200, 409), f"it is deleted, or said to be busy: {deleted.text}")
    turn.get(15)
    holds(world.server.is_healthy(), "the server serves on")


@check
def two_clients_of_one_agent_are_answered_in_order(world):
    agent = world.agent()
    first = Later(lambda: say(world, agent, script({"say": "First done.", "wait_s": 1.5}, text="one ")))
    wait_until(lambda: whole_list(world.letta.runs.list(agent_id=agent.id, active=True)), "the first turn does not begin")
    second = Later(lambda: world.client().agents.messages.create(agent_id=agent.id, input="two"))
    same(first.get().messages[-1].content, "First done.", "the first")
    same(second.get().messages[-1].content, "You said: two", "the second, after it")
    listed = [m for m in whole_list(world.letta.agents.messages.list(agent.id)) if m.message_type != "system_message"]
    same(types_of(listed), ["user_message", "assistant_message"] * 2, "not mixed")
    holds(listed[0].content.startswith("one ") and listed[2].content == "two", "in the order of asking")


@check
def turns_of_different_agents_run_side_by_side(world):
    slow, quick = world.agent(), world.agent()
    waiting = Later(lambda: say(world, slow, script({"say": "Slow.", "wait_s": 3})))
    wait_until(lambda: whole_list(world.letta.runs.list(agent_id=slow.id, active=True)), "the slow turn does not begin")
    say(world, quick, "Quick")
    holds(waiting.is_alive(), "the quick one did not wait for the slow one")
    waiting.get()


@check
def a_run_in_the_background_is_polled_to_its_end(world):
    agent = world.agent()
    run = world.letta.agents.messages.create_async(agent_id=agent.id, input=script({"say": "Done.", "wait_s": 0.5}))
    holds(run.status in ("created", "running"), f"it is on its way: {run.status}")
    done = wait_until(lambda: (r := world.letta.runs.retrieve(run.id)).status == "completed" and r, "it does not end")
    same((done.agent_id, done.stop_reason), (agent.id, "end_turn"), "the run")
    same(texts_of(whole_list(world.letta.runs.messages.list(run.id)), "assistant_message"), ["Done."], "its messages")


@check
def a_cancelled_turn_says_so_and_the_agent_goes_on(world):
    agent = world.agent()
    turn = Later(lambda: say(world, agent, script({"say": "one two three", "wait_s": 8})))
    wait_until(lambda: whole_list(world.letta.runs.list(agent_id=agent.id, active=True)), "the turn does not begin")
    run = next(iter(world.letta.runs.list(agent_id=agent.id)))
    same(world.letta.agents.messages.cancel(agent.id, run_ids=[run.id]), {run.id: "cancelled"}, "cancelled")
    same(turn.get(3).stop_reason.stop_reason, "cancelled", "the one who waits is told at once")
    same(world.letta.runs.retrieve(run.id).status, "cancelled", "the run")
    same(say(world, agent, "Next").messages[-1].content, "You said: Next", "the next message")


@check
def a_shared_block_is_one_block(world):
    block = world.letta.blocks.create(label="shared", value="before")
    one, two = world.agent(block_ids=[block.id]), world.agent(block_ids=[block.id])
    call = {"call": "memory_replace", "arguments": {"label": "shared", "old_string": "before", "new_string": "after"}}
    say(world, one, script(call, {"say": "Done."}))
    same(world.letta.agents.blocks.retrieve("shared", agent_id=two.id).value, "after", "the other agent sees it")


@check
def labels_with_slashes_name_blocks(world):
    agent = world.agent(memory_blocks=[{"label": "system/human", "value": "Ada"}])
    same(world.letta.agents.blocks.retrieve("system/human", agent_id=agent.id).value, "Ada", "read")
    same(world.letta.agents.blocks.update("system/human", agent_id=agent.id, value="Grace").value, "Grace", "changed")


@check
def null_changes_nothing_and_absence_neither(world):
    agent = world.agent(description="before", tags=["kept"])
    answer = world.raw("PATCH", f"/v1/agents/{agent.id}", json={"description": None, "tags": None, "name": "renamed"}).json()
    same((answer["description"], answer["tags"], answer["name"]), ("before", ["kept"], "renamed"), "only the name")


@check
def an_archive_is_shared_by_agents(world):
    letta = world.letta
    archive = letta.archives.create(name="shared papers")
    agents = [world.agent(), world.agent()]
    for agent in agents:
        letta.agents.archives.attach(archive.id, agent_id=agent.id)
    letta.agents.passages.create(agent_id=agents[0].id, text="The safe opens at noon.")
    found = letta.agents.passages.search(agents[1].id, query="When does the safe open?")
    same([hit.content for hit in found.results], ["The safe opens at noon."], "the other agent finds it")
    same([a.id for a in letta.archives.list(agent_id=agents[1].id)], [archive.id], "its archive")


@check
def passages_are_searched_by_tags_and_dates(world):
    letta, agent = world.letta, world.agent()
    letta.agents.passages.create(agent_id=agent.id, text="Tea in the garden.", tags=["drink", "old"], created_at="2020-05-01T12:00:00Z")
    letta.agents.passages.create(agent_id=agent.id, text="Tea in the kitchen.", tags=["drink"], created_at="2024-05-01T12:00:00Z")

    def found(**query):
        return [hit.content for hit in letta.agents.passages.search(agent.id, query="tea", **query).results]

    same(sorted(found()), ["Tea in the garden.", "Tea in the kitchen."], "both")
    same(found(tags=["old"]), ["Tea in the garden."], "by a tag")
    same(found(tags=["old", "drink"], tag_match_mode="all"), ["Tea in the garden."], "by all tags")
    same(found(start_datetime="2023-01-01T00:00:00Z"), ["Tea in the kitchen."], "from a day on")
    same(found(end_datetime="2023-01-01T00:00:00Z"), ["Tea in the garden."], "to a day")
