"""Many agents and many clients at once: is anything lost or doubled, and how long does Resident itself take?

    PYTHONPATH=target/sdk/1.12.1 python3 -B tests/sdk/load.py --server target/release/resident --models models/weights

The model is the scripted endpoint with a fixed latency. Resident's own share of a turn is the time that the client
waited less the time that the endpoint took. The end is a number of turns, not a time, so that two runs do the same.
Afterwards 200 streams are held open at once. Not part of the tests: it takes minutes.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from letta_client import Letta

from checks import wait_until
from endpoint import Endpoint, script
from server import Server
from world import MODEL_HANDLE, texts_of


class Meter:
    """What was measured, by all clients."""

    def __init__(self):
        self.lock = threading.Lock()
        self.shares_ms, self.errors, self.said = [], [], {}

    def turn(self, agent_id, text, share_ms):
        """A turn that went well."""
        with self.lock:
            self.shares_ms.append(share_ms)
            self.said.setdefault(agent_id, []).append(text)

    def error(self, what):
        """A turn that did not."""
        with self.lock:
            self.errors.append(what[:300])

    def percentile_ms(self, percent):
        """A percentile of Resident's own share."""
        ordered = sorted(self.shares_ms)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else None


def talk(base_url, endpoint, meter, agent_ids, turns, number):
    """One client, which says something to its agents, one after the other."""
    letta = Letta(base_url=base_url, api_key="unused", max_retries=0)
    for turn in range(turns):
        agent_id = agent_ids[turn % len(agent_ids)]
        text = f"client {number} turn {turn} to {agent_id}"
        began = time.monotonic()
        try:
            answer = letta.agents.messages.create(agent_id=agent_id, input=text)
            waited = time.monotonic() - began
            said = texts_of(answer.messages, "assistant_message")
            if said == [f"You said: {text}"]:
                # The endpoint notes its time after its last byte, which the client may have overtaken.
                taken = wait_until(lambda: endpoint.seconds_of(text), "the endpoint was not asked")
                meter.turn(agent_id, text, 1000 * (waited - taken))
            else:
                meter.error(f"{text}: {answer.stop_reason.stop_reason}, {said}")
        except Exception as error:
            meter.error(f"{text}: {error}")
    letta.close()


def watch_memory(server, samples, stop):
    """Notes the server's memory twice a second."""
    began = time.monotonic()
    while not stop.wait(0.5):
        samples.append((round(time.monotonic() - began, 1), server.memory_bytes()))


def check_records(base_url, meter):
    """Compares what was said with what is recorded; returns how many messages are lost and doubled."""
    letta = Letta(base_url=base_url, api_key="unused")
    lost, doubled, disordered = 0, 0, 0
    for agent_id, said in meter.said.items():
        messages = [m for m in letta.agents.messages.list(agent_id, order="asc", limit=200)]
        recorded = texts_of(messages, "user_message")
        answers = texts_of(messages, "assistant_message")
        lost += len(set(said) - set(recorded))
        doubled += len(recorded) - len(set(recorded)) + len(answers) - len(set(answers))
        disordered += [f"You said: {text}" for text in recorded] != answers
    return lost, doubled, disordered


def hold_streams(server, endpoint, count):
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

    endpoint = Endpoint(wait_s=arguments.latency_ms / 1000)
    server = Server(arguments.server, arguments.models)
    meter, memory, stop = Meter(), [], threading.Event()
    try:
        server.use(endpoint)
        letta = Letta(base_url=server.base_url, api_key="unused")
        agents = [letta.agents.create(name=f"load {n}", model=MODEL_HANDLE).id for n in range(arguments.agents)]
        threading.Thread(target=watch_memory, args=(server, memory, stop), daemon=True).start()
        began = time.monotonic()
        turns = arguments.turns // arguments.clients
        with ThreadPoolExecutor(arguments.clients) as pool:
            for number in range(arguments.clients):
                shifted = agents[number:] + agents[:number]
                pool.submit(talk, server.base_url, endpoint, meter, shifted, turns, number)
        took_s = time.monotonic() - began
        lost, doubled, disordered = check_records(server.base_url, meter)
        stop.set()
        streams, health_ms, streams_bytes = hold_streams(server, endpoint, arguments.streams)
    finally:
        server.close()
        endpoint.close()

    tenth = max(1, len(memory) // 10)
    mib = [round(size / 2**20, 1) for _, size in memory]
    print(json.dumps({
        "agents": arguments.agents, "clients": arguments.clients, "latency_ms": arguments.latency_ms,
        "turns": len(meter.shares_ms), "errors": len(meter.errors), "first_errors": meter.errors[:5],
        "lost": lost, "doubled": doubled, "agents_out_of_order": disordered,
        "took_s": round(took_s, 1), "turns_per_s": round(len(meter.shares_ms) / took_s, 1),
        "own_share_ms": {f"p{p}": round(meter.percentile_ms(p), 2) for p in (50, 95, 99)} if meter.shares_ms else None,
        "memory_mib": {
            "after_a_tenth": mib[tenth - 1] if mib else None, "half": mib[len(mib) // 2] if mib else None,
            "end": mib[-1] if mib else None, "every_tenth": mib[::tenth],
        },
        "streams": {"open": arguments.streams, "whole": streams, "health_ms": round(health_ms, 1), "memory_mib": round(streams_bytes / 2**20, 1)},
    }, indent=2))


if __name__ == "__main__":
    main()
