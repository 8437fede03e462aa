"""An OpenAI-compatible endpoint that says what the last message tells it to.

The script travels in the message itself, so that the endpoint keeps no state and a turn that is tried again, or goes on
after a restart, is answered the same: `#script [{"say": "…"}, …]`, one reply for each time that the model is asked
after that message. Without a script the answer is `You said: …`.

A reply is {"say": text} or {"call": tool, "arguments": {…}} or {"calls": [[tool, {…}], …]}, and may have
"wait_s" (before the first byte), "word_s" (between words), "die_after" (words, then the connection is cut) and
"status" (a refusal instead of an answer).
"""

import contextlib
import json
import re
import socket
import threading
import time
import weakref
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "script-1"
SCRIPT = re.compile(r"#script\s+(?=\[)")
# What Resident tells the agent alone comes joined with the user's message.
ALERT = re.compile(r'\n+\{"type":"system_alert".*\Z', re.DOTALL)


def script(*replies, text=""):
    """A message that makes the endpoint give these replies."""
    return f"{text}#script {json.dumps(list(replies))}"


class Endpoint:
    """The endpoint, which listens on a free port of this computer."""

    def __init__(self):
        self.lock = threading.Lock()
        self.asked = []
        self.http = Server(("127.0.0.1", 0), Handler)
        self.http.endpoint = self
        self.base_url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def note(self, text):
        """Keeps what was asked."""
        with self.lock:
            self.asked.append(text)

    def times_asked(self, text):
        """How often a message with this text was the last of a prompt."""
        with self.lock:
            return sum(text in asked for asked in self.asked)

    def close(self):
        """Stops listening, and hangs up on whoever kept a connection."""
        self.http.shutdown()
        self.http.server_close()
        self.http.hang_up()


class Server(ThreadingHTTPServer):
    """Takes as many connections at once as a load needs."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.connections = weakref.WeakSet()

    def get_request(self):
        """Takes a connection."""
        connection, address = super().get_request()
        self.connections.add(connection)
        return connection, address

    def hang_up(self):
        """Ends all connections."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """A connection that was cut is what some checks are about."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        """Says nothing."""

    def do_GET(self):
        """Lists the one model."""
        if self.path == "/v1/models":
            self.answer(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "max_model_len": 16384}]})
        else:
            self.answer(404, {"error": {"message": "not here"}})

    def do_POST(self):
        """Answers a chat."""
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if self.path != "/v1/chat/completions":
            return self.answer(404, {"error": {"message": "not here"}})
        text, reply = choose(body.get("messages", []))
        time.sleep(reply.get("wait_s", 0))
        try:
            if "status" in reply:
                self.answer(reply["status"], {"error": {"message": "as the script says"}})
            elif body.get("stream"):
                self.stream(body, reply)
            else:
                self.answer(200, whole(body, reply))
        finally:
            self.server.endpoint.note(text)

    def answer(self, status, value):
        """Sends JSON."""
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def stream(self, body, reply):
        """Sends the reply in pieces: words, or halves of a call's arguments."""
        # A connection that is cut has no end of its own to tell from a whole answer.
        self.chunked = "die_after" not in reply
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header(*(("transfer-encoding", "chunked") if self.chunked else ("connection", "close")))
        self.end_headers()
        self.close_connection = not self.chunked
        for index, delta in enumerate(deltas(reply)):
            if index == reply.get("die_after"):
                return
            self.event(chunk(body, delta, None))
            if "word_s" in reply:
                time.sleep(reply["word_s"])
        self.event(chunk(body, {}, finish(reply)))
        self.event({**chunk(body, {}, None), "choices": [], "usage": USAGE})
        done = b"data: [DONE]\n\n"
        # The end of the body comes with its last piece, so that the client can keep the connection.
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(done), done) if self.chunked else done)

    def event(self, value):
        """Sends one event."""
        self.piece(f"data: {json.dumps(value)}\n\n".encode())

    def piece(self, data):
        """Sends a part of a stream."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data)


USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}


def choose(messages):
    """The text of the last message of the user, and the reply that its script has for now."""
    users = [index for index, message in enumerate(messages) if message["role"] == "user"]
    if not users:
        return "", {"say": "Nothing was said."}
    text = ALERT.sub("", text_of(messages[users[-1]]["content"]))
    replies = script_at_the_end(text)
    if replies is None:
        last = text.rsplit("\n", 1)[-1]
        return text, {"say": f"You said: {last}"}
    turn = sum(message["role"] == "assistant" for message in messages[users[-1] :])
    return text, replies[turn] if turn < len(replies) else {"say": "That is all."}


def script_at_the_end(text):
    """The script that a message ends with. Messages that were not answered come joined with the next, which counts."""
    for found in SCRIPT.finditer(text):
        replies, end = json.JSONDecoder().raw_decode(text, found.end())
        if not text[end:].strip():
            return replies
    return None


def text_of(content):
    """Content as text, whether it came in parts, or packed as events for older agents are, or as it is."""
    if not isinstance(content, str):
        return " ".join(part.get("text", "") for part in content or [])
    try:
        packed = json.loads(content)
    except ValueError:
        return content
    return packed["message"] if isinstance(packed, dict) and "message" in packed else content


def calls_of(reply):
    """The calls of a reply."""
    return reply.get("calls") or ([[reply["call"], reply.get("arguments", {})]] if "call" in reply else [])


def finish(reply):
    """Why the model stopped."""
    return "tool_calls" if calls_of(reply) else "stop"


def deltas(reply):
    """The pieces of a reply."""
    yield {"role": "assistant", "content": ""}
    for word in re.findall(r"\S+\s*", reply.get("say", "")):
        yield {"content": word}
    for index, (name, arguments) in enumerate(calls_of(reply)):
        text = json.dumps(arguments)
        call = {"index": index, "id": f"call_{index}_{time.monotonic_ns()}", "type": "function"}
        yield {"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]}
        for part in (text[: len(text) // 2], text[len(text) // 2 :]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def chunk(body, delta, reason):
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": body.get("model"), "choices": [choice]}


def whole(body, reply):
    """The reply in one piece."""
    message = {"role": "assistant", "content": reply.get("say")}
    calls = [
        {"id": f"call_{index}_{time.monotonic_ns()}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for index, (name, arguments) in enumerate(calls_of(reply))
    ]
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": finish(reply)}
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": body.get("model"), "choices": [choice], "usage": USAGE}
