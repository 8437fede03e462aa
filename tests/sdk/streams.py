"""Streams: their order, their pieces, and what becomes of them when the model or the client goes away."""

from letta_client import APIStatusError

from checks import check, holds, same, wait_until
from endpoint import script
from world import texts_of, types_of, whole_list


def stream(world, agent, content, **options):
    """The chunks of a turn."""
    messages = [{"role": "user", "content": content}]
    return list(world.letta.agents.messages.stream(agent_id=agent.id, messages=messages, **options))


def frames(world, agent, body):
    """The frames of a turn as they are on the wire: pairs of the event's name and its data."""
    found, name = [], None
    with world.raw_stream(f"/v1/agents/{agent.id}/messages/stream", body) as answer:
        same(answer.headers["content-type"].split(";")[0], "text/event-stream", "the content type")
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((name, line.removeprefix("data: ")))
            elif not line:
                name = None
    return found


CALL = {"say": "Let me see.", "call": "conversation_search", "arguments": {"query": "tea and toast"}}


@check
def a_stream_of_steps_has_whole_messages_in_their_order(world):
    agent = world.agent()
    chunks = stream(world, agent, script(CALL, {"say": "Nothing was said of it."}))
    same(types_of(chunks), [
        "ping", "assistant_message", "tool_call_message", "tool_return_message", "assistant_message",
        "stop_reason", "usage_statistics",
    ], "ping, messages, reason, usage")
    same(texts_of(chunks, "assistant_message"), ["Let me see.", "Nothing was said of it."], "whole texts")
    same(chunks[-2].stop_reason, "end_turn", "the reason")
    same((chunks[-1].step_count, chunks[-1].completion_tokens), (2, 20), "the usage")
    holds(chunks[0].run_id.startswith("run-"), "the ping names the run")


@check
def a_stream_ends_with_done_on_the_wire(world):
    found = frames(world, world.agent(), {"input": "Hello"})
    same(found[-1], (None, "[DONE]"), "the last frame")
    same([name for name, _ in found if name], [], "no frame has a name")


@check
def a_stream_of_tokens_adds_up_to_the_whole(world):
    agent = world.agent()
    words = "one two three four five"
    chunks = stream(world, agent, script(CALL, {"say": words}), stream_tokens=True)
    pieces = texts_of(chunks, "assistant_message")
    holds(len(pieces) > 3, f"there are pieces: {pieces}")
    same("".join(pieces), "Let me see." + words, "nothing is missing or said twice")
    calls = [chunk.tool_call for chunk in chunks if chunk.message_type == "tool_call_message"]
    same("".join(call.name or "" for call in calls), "conversation_search", "the call's name, once")
    same("".join(call.arguments or "" for call in calls).replace(" ", ""), '{"query":"teaandtoast"}', "its arguments, once")
    kinds = types_of(chunks)
    same((kinds[0], kinds[-2:]), ("ping", ["stop_reason", "usage_statistics"]), "the frame around them")
    listed = {m.id for m in whole_list(world.letta.agents.messages.list(agent.id))}
    streamed = {chunk.id for chunk in chunks if chunk.message_type in ("assistant_message", "tool_call_message")}
    holds(streamed <= listed, f"pieces have the ids of the messages they become: {streamed - listed}")


@check
def the_create_method_streams_too(world):
    agent = world.agent()
    chunks = list(world.letta.agents.messages.create(agent_id=agent.id, input="Hello", streaming=True))
    same(types_of(chunks), ["ping", "assistant_message", "stop_reason", "usage_statistics"], "its chunks")


@check
def pings_are_left_out_where_they_are_not_wanted(world):
    chunks = stream(world, world.agent(), "Hello", include_pings=False)
    same(types_of(chunks)[0], "assistant_message", "the first chunk")


@check
def only_the_wanted_types_are_streamed(world):
    content = script(CALL, {"say": "Nothing."})
    chunks = stream(world, world.agent(), content, include_return_message_types=["tool_return_message"])
    same(types_of(chunks), ["ping", "tool_return_message", "stop_reason", "usage_statistics"], "its chunks")


@check
def a_silent_model_keeps_the_stream_alive(world):
    agent = world.agent()
    chunks = list(world.client(timeout=1.0).agents.messages.stream(agent_id=agent.id, input=script({"say": "At last.", "wait_s": 3})))
    same(texts_of(chunks, "assistant_message"), ["At last."], "the answer comes")


@check
def an_endpoint_that_dies_in_the_middle_gives_an_error_and_the_agent_goes_on(world):
    agent = world.agent()
    content = script({"say": "one two three four", "die_after": 3})
    found = frames(world, agent, {"messages": [{"role": "user", "content": content}], "stream_tokens": True})
    kinds = [data for _, data in found]
    stop = next((data for data in kinds if '"stop_reason"' in data and '"message_type":"stop_reason"' in data.replace(" ", "")), "")
    holds("error" in stop, f"the reason is an error: {kinds}")
    holds(any('"error_message"' in data for data in kinds), f"and there is an error message: {kinds}")
    holds(texts_of(stream(world, agent, "Still there?"), "assistant_message") == ["You said: Still there?"], "the next message")


@check
def the_client_raises_what_a_stream_reports(world):
    agent = world.agent()
    raised = None
    try:
        chunks = stream(world, agent, script({"say": "one two three", "die_after": 2}))
        told = "error_message" in types_of(chunks)
    except APIStatusError as error:
        raised, told = error, False
    holds(raised or told, "an error is raised, or told as a message")


@check
def a_client_that_goes_away_loses_nothing(world):
    agent = world.agent()
    begun = world.letta.agents.messages.stream(agent_id=agent.id, input=script({"say": "one two three four", "word_s": 0.3}))
    first = next(iter(begun))
    begun.close()
    run = wait_until(lambda: (r := world.letta.runs.retrieve(first.run_id)).status == "completed" and r, "the turn does not go on")
    same(run.stop_reason, "end_turn", "it ended as if nothing had been")
    messages = whole_list(world.letta.agents.messages.list(agent.id))
    same(texts_of(messages, "assistant_message"), ["one two three four"], "the answer is recorded")


@check
def a_run_in_the_background_is_taken_up_where_it_was_left(world):
    agent = world.agent()
    words = "one two three four five six"
    begun = world.letta.agents.messages.stream(
        agent_id=agent.id, input=script({"say": words, "word_s": 0.2}), background=True, stream_tokens=True
    )
    first, last_seq, run_id = "", 0, None
    for chunk in begun:
        run_id = run_id or getattr(chunk, "run_id", None)
        if chunk.message_type == "assistant_message":
            holds(chunk.seq_id and chunk.seq_id > last_seq, f"numbers count up: {chunk.seq_id} after {last_seq}")
            first, last_seq = first + chunk.content, chunk.seq_id
        if first.startswith("one two"):
            break
    begun.close()
    same(world.letta.runs.retrieve(run_id).background, True, "the run is one of the background")
    rest = list(world.letta.runs.messages.stream(run_id, starting_after=last_seq))
    same(first + "".join(texts_of(rest, "assistant_message")), words, "both parts are the whole")
    same(types_of(rest)[-2:], ["stop_reason", "usage_statistics"], "the end")
    again = list(world.letta.runs.messages.stream(run_id, starting_after=0))
    same("".join(texts_of(again, "assistant_message")), words, "and from the beginning, after it ended")


@check
def a_run_that_was_not_in_the_background_cannot_be_taken_up(world):
    answer = world.letta.agents.messages.create(agent_id=world.agent().id, input="Hello")
    try:
        list(world.letta.runs.messages.stream(answer.messages[0].run_id, starting_after=0))
        raise AssertionError("it was streamed")
    except APIStatusError as error:
        same(error.status_code, 400, "the status")


@check
def many_streams_of_one_run_see_the_same(world):
    agent = world.agent()
    begun = world.letta.agents.messages.stream(agent_id=agent.id, input=script({"say": "a b c d", "word_s": 0.2}), background=True)
    run_id = next(iter(begun)).run_id
    from things import Later

    readers = [Later(lambda: list(world.client().runs.messages.stream(run_id, starting_after=0))) for _ in range(5)]
    for reader in readers:
        same(texts_of(reader.get(), "assistant_message"), ["a b c d"], "each reader")


@check
def a_cancelled_stream_ends_with_its_reason(world):
    agent = world.agent()
    begun = world.letta.agents.messages.stream(agent_id=agent.id, input=script({"say": "one two three four", "word_s": 1}))
    chunks = [next(iter(begun))]
    world.letta.agents.messages.cancel(agent.id)
    chunks += list(begun)
    same([c.stop_reason for c in chunks if c.message_type == "stop_reason"], ["cancelled"], "the reason")
