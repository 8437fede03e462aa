"""What is wrong is told with V1's status and form, and with the field it is in."""

from letta_client import (
    APIStatusError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    UnprocessableEntityError,
)

from checks import check, holds, named, same
from things import fresh

NOBODY = "00000000-0000-4000-8000-0000000000ff"

# Paths of things that are not there.
MISSING = (
    f"/v1/agents/agent-{NOBODY}", f"/v1/agents/agent-{NOBODY}/messages", f"/v1/agents/agent-{NOBODY}/core-memory/blocks",
    f"/v1/agents/agent-{NOBODY}/archival-memory", f"/v1/agents/agent-{NOBODY}/tools", f"/v1/blocks/block-{NOBODY}",
    f"/v1/tools/tool-{NOBODY}", f"/v1/archives/archive-{NOBODY}", f"/v1/folders/source-{NOBODY}", f"/v1/runs/run-{NOBODY}",
    f"/v1/steps/step-{NOBODY}", f"/v1/messages/message-{NOBODY}", f"/v1/conversations/conv-{NOBODY}",
    f"/v1/mcp-servers/mcp_server-{NOBODY}", f"/v1/blocks/block-{NOBODY}/agents", f"/v1/runs/run-{NOBODY}/messages",
    f"/v1/folders/source-{NOBODY}/files",
)

for path in MISSING:

    @named(f"what is not there is not found: {path.replace(NOBODY, '…')}")
    def missing(world, path=path):
        answer = world.raw("GET", path)
        same(answer.status_code, 404, answer.text)
        holds(isinstance(answer.json()["detail"], str), f"the form: {answer.text}")


for path in ("agents/agent-1", "agents/nonsense", "blocks/agent-" + NOBODY, "tools/1", "folders/x", "steps/x", "messages/1"):

    @named(f"an id of the wrong form is refused: {path.replace(NOBODY, '…')}")
    def malformed(world, path=path):
        same(world.raw("GET", f"/v1/{path}").status_code, 422, "the status")


def refused(call, kind):
    """The call raises that error; its body is returned."""
    try:
        call()
    except kind as error:
        holds("detail" in error.body, f"the form: {error.body}")
        return error
    except APIStatusError as error:
        raise AssertionError(f"{error.status_code} instead of {kind.__name__}: {error.body}") from error
    raise AssertionError(f"no {kind.__name__}")


@check
def the_client_raises_its_own_kinds_of_errors(world):
    letta, agent = world.letta, world.agent()
    missing = f"agent-{NOBODY}"
    refused(lambda: letta.agents.retrieve(missing), NotFoundError)
    refused(lambda: letta.agents.messages.create(agent_id=missing, input="Hi"), NotFoundError)
    refused(lambda: letta.agents.blocks.retrieve("nothing", agent_id=agent.id), NotFoundError)
    refused(lambda: letta.agents.tools.attach(f"tool-{NOBODY}", agent_id=agent.id), NotFoundError)
    refused(lambda: letta.agents.create(block_ids=[f"block-{NOBODY}"]), NotFoundError)
    refused(lambda: letta.agents.messages.cancel(agent.id), ConflictError)
    refused(lambda: letta.agents.messages.create(agent_id=agent.id, messages=[]), UnprocessableEntityError)


@check
def a_wrong_body_is_told_with_its_field(world):
    agent = world.agent()
    path = f"/v1/agents/{agent.id}"
    for method, where, body, field in (
        ("POST", f"{path}/messages", {"messages": "hello"}, "messages"),
        ("POST", f"{path}/messages", {"messages": [{"role": "nobody", "content": "x"}]}, "role"),
        ("POST", f"{path}/messages", {"input": "x", "max_steps": "many"}, "max_steps"),
        ("POST", f"{path}/archival-memory", {}, "text"),
        ("POST", "/v1/blocks/", {"label": "x"}, "value"),
        ("POST", "/v1/agents/", {"tags": "x"}, "tags"),
        ("POST", "/v1/archives/", {}, "name"),
        ("POST", "/v1/tools/", {}, "source_code"),
        ("PATCH", path, {"name": 3}, "name"),
    ):
        answer = world.raw(method, where, json=body)
        holds(answer.status_code == 422 and field in answer.text, f"{where} {body}: {answer.status_code} {answer.text}")


@check
def a_wrong_query_is_told_with_its_field(world):
    for path, field in (("/v1/agents/?limit=many", "limit"), ("/v1/agents/?order=sideways", "order"), ("/v1/blocks/?limit=-1", "limit")):
        answer = world.raw("GET", path)
        holds(answer.status_code == 422 and field in answer.text, f"{path}: {answer.status_code} {answer.text}")


@check
def messages_and_input_exclude_each_other(world):
    path = f"/v1/agents/{world.agent().id}/messages"
    for body in ({}, {"input": "x", "messages": [{"role": "user", "content": "y"}]}, {"messages": []}):
        same(world.raw("POST", path, json=body).status_code, 422, f"{body}")
    for option in ({"stream_tokens": True}, {"background": True}):
        same(world.raw("POST", path, json={"input": "x", **option}).status_code, 422, f"{option} without streaming")


@check
def a_label_is_there_once(world):
    letta = world.letta
    agent = world.agent(memory_blocks=[{"label": "human", "value": "Ada"}])
    other = letta.blocks.create(label="human", value="Grace")
    refused(lambda: letta.agents.blocks.attach(other.id, agent_id=agent.id), ConflictError)
    same(letta.agents.blocks.retrieve("human", agent_id=agent.id).value, "Ada", "nothing changed")


@check
def a_block_that_is_not_attached_cannot_be_detached(world):
    block = world.letta.blocks.create(label="human", value="x")
    refused(lambda: world.letta.agents.blocks.detach(block.id, agent_id=world.agent().id), NotFoundError)


@check
def a_folder_name_is_taken_once(world):
    name = fresh("folder")
    world.letta.folders.create(name=name, embedding="openai/text-embedding-3-small")
    refused(lambda: world.letta.folders.create(name=name, embedding="openai/text-embedding-3-small"), ConflictError)


@check
def a_source_without_a_function_is_no_tool(world):
    refused(lambda: world.letta.tools.create(source_code="x = 1"), BadRequestError)


@check
def an_unknown_route_answers_in_json(world):
    answer = world.raw("GET", "/v1/nothing")
    same((answer.status_code, list(answer.json())), (404, ["detail"]), "the form")


@check
def the_wrong_method_is_told(world):
    same(world.raw("PUT", "/v1/agents/").status_code, 405, "the status")


@check
def the_document_describes_the_routes(world):
    document = world.raw("GET", "/openapi.json").json()
    holds("/v1/agents/{agent_id}/messages" in document["paths"], "a route of the API")
