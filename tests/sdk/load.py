"""Many agents and many clients at once: is anything lost or doubled, and how long does Resident itself take?

    PYTHONPATH=target/sdk/1.12.1 python3 -B tests/sdk/load.py --server target/release/resident --models models/weights

The model is the scripted endpoint with a fixed latency. Resident's own share of a turn is the time that the client
waited less the time that the endpoint took. The end is a number of turns, not a time, so that two runs do the same.
Afterwards 200 streams are held open at once. Not part of the tests: it takes minutes.
"""

import argparse
import http.client
import json
import multiprocessing
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from letta_client import Letta

from endpoint import script
from server import ENDPOINT, Server
from world import MODEL_HANDLE, texts_of


def percentiles_ms(seconds):
    """The usual percentiles of some times."""
    ordered = sorted(seconds)
    return {f"p{p}": round(1000 * ordered[min(len(ordered) - 1, len(ordered) * p // 100)], 2) for p in (50, 95, 99)}


def talk(address, agent_ids, turns, number):
    """One client, a process of its own, which says something to its agents, one after the other.

    Returns what it said with the time that it waited, its errors, and what a request without work costs it.
    """
    connection = http.client.HTTPConnection(address, timeout=120)
    said, errors, idle = [], [], []

    def ask(method, path, body=None):
        began = time.perf_counter()
        connection.request(method, path, body and json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse().read()
        return time.perf_counter() - began, answer

    for turn in range(turns):
        agent_id = agent_ids[turn % len(agent_ids)]
        text = f"client {number} turn {turn} to {agent_id}"
        idle.append(ask("GET", "/v1/health/")[0])
        try:
            waited, answer = ask("POST", f"/v1/agents/{agent_id}/messages", {"input": text})
            contents = [m["content"] for m in json.loads(answer)["messages"] if m["message_type"] == "assistant_message"]
            if contents == [f"You said: {text}"]:
                said.append((agent_id, text, waited))
            else:
                errors.append(f"{text}: {answer[:300]}")
        except Exception as error:
            errors.append(f"{text}: {error}")
            connection.close()
    return said, errors, idle


def watch_memory(server, samples, stop):
    """Notes the server's memory twice a second."""
    began = time.monotonic()
    while not stop.wait(0.5):
        samples.append((round(time.monotonic() - began, 1), server.memory_bytes()))


def check_records(base_url, by_agent):
    """Compares what was said with what is recorded; returns how much is lost, doubled and out of order."""
    letta = Letta(base_url=base_url, api_key="unused")
    lost, doubled, disordered = 0, 0, 0
    for agent_id, said in by_agent.items():
        messages = [m for m in letta.agents.messages.list(agent_id, order="asc", limit=200)]
        recorded = texts_of(messages, "user_message")
        answers = texts_of(messages, "assistant_message")
        lost += len(set(said) - set(recorded))
        doubled += len(recorded) - len(set(recorded)) + len(answers) - len(set(answers))
        disordered += [f"You said: {text}" for text in recorded] != answers
    return lost, doubled, disordered


def hold_streams(server, count):
    """Holds streams open at once; returns how many came to their end, and how long a request took meanwhile."""
    letta = Letta(base_url=server.base_url, api_key="unused", max_retries=0)
    agents = [letta.agents.create(name=f"stream {n}", model=MODEL_HANDLE).id for n in range(count)]
    ended, health_ms = [], []

    def follow(agent_id):
        client = Letta(base_url=server.base_url, api_key="unused", max_retries=0, timeout=120)
        content = script({"say": "one two three four five six", "word_s": 1})
        chunks = list(client.agents.messages.create(agent_id=agent_id, input=content, streaming=True, stream_tokens=True))
        ended.append("".join(texts_of(chunks, "assistant_message")) == "one two three four five six")
        client.close()

    threads = [threading.Thread(target=follow, args=(agent_id,), daemon=True) for agent_id in agents]
    for thread in threads:
        thread.start()
    time.sleep(3)
    for _ in range(20):
        began = time.monotonic()
        letta.health()
        health_ms.append(1000 * (time.monotonic() - began))
        time.sleep(0.05)
    for thread in threads:
        thread.join(120)
    return sum(ended), statistics.median(health_ms), server.memory_bytes()


def main():
    """Runs the load and prints what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="the program `resident`")
    parser.add_argument("--models", required=True, help="the folder of the models")
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--turns", type=int, default=4000, help="in all")
    parser.add_argument("--latency-ms", type=float, default=20)
    parser.add_argument("--streams", type=int, default=200)
    arguments = parser.parse_args()

    here = Path(__file__).parent
    command = [sys.executable, "-B", str(here / "endpoint.py"), str(arguments.latency_ms / 1000)]
    endpoint = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    server = Server(arguments.server, arguments.models)
    memory, stop = [], threading.Event()
    try:
        base_url = endpoint.stdout.readline().strip()
        server.app("saveEndpoint", id=ENDPOINT, baseUrl=base_url)
        letta = Letta(base_url=server.base_url, api_key="unused")
        agents = [letta.agents.create(name=f"load {n}", model=MODEL_HANDLE).id for n in range(arguments.agents)]
        threading.Thread(target=watch_memory, args=(server, memory, stop), daemon=True).start()
        turns = arguments.turns // arguments.clients
        work = [(server.address, agents[n:] + agents[:n], turns, n) for n in range(arguments.clients)]
        began = time.monotonic()
        with multiprocessing.get_context("spawn").Pool(arguments.clients) as pool:
            results = pool.starmap(talk, work)
        took_s = time.monotonic() - began
        stop.set()
        said = [one for result in results for one in result[0]]
        errors = [one for result in results for one in result[1]]
        idle = [one for result in results for one in result[2]]
        with urllib.request.urlopen(base_url.removesuffix("/v1") + "/took") as answer:
            taken = json.loads(answer.read())
        by_agent = {}
        for agent_id, text, _ in said:
            by_agent.setdefault(agent_id, []).append(text)
        lost, doubled, disordered = check_records(server.base_url, by_agent)
        streams, health_ms, streams_bytes = hold_streams(server, arguments.streams)
    finally:
        server.close()
        endpoint.kill()

    tenth = max(1, len(memory) // 10)
    mib = [round(size / 2**20, 1) for _, size in memory]
    print(json.dumps({
        "agents": arguments.agents, "clients": arguments.clients, "latency_ms": arguments.latency_ms,
        "turns": len(said), "errors": len(errors), "first_errors": errors[:5],
        "lost": lost, "doubled": doubled, "agents_out_of_order": disordered,
        "took_s": round(took_s, 1), "turns_per_s": round(len(said) / took_s, 1),
        "own_share_ms": percentiles_ms([waited - taken[text] for _, text, waited in said]) if said else None,
        "idle_request_ms": percentiles_ms(idle),
        "memory_mib": {"end": mib[-1], "every_tenth": mib[::tenth]} if mib else None,
        "streams": {
            "open": arguments.streams, "whole": streams, "health_ms": round(health_ms, 1),
            "memory_mib": round(streams_bytes / 2**20, 1),
        },
    }, indent=2))


if __name__ == "__main__":
    main()
