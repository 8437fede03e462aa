"""A server that is killed in the middle of a turn: the turn shows as interrupted, and the retry finishes it once."""

import uuid

from checks import check, holds, same, wait_until
from endpoint import script
from server import Server
from things import Later
from world import MODEL_HANDLE, texts_of, whole_list


class Interrupted:
    """A world of its own, whose server was killed while it answered, and was started again."""

    def __init__(self, world, reply, **message):
        self.server = Server(world.program, world.models)
        try:
            self.server.use(world.endpoint)
            self.letta = world.client(self.server.base_url)
            agent = self.letta.agents.create(name="killed", model=MODEL_HANDLE)
            self.path = f"/v1/agents/{agent.id}/messages"
            self.agent_id = agent.id
            self.content = script(reply, text=f"{uuid.uuid4()} ")
            self.body = {"messages": [{"role": "user", "content": self.content, **message}]}
            begun = Later(lambda: self.post(world, 0))
            wait_until(lambda: whole_list(self.letta.runs.list(agent_id=agent.id)), "the turn does not begin")
            self.run_id = next(iter(self.letta.runs.list(agent_id=agent.id))).id
            self.server.kill()
            begun.join(20)
            self.server.start()
            self.letta = world.client(self.server.base_url)
        except BaseException:
            self.server.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.server.close()

    def post(self, world, retries):
        """Sends the message as the client would for the first time, or again."""
        import httpx

        with httpx.Client(base_url=self.server.base_url, timeout=60) as http:
            return http.post(self.path, json=self.body, headers={"x-stainless-retry-count": str(retries)})

    def listed(self, kind):
        """Texts of one type, as they are recorded."""
        return texts_of(whole_list(self.letta.agents.messages.list(self.agent_id, order="asc")), kind)


SLOW = {"say": "Here I am again.", "wait_s": 2}


def finishes_once(world, interrupted):
    """The retry gets the answer, and message and answer are there once."""
    run = interrupted.letta.runs.retrieve(interrupted.run_id)
    same(run.status, "failed", "the turn is marked")
    holds(run.metadata.get("interrupted"), f"as interrupted: {run.metadata}")
    answer = interrupted.post(world, 1)
    same(answer.status_code, 200, answer.text)
    same([m.get("content") for m in answer.json()["messages"]], ["Here I am again."], "the retry gets the answer")
    same(interrupted.listed("user_message"), [interrupted.content], "the message is there once")
    same(interrupted.listed("assistant_message"), ["Here I am again."], "and so is the answer")
    again = interrupted.post(world, 2)
    same([m.get("content") for m in again.json()["messages"]], ["Here I am again."], "another retry gets the same")
    same(interrupted.listed("user_message"), [interrupted.content], "and the message is still there once")


@check
def a_retry_by_the_same_body_finishes_an_interrupted_turn_once(world):
    with Interrupted(world, SLOW) as interrupted:
        finishes_once(world, interrupted)


@check
def a_retry_by_the_same_name_finishes_an_interrupted_turn_once(world):
    with Interrupted(world, SLOW, otid=str(uuid.uuid4())) as interrupted:
        finishes_once(world, interrupted)


@check
def a_new_message_after_a_kill_is_answered(world):
    with Interrupted(world, SLOW) as interrupted:
        answer = interrupted.letta.agents.messages.create(agent_id=interrupted.agent_id, input="Hello?")
        same(answer.messages[-1].content, "You said: Hello?", "the agent answers")
        said = interrupted.listed("user_message")
        same((said[0], said[-1], len(said)), (interrupted.content, "Hello?", 2), "nothing is lost or doubled")


@check
def a_server_that_is_asked_to_stop_says_what_became_of_its_turns(world):
    server = Server(world.program, world.models)
    try:
        server.use(world.endpoint)
        letta = world.client(server.base_url)
        agent = letta.agents.create(name="stopped", model=MODEL_HANDLE)
        begun = Later(lambda: letta.agents.messages.create(agent_id=agent.id, input=script({"say": "Done.", "wait_s": 1.5})))
        wait_until(lambda: whole_list(letta.runs.list(agent_id=agent.id)), "the turn does not begin")
        same(server.stop(), 0, "it ends well")
        begun.join(20)
        server.start()
        run = next(iter(world.client(server.base_url).runs.list(agent_id=agent.id)))
        holds(run.status in ("completed", "cancelled", "failed"), f"no turn is left running: {run.status}")
        if begun.result:
            same(begun.result.messages[-1].content, "Done.", "whoever waited got the answer")
    finally:
        server.close()
