"""Things that the methods are tried on, each made when it is first needed and then shared."""

import sys
import threading
import uuid
from functools import cached_property

from checks import wait_until
from endpoint import script
from server import MCP_PROGRAM

HI = [{"role": "user", "content": "Hello there."}]

ROLL = '''
def roll(sides: int) -> int:
    """
    Rolls a die.

    Args:
        sides (int): How many sides the die has.

    Returns:
        int: What came up.
    """
    import random
    return random.randint(1, sides)
'''


def tool_source(name):
    """The source of a tool of this name."""
    return ROLL.replace("roll", name, 1)


def fresh(word):
    """A name that nothing else has."""
    return f"{word}_{uuid.uuid4().hex[:8]}"


class Things:
    """The things of one world."""

    def __init__(self, world):
        self.world, self.letta = world, world.letta

    @cached_property
    def agent(self):
        """An agent with a block, which has said something."""
        blocks = [{"label": "human", "value": "Ada"}, {"label": "notes", "value": "none"}]
        agent = self.world.agent(memory_blocks=blocks, tags=["tried"])
        self.letta.agents.messages.create(agent_id=agent.id, messages=HI)
        return agent

    @cached_property
    def run(self):
        """A run of the agent."""
        return next(iter(self.letta.runs.list(agent_id=self.agent.id)))

    @cached_property
    def step(self):
        """A step of the agent."""
        return next(iter(self.letta.steps.list(agent_id=self.agent.id)))

    @cached_property
    def message(self):
        """A message of the agent."""
        return self.letta.agents.messages.list(self.agent.id).items[-1]

    @property
    def block(self):
        """A new block."""
        return self.letta.blocks.create(label=fresh("label"), value="something")

    @property
    def tool(self):
        """A new tool."""
        return self.letta.tools.create(source_code=tool_source(fresh("roll")))

    @cached_property
    def archive(self):
        """An archive."""
        return self.letta.archives.create(name=fresh("archive"))

    @cached_property
    def folder(self):
        """A folder with a file, attached to the agent."""
        folder = self.letta.folders.create(name=fresh("folder"), embedding="openai/text-embedding-3-small")
        self.upload(folder)
        self.letta.agents.folders.attach(folder.id, agent_id=self.agent.id)
        return folder

    def upload(self, folder):
        """A new file in a folder, read to its end."""
        file = self.letta.folders.files.upload(folder.id, file=(f"{fresh('note')}.txt", b"The key is under the mat.\n"))

        def read():
            now = self.letta.folders.files.retrieve(file.id, folder_id=folder.id)
            return now if now.processing_status in ("completed", "error") else None

        file = wait_until(read, "the file is not read")
        assert file.processing_status == "completed", file
        return file

    @cached_property
    def open_file(self):
        """A file of the folder that is attached to the agent, as the agent sees it."""
        self.folder
        return next(iter(self.letta.agents.files.list(self.agent.id)))

    @cached_property
    def conversation(self):
        """A conversation of the agent."""
        return self.letta.conversations.create(agent_id=self.agent.id)

    @cached_property
    def identity(self):
        """An identity; the client has no method that makes one."""
        body = {"identifier_key": fresh("key"), "name": "Ada", "identity_type": "user"}
        answer = self.world.raw("POST", "/v1/identities/", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def mcp_config(self):
        """How the tool server of this suite is started."""
        return {"mcp_server_type": "stdio", "command": sys.executable, "args": ["-B", MCP_PROGRAM]}

    @cached_property
    def mcp_server(self):
        """A tool server that the person allowed."""
        server = self.letta.mcp_servers.create(server_name=fresh("adder"), config=self.mcp_config)
        self.letta.mcp_servers.refresh(server.id)
        return server

    @cached_property
    def mcp_tool(self):
        """Its one tool."""
        return self.letta.mcp_servers.tools.list(self.mcp_server.id)[0]

    def passage(self, text="Ada likes tea."):
        """A new passage of the agent."""
        return self.letta.agents.passages.create(agent_id=self.agent.id, text=text)[0]

    def busy(self, reply, agent_id):
        """Lets an agent work for a while; the turn's stream, whose first message has come."""
        content = script(reply)
        stream = self.letta.agents.messages.stream(
            agent_id=agent_id, messages=[{"role": "user", "content": content}], background=True
        )
        return stream, next(iter(stream))

    def later(self, work):
        """Does something in a thread of its own; its result is asked for with `join`."""
        return Later(work)


class Later(threading.Thread):
    """Work on its way."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work, self.result, self.error = work, None, None
        self.start()

    def run(self):
        """Does it."""
        try:
            self.result = self.work()
        except BaseException as error:
            self.error = error

    def get(self, patience_s=60):
        """Its result, or what went wrong."""
        self.join(patience_s)
        assert not self.is_alive(), f"nothing after {patience_s} s"
        if self.error:
            raise self.error
        return self.result
