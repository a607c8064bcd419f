"""The systems that are compared: the peers' environment, their worker processes, our binary, and a quiet machine."""
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv

from peers import PEERS

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ("torch", "onnxruntime", "onnx", "tensorflow-cpu")
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
APART = 0.85  # Share of the arithmetic of as many separate cores that threads must do together.
QUIET = 0.1  # Cores that other processes may use before a figure counts as disturbed.
TICK = 1 / os.sysconf("SC_CLK_TCK")


def note(text):
    print(text, file=sys.stderr, flush=True)


def answers(address):
    """Tells whether anything answers at an address, be it a refusal."""
    try:
        urllib.request.urlopen(address, timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def peers_python():
    """Returns the interpreter of the peers' environment, which it makes on first use."""
    if "RECURRA_PEERS_VENV" in os.environ:
        python = pathlib.Path(os.environ["RECURRA_PEERS_VENV"]) / "bin" / "python"
        if not python.exists():
            sys.exit(f"RECURRA_PEERS_VENV: expected a virtual environment, got no {python}")
        return python
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = cache / "recurra-peers"
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        note(f"making {folder} with {', '.join(PACKAGES)} (once; more than 1 GB)")
        venv.create(folder, with_pip=True, clear=True)
        # The extra index offers torch without CUDA, whose local version sorts before PyPI's own. Where it cannot be
        # reached, pip would ask it five times for every package, for minutes.
        extra = ["--extra-index-url", TORCH_CPU_INDEX] if answers(TORCH_CPU_INDEX) else []
        subprocess.run([python, "-m", "pip", "install", "--quiet", *extra, *PACKAGES], check=True)
        complete.touch()
    return python


def busy_seconds():
    """Returns the seconds of all cores that did not idle, time stolen by a hypervisor included."""
    user, nice, system, _, _, *interrupts_and_stolen = (
        int(ticks) for ticks in open("/proc/stat", encoding="ascii").readline().split()[1:9])
    return (user + nice + system + sum(interrupts_and_stolen)) * TICK


def process_seconds(pid):
    after_name = open(f"/proc/{pid}/stat", encoding="utf-8").read().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in after_name[11:13]) * TICK


def ended_children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def watched(ask, own_seconds):
    """Runs `ask` and adds `others_busy`, the cores that processes other than the asked one used meanwhile."""
    start, busy, own = time.perf_counter(), busy_seconds(), own_seconds()
    answer = ask()
    wall = time.perf_counter() - start
    others = (busy_seconds() - busy) - (own_seconds() - own)
    return dict(answer, others_busy=round(max(others, 0) / wall, 3))


class QuietMachine:
    """Asks when nothing else runs and every thread has a core of its own, and again if it turned out otherwise."""

    def __init__(self, binary, threads, patience):
        self.binary, self.threads, self.patience = binary, threads, patience

    def apart(self):
        """Tells whether the threads have a core each: virtual processors at times share one for some seconds."""
        if self.binary is None or self.threads == 1:
            return True
        found = run_to_end([self.binary, "--probe", "--threads", self.threads, "--json"])
        return found.get("speed_up", 0) > APART * self.threads

    def wait(self, deadline):
        """Waits for a quiet moment; returns whether it is one."""
        while True:
            busy = busy_seconds()
            time.sleep(0.2)
            is_quiet = busy_seconds() - busy <= 0.2 * QUIET + TICK and self.apart()
            if is_quiet or time.monotonic() >= deadline:
                return is_quiet

    def ask(self, ask):
        """Returns the first undisturbed answer; after the patience is over, the least disturbed one."""
        deadline = time.monotonic() + self.patience
        best = None
        while best is None or (disturbance(best) > QUIET and time.monotonic() < deadline):
            apart_before = self.wait(deadline)
            answer = dict(ask(), shared_core=not (apart_before and self.apart()))
            if best is None or disturbance(answer) < disturbance(best):
                best = answer
        return best


def disturbance(answer):
    return answer["others_busy"] + answer["shared_core"]


class Worker:
    """A peer's process: answers one case per line, and is stopped whenever it is not asked."""

    def __init__(self, python, peer, threads):
        self.process = subprocess.Popen(
            [python, HERE / "peers.py", peer, str(threads), "--serve"], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.peer = peer
        self.versions = self.read()  # A worker that cannot start ends here by itself.
        self.process.send_signal(signal.SIGSTOP)

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{PEERS[self.peer]}: expected an answer, got the end of the process; run peers.py by hand")
        return json.loads(line)

    def ask(self, case):
        return watched(lambda: self.exchange(case), lambda: process_seconds(self.process.pid))

    def exchange(self, case):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        result = self.read()
        self.process.send_signal(signal.SIGSTOP)
        return result

    def close(self):
        self.process.kill()  # Ends a stopped process too, and a peer has nothing to save.
        self.process.wait()


def run_to_end(command, environment=None):
    """Runs a program that prints one JSON line at its end and returns that, or the error."""
    def run():
        done = subprocess.run([str(word) for word in command], text=True, capture_output=True, check=False,
                              env=environment)
        try:
            if done.returncode == 0:
                return json.loads(done.stdout.strip().splitlines()[-1])
        except (json.JSONDecodeError, IndexError):
            pass
        return {"error": f"exit {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}"}
    return watched(run, ended_children_seconds)


def run_ours(binary, threads, *arguments):
    return run_to_end([binary, *arguments, "--threads", threads, "--json"])


def run_our_case(binary, threads, case):
    cell = ["--cell", "lstm", "--bidirectional"] if case["cell"] == "bilstm" else ["--cell", case["cell"]]
    shape = zip(("--batch", "--timesteps", "--inputs", "--units"), case["shape"], strict=True)
    sizes = [word for flag_and_size in shape for word in flag_and_size]
    return run_ours(binary, threads, *cell, *sizes, "--job", case["job"])


def run_our_ragged_case(binary, threads, case):
    """Times sequences of different lengths, and in turns with them as many that are all full."""
    batch, longest, inputs, units = case["shape"]
    return run_ours(binary, threads, "ragged", "--cell", case["cell"], "--job", case["job"], "--longest", longest,
                    "--inputs", inputs, "--units", units, "--lengths", ",".join(map(str, case["lengths"])),
                    "--repetitions", case["runs"], "--least", case["least"])


def start_up(python, peer):
    """Returns milliseconds and MiB of a peer's process that answers one sequence: the median and the most of five."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python), str(HERE / "start_up.py"), peer, folder]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*command, "--prepare"], check=True, **silent)
        seconds, peaks = [], []
        for _ in range(6):
            start = time.perf_counter()
            process = subprocess.Popen(command, **silent)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                return None
            seconds.append(time.perf_counter() - start)
            peaks.append(usage.ru_maxrss / 1024)
    # The first run reads the libraries from disk; it does not count.
    return {"milliseconds": statistics.median(seconds[1:]) * 1e3, "mebibytes": max(peaks[1:])}


def our_start_up(binary):
    answer = run_to_end([binary, "--start-up", "--json", "--repetitions", 5])
    if "error" in answer:
        return None
    return {"milliseconds": answer["start_up_seconds"] * 1e3, "mebibytes": answer["peak_bytes"] / 2**20}


def run_seed_program(python, peer, cell, threads):
    return run_to_end([python, HERE / "seed_program.py", peer, cell, threads],
                      dict(os.environ, KERAS_BACKEND="tensorflow"))
