"""A real server: `resident server` as a process of its own, on a profile that nothing else has touched."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from checks import wait_until

ENDPOINT = "scripted"

# The tool server of this suite: the person who runs Resident allows it by its very command.
MCP_PROGRAM = str(Path(__file__).with_name("mcp_tool.py"))
MCP_COMMAND = f"{sys.executable} -B {MCP_PROGRAM}"


class Server:
    """A server and its home, which outlives the server so that it can be started again."""

    def __init__(self, program, models, access=("--no-auth", "--allow-mcp", MCP_COMMAND)):
        self.program, self.models, self.access = program, models, access
        self.home = Path(tempfile.mkdtemp(prefix="resident-sdk-"))
        self.process = None
        self.start()

    def start(self):
        """Starts it, and waits until it says where it listens."""
        places = {"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state"}
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "RUST_BACKTRACE", "RESIDENT_LOG")}
        home = {name: str(self.home / folder) for name, folder in places.items()}
        command = [self.program, "--json", "--profile", str(self.home / "profile"), "server", *self.access, "--port", "0"]
        with open(self.home / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                command, env={**kept, **home, "RESIDENT_MODELS": self.models}, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )
        line = self.process.stdout.readline()
        assert line, f"the server ended before it listened:\n{self.log()}"
        self.address = json.loads(line)["address"]
        self.base_url = f"http://{self.address}"

    def app(self, method, **parameters):
        """Calls a method of the application's own API."""
        request = urllib.request.Request(
            f"{self.base_url}/app/request/{method}", json.dumps(parameters).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def use(self, endpoint):
        """Adds the scripted endpoint; agents name its model as `MODEL_HANDLE`."""
        self.app("saveEndpoint", id=ENDPOINT, baseUrl=endpoint.base_url)

    def kill(self):
        """Ends it at once, as a crash or a loss of power would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end, and says how it did."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def memory_bytes(self):
        """Its resident memory; 0 where the system does not say."""
        place = Path(f"/proc/{self.process.pid}/status")
        status = place.read_text() if place.exists() else "VmRSS: 0 kB"
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    def log(self):
        """The end of what it wrote to its error output."""
        text = (self.home / "server.log").read_text(errors="replace")
        profile_logs = sorted((self.home / "profile").glob("logs/*"))
        return text[-4000:] + "".join(path.read_text(errors="replace")[-4000:] for path in profile_logs[-1:])

    def close(self):
        """Ends it where it still runs, and removes its home."""
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def is_healthy(self):
        """Whether it answers."""
        with urllib.request.urlopen(f"{self.base_url}/v1/health/", timeout=10) as answer:
            return json.loads(answer.read())["status"] == "ok"

    def wait_until_healthy(self):
        """Waits until it answers."""
        wait_until(self.is_healthy, "the server is not healthy")
