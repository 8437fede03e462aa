"""Fields: what a client sets is what it reads back, at creation and after a change."""

from checks import check, holds, named, same
from things import fresh, tool_source
from world import whole_list

RULES = [
    {"type": "run_first", "tool_name": "conversation_search"},
    {"type": "exit_loop", "tool_name": "memory_insert"},
    {"type": "continue_loop", "tool_name": "conversation_search"},
    {"type": "constrain_child_tools", "tool_name": "conversation_search", "children": ["memory_insert"]},
    {"type": "parent_last_tool", "tool_name": "conversation_search", "children": ["memory_insert"]},
    {
        "type": "conditional", "tool_name": "conversation_search", "child_output_mapping": {"yes": "memory_insert"},
        "default_child": "memory_replace", "require_output_mapping": False,
    },
    {"type": "max_count_per_step", "tool_name": "conversation_search", "max_count_limit": 3},
    {"type": "required_before_exit", "tool_name": "memory_insert"},
    {"type": "requires_approval", "tool_name": "memory_replace"},
]

# What an agent can be asked for, and how it is read back where that is not the same.
AGENT_FIELDS = {
    "name": "Another name",
    "description": "What it is for.",
    "system": "Be brief.",
    "metadata": {"a": {"b": [1, None, "c"]}},
    "tags": ["one", "two"],
    "timezone": "Europe/Rome",
    "message_buffer_autoclear": True,
    "enable_sleeptime": False,
    "max_files_open": 7,
    "per_file_view_window_char_limit": 1234,
    "hidden": True,
    "embedding": "openai/text-embedding-3-small",
    "model": "openai/gpt-4o-mini",
    "response_format": {"type": "json_object"},
    "compaction_settings": {"mode": "all", "clip_chars": 1000},
    "model_settings": {"provider_type": "openai", "temperature": 0.3, "max_output_tokens": 500},
    "tool_rules": RULES,
}


def is_within(asked, got):
    """Whether everything that was asked for is in what came back, which may say more."""
    if isinstance(asked, dict):
        return isinstance(got, dict) and all(key in got and is_within(value, got[key]) for key, value in asked.items())
    if isinstance(asked, list):
        return isinstance(got, list) and len(asked) == len(got) and all(map(is_within, asked, got))
    return asked == got


def check_field(body, field, asked):
    """The field came back."""
    got = body[field]
    if field == "tags":
        asked, got = sorted(asked), sorted(got)
    holds(is_within(asked, got), f"{field}: asked for {asked}, got {got}")


for field, asked in AGENT_FIELDS.items():

    @named(f"an agent's {field} comes back as it was set")
    def field_comes_back(world, field=field, asked=asked):
        tools = ["conversation_search", "memory_insert", "memory_replace"]
        made = world.letta.agents.create(**{"name": fresh("agent"), "tools": tools, field: asked})
        changed = world.letta.agents.create(name=fresh("agent"), tools=tools)
        world.letta.agents.update(changed.id, **{field: asked})
        for agent in (made, changed):
            check_field(world.raw("GET", f"/v1/agents/{agent.id}").json(), field, asked)


@check
def relations_are_replaced_whole(world):
    letta = world.letta
    blocks = [letta.blocks.create(label=label, value="v").id for label in ("one", "two", "three")]
    agent = world.agent(block_ids=blocks[:2])
    changed = letta.agents.update(agent.id, block_ids=blocks[1:])
    same({block.id for block in changed.memory.blocks}, set(blocks[1:]), "the blocks")
    tool = letta.tools.create(source_code=tool_source(fresh("roll")))
    changed = letta.agents.update(agent.id, tool_ids=[tool.id])
    same([found.id for found in changed.tools], [tool.id], "the tools")


@check
def secrets_for_tools_that_never_run_are_not_kept(world):
    agent = world.agent(secrets={"API_KEY": "abc"})
    same(agent.secrets, [], "at creation")
    changed = world.letta.agents.update(agent.id, secrets={"OTHER": "def"})
    same(changed.secrets, [], "changed")


@check
def a_program_that_still_sends_configurations_works(world):
    answer = world.raw("POST", "/v1/agents/", json={
        "name": fresh("agent"),
        "llm_config": {"model": "gpt-4o", "model_endpoint_type": "openai", "context_window": 16000, "handle": "openai/gpt-4o"},
        "embedding_config": {"embedding_model": "e", "embedding_endpoint_type": "openai", "embedding_dim": 1536},
        "memory_blocks": [{"label": "human", "value": "Ada", "limit": 2000}], "an_unknown_field": 1,
    })
    same(answer.status_code, 200, answer.text)
    same(answer.json()["llm_config"]["model"], "gpt-4o", "the model is reported as asked")


@check
def base_tools_are_those_of_the_kind(world):
    for kind, expected in {
        "letta_v1_agent": {"conversation_search", "memory_replace", "memory_insert"},
        "memgpt_v2_agent": {"send_message", "conversation_search", "memory_replace", "memory_insert"},
    }.items():
        found = {tool.name for tool in world.agent(agent_type=kind).tools}
        holds(expected <= found, f"{kind}: {found}")
    same(world.agent(include_base_tools=False).tools, [], "none where none is wanted")


@check
def variables_are_filled_in(world):
    blocks = [{"label": "human", "value": "Her name is {{name}}."}]
    agent = world.agent(memory_blocks=blocks, extra_body={"memory_variables": {"name": "Ada"}})
    same(agent.memory.blocks[0].value, "Her name is Ada.", "the block")


BLOCK_FIELDS = {
    "value": "new", "label": "another", "description": "d", "limit": 321, "read_only": True, "metadata": {"a": [1]},
    "tags": ["x"], "hidden": True,
}


@check
def the_fields_of_a_block_come_back(world):
    letta = world.letta
    made = letta.blocks.create(**{"label": "l", "value": "v", **BLOCK_FIELDS})
    changed = letta.blocks.update(letta.blocks.create(label="l", value="v").id, **BLOCK_FIELDS)
    attached = world.agent(memory_blocks=[{"label": "l", "value": "v"}])
    of_agent = letta.agents.blocks.update("l", agent_id=attached.id, **BLOCK_FIELDS)
    for block in (made, changed, of_agent):
        body = world.raw("GET", f"/v1/blocks/{block.id}").json()
        for field, asked in BLOCK_FIELDS.items():
            check_field(body, field, asked)


TOOL_FIELDS = {
    "description": "d", "tags": ["x"], "return_char_limit": 999, "default_requires_approval": True,
    "enable_parallel_execution": True, "pip_requirements": [{"name": "numpy", "version": "1.0"}],
}


@check
def the_fields_of_a_tool_come_back(world):
    letta = world.letta
    made = letta.tools.create(source_code=tool_source(fresh("roll")), **TOOL_FIELDS)
    changed = letta.tools.update(letta.tools.create(source_code=tool_source(fresh("roll"))).id, **TOOL_FIELDS)
    for tool in (made, changed):
        body = world.raw("GET", f"/v1/tools/{tool.id}").json()
        for field, asked in TOOL_FIELDS.items():
            check_field(body, field, asked)


@check
def a_tool_that_wants_approval_brings_its_rule(world):
    tool = world.letta.tools.create(source_code=tool_source(fresh("roll")), default_requires_approval=True)
    agent = world.agent()
    world.letta.agents.tools.attach(tool.id, agent_id=agent.id)
    rules = [(rule.type, rule.tool_name) for rule in world.letta.agents.retrieve(agent.id).tool_rules]
    holds(("requires_approval", tool.name) in rules, f"the rules: {rules}")


@check
def a_tool_is_made_anew_under_its_name(world):
    name = fresh("roll")
    one = world.letta.tools.create(source_code=tool_source(name))
    two = world.letta.tools.create(source_code=tool_source(name), description="changed")
    same((two.id, two.description), (one.id, "changed"), "the same tool")
    same(len(whole_list(world.letta.tools.list(name=name))), 1, "there is one of that name")


@check
def the_signature_of_a_function_becomes_its_schema(world):
    source = '''
from typing import List, Literal, Optional

def plan(city: str, days: int = 3, budget: Optional[float] = None, tags: List[str] = [], pace: Literal["slow", "fast"] = "slow", sure: bool = False) -> dict:
    """
    Plans a journey
    in detail.

    Args:
        city (str): Where to.
        days (int): How long,
            in days.
        budget (float): How much.
        tags (list): Words.
        pace (str): How fast.
        sure (bool): Whether it is certain.

    Returns:
        dict: The plan.
    """
    return {}
'''
    schema = world.letta.tools.create(source_code=source).json_schema
    same((schema["name"], schema["parameters"]["required"]), ("plan", ["city"]), "name and what is required")
    properties = schema["parameters"]["properties"]
    kinds = {name: value.get("type") for name, value in properties.items()}
    same(kinds, {
        "city": "string", "days": "integer", "budget": "number", "tags": "array", "pace": "string", "sure": "boolean",
    }, "the types")
    same(properties["city"]["description"], "Where to.", "a description")
    holds("in days" in properties["days"]["description"], "one of two lines")
    same(properties["tags"]["items"], {"type": "string"}, "what the list holds")
    same(properties["pace"]["enum"], ["slow", "fast"], "the choices")


@check
def a_conversation_keeps_what_is_set(world):
    agent = world.agent()
    made = world.letta.conversations.create(agent_id=agent.id, summary="s")
    body = {"summary": "t", "description": "d", "archived": True, "context_window_limit": 9000}
    same(world.raw("PATCH", f"/v1/conversations/{made.id}", json=body).status_code, 200, "the change")
    now = world.raw("GET", f"/v1/conversations/{made.id}").json()
    for field, asked in body.items():
        check_field(now, field, asked)

    def listed(status):
        path = f"/v1/conversations/?agent_id={agent.id}" + (f"&archive_status={status}" if status else "")
        return [found["id"] for found in world.raw("GET", path).json()]

    same((listed(None), listed("archived"), listed("all")), ([], [made.id], [made.id]), "archived ones are apart")
