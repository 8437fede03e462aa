"""The program that every newcomer types, with the model that is on this computer and nothing but the client's defaults."""

from letta_client import Letta

from checks import check, holds, same


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
