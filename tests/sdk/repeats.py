"""A slow model never gets a message twice: time-outs, retries, and requests that name themselves."""

import uuid

from checks import check, holds, same, wait_until
from endpoint import script
from things import Later
from world import texts_of, whole_list


def said(world, agent):
    """What the user said, as it is recorded."""
    return texts_of(whole_list(world.letta.agents.messages.list(agent.id, order="asc")), "user_message")


@check
def a_second_of_patience_is_enough_for_a_turn_of_three(world):
    agent = world.agent()
    content = script({"say": "At last.", "wait_s": 3}, text=f"{uuid.uuid4()} ")
    impatient = world.client(timeout=1.0, max_retries=2)
    answer = impatient.agents.messages.create(agent_id=agent.id, input=content)
    same(answer.messages[-1].content, "At last.", "the answer comes")
    same(said(world, agent), [content], "one message is recorded")
    same(world.endpoint.times_asked(content), 1, "and the model was asked once")


@check
def a_retry_joins_the_turn_that_runs(world):
    agent = world.agent()
    body = {"messages": [{"role": "user", "content": script({"say": f"Done {uuid.uuid4()}.", "wait_s": 1.5})}]}
    path = f"/v1/agents/{agent.id}/messages"
    first = Later(lambda: world.raw("POST", path, json=body, headers={"x-stainless-retry-count": "0"}))
    wait_until(lambda: whole_list(world.letta.runs.list(agent_id=agent.id)), "the turn does not begin")
    retries = [Later(lambda n=n: world.raw("POST", path, json=body, headers={"x-stainless-retry-count": str(n)})) for n in (1, 2)]
    answers = [later.get().json() for later in (first, *retries)]
    same(len({str(answer["messages"]) for answer in answers}), 1, "all get the same answer")
    same(len(said(world, agent)), 1, "one message is recorded")


@check
def a_retry_after_the_end_gets_the_answer_there_was(world):
    agent = world.agent()
    body, path = {"input": f"Hello {uuid.uuid4()}"}, f"/v1/agents/{agent.id}/messages"
    first = world.raw("POST", path, json=body, headers={"x-stainless-retry-count": "0"}).json()
    again = world.raw("POST", path, json=body, headers={"x-stainless-retry-count": "1"}).json()
    same(again["messages"], first["messages"], "the answer")
    same(len(said(world, agent)), 1, "one message is recorded")


@check
def a_retry_of_a_stream_joins_it(world):
    agent = world.agent()
    body = {"messages": [{"role": "user", "content": script({"say": "one two three", "word_s": 0.3})}]}
    path = f"/v1/agents/{agent.id}/messages/stream"
    first = Later(lambda: world.raw("POST", path, json=body, headers={"x-stainless-retry-count": "0"}))
    wait_until(lambda: whole_list(world.letta.runs.list(agent_id=agent.id)), "the turn does not begin")
    again = world.raw("POST", path, json=body, headers={"x-stainless-retry-count": "1"})
    for answer in (first.get(), again):
        holds('"one two three"' in answer.text and answer.text.rstrip().endswith("data: [DONE]"), answer.text)
    same(len(said(world, agent)), 1, "one message is recorded")


@check
def the_same_words_twice_are_two_messages(world):
    agent = world.agent()
    for _ in range(2):
        world.letta.agents.messages.create(agent_id=agent.id, input="Hello")
    same(said(world, agent), ["Hello", "Hello"], "both are recorded")


@check
def a_message_with_a_name_of_its_own_is_taken_once(world):
    agent = world.agent()
    message = {"role": "user", "content": "Once only.", "otid": str(uuid.uuid4())}
    answers = [world.letta.agents.messages.create(agent_id=agent.id, messages=[message]) for _ in range(2)]
    same(answers[0].messages[-1].id, answers[1].messages[-1].id, "the same answer")
    same(said(world, agent), ["Once only."], "one message is recorded")
    listed = [m for m in whole_list(world.letta.agents.messages.list(agent.id)) if m.message_type == "user_message"]
    same(listed[0].otid, message["otid"], "under the client's name")


@check
def a_client_that_gives_up_and_asks_anew_waits_its_turn(world):
    agent = world.agent()
    slow = script({"say": "Slow.", "wait_s": 2})
    Later(lambda: world.letta.agents.messages.create(agent_id=agent.id, input=slow))
    wait_until(lambda: whole_list(world.letta.runs.list(agent_id=agent.id)), "the turn does not begin")
    answer = world.client().agents.messages.create(agent_id=agent.id, input="Another")
    same(answer.messages[-1].content, "You said: Another", "its own answer")
    same(said(world, agent), [slow, "Another"], "each once, in order")


@check
def a_refused_request_is_sent_once(world):
    seen = []
    client = world.client(max_retries=2)
    client._client.event_hooks["request"].append(lambda request: seen.append(request.url.path))
    agent = world.agent()
    world.letta.agents.messages.create(agent_id=agent.id, input="Hello")
    try:
        client.agents.messages.cancel(agent.id)
        raise AssertionError("there was nothing to cancel")
    except Exception as error:
        same(getattr(error, "status_code", error), 409, "a conflict")
    same(len(seen), 1, "the client does not try again")
