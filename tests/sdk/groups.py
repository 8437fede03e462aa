"""Agents that work together: groups by V1's routes, which older clients have; agents that talk with each other and memory
that another agent tidies by the client's own methods."""

import json

from checks import check, holds, same, wait_until
from endpoint import script
from world import texts_of, whole_list


def group(world, **fields):
    """A group, made by V1's route."""
    body = {"description": "Plans a garden.", **fields}
    answer = world.raw("POST", "/v1/groups/", json=body)
    same(answer.status_code, 200, answer.text)
    return answer.json()


def talk(world, group, text, path="messages"):
    """Says something to a group."""
    body = {"messages": [{"role": "user", "content": text}]}
    return world.raw("POST", f"/v1/groups/{group['id']}/{path}", json=body)


@check
def a_group_is_made_changed_listed_and_taken_apart(world):
    ids = [world.agent().id for _ in range(2)]
    made = group(world, agent_ids=ids, manager_config={"manager_type": "round_robin", "max_turns": 2})
    same((made["manager_type"], made["agent_ids"], made["max_turns"]), ("round_robin", ids, 2), "as it was asked for")
    path = f"/v1/groups/{made['id']}"
    same(world.raw("GET", path).json(), made, "one")
    holds(made["id"] in [one["id"] for one in world.raw("GET", "/v1/groups/").json()], "in the list")
    count = world.raw("GET", "/v1/groups/count").json()
    holds(count >= 1, "counted")
    same(world.raw("PATCH", path, json={"description": "Sows."}).json()["description"], "Sows.", "changed")
    other = {"manager_config": {"manager_type": "dynamic", "manager_agent_id": ids[0]}}
    same(world.raw("PATCH", path, json=other).status_code, 422, "how it works stays")
    same(world.raw("POST", "/v1/groups/", json={"agent_ids": ids, "description": "", "manager_config": {"manager_type": "swarm"}}).status_code, 422, "no such way")
    same(world.raw("DELETE", path).status_code, 200, "taken apart")
    same(world.raw("GET", path).status_code, 404, "gone")
    same(world.raw("GET", "/v1/groups/count").json(), count - 1, "counted anew")


@check
def everybody_in_a_group_speaks_and_hears_the_others(world):
    agents = [world.agent(), world.agent()]
    made = group(world, agent_ids=[agent.id for agent in agents])
    answer = talk(world, made, script({"say": "Beans."}))
    same(answer.status_code, 200, answer.text)
    body = answer.json()
    said = [m["content"] for m in body["messages"] if m["message_type"] == "assistant_message"]
    same(said, ["Beans.", f"You said: {agents[0].name}: Beans."], "both spoke, the second of what it heard from the first")
    same((body["stop_reason"]["stop_reason"], body["usage"]["step_count"]), ("end_turn", 2), "the end")
    listed = world.raw("GET", f"/v1/groups/{made['id']}/messages").json()
    same([m["message_type"] for m in listed], ["user_message", "assistant_message", "assistant_message"], "each thing once")
    heard = whole_list(world.letta.agents.messages.list(agents[1].id))
    same(texts_of(heard, "user_message")[1], "Beans.", "the second heard the first")
    same(heard[2].name, agents[0].name, "and knows who it was")
    same(heard[2].sender_id, agents[0].id, "by id too")

    frames = [line for line in talk(world, made, script({"say": "Peas."}), "messages/stream").text.split("\n") if line.startswith("data: ")]
    same(frames[-1], "data: [DONE]", "the stream ends")
    kinds = [json.loads(frame[6:])["message_type"] for frame in frames[:-1]]
    same(kinds, ["assistant_message", "assistant_message", "stop_reason", "usage_statistics"], "in order")
    same(world.raw("PATCH", f"/v1/groups/{made['id']}/reset-messages").status_code, 200, "begun anew")
    same(world.raw("GET", f"/v1/groups/{made['id']}/messages").json(), [], "nothing was said")


@check
def agents_talk_with_each_other(world):
    asked = world.agent()
    asking = world.agent(tools=["send_message_to_agent_and_wait_for_reply"], include_base_tools=False)
    inner = script({"say": "At nine."})
    call = {"call": "send_message_to_agent_and_wait_for_reply", "arguments": {"message": inner, "other_agent_id": asked.id}}
    answer = world.letta.agents.messages.create(asking.id, messages=[{"role": "user", "content": script(call, {"say": "It is at nine."})}])
    returned = [m for m in answer.messages if m.message_type == "tool_return_message"][0]
    same(json.loads(returned.tool_return)["response"], ["At nine."], "what the other said")
    heard = whole_list(world.letta.agents.messages.list(asked.id))
    same(texts_of(heard, "assistant_message"), ["At nine."], "it stands in the other's thread")


@check
def memory_is_tidied_in_the_background(world):
    agent = world.agent(enable_sleeptime=True, memory_blocks=[{"label": "human", "value": "Likes tea."}])
    agent = world.letta.agents.retrieve(agent.id)
    same((agent.enable_sleeptime, agent.managed_group.manager_type), (True, "sleeptime"), "it has a group")
    tidier = world.letta.agents.retrieve(agent.managed_group.agent_ids[0])
    same(tidier.agent_type, "sleeptime_agent", "which tidies")
    same({block.id for block in agent.memory.blocks} <= {block.id for block in tidier.memory.blocks}, True, "its blocks")
    path = f"/v1/groups/{agent.managed_group.id}"
    config = {"manager_type": "sleeptime", "manager_agent_id": agent.id, "sleeptime_agent_frequency": 1}
    same(world.raw("PATCH", path, json={"manager_config": config}).json()["sleeptime_agent_frequency"], 1, "every turn")
    world.letta.agents.messages.create(agent.id, messages=[{"role": "user", "content": "I moved to Oslo."}])
    told = lambda: "I moved to Oslo." in str(texts_of(whole_list(world.letta.agents.messages.list(tidier.id)), "system_message"))
    wait_until(told, "what was said is gone through")
    same(world.letta.agents.update(agent.id, enable_sleeptime=False).managed_group, None, "no longer")


def untidy_lines(value):
    """How many lines of a block say nothing but what another line says too, marks and capitals aside."""
    words = [[word.strip(".,!-*").lower() for word in line.split() if word.strip(".,!-*")] for line in value.splitlines()]
    within = lambda few, more: any(more[at : at + len(few)] == few for at in range(len(more)))
    says_it = lambda at, other: words[at] != words[other] and within(words[at], words[other]) or words[at] == words[other] and other < at
    return sum(any(says_it(at, other) for other in range(len(words)) if other != at) for at in range(len(words)) if words[at])


@check
def with_the_local_model_memory_gets_tidier_and_nothing_is_lost(world):
    # The agents of this check are answered by the model on this computer.
    messy = "Name: Kim\nKim has a dog.\n- name: kim\nKim has a dog called Rex.\nPays 400 a month for the flat.\nKim has a dog."
    agent = world.letta.agents.create(name="tidied", memory_blocks=[{"label": "human", "value": messy}], enable_sleeptime=True)
    written = messy + "\nAllergic to nuts!"
    world.letta.agents.blocks.update("human", agent_id=agent.id, value=written)
    config = {"manager_type": "sleeptime", "manager_agent_id": agent.id, "sleeptime_agent_frequency": 2}
    group_id = world.letta.agents.retrieve(agent.id).managed_group.id
    world.raw("PATCH", f"/v1/groups/{group_id}", json={"manager_config": config})
    same(untidy_lines(written), 3, "three lines say nothing of their own")
    value = lambda: world.letta.agents.blocks.retrieve("human", agent_id=agent.id).value
    for text in ("Hello!", "Remember that I like rye bread."):
        world.letta.agents.messages.create(agent.id, messages=[{"role": "user", "content": text}])
    tidy = wait_until(lambda: untidy_lines(value()) == 0 and value(), "the block is tidied", patience_s=120)
    for fact in ("Name: Kim", "Kim has a dog called Rex.", "Pays 400 a month for the flat.", "Allergic to nuts!", "rye bread"):
        holds(fact in tidy, f"{fact} in {tidy}")
