"""What the checks share: one server with one scripted endpoint, and clients that believe nothing.

The client's own strict validation stops at the items of a page, so they are validated here as well. What is said on the
wire is kept for a while, to be shown with a check that fails.
"""

import collections
import json
import threading
import uuid

import httpx
import pydantic
from letta_client import DefaultHttpxClient, Letta
from letta_client import pagination

from endpoint import MODEL, Endpoint
from server import ENDPOINT, Server

MODEL_HANDLE = f"remote/{ENDPOINT}/{MODEL}"


def check_items_of_pages():
    """Makes pages validate their items. (Pages of files are validated as they are.)"""
    build = pagination.SyncArrayPage.build.__func__

    def checked(cls, *, response, data):
        pydantic.TypeAdapter(cls.model_fields["items"].annotation).validate_python(data)
        return build(cls, response=response, data=data)

    pagination.SyncArrayPage.build = classmethod(checked)


class World:
    """One server, one endpoint."""

    def __init__(self, program, models):
        self.program, self.models = program, models
        self.wire = collections.deque(maxlen=6)
        self.lock = threading.Lock()
        self.endpoint = Endpoint()
        self.server = Server(program, models)
        self.server.use(self.endpoint)
        self.letta = self.client()

    def client(self, base_url=None, **options):
        """A client that is strict; without retries, so that every request is meant."""
        http = DefaultHttpxClient(event_hooks={"request": [self.note_request], "response": [self.note_response]})
        options = {"api_key": "unused", "max_retries": 0, "timeout": 60.0, **options}
        base_url = base_url or self.server.base_url
        return Letta(base_url=base_url, http_client=http, _strict_response_validation=True, **options)

    def agent(self, **fields):
        """An agent that the scripted endpoint answers for."""
        fields = {"name": f"agent {uuid.uuid4().hex[:8]}", "model": MODEL_HANDLE, **fields}
        return self.letta.agents.create(**fields)

    def raw(self, method, path, **options):
        """A request without the client."""
        with httpx.Client(base_url=self.server.base_url, timeout=60) as http:
            return http.request(method, path, **options)

    def raw_stream(self, path, body):
        """A request without the client whose answer is read as it comes; use it with `with`."""
        return httpx.stream("POST", self.server.base_url + path, json=body, timeout=60)

    def note_request(self, request):
        """Keeps what was sent."""
        try:
            body = request.content.decode(errors="replace")
        except httpx.RequestNotRead:
            body = "(a stream)"
        with self.lock:
            self.wire.append(f"> {request.method} {request.url.raw_path.decode()} {body[:600]}")
            self.last_request = request

    def note_response(self, response):
        """Keeps what came back; of a stream only its beginning is known."""
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            body = "(a stream)"
        else:
            response.read()
            body = response.text[:1500]
        with self.lock:
            self.wire.append(f"< {response.status_code} {body}")

    def forget_wire(self):
        """Begins a new page of the record."""
        with self.lock:
            self.wire.clear()
            self.last_request = None

    def wire_text(self):
        """The last exchanges."""
        with self.lock:
            return "\n".join(f"    {line}" for line in self.wire)

    def close(self):
        """Ends both."""
        self.server.close()
        self.endpoint.close()


def types_of(messages):
    """The message types, in their order."""
    return [message.message_type for message in messages]


def texts_of(messages, message_type):
    """The contents of one type of message."""
    return [message.content for message in messages if message.message_type == message_type]


def whole_list(page, most=2000):
    """All items of a page and those after it; an iteration that does not end is an error."""
    items = []
    for item in page:
        items.append(item)
        assert len(items) <= most, f"the iteration goes on after {most} items"
    return items


def body_of(error):
    """The JSON body of an error's answer."""
    return json.loads(error.response.text)


