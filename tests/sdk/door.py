"""Who is let in, seen from a raw socket: whatever is sent, the server refuses it and serves on."""

import socket

from letta_client import AuthenticationError

from checks import check, holds, named, same
from server import Server
from things import Later

TEN_THOUSAND = 10_000


def request(world, head, body=b"", read=True):
    """Sends a request as it is written; returns the status, or None where the connection was just closed."""
    host, port = world.server.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        if not read:
            return None
        try:
            answer = connection.recv(4096)
        except ConnectionError:
            return None
        return int(answer.split(b" ")[1]) if answer else None


def get(world, *headers, path="/v1/agents/"):
    """Asks for the list of agents with these headers."""
    return request(world, [f"GET {path} HTTP/1.1", *headers, "Connection: close"])


def post(world, body, *headers, path="/v1/blocks/"):
    """Sends a body with these headers."""
    return request(world, [f"POST {path} HTTP/1.1", f"Host: {world.server.address}", *headers, "Connection: close"], body)


BLOCK = b'{"label": "x", "value": "y"}'


@check
def its_own_names_are_let_in(world):
    port = world.server.address.rsplit(":", 1)[1]
    for name in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        same(get(world, f"Host: {name}"), 200, name)
    same(get(world, f"Host: localhost:{port}", f"Origin: http://localhost:{port}"), 200, "its own pages")


for name, headers in {
    "a foreign host": ("Host: evil.example",),
    "a foreign host with the port": ("Host: evil.example:{port}",),
    "an empty host": ("Host:",),
    "no host": (),
    "two hosts": ("Host: {address}", "Host: evil.example"),
    "another port": ("Host: 127.0.0.1:1",),
    "a name that ends like ours": ("Host: evil-localhost:{port}",),
    "a foreign origin": ("Host: {address}", "Origin: http://evil.example"),
    "a foreign origin of the same port": ("Host: {address}", "Origin: http://evil.example:{port}"),
    "an origin of another port": ("Host: {address}", "Origin: http://127.0.0.1:1"),
    "a null origin": ("Host: {address}", "Origin: null"),
    "a secure origin": ("Host: {address}", "Origin: https://{address}"),
}.items():

    @named(f"{name} is refused")
    def refused(world, headers=headers):
        port = world.server.address.rsplit(":", 1)[1]
        filled = [header.format(address=world.server.address, port=port) for header in headers]
        for path in ("/v1/agents/", "/app/events", "/openapi.json", "/"):
            status = get(world, *filled, path=path)
            holds(status in (400, 403), f"{path}: {status}")
        holds(world.server.is_healthy(), "it serves on")


@check
def bodies_of_a_foreign_form_are_refused(world):
    length = f"Content-Length: {len(BLOCK)}"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "text/plain;charset=application/json", ""):
        same(post(world, BLOCK, length, f"Content-Type: {kind}"), 415, kind)
    same(post(world, BLOCK, length), 415, "no type")
    same(post(world, BLOCK, length, "Content-Type: application/json; charset=utf-8"), 200, "JSON is taken")


@check
def a_gigabyte_is_refused_before_it_is_read(world):
    before = world.server.memory_bytes()
    status = post(world, b"[" * 65536, f"Content-Length: {1 << 30}", "Content-Type: application/json")
    holds(status in (413, None), f"the status is {status}")
    holds(world.server.memory_bytes() - before < 200 << 20, "it is not held in memory")
    holds(world.server.is_healthy(), "it serves on")


@check
def chunks_without_end_are_refused(world):
    host, port = world.server.address.rsplit(":", 1)
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        json_body = "Content-Type: application/json"
        head = ["POST /v1/blocks/ HTTP/1.1", f"Host: {world.server.address}", json_body, "Transfer-Encoding: chunked"]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        sent = 0
        try:
            while sent < 256:
                connection.sendall(chunk)
                sent += 1
        except OSError:
            pass
    holds(sent < 256, "a quarter of a gigabyte was taken")
    holds(world.server.is_healthy(), "it serves on")


@check
def deep_json_is_refused(world):
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        body = opening * TEN_THOUSAND + b"1" + closing * TEN_THOUSAND
        for path in ("/v1/blocks/", "/v1/agents/", "/app/request/listAgents"):
            status = post(world, body, f"Content-Length: {len(body)}", "Content-Type: application/json", path=path)
            holds(status in (400, 422), f"{path}: {status}")
    holds(world.server.is_healthy(), "it serves on")


@check
def broken_json_and_broken_text_are_refused(world):
    for body in (b"{", b"\xff\xfe", b'{"label": "\xff"}', b"null", b"[]", b'"x"', b'{"label": 1e400}', b'{"label": "\\ud800"}'):
        status = post(world, body, f"Content-Length: {len(body)}", "Content-Type: application/json")
        holds(status in (400, 422), f"{body}: {status}")
    holds(world.server.is_healthy(), "it serves on")


@check
def a_body_that_never_comes_delays_nobody(world):
    def unfinished():
        host, port = world.server.address.rsplit(":", 1)
        connection = socket.create_connection((host, int(port)), timeout=20)
        head = ["POST /v1/blocks/ HTTP/1.1", f"Host: {world.server.address}", "Content-Type: application/json", "Content-Length: 100"]
        connection.sendall("\r\n".join([*head, "", ""]).encode() + b"{")
        return connection

    waiting = [unfinished() for _ in range(50)]
    same(Later(lambda: world.letta.health().status).get(5), "ok", "it serves on")
    for connection in waiting:
        connection.close()


@check
def paths_do_not_leave_the_web_ui(world):
    for path in ("/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/assets/../../Cargo.toml", "//etc/passwd", "/%00"):
        host = f"Host: {world.server.address}"
        status = get(world, host, path=path)
        holds(status in (200, 400, 404), f"{path}: {status}")
        answer = world.raw("GET", path)
        holds("root:" not in answer.text and "[workspace" not in answer.text, f"{path} shows a file")


@check
def a_server_with_a_token_answers_whoever_has_it(world):
    server = Server(world.program, world.models, access=("--token", "open sesame"))
    try:
        for key in ("wrong", "open", "open sesame!"):
            try:
                world.client(server.base_url, api_key=key).agents.list()
                raise AssertionError(f"`{key}` was let in")
            except AuthenticationError as error:
                holds("detail" in error.body, f"the form: {error.body}")
        same(list(world.client(server.base_url, api_key="open sesame").agents.list()), [], "the token is let in")
        same(world.client(server.base_url, api_key="wrong").health().status, "ok", "the health is for everyone")

        def ask(path, **headers):
            return world.raw("GET", server.base_url + path, headers=headers)

        same(ask("/v1/agents/", **{"X-BARE-PASSWORD": "password open sesame"}).json(), [], "as a bare password")
        for path in ("/v1/agents", "/v1/models/", "/app/events", "/openapi.json"):
            same(ask(path).status_code, 401, f"{path} without a token")
        for path in ("/V1/agents", "//v1/agents", "/x/../v1/agents", "/%76%31/agents", "/OpenAPI.json"):
            # What is no route of the API is a page of the web UI, which holds nothing.
            answer = ask(path)
            is_page = answer.headers["content-type"].startswith("text/html")
            holds(answer.status_code in (401, 404) or is_page, f"{path} without a token: {answer.text[:200]}")
    finally:
        server.close()
