"""The programs that are compared, and the machine, each as a process of its own.

An engine has `seconds(phase, count, threads)`, which measures, and then `faults` of that."""
import contextlib
import json
import os
import resource
import subprocess


class Failed(Exception):
    """A program failed; the message says which, how, and what it said."""


def run(*command):
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        shown = " ".join(word if len(word) <= 100 else word[:100] + "..." for word in words)
        raise Failed(f"{shown} ended with exit code {done.returncode}\n{done.stderr.strip()}")
    return done


def defragment():
    """Lets the system move memory together, where it lets us (as root): otherwise it depends
    on what ran before how much of a new file gets huge pages in the page cache."""
    with contextlib.suppress(OSError):
        with open("/proc/sys/vm/compact_memory", "w") as file:
            file.write("1")


class Engine:
    """What counts its page faults: a subclass says how many there were so far."""

    def counting_faults(self, work):
        """What `work` returns; in `faults`, how many page faults it took, (major, minor)."""
        before = self.faults_so_far()
        result = work()
        self.faults = tuple(now - then for now, then in zip(self.faults_so_far(), before))
        return result


class Server(Engine):
    """A program that answers each line of its standard input with a number. What it allocates gets huge
    pages where the system has them, as cria asks for itself: some virtual machines translate the addresses
    of small pages so slowly that an engine was at a seventh of its speed."""

    def __init__(self, *command, greets=False):
        self.command = " ".join(map(str, command))
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})
        self.greeting = json.loads(self._line()) if greets else {}

    def ask(self, *words):
        try:
            print(*words, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # then there is no answer either
        return float(self._line())

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{self.command} ended with exit code {self.process.wait()}")
        return line

    def warm_seconds(self, phase, count, threads):
        """The seconds of a phase, after a step that is not timed: cria has run since the last one,
        and on a virtual machine the addresses of gigabytes may have to be translated anew."""
        self.ask("decode", 1, threads)
        return self.counting_faults(lambda: self.ask(phase, count, threads))

    def faults_so_far(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()  # from the third on: proc_pid_stat(5)
        return int(fields[9]), int(fields[7])

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Machine(Server):
    """`limit(name, threads)`: bytes or operations per second; of operations, the peak of
    F32 where the chip has no instruction for what was asked for."""

    def __init__(self, build):
        super().__init__(os.path.join(build, "bin/cria-bench-machine"))
        self.lacks = {"bf16"} if self.ask("bf16", 1) == 0 else set()

    def limit(self, name, threads):
        return self.ask("f32" if name in self.lacks else name, threads)


class LlamaCpp(Server):
    """llama.cpp, with room for `context` positions; `details` tell which of its CPU back ends it chose."""

    def __init__(self, build, model, context=512):  # its default
        libraries = os.path.join(build, "llama.cpp/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64")
        if not os.path.isdir(libraries):
            raise Failed("llama.cpp's libraries are not there: run benchmarks/llama_cpp/install.sh")
        super().__init__(os.path.join(build, "bin/cria-bench-llama-cpp"), libraries, model, context, greets=True)
        self.name = "llama.cpp"
        self.details = f"{self.greeting['backend']}; {self.greeting['system']}"

    seconds = Server.warm_seconds


class Baseline(Server):
    """The plain C engine in llama2.c's style."""

    def __init__(self, source, scratch, model):
        flags = ["-Ofast", "-fopenmp", "-march=native"]
        program = os.path.join(scratch, "baseline")
        run("gcc", *flags, source, "-o", program, "-lm")
        super().__init__(program, model, greets=True)
        self.name = "llama2.c-style baseline"
        self.details = f"our own plain C after llama2.c's algorithm, gcc {' '.join(flags)}"

    seconds = Server.warm_seconds


class Cria(Engine):
    """The artifact of `model`, started anew for each measurement: the time is of the
    steps alone, as its --stats say, the page faults are of the whole run. It has `rough_bytes` of a
    copy of its head by which it finds the logits that matter, or 0."""

    def __init__(self, build, scratch, model, target):
        self.name = "cria"
        self.program = os.path.join(scratch, "program")
        defragment()
        run(os.path.join(build, "bin/cria"), "compile", model, "--target", target, "-o", self.program)
        told = dict(line.split(":", 1) for line in run(self.program, "--info").stdout.splitlines())
        known = ("compiled by", "target", "cpu features", "weights", "rough head")
        self.details = "; ".join(told[key].strip() for key in known if key in told)
        self.rough_bytes = int(told.get("rough head", "0").split()[0])

    def seconds(self, phase, count, threads):
        if phase == "decode":
            # The first of the new tokens comes from the prompt.
            words, timed, done = ["--ids", "1", "-n", count + 1, "--ignore-eos"], "decode_seconds", "decoded_tokens"
        else:
            ids = ["1"] + [str(3 + i * 37 % 500) for i in range(1, count)]
            words, timed, done = ["--ids", ",".join(ids), "-n", "0"], "prompt_seconds", "prompt_tokens"
        words += ["--temperature", "0", "--print-ids", "--stats", "--threads", threads]
        stats = json.loads(self.counting_faults(lambda: run(self.program, *words)).stderr)
        if stats[done] != count:
            raise Failed(f"{self.program}: expects {done} of {count}, but got {stats[done]}")
        return stats[timed]

    def faults_so_far(self):
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_majflt, usage.ru_minflt
