"""The program that every newcomer types, with the model that is on this computer and nothing but the client's defaults."""

from letta_client import Letta

from checks import check, holds, same
from world import texts_of, types_of, whole_list


@check
def the_seed_program_runs_unchanged_with_the_local_model(world):
    client = Letta(base_url=world.server.base_url)
    agent = client.agents.create(
        name="my_agent",
        memory_blocks=[
            {"label": "human", "value": "The human's name is Ada."},
            {"label": "persona", "value": "I am a helpful assistant."},
        ],
        model="openai/gpt-4o",
        embedding="openai/text-embedding-3-small",
    )
    same((agent.model, agent.embedding), ("openai/gpt-4o", "openai/text-embedding-3-small"), "handles come back as asked")
    same({block.label for block in agent.memory.blocks}, {"human", "persona"}, "the blocks")
    holds(agent.metadata, "the metadata say that another model answers")

    answer = client.agents.messages.create(agent_id=agent.id, messages=[{"role": "user", "content": "Hello, who are you?"}])
    said = [message.content for message in answer.messages if message.message_type == "assistant_message"]
    holds(said and any(said), f"the local model answers: {answer}")
    same(answer.stop_reason.stop_reason, "end_turn", "the turn ends")
    holds(answer.usage.completion_tokens > 0, "tokens are counted")

    client.agents.passages.create(agent_id=agent.id, text="Ada was born in London.")
    passages = client.agents.passages.list(agent_id=agent.id)
    same([passage.text for passage in passages], ["Ada was born in London."], "the passage is listed")


@check
def an_agent_without_any_wish_gets_the_defaults(world):
    agent = world.letta.agents.create()
    holds(agent.name and agent.model, "a name and a model")
    same(agent.agent_type, "letta_v1_agent", "the kind")


@check
def the_async_client_works_too(world):
    import asyncio

    from letta_client import AsyncLetta

    async def program():
        client = AsyncLetta(base_url=world.server.base_url, api_key="unused", _strict_response_validation=True)
        agent = await client.agents.create(name="asynchronous", model=world.agent().model)
        answer = await client.agents.messages.create(agent_id=agent.id, input="Hi")
        await client.close()
        return answer.messages[-1].content

    same(asyncio.run(program()), "You said: Hi", "the answer")


@check
def the_local_model_streams_what_it_says(world):
    agent = world.letta.agents.create(name="streams", model="openai/gpt-4o")
    chunks = list(world.letta.agents.messages.stream(agent_id=agent.id, input="Say hello.", stream_tokens=True))
    kinds = types_of(chunks)
    same((kinds[0], kinds[-2:]), ("ping", ["stop_reason", "usage_statistics"]), "the frame")
    recorded = texts_of(whole_list(world.letta.agents.messages.list(agent.id)), "assistant_message")
    same("".join(texts_of(chunks, "assistant_message")), "".join(recorded), "the pieces are what is recorded")
    holds("".join(recorded).strip(), "something is said")


@check
def the_local_model_remembers_what_it_is_asked_to(world):
    blocks = [{"label": "human", "value": "The human's name is Ada."}]
    agent = world.letta.agents.create(name="remembers", memory_blocks=blocks, model="openai/gpt-4o")
    answer = world.letta.agents.messages.create(agent_id=agent.id, input="Please remember that my cat is called Miso.")
    holds("tool_call_message" in types_of(answer.messages), f"a tool is called: {types_of(answer.messages)}")
    value = world.letta.agents.blocks.retrieve("human", agent_id=agent.id).value
    passages = [passage.text for passage in world.letta.agents.passages.list(agent.id)]
    holds(any("Miso" in text for text in (value, *passages)), f"it is kept: {value} {passages}")
