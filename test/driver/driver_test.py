#!/usr/bin/env python3
"""The command line of cria: what it prints, what it leaves behind, how it ends.

usage: driver_test.py CRIA CRIA_OPT STORYTELLER_MODEL
"""
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

import driver_case

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "runtime"))
import runtime_case  # noqa: E402
from make_artifact import ABI_VERSION  # noqa: E402

CRIA = CRIA_OPT = MODEL = ""
PHASES = ["import", "model", "kernel", "schedule", "vector", "buffer", "lower"]


def call(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)


def full_disk(room):
    """What makes files end at `room` bytes, as on a disk with no more."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    return limit


class Case(driver_case.Case):
    def fails(self, code, *words, says=(), **options):
        """`words` end with `code`, nothing on standard output, and one error line with each of `says`."""
        done = call(*words, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.startswith("cria: error: "), done.stderr)
        for part in says:
            self.assertIn(part, done.stderr)
        return done

    def left(self):
        return sorted(os.listdir(self.folder))


class Words(Case):
    def test_help_and_version(self):
        for words in (["--help"], ["compile", "--help"], ["run", "--help"], ["--version"]):
            done = call(CRIA, *words)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout)

    def test_targets_and_phases(self):
        targets = call(CRIA, "targets").stdout
        self.assertIn("x86-64-v3", targets)
        self.assertRegex(targets, "(?m)^x86-64 .*: x86-64-v2, .*znver4")
        self.assertEqual(targets.count("[default]"), 1)
        self.assertEqual([line.split()[0] for line in call(CRIA, "phases").stdout.splitlines()], PHASES)

    def test_usage(self):
        for words in ([], ["compile", MODEL], ["compile", MODEL, "-o", self.output, "--colour"], ["frobnicate"],
                      ["compile", MODEL, "-o", self.output, "--dtype", "f8"],
                      ["compile", MODEL, "-o", self.output, "--kv", "f8"],
                      ["compile", MODEL, "-o", self.output, "--context", "many"],
                      ["compile", MODEL, "-o", self.output, "--chunk", "12x"],
                      ["compile", MODEL, "-o", self.output, "--chunk", "0"],
                      ["compile", MODEL, "--kv=", "-o", self.output], ["compile", "", "-o", self.output],
                      ["compile", MODEL, "-o", ""], ["compile", MODEL, "-o", self.output, "--stop-after", ""],
                      ["compile", MODEL, "-o", self.output, "--target", ""],
                      ["compile", MODEL, "-o", self.output, "--tokenizer", ""],
                      ["compile", MODEL, "-o", self.output, "--quantize", "q4", "--calibrate", ""],
                      ["compile", MODEL, "-o", self.output, "--", "-p", "x"]):
            self.fails(2, CRIA, *words)
        self.fails(2, CRIA, "compile", "m", "-o", self.output, "--quantize", "q4,lm_head=q7",
                   says=["--quantize", "expects a format of none, q8, ", "but got 'q7'"])
        self.fails(2, CRIA, "compile", "m", "-o", self.output, "--quantize", "q4,lm_head=q6,lm_head=q8",
                   says=["expects one format for each name, but got 'lm_head=q8'"])
        self.fails(2, CRIA, "compile", MODEL, "-o", "-", cwd=self.folder,
                   says=["-o: expects a file, but got '-': only what --stop-after prints"])
        self.fails(1, CRIA, "compile", MODEL, "-o", self.output, "--quantize", "q4,head=q8",
                   says=["expects the name of a matrix, but none is called 'head'"])
        self.assertEqual(self.left(), [])

    def test_report(self):
        done = call(CRIA, "compile", MODEL, "--quantize", "q4,down_proj=q8", "--report", "-o", self.output)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(lines[0], ["matrix", "shape", "format", "bits", "MB", "error"])
        formats = {line[0]: line[2:4] for line in lines[1:-1]}
        self.assertEqual(formats["layers.0.q"], ["q4", "4.50"])
        self.assertEqual(formats["layers.0.down"], ["q8", "8.50"])
        self.assertEqual(lines[-1][0], "all")
        # The model's table is its head, too: one matrix, unless a rule tells them apart.
        self.assertEqual([line for line in lines if line[0] in ("embed", "output")],
                         [lines[1]])
        self.assertEqual(lines[1][:4], ["embed", "1024x256", "q8", "8.50"])
        both = call(CRIA, "compile", MODEL, "--quantize", "q4,embed=none", "--report", "-o", self.output)
        self.assertEqual([line.split()[:3] for line in both.stdout.splitlines() if line.split()[0] in ("embed", "output")],
                         [["embed", "1024x256", "f16"], ["output", "1024x256", "q8"]])
        self.assertEqual(call(CRIA, "compile", MODEL, "--quantize", "q4,down_proj=q8", "--report", "-o",
                              self.output).stdout, done.stdout)

    def test_several_chips_have_no_phase_to_stop_after(self):
        self.fails(1, CRIA, "compile", MODEL, "--target", "x86-64", "--stop-after", "kernel",
                   says=["expects a target of one chip, but got 'x86-64'"])

    def test_wrong_names(self):
        self.fails(1, CRIA, "compile", MODEL, "-o", self.output, "--target", "z80", says=["z80", "native or one of x86-64, x86-64-v2, x86-64-v3"])
        self.fails(1, CRIA, "compile", MODEL, "-o", self.output, "--stop-after", "soup", says=["soup"])
        none = os.path.join(self.folder, "none")
        self.fails(1, CRIA, "compile", none, "-o", self.output, says=["none"])
        self.fails(1, CRIA, "compile", none, "-o", self.output, "--target", "z80", says=["z80"]) # before a model is read
        self.assertEqual(self.left(), [])


class Calibrating(Case):
    isolated = runtime_case.Case.isolated

    def setUp(self):
        super().setUp()
        self.text, self.temporary = os.path.join(self.folder, "text"), os.path.join(self.folder, "tmp")
        self.words = ["compile", MODEL, "--quantize", "q4", "-o", self.output, "--calibrate"]
        os.mkdir(self.temporary)
        self.environment = {**os.environ, "TMPDIR": self.temporary}

    def write(self, text):
        with open(self.text, "w") as file:
            file.write(text)

    def children(self, process):
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
            return [int(child) for child in children.read().split()]

    def lives(self, process):
        try:
            with open(f"/proc/{process}/stat") as file:
                return file.read().rpartition(")")[2].split()[0] not in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def recording(self):
        """A calibration that records, and the process that it has started for that."""
        process = subprocess.Popen([CRIA, *self.words, self.text], env=self.environment)
        self.addCleanup(process.kill)

        def begun():
            try:
                return any(name.startswith("cria-records") and os.path.getsize(os.path.join(self.temporary, name)) > 0
                           for name in os.listdir(self.temporary))
            except FileNotFoundError:
                return False

        while not begun():
            self.assertIsNone(process.poll(), "expected records in the making")
            time.sleep(0.005)
        [observer] = self.children(process)
        return process, observer

    def end(self, process):
        if self.lives(process):
            os.kill(process, signal.SIGKILL)

    def test_no_orphan(self):
        self.write("Once upon a time there was a little girl. " * 20000)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            process, observer = self.recording()
            self.addCleanup(self.end, observer)
            process.send_signal(number)
            self.assertEqual(process.wait(), -number)
            last = time.monotonic() + 20
            while self.lives(observer) and time.monotonic() < last:
                time.sleep(0.01)
            self.assertFalse(self.lives(observer), number)
            if number != signal.SIGKILL:
                self.assertEqual((os.listdir(self.temporary), self.left()), ([], ["text", "tmp"]), number)

    def test_full_disk(self):
        self.write("Once upon a time there was a little girl. " * 200)
        self.fails(1, CRIA, *self.words, self.text, env=self.environment, preexec_fn=full_disk(8 << 20),
                   says=["the perplexity of " + self.text + " cannot be measured: " + self.temporary + "/cria-records",
                         ": cannot be written: File too large"])
        self.assertEqual((os.listdir(self.temporary), self.left()), ([], ["text", "tmp"]))

    def test_not_executable(self):
        self.write("Once")
        mounted = self.isolated("--mount", "sh", "-c", 'mount -t tmpfs -o noexec none "$0" && "$@"', self.temporary)
        done = call(*mounted, CRIA, *self.words, self.text, env=self.environment)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, f"^cria: error: the perplexity of {self.text} cannot be measured: "
                                      f"{self.temporary}/cria-observer-[^ ]*: cannot be started: Permission denied\n$")

    def test_text_is_read_twice(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        for words in (self.words, ["run", MODEL, "--quantize", "q4", "--calibrate"]):
            for text, found in ((pipe, "something else"), ("/dev/stdin", "something else"), (self.folder, "a folder")):
                self.fails(1, CRIA, *words, text, input="Once upon a time", timeout=60,
                           says=[f"{text}: expects a regular file, but got {found}\n"])
        self.write("Once upon a time")
        named = self.fails(1, CRIA, *self.words, self.text, says=["expects at least 128 tokens"]).stderr
        with open(self.text) as file:
            self.fails(1, CRIA, *self.words, "/dev/stdin", stdin=file, says=[named.rpartition(self.text)[2]])

    def test_no_codes_to_choose(self):
        self.write("Once upon a time")
        words = ["compile", MODEL, "-o", self.output, "--calibrate", self.text, "--quantize"]
        for rules in ("embed=q4", "none,embed=q8,q_proj=none"):
            self.fails(1, CRIA, *words, rules,
                       says=["--calibrate expects a matrix at few bits that something is multiplied by, but got "
                             f"--quantize {rules}\n"])
        for rules in ("embed=q4,lm_head=q8", "layers.0.down_proj=q4"):
            self.fails(1, CRIA, *words, rules, says=["expects at least 128 tokens"])

    def test_refusals(self):
        text = self.text
        self.write("Once upon a time there was a little girl. " * 40)
        words = ["compile", MODEL, "--calibrate", text]
        self.fails(2, CRIA, *words, "-o", self.output, says=["--calibrate", "--quantize"])
        self.fails(2, CRIA, *words, "--quantize", "none,q_proj=none", "-o", self.output,
                   says=["--calibrate", "expects matrices at few bits"])
        self.fails(2, CRIA, *words, "--quantize", "q4", "--stop-after", "model", says=["--stop-after", "--calibrate"])
        self.fails(2, CRIA, "compile", MODEL, "--report", "--stop-after", "model", says=["--stop-after", "--report"])
        self.fails(1, CRIA, *words, "--quantize", "q4", "-o", text, says=["got the input " + text])
        self.fails(1, CRIA, "compile", MODEL, "--quantize", "q4", "--calibrate", text + ".no", "-o", self.output,
                   says=[text + ".no: no such file or directory"])
        # What can be known first is told first: a text that is too short is seen only when a model reads it.
        self.write("Once")
        for target in ("x86-64-v2", "x86-64"):  # one chip, and several
            self.fails(1, CRIA, *words, "--quantize", "q4", "--target", target, "-o", self.output,
                       says=["at least 128 tokens"])
        self.fails(1, CRIA, *words, "--quantize", "q4,haed=q8", "-o", self.output, says=["none is called 'haed'"])
        self.fails(1, CRIA, *words, "--quantize", "q4", "-o", os.path.join(self.folder, "no", "story"),
                   says=["cannot be written: No such file"])
        self.assertEqual(self.left(), ["text", "tmp"])


class Outputs(Case):
    def test_nothing_is_printed(self):
        done = call(CRIA, "compile", MODEL, "-o", self.output)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(self.left(), ["story"])
        self.assertTrue(os.access(self.output, os.X_OK))

    def test_trailer(self):
        call(CRIA, "compile", MODEL, "-o", self.output)
        with open(self.output, "rb") as file:
            data = file.read()
        weights, weight_bytes, tokenizer, tokenizer_bytes, size, version, _, magic = struct.unpack("<5Q2I16s", data[-64:])
        self.assertEqual((size, version, magic), (len(data), ABI_VERSION, b"cria artifact 1\0"))
        self.assertEqual((weights % 4096, tokenizer % 4096), (0, 0))
        self.assertLessEqual(weights + weight_bytes, tokenizer)
        self.assertLessEqual(tokenizer + tokenizer_bytes, size - 64)

    def test_unwritable(self):
        file = os.path.join(self.folder, "file")
        open(file, "w").close()
        self.fails(1, CRIA, "compile", MODEL, "-o", os.path.join(file, "story"), says=["story", "cannot be written"])
        self.fails(1, CRIA, "compile", MODEL, "-o", os.path.join(self.folder, "no", "story"), says=["No such file"])
        self.fails(1, CRIA, "compile", MODEL, "-o", self.folder, says=[self.folder, "got a folder"])
        self.fails(1, CRIA, "compile", MODEL, "-o", "/dev/full", says=["/dev/full", "got a device"])
        self.fails(1, CRIA, "compile", MODEL, "--stop-after", "import", "-o", "/dev/full", says=["No space left"])
        self.assertEqual(self.left(), ["file"])

    def test_output_is_an_input(self):
        model = os.path.join(self.folder, "model")
        shutil.copytree(MODEL, model)
        alias = os.path.join(self.folder, "alias")
        for name in ("model.safetensors", "tokenizer.model", "config.json"):
            file = os.path.join(model, name)
            os.symlink(file, alias)
            with open(file, "rb") as stream:
                before = stream.read()
            for output in (file, alias):
                for stop in ([], ["--stop-after", "import"]):
                    self.fails(1, CRIA, "compile", model, "-o", output, *stop, says=[output, "got the input", name])
            with open(file, "rb") as stream:
                self.assertEqual(stream.read(), before)
            os.unlink(alias)

    def test_full_disk_keeps_what_was_there(self):
        with open(self.output, "w") as file:
            file.write("precious")
        self.fails(1, CRIA, "compile", MODEL, "-o", self.output, preexec_fn=full_disk(1 << 20),
                   says=[self.output, "bytes are needed", "File too large"])
        self.assertEqual(self.left(), ["story"])
        self.fails(1, CRIA, "compile", MODEL, "--stop-after", "lower", "-o", self.output,
                   preexec_fn=full_disk(1 << 16),
                   says=[self.output, "cannot be written", "File too large"])
        self.assertEqual(self.left(), ["story"])
        with open(self.output) as file:
            self.assertEqual(file.read(), "precious")

    def test_longest_name(self):
        longest = "a" * os.pathconf(self.folder, "PC_NAME_MAX")
        for name in (longest, longest[:-7], longest[:-8]):
            path = os.path.join(self.folder, name)
            self.assertEqual(call(CRIA, "compile", MODEL, "--stop-after", "import", "-o", path).stderr, "")
            self.assertEqual(self.left(), [name])
            os.unlink(path)
        self.fails(1, CRIA, "compile", MODEL, "-o", longest + "a", cwd=self.folder, says=["File name too long"])
        self.assertEqual(self.left(), [])

    def test_links_stay(self):
        target, dangling = os.path.join(self.folder, "target"), os.path.join(self.folder, "dangling")
        with open(target, "w") as file:
            file.write("old")
        os.symlink("target", self.output)
        self.assertEqual(call(CRIA, "compile", MODEL, "-o", self.output).returncode, 0)
        self.assertTrue(os.path.islink(self.output))
        self.assertEqual(call(target, "--info").returncode, 0)
        self.assertEqual(call(CRIA, "compile", MODEL, "--stop-after", "import", "-o", self.output).returncode, 0)
        self.assertTrue(os.path.islink(self.output))
        with open(target) as file:
            self.assertIn("llama.attention", file.read())
        os.symlink("nowhere", dangling)
        self.fails(1, CRIA, "compile", MODEL, "-o", dangling, says=["dangling: cannot be written: it is a link"])

    def started(self, **options):
        """A compilation that has begun to make its output; its temporary files go to a folder of their own."""
        os.makedirs(os.path.join(self.folder, "tmp"), exist_ok=True)
        process = subprocess.Popen([CRIA, "compile", "synthetic:stories-15m", "-o", self.output],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "TMPDIR": os.path.join(self.folder, "tmp")}, **options)
        self.addCleanup(process.stderr.close)
        while self.left() == ["tmp"]:
            self.assertIsNone(process.poll(), "expected an output in the making")
            time.sleep(0.005)
        return process

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            for delay in (0, 0.5):
                process = self.started()
                time.sleep(delay)
                process.send_signal(number)
                self.assertEqual((process.wait(), process.stderr.read()), (-number, ""))
                self.assertEqual((self.left(), os.listdir(os.path.join(self.folder, "tmp"))), (["tmp"], []))

    def test_ignored_signals_stay_ignored(self):
        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)

        process = self.started(preexec_fn=ignore)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        self.assertEqual((process.wait(), process.stderr.read()), (0, ""))
        self.assertEqual(call(self.output, "--info").returncode, 0)

    def test_closed_pipe(self):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([CRIA, "compile", MODEL, "--stop-after", "lower"], stdout=write, stderr=subprocess.PIPE,
                              text=True)
        os.close(write)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "cria: error: standard output: cannot be written: Broken pipe\n"))

    def test_truncated_artifact(self):
        call(CRIA, "compile", MODEL, "-o", self.output)
        with open(self.output, "r+b") as file:
            file.truncate(os.path.getsize(self.output) - 1000)
        done = call(self.output, "-p", "x")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("story", done.stderr)


class Phases(Case):
    def test_every_phase_can_be_stopped_after_and_gone_on_from(self):
        before = None
        for phase in PHASES:
            path = os.path.join(self.folder, phase + ".mlir")
            done = call(CRIA, "compile", MODEL, "--stop-after", phase, "-o", path)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            with open(path) as file:
                text = file.read()
            again = call(CRIA_OPT, path)
            self.assertEqual((again.returncode, again.stdout.strip()), (0, text.strip()), phase)
            if before:
                onward = call(CRIA_OPT, before, "--cria-" + phase)
                self.assertEqual((onward.returncode, onward.stdout.strip()), (0, text.strip()), phase)
            before = path

    def test_standard_output(self):
        done = call(CRIA, "compile", MODEL, "--stop-after", "import")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("llama.attention", done.stdout)


class Run(Case):
    def test_cache(self):
        environment = {**os.environ, "XDG_CACHE_HOME": self.folder}
        words = ["run", MODEL, "--", "-p", "Once upon a time", "-n", "8", "--temperature", "0"]
        first = call(CRIA, *words, env=environment)
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        self.assertTrue(first.stdout.startswith("Once upon a time"))
        cached = os.listdir(os.path.join(self.folder, "cria"))
        self.assertEqual(len(cached), 1)
        path = os.path.join(self.folder, "cria", cached[0])
        made = os.stat(path).st_mtime_ns
        self.assertEqual(call(CRIA, *words, env=environment).stdout, first.stdout)
        self.assertEqual(os.stat(path).st_mtime_ns, made)
        os.truncate(path, 1000)  # what is damaged is made again
        self.assertEqual(call(CRIA, *words, env=environment).stdout, first.stdout)
        call(CRIA, "run", MODEL, "--dtype", "f32", "--", "-n", "1", env=environment)
        self.assertEqual(len(os.listdir(os.path.join(self.folder, "cria"))), 2)

    def test_exit_code_is_the_program_s(self):
        environment = {**os.environ, "XDG_CACHE_HOME": self.folder}
        self.assertEqual(call(CRIA, "run", MODEL, "--", "--nonsense", env=environment).returncode, 2)


if __name__ == "__main__":
    CRIA, CRIA_OPT, MODEL = map(os.path.abspath, sys.argv[1:4])
    unittest.main(argv=sys.argv[:1], verbosity=2)
