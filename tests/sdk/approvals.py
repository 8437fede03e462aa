"""Calls that wait: for a person's word, or for a client that runs the tool itself."""

from letta_client import APIStatusError

from checks import check, holds, same
from endpoint import script
from world import types_of, whole_list

INSERT = {"call": "memory_insert", "arguments": {"label": "human", "new_string": "Likes tea."}}


def guarded(world):
    """An agent whose `memory_insert` waits for a person."""
    rules = [{"type": "requires_approval", "tool_name": "memory_insert"}]
    blocks = [{"label": "human", "value": "Ada"}]
    return world.agent(memory_blocks=blocks, tools=["memory_insert"], tool_rules=rules)


def ask(world, agent, **options):
    """Lets the agent call the guarded tool; the request that waits."""
    answer = world.letta.agents.messages.create(agent_id=agent.id, input=script(INSERT, {"say": "Done."}), **options)
    same(answer.stop_reason.stop_reason, "requires_approval", "the turn stops")
    request = answer.messages[-1]
    same(request.message_type, "approval_request_message", "and asks")
    return request


def decide(world, agent, *words, **options):
    """Gives the words on the calls that wait."""
    messages = [{"type": "approval", "approvals": list(words)}]
    return world.letta.agents.messages.create(agent_id=agent.id, messages=messages, **options)


def allow(request, approve=True, reason=None):
    """A word on the one call of a request."""
    return {"type": "approval", "tool_call_id": request.tool_call.tool_call_id, "approve": approve, "reason": reason}


def value(world, agent):
    """What the block holds."""
    return world.letta.agents.blocks.retrieve("human", agent_id=agent.id).value


@check
def a_guarded_call_runs_once_it_is_allowed(world):
    agent = guarded(world)
    request = ask(world, agent)
    same((request.tool_call.name, value(world, agent)), ("memory_insert", "Ada"), "nothing ran yet")
    shown = world.letta.agents.retrieve(agent.id, include=["agent.pending_approval"])
    same(shown.pending_approval and shown.pending_approval.tool_call.name, "memory_insert", "the agent shows what waits")
    answer = decide(world, agent, allow(request))
    same(types_of(answer.messages), ["tool_return_message", "assistant_message"], "the result comes first")
    same(answer.messages[0].tool_call_id, request.tool_call.tool_call_id, "of the same call")
    holds("Likes tea." in value(world, agent), "it ran")
    same(world.letta.agents.retrieve(agent.id, include=["agent.pending_approval"]).pending_approval, None, "nothing waits")


@check
def a_refused_call_does_not_run_and_the_agent_learns_why(world):
    agent = guarded(world)
    answer = decide(world, agent, allow(ask(world, agent), approve=False, reason="Not today."))
    returned = answer.messages[0]
    same((returned.message_type, returned.status), ("tool_return_message", "error"), "its result is an error")
    holds("Not today." in returned.tool_return, f"with the reason: {returned.tool_return}")
    same(value(world, agent), "Ada", "it did not run")


@check
def the_older_form_of_an_approval_works(world):
    agent = guarded(world)
    request = ask(world, agent)
    messages = [{"type": "approval", "approve": True, "approval_request_id": request.id}]
    answer = world.letta.agents.messages.create(agent_id=agent.id, messages=messages)
    same(answer.stop_reason.stop_reason, "end_turn", "the turn goes on")
    holds("Likes tea." in value(world, agent), "it ran")


@check
def a_message_while_a_call_waits_is_a_conflict(world):
    agent = guarded(world)
    ask(world, agent)
    try:
        world.letta.agents.messages.create(agent_id=agent.id, input="Hello?")
        raise AssertionError("it was taken")
    except APIStatusError as error:
        same((error.status_code, error.body["detail"]["code"]), (409, "PENDING_APPROVAL"), "the conflict")
        same(error.response.headers["x-should-retry"], "false", "and is not asked again")


@check
def a_word_on_a_call_that_does_not_wait_is_refused(world):
    agent = guarded(world)
    request = ask(world, agent)
    for words, status in (([{**allow(request), "tool_call_id": "call_other"}], 400), ([], 422)):
        try:
            decide(world, agent, *words)
            raise AssertionError("it was taken")
        except APIStatusError as error:
            holds(error.status_code in (status, 400, 422), f"{error.status_code} for {words}")
    decide(world, agent, allow(request))
    try:
        decide(world, world.agent(), allow(request))
        raise AssertionError("it was taken")
    except APIStatusError as error:
        same(error.status_code, 400, "nothing waits there")


@check
def the_same_approval_twice_runs_the_call_once(world):
    agent = guarded(world)
    request = ask(world, agent)
    decide(world, agent, allow(request))
    decide(world, agent, allow(request))
    same(value(world, agent).count("Likes tea."), 1, "once")


@check
def an_approval_is_asked_for_in_a_stream(world):
    agent = guarded(world)
    for tokens in (False, True):
        content = script(INSERT, {"say": "Done."})
        chunks = list(world.letta.agents.messages.stream(agent_id=agent.id, input=content, stream_tokens=tokens))
        kinds = types_of(chunks)
        holds("approval_request_message" in kinds and "tool_return_message" not in kinds, f"it asks: {kinds}")
        same([c.stop_reason for c in chunks if c.message_type == "stop_reason"], ["requires_approval"], "the reason")
        calls = [c.tool_call for c in chunks if c.message_type == "approval_request_message"]
        call_id = calls[0].tool_call_id
        messages = [{"type": "approval", "approvals": [{"type": "approval", "tool_call_id": call_id, "approve": True}]}]
        chunks = list(world.letta.agents.messages.stream(agent_id=agent.id, messages=messages))
        holds("tool_return_message" in types_of(chunks), f"and goes on in a stream: {types_of(chunks)}")


@check
def both_sides_of_an_approval_are_listed(world):
    agent = guarded(world)
    decide(world, agent, allow(ask(world, agent)))
    kinds = types_of(whole_list(world.letta.agents.messages.list(agent.id)))
    holds("approval_request_message" in kinds and "approval_response_message" in kinds, f"the list: {kinds}")


@check
def a_cancelled_approval_lets_the_agent_go_on(world):
    agent = guarded(world)
    ask(world, agent)
    world.letta.agents.messages.cancel(agent.id)
    answer = world.letta.agents.messages.create(agent_id=agent.id, input="Hello?")
    same(answer.messages[-1].content, "You said: Hello?", "the next message")
    same(value(world, agent), "Ada", "the call never ran")


WEATHER = {
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def returned(call, text="Sunny.", status="success"):
    """What the client found."""
    return {"type": "tool", "tool_call_id": call.tool_call_id, "tool_return": text, "status": status}


def ask_weather(world, agent):
    """Lets the agent call the client's tool."""
    content = script({"call": "weather", "arguments": {"city": "Rome"}}, {"say": "It is sunny."})
    answer = world.letta.agents.messages.create(agent_id=agent.id, input=content, client_tools=[WEATHER])
    same(answer.stop_reason.stop_reason, "requires_approval", "the turn stops")
    return answer.messages[-1].tool_call


@check
def a_client_runs_its_own_tool(world):
    agent = world.agent()
    call = ask_weather(world, agent)
    same((call.name, call.arguments.replace(" ", "")), ("weather", '{"city":"Rome"}'), "the call")
    answer = decide(world, agent, returned(call), client_tools=[WEATHER])
    same(answer.messages[-1].content, "It is sunny.", "the agent goes on")
    listed = whole_list(world.letta.agents.messages.list(agent.id))
    holds(any("Sunny." in str(m.model_dump()) for m in listed), "the result is recorded")


@check
def a_client_returns_its_result_in_the_other_form(world):
    agent = world.agent()
    call = ask_weather(world, agent)
    messages = [{"type": "tool_return", "tool_returns": [returned(call)]}]
    answer = world.letta.agents.messages.create(agent_id=agent.id, messages=messages, client_tools=[WEATHER])
    same(answer.messages[-1].content, "It is sunny.", "the agent goes on")


@check
def a_client_tells_that_its_tool_failed(world):
    agent = world.agent()
    call = ask_weather(world, agent)
    answer = decide(world, agent, returned(call, "No connection.", "error"), client_tools=[WEATHER])
    same(answer.stop_reason.stop_reason, "end_turn", "the agent goes on")


@check
def a_new_message_may_follow_the_result(world):
    agent = world.agent()
    call = ask_weather(world, agent)
    messages = [{"type": "approval", "approvals": [returned(call)]}, {"role": "user", "content": "And tomorrow?"}]
    answer = world.letta.agents.messages.create(agent_id=agent.id, messages=messages, client_tools=[WEATHER])
    same(answer.messages[-1].content, "You said: And tomorrow?", "the agent answers the message")


@check
def a_client_tool_is_there_for_its_request_only(world):
    agent = world.agent()
    content = script({"call": "weather", "arguments": {"city": "Rome"}}, {"say": "I cannot."})
    answer = world.letta.agents.messages.create(agent_id=agent.id, input=content)
    same(answer.stop_reason.stop_reason, "end_turn", "an unknown tool does not stop the turn")


LOOKUP = '''
def lookup(word: str) -> str:
    """
    Looks a word up.

    Args:
        word (str): The word.
    """
    return word
'''


@check
def a_tool_without_code_here_is_asked_of_the_client(world):
    tool = world.letta.tools.create(source_code=LOOKUP)
    agent = world.agent(tool_ids=[tool.id])
    content = script({"call": tool.name, "arguments": {"word": "tea"}}, {"say": "Done."})
    answer = world.letta.agents.messages.create(agent_id=agent.id, input=content)
    # Resident runs no code of clients: whoever asked runs it, or the agent is told that nobody does.
    holds(answer.stop_reason.stop_reason in ("requires_approval", "end_turn"), f"it does not fail: {answer.stop_reason}")
