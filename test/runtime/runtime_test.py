#!/usr/bin/python3
"""What an artifact does and says, tried with the model of FakeModel.c.

usage: runtime_test.py FAKE_ELF [SUITE[.test]] ...
"""
import array
import json
import math
import os
import pty
import re
import resource
import select
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import make_artifact
from runtime_case import BOS, CONTEXT, EOS, V, Case, comma, greedy, logits, read_all


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Artifact(Case):
    def fails(self, message, program=None, **options):
        self.expect(program=program, out=b"", err=message, code=1, **options)

    def test_is_hardened(self):
        dynamic = subprocess.run(["readelf", "-lWd", self.story], stdout=subprocess.PIPE,
                                 check=True).stdout.decode()
        self.assertIn("GNU_RELRO", dynamic)
        self.assertNotIn("INTERP", dynamic)
        self.assertNotIn("NEEDED", dynamic)
        self.assertRegex(dynamic, r"GNU_STACK .* RW ")

    def test_relro_is_applied(self):
        headers = subprocess.run(["readelf", "-lW", self.story], stdout=subprocess.PIPE,
                                 check=True).stdout.decode()
        relro = int(re.search(r"GNU_RELRO +0x\w+ (0x\w+)", headers).group(1), 16) & ~4095
        process = subprocess.Popen([self.story, "-i", "-n", "1"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        process.stdin.write(b"a\n")
        process.stdin.flush()
        process.stdout.read(1)  # main is running: its pages are protected
        with open(f"/proc/{process.pid}/maps") as file:
            maps = [(int(line.split("-")[0], 16), line) for line in file]
        base = next(start for start, line in maps
                    if line.endswith("/story\n") and line.split()[2] == "00000000")
        process.stdin.close()
        process.stdout.close()
        process.wait()
        at = max(entry for entry in maps if entry[0] <= base + relro)
        self.assertIn(" r--p ", at[1])
        self.assertFalse([line for _, line in maps if "wx" in line])

    def test_is_small(self):
        self.assertLess(len(self.elf), 150_000)

    def test_truncated(self):
        data = make_artifact.read(self.story)
        cut = self.path("cut")
        for size in (len(data) - 1, len(data) - 64, len(self.elf)):
            make_artifact.write(cut, data[:size])
            self.fails(b"cut: this file is damaged: it does not end with cria's trailer; "
                       b"it was cut off or changed\n", program=cut)

    def test_middle_missing(self):
        data = make_artifact.read(self.story)
        path = self.path("gap")
        make_artifact.write(path, data[:-100] + data[-64:])
        self.fails(r"^gap: this file is damaged: it expects \d+ bytes, but got \d+\n$", path)

    def test_trailer(self):
        page, abi = make_artifact.PAGE, make_artifact.ABI_VERSION
        for changes, message in (
                ({"abi_version": abi + 2}, f"trailer of this file has ABI version {abi + 2}, "
                                           f"but the runtime has version {abi}"),
                ({"magic": b"cria artifact 2\0"}, "does not end with cria's trailer"),
                ({"weights_offset": 100}, "its weights expects a multiple of 4096, but got 100"),
                ({"weights_offset": 1 << 63}, r"its weights of 1200 bytes at \d+ expect to end"),
                ({"weights_bytes": 1208},
                 "code expects 1200 bytes of weights, but the file has 1208"),
                ({"tokenizer_offset": 1 << 40}, "its tokenizer tables of 10 bytes at"),
                ({"tokenizer_bytes": (1 << 64) - page}, "its tokenizer tables of")):
            self.fails(message, self.make("odd", **changes))

    def test_tables(self):
        self.fails(b"odd: this file's tokenizer tables are damaged: they are not the fake ones\n",
                   self.make("odd", tables=b"others"))

    def test_model(self):
        abi = make_artifact.ABI_VERSION
        for how, message in (
                ("abi", f"generated code has ABI version {abi + 1}, but the runtime has version {abi}"),
                ("struct", "expects a model table of 328 bytes, but got 336"),
                ("stride", "expects logits_stride from 300 to 4294967295, but got 299"),
                ("bos", "expects bos_id from 0 to 299, but got 300"),
                ("short", r"expects positions in all blocks of the caches from 72 to \d+, but got 71"),
                ("offset", r"expects its logits within the \d+ bytes of state, but got 10240 bytes at 18446744073709551607"),
                ("screened-beyond", r"expects its margin within the \d+ bytes of state, but got 4 bytes at \d+"),
                ("uncached", r"expects its caches within the \d+ bytes of state, but got \d+ bytes at 32"),
                ("entry", "expects an entry point finish_chunk, but got none"),
                ("huge", r"cannot reserve \d+ bytes for the state and KV caches: "),
                ("scratch", r"cannot reserve \d+ bytes of scratch|bytes for the threads' scratch")):
            self.fails(message, env={"CRIA_FAKE": how})

    def test_cpu(self):
        missing = {"CRIA_FAKE": "cpu"}
        self.fails(b"story: this CPU lacks avx512f, which this file was compiled for "
                   b"(target x86-64-v4)\n", env=missing)
        self.expect("--info", out=r"cpu features:  sse2 avx512f\n", env=missing)
        self.expect("--help", out="^Usage", env=missing)

    def test_quota(self):
        """No more threads than a container's quota of a core's time, unless asked for."""
        mounted = self.isolated("--mount", "sh", "-c", 'mount -t tmpfs none /sys/fs/cgroup && "$@"', "sh")
        script = 'echo 99000 100000 >/sys/fs/cgroup/cpu.max; exec "$0" -n 1 --stats "$@"'
        for arguments, threads in (([], b"1"), (["--threads", "3"], b"3")):
            result = subprocess.run([*mounted, "sh", "-c", script, self.story, *arguments],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
            self.assertIn(b'"threads":' + threads + b",", result.stderr)

    def test_starts_with_few_pages(self):
        """None is touched but those that a step needs, however much memory is reserved: about 40, of 4 KiB."""
        arguments = [self.story, "-n", "1", "-p", "abc", "--temperature", "0", "--threads", "1"]
        child = os.posix_spawn(self.story, arguments, os.environ,
                               file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
        _, status, usage = os.wait4(child, 0)
        self.assertEqual(status, 0)
        self.assertLess(usage.ru_minflt + usage.ru_majflt, 100)


class CommandLine(Case):
    def refuses(self, *arguments, message):
        self.expect(*arguments, out=b"", err=message, code=2)

    def test_help(self):
        out = self.expect("--help", out=r"^Usage: story \[options\]\n").stdout.decode()
        for option in ("-p, --prompt TEXT", "-n, --max-tokens N", "--temperature F", "--chunk N",
                       "--print-ids", "--ids 1,15,7", "--logits FILE", "--perplexity FILE", "--record FILE",
                       "-i, --interactive", "-h, --help", "--version"):
            self.assertIn(option, out)
        self.assertLess(max(map(len, out.splitlines())), 90)
        self.assertEqual(out, self.run_story("-h").stdout.decode())

        self.expect("--info", "--help", out="^Usage: story ")

    def test_version(self):
        self.expect("--version", out=b"cria 0.1.0 (fake, f32, x86-64-v4)\n")

    def test_info(self):
        out = self.expect("--info").stdout.decode()
        for line in ("model:         fake", "architecture:  llama",
                     "weights:       f32, 1200 bytes", "kv cache:      f16, 288 bytes",
                     "target:        x86-64-v4", "context:       64", "vocabulary:    300",
                     "tokenizer:     10 bytes", "bos:           256, added", "eos:           257",
                     "input hash:    0123456789abcdef", "compiled by:   cria 0.1.0"):
            self.assertIn(line + "\n", out)
        self.assertNotIn("rough head", out)
        self.expect("--info", program=self.bare, out="tokenizer:     none\n")

    def test_numbers(self):
        for option, values, kind in (
                ("-n", ("", "x", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616"),
                 "--max-tokens expects a whole number from 0 to 18446744073709551615"),
                ("--threads", ("0", "1025", "two"),
                 "--threads expects a whole number from 1 to 1024"),
                ("--top-k", ("-1", "2147483648"), "--top-k expects a whole number from 0 to"),
                ("--temperature", ("", "-0.1", "101", "nan", "inf", "0x1p3", "1e", "1,5", "1 "),
                 "--temperature expects a number from 0 to 100"),
                ("--top-p", ("1.01", "-1"), "--top-p expects a number from 0 to 1"),
                ("--chunk", ("0", "9"), "--chunk expects a whole number from 1 to"),
                ("--seed", ("-1",), "--seed expects a whole number")):
            for value in values:
                self.refuses(option, value, message=f"^story: {kind}.*, but got '"
                             + re.escape(value) + "'\n")

    def test_forms(self):
        wanted = self.expect("-n", "3", "--temperature", "0", "-p", "ab").stdout
        self.expect("-n3", "--temperature=0", "--prompt=ab", out=wanted)
        self.expect("-n", "3", "--temperature", "0", "-pab", out=wanted)

    def test_mistakes(self):
        self.refuses("text", message=r"^story: unexpected argument 'text'; a prompt is given with "
                                     r"-p\nstory: try 'story --help'\n$")
        self.refuses("--nonsense", message="unknown option '--nonsense'")
        self.refuses("-x", message="unknown option '-x'")
        self.refuses("--promptly", message="unknown option '--promptly'")
        self.refuses("-p", message=r"--prompt expects a value \(TEXT\)")
        self.refuses("-n", "9", "--max-tokens=3", message="--max-tokens is given twice")
        self.expect("-p", "a", "-n", "0", "--ignore-eos", "--ignore-eos", out=b"a\n")
        self.refuses("--info=yes", message="--info expects no value, but got 'yes'")
        self.refuses("-p", "a", "--ids", "1", message="--prompt and --ids cannot be used together")
        self.refuses("--perplexity", "a", "-i", message="cannot be used together")
        for what, other in ((["--perplexity", "a"], "--stats"), (["--tokenize"], "--stats"), (["--info"], "--stats"),
                            (["--tokenize"], "-n1"), (["--info"], "--version"), (["--version"], "-pa")):
            self.refuses(*what, other, message="cannot be used together")
        self.refuses("-i", "-f", "-", message="--file - and --interactive cannot both read standard input")

    def test_ids(self):
        for value in ("", "1,,2", "300", "-1", "1, 2"):
            self.expect("--ids", value, out=b"", code=2,
                        err="^story: --ids expects whole numbers from 0 to 299")

    def test_output_errors(self):
        with open("/dev/full", "wb") as full:
            for arguments in (["-p", "a"], ["--info"], ["--help"], ["--version"],
                              ["-p", "a", "--tokenize"]):
                self.expect(*arguments, stdout=full, code=1, err="^story: cannot write to standard "
                            "output: No space left on device\n$")
        result = subprocess.run(["sh", "-c", '"$0" -p a >&-', self.story], stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"cannot write to standard output", result.stderr)
        reader, writer = os.pipe()
        os.close(reader)
        self.expect("-p", "a", stdout=writer, code=1,
                    err=b"story: cannot write to standard output: Broken pipe\n")
        os.close(writer)

    def test_tokenize(self):
        self.expect("-p", "Az", "--tokenize", out=b"65,122\n")
        self.expect("--tokenize", input=b"\xc3\xa9\n", stdin=None, out=b"195,169,10\n")
        self.expect("-p", "", "--tokenize", out=b"\n")
        none = b"bare: this file was compiled without a tokenizer"
        for arguments, hint in ((["-p", "a"], b"; give the prompt as --ids"), (["-p", "a", "--tokenize"], b""),
                                (["-p", "a", "-i"], b""), (["--perplexity", self.story], b"")):
            self.expect(*arguments, program=self.bare, out=b"", code=1, err=none + hint + b"\n")


class Generate(Case):
    def ids(self, *arguments, **options):
        out = self.expect("--print-ids", *arguments, **options).stdout.decode()
        self.assertTrue(out.endswith("\n"))
        return [int(number) for number in out.split(",")]

    def test_greedy(self):
        prompt = [BOS, *b"Once upon a time"]
        self.assertEqual(self.ids("-p", "Once upon a time", "-n", "20", "--temperature", "0"),
                         greedy(prompt, 20))
        self.assertEqual(self.ids("--temperature", "0", "-n", "30"), greedy([BOS], 30))
        self.assertEqual(self.ids("-p", "", "--temperature", "0", "-n", "30"), greedy([BOS], 30))

    def test_ids_are_taken_as_given(self):
        self.expect("--ids", "1,15,7", "-n", "4", "--temperature", "0", program=self.bare,
                    out=(comma(greedy([1, 15, 7], 4)) + "\n").encode())

    def test_threads_and_chunks(self):
        """Every way of feeding 1 to 40 tokens, at 1 to 5 threads, gives the same text."""
        for length in (1, 2, 3, 7, 8, 9, 10, 11, 16, 40):
            prompt = [(i * 37 + 5) % V for i in range(length)]
            wanted = greedy(prompt, 6)
            for threads in ("1", "2", "3", "4", "5"):
                for chunk in ([], ["--chunk", "1"], ["--chunk", "7"], ["--chunk", "8"]):
                    got = self.ids("--ids", comma(prompt), "-n", "6", "--temperature", "0",
                                   "--threads", threads, *chunk)
                    self.assertEqual(got, wanted, (length, threads, chunk))

    def test_context(self):
        # A whole chunk would overhang the context; the last token is printed, not fed.
        prompt = [7] * 61
        full = greedy(prompt, 4)
        note = b"story: the context of 64 positions is full\n"
        self.assertEqual(self.ids("--ids", comma(prompt), "--temperature", "0", "--ignore-eos",
                                  "--chunk", "8", err=note), full)
        self.assertEqual(self.ids("--ids", comma(prompt), "--temperature", "0", "-n", "4"), full)
        self.assertEqual(self.ids("--ids", comma([7] * 64), "--temperature", "0", "-n", "1"),
                         greedy([7] * 64, 1))
        self.expect("--ids", comma([7] * 65), out=b"", code=1, err=b"story: the prompt expects at "
                    b"most the 64 tokens of the context, but got 65\n")

    def test_stops_at_eos(self):
        env = {"CRIA_FAKE_SCRIPT": f"97,98,{EOS},99"}
        self.assertEqual(self.ids("--temperature", "0", env=env), [BOS, 97, 98])
        self.assertEqual(self.ids("--temperature", "0", "--ignore-eos", "-n", "5", env=env),
                         [BOS, 97, 98, EOS, 99, 97])

    def test_no_bos(self):
        env = {"CRIA_FAKE": "nobos"}
        self.assertEqual(self.ids("-p", "ab", "-n", "2", "--temperature", "0", env=env),
                         greedy(b"ab", 2))
        for arguments in ([], ["-p", ""]):
            self.expect(*arguments, env=env, out=b"", code=1, err=b"story: the prompt is empty, "
                        b"and this model has no BOS token to begin with\n")

    def test_seed(self):
        def draw(*arguments):
            return self.ids("-p", "a", "-n", "40", "--ignore-eos", *arguments)
        self.assertEqual(draw("--seed", "5"), draw("--seed", "5", "--threads", "3"))
        self.assertNotEqual(draw("--seed", "5"), draw("--seed", "6"))
        self.assertNotEqual(draw(), draw())
        # The seed that --stats tells is one that every reader of JSON can say again: a double holds it.
        for _ in range(5):
            run = self.run_story("-p", "a", "-n", "40", "--ignore-eos", "--stats", "--print-ids")
            seed = json.loads(run.stderr)["seed"]
            self.assertEqual(int(float(seed)), seed)
            self.assertEqual(draw("--seed", str(seed)), [int(number) for number in run.stdout.decode().split(",")])

    def test_screened(self):
        """Logits that are left out where they cannot be drawn change no token."""
        screened, trapped = {"CRIA_FAKE": "screened"}, {"CRIA_FAKE": "screened-trapped"}
        for options in ([], ["--temperature", "0"], ["--temperature", "3"], ["--min-p", "0.5"], ["--min-p", "1"],
                        ["--min-p", "1e-300"], ["--top-k", "0", "--top-p", "1"], ["--top-k", "3", "--threads", "3"]):
            words = ["-p", "abcdefghijk", "-n", "30", "--ignore-eos", "--seed", "3", *options]
            self.assertEqual(self.ids(*words, env=screened), self.ids(*words), options)
            self.assertLess(self.run_story(*words, env=trapped).returncode, 0, options)
        # Any token may be drawn, or all logits are wanted: nothing is left out.
        path = self.path("logits.bin")
        for options in (["--min-p", "0"], ["--temperature", "100", "--min-p", "0", "--top-k", "0"], ["--logits", path]):
            words = ["-p", "abc", "-n", "9", "--ignore-eos", "--seed", "3", *options]
            self.assertEqual(self.ids(*words, env=trapped), self.ids(*words), options)
        self.expect("--perplexity", "-", input=b"abc", stdin=None, err=None, env=trapped)
        self.expect("--info", env=screened, out="\nrough head:    300 bytes, ")

    def test_nan(self):
        self.expect("-p", "abc", "--temperature", "0", env={"CRIA_FAKE_NAN": "5"}, code=1,
                    err=b"story: the logits at position 5 hold a NaN (token 5)\n")

    def test_file(self):
        path = self.path("prompt.txt")
        make_artifact.write(path, b"ab\0\xffc\n")
        prompt = [BOS, *b"ab\0\xffc\n"]
        self.assertEqual(self.ids("-f", path, "-n", "2", "--temperature", "0"), greedy(prompt, 2))
        self.assertEqual(self.ids("-f", "-", "-n", "2", "--temperature", "0", stdin=None,
                                  input=b"ab\0\xffc\n"), greedy(prompt, 2))
        self.expect("-f", path + ".none", out=b"", code=1, err=r"^story: cannot open '.*\.none': "
                    "No such file or directory\n$")
        self.expect("-f", self.folder, out=b"", code=1, err="cannot read '.*': Is a directory")
        limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        self.expect("-f", "/dev/zero", out=b"", code=1, preexec_fn=limit, err=b"story: a text expects at most "
                    b"536870912 bytes, but got more from '/dev/zero'\n")

    def test_stats(self):
        begin = time.monotonic()
        stats = self.expect("-p", "abcd", "-n", "9", "--ignore-eos", "--stats", err=None)
        seconds = time.monotonic() - begin
        fields = json.loads(stats.stderr)
        self.assertEqual(fields["prompt_tokens"], 5)
        self.assertEqual(fields["new_tokens"], 9)
        self.assertEqual(fields["decoded_tokens"], 8)
        self.assertGreater(fields["decode_tokens_per_second"], 0)
        self.assertLess(fields["memory_seconds"] + fields["prompt_seconds"], fields["first_token_seconds"])
        self.assertLess(fields["first_token_seconds"], seconds)  # however slow: it is a part of the whole
        with open("/dev/full", "wb") as full:
            result = subprocess.run([self.story, "-p", "a", "-n", "1", "--stats"], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=full)
        self.assertEqual(result.returncode, 1)


class Text(Case):
    """Tokens become text; the model says what CRIA_FAKE_SCRIPT dictates."""

    def says(self, script, out, *arguments):
        self.expect("--temperature", "0", *arguments, out=out,
                    env={"CRIA_FAKE_SCRIPT": comma(script)})

    def test_prompt_is_printed_as_given(self):
        # Position 0 is BOS, so the prompt's last byte stands at position 2.
        self.says([EOS, EOS, 33, EOS], b"ab!\n", "-p", "ab")
        self.says([EOS], b"  a \n", "-p", "  a ")
        self.says([EOS], b"a\xffb\n", "-p", b"a\xffb")
        self.says([EOS, EOS, 260, EOS], b"ab w260\n", "-p", "ab")

    def test_first_space_is_dropped(self):
        self.says([260, 261, EOS], b"w260 w261\n")
        self.says([EOS, EOS, 262, EOS], b"w260 w261 w262\n", "--ids", "256,260,261")
        self.says([EOS], b"w260\n", "--ids", "260")

    def test_characters_are_whole(self):
        self.says([*"é€🦙".encode(), EOS], "é€🦙\n".encode())
        self.says([0xe2, 0x82, 65, EOS], "\ufffdA\n".encode())
        self.says([0xf0, 0x9f, EOS], "\ufffd\n".encode())
        self.says([0xff, 0xc3, 0xa9, EOS], "\ufffdé\n".encode())
        self.says([0xc3, 0xa9], "\ufffd\n".encode(), "-n", "1")
        # A prompt that breaks off in a character, of which BOS and the first bytes come before what is said.
        for character in "é", "€", "🦙":
            whole = character.encode()
            for cut in range(1, len(whole)):
                script = [EOS] * (cut + 1) + [*whole[cut:], EOS]
                self.says(script, b"a" + whole + b"\n", "-p", b"a" + whole[:cut])
        self.says([EOS], b"a\xff\xef\xbf\xbd\n", "-p", b"a\xff\xe2\x82")

    def test_streams(self):
        """Each piece arrives before the text ends, and never a part of a character."""
        master, slave = pty.openpty()
        env = dict(os.environ, CRIA_FAKE_SCRIPT=comma([*"é".encode(), EOS]))
        process = subprocess.Popen([self.story, "-i", "-p", "", "--temperature", "0"], stdin=slave,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
        os.close(slave)
        ready, _, _ = select.select([process.stdout], [], [], 10)
        self.assertTrue(ready)
        self.assertEqual(os.read(process.stdout.fileno(), 2), "é".encode())
        self.assertIsNone(process.poll())
        process.terminate()
        process.wait()
        process.stdout.close()
        os.close(master)


class Logits(Case):
    def rows(self, *arguments, **options):
        path = self.path("logits.bin")
        ids = self.expect("--print-ids", "--logits", path, "--temperature", "0", *arguments,
                          **options).stdout.decode()
        values = array.array("f", make_artifact.read(path))
        os.unlink(path)
        self.assertEqual(len(values) % V, 0)
        rows = [values[i:i + V].tolist() for i in range(0, len(values), V)]
        return [int(number) for number in ids.split(",")], rows

    def test_rows(self):
        prompt = comma((i * 29 + 3) % V for i in range(20))
        for arguments in ([], ["--chunk", "1"], ["--chunk", "7"],
                          ["--chunk", "8", "--threads", "3"]):
            for count in ("0", "1", "5"):
                ids, rows = self.rows("--ids", prompt, "-n", count, *arguments)
                self.assertEqual(len(ids), 20 + int(count))
                self.assertEqual(rows, logits(ids))

    def test_context_end(self):
        ids, rows = self.rows("--ids", comma([9] * 62), "-n", "3")
        self.assertEqual((len(ids), len(rows)), (65, 64))
        self.assertEqual(rows, logits(ids)[:64])

    def test_replaces(self):
        path = self.path("old.bin")
        link = self.path("link.bin")
        make_artifact.write(path, b"old")
        os.symlink(path, link)
        self.expect("-p", "a", "-n", "0", "--logits", link)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(os.path.getsize(path), 2 * V * 4)

    def test_links_that_lead_nowhere(self):
        link, missing = self.path("nowhere.bin"), self.path("missing.bin")
        for target, reason in ((missing, "No such file or directory"), (link, "Symbolic link loop")):
            os.symlink(target, link)
            self.expect("-p", "a", "-n", "0", "--logits", link, out=b"", code=1,
                        err=f"^story: cannot write '.*/nowhere.bin': it is a link, and what it leads to: {reason}\n$")
            self.assertEqual(os.readlink(link), target)
            os.unlink(link)
        self.assertFalse(os.path.exists(missing))

    def test_nothing_else_is_replaced(self):
        path = self.path("prompt")
        make_artifact.write(path, b"ab")
        self.expect("-f", path, "--logits", path, code=1,
                    err="^story: cannot write '.*/prompt': expects a file of its own, but got the input\n$")
        self.expect("-p", "a", "--logits", self.story, code=1,
                    err="^story: cannot write '.*/story': expects a file of its own, but got the model\n$")
        for words, options in ((["-f", "-"], {"stdin": path}), (["-i"], {"stdin": path}),
                               (["-p", "a"], {"stdout": path})):
            with open(path, "r+b") as file:
                name = "standard " + ("input" if "stdin" in options else "output")
                self.expect(*words, "-n", "1", "--logits", path, **{stream: file for stream in options}, code=1,
                            err=f"^story: cannot write '.*/prompt': expects a file of its own, but got {name}\n$")
        self.assertEqual(make_artifact.read(path), b"ab")
        self.expect("-p", "a", "--logits", "", out=b"", code=1,
                    err="^story: cannot write '': No such file or directory\n$")

    def test_nothing_is_left(self):
        path = self.path("half/logits.bin")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.expect("-p", "abc", "--logits", path, env={"CRIA_FAKE_NAN": "6"}, code=1, err="NaN")
        self.assertEqual(os.listdir(os.path.dirname(path)), [])
        for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU, signal.SIGALRM,
                       signal.SIGVTALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGBUS, signal.SIGSEGV, signal.SIGILL,
                       signal.SIGFPE, signal.SIGABRT):
            process = subprocess.Popen([self.story, "-i", "-n", "1", "--logits", path], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, preexec_fn=no_core)
            process.stdin.write(b"a\n")
            process.stdin.flush()
            process.stdout.read(1)
            self.assertEqual(len(os.listdir(os.path.dirname(path))), 1)
            process.send_signal(ending)
            self.assertEqual(process.wait(), -ending)
            process.stdin.close()
            process.stdout.close()
            self.assertEqual(os.listdir(os.path.dirname(path)), [], ending)
        self.expect("-p", "abc", "--logits", path, code=1, err="cannot write '.*/logits.bin': File too large",
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
        self.assertEqual(os.listdir(os.path.dirname(path)), [])

    def test_full_disk_has_room_for_the_message(self):
        script = 'mkdir -p "$0"; mount -t tmpfs -o size=64k none "$0" && cd "$0" && { "$@" 2>errors; cat *; }'
        mounted = self.isolated("--mount", "sh", "-c", script, self.path("full"))
        self.expect(*mounted[1:], self.story, "--ids", comma([9] * 64), "-n", "0", "--logits", "rows",
                    program=mounted[0], out="^\t*\nstory: cannot write 'rows': No space left on device\n$")

    def test_longest_name(self):
        folder = self.path("long")
        os.makedirs(folder)
        longest = "a" * os.pathconf(folder, "PC_NAME_MAX")
        for name in (longest, longest[:-6], longest[:-7]):
            for path in (os.path.join(folder, name), name):
                self.expect("-p", "a", "-n", "0", "--logits", path, cwd=folder)
                self.assertEqual(os.listdir(folder), [name])
                os.unlink(os.path.join(folder, name))
        self.expect("-p", "a", "--logits", longest + "a", cwd=folder, out=b"", code=1, err="Filename too long")

    def test_what_a_killed_process_left(self):
        """It may have had the same number: in a container all have."""
        path = self.path("again/logits.bin")
        folder = os.path.dirname(path)
        os.makedirs(folder)
        script = 'touch "$1.$$.tmp" && umask 027 && exec "$0" -p a -n 0 --logits "$1"'
        self.expect("-c", script, self.story, path, program="sh", out=b"a\n")
        self.assertEqual(os.path.getsize(path), 2 * V * 4)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)
        self.assertEqual(len(os.listdir(folder)), 2)

    def test_first_process_of_a_container(self):
        """Linux spares it the signals that it sends itself."""
        container = self.isolated("--pid", "--fork")
        path = self.path("container/logits.bin")
        os.makedirs(os.path.dirname(path))
        process = subprocess.Popen([*container, self.story, "-i", "-n", "1", "--logits", path],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdin.write(b"a\n")
        process.stdin.flush()
        process.stdout.read(1)
        self.assertEqual(len(os.listdir(os.path.dirname(path))), 1)
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
            os.kill(int(children.read()), signal.SIGTERM)
        try:
            self.assertEqual(process.wait(timeout=20), 128 + signal.SIGTERM)
        finally:
            process.stdin.close()  # what goes on would wait for it
            process.stdout.close()
        self.assertEqual(os.listdir(os.path.dirname(path)), [])

    def test_ignored_signals_stay_ignored(self):
        path = self.path("nohup.bin")
        process = subprocess.Popen([self.story, "-i", "-n", "1", "--logits", path], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE,
                                   preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.stdin.write(b"a\n")
        process.stdin.flush()
        process.stdout.read(1)
        process.send_signal(signal.SIGHUP)
        process.communicate()
        self.assertEqual(process.returncode, 0)
        os.unlink(path)

    def test_errors(self):
        self.expect("-n", "9", "--logits", "/dev/full", code=1,
                    err="^story: cannot write '/dev/full': No space left on device\n$")
        self.expect("--logits", self.path("no/such"), out=b"", code=1,
                    err="^story: cannot create '.*/no/such': No such file or directory\n$")


class Perplexity(Case):
    def test_windows(self):
        """Windows of BOS and 63 tokens, every token of the text scored once."""
        text = bytes((i * i + 11) % 251 for i in range(200))
        path = self.path("text.bin")
        make_artifact.write(path, text)
        loss, count = 0.0, 0
        for start in range(0, len(text), CONTEXT - 1):
            ids = [BOS, *text[start:start + CONTEXT - 1]]
            for row, token in zip(logits(ids), ids[1:]):
                loss += math.log(sum(math.exp(value) for value in row)) - row[token]
                count += 1
        wanted = math.exp(loss / count)
        for arguments in ([], ["--chunk", "1"], ["--threads", "3"]):
            out = self.expect("--perplexity", path, *arguments,
                              err=b"story: 200 tokens scored in windows of 64\n").stdout
            self.assertAlmostEqual(float(out), wanted, delta=2e-6 * wanted)

    def test_no_bos(self):
        text = bytes(range(100))
        loss = count = 0
        for start in (0, 64):
            ids = text[start:start + 64]
            for row, token in zip(logits(ids), ids[1:]):
                loss += math.log(sum(math.exp(value) for value in row)) - row[token]
                count += 1
        out = self.expect("--perplexity", "-", stdin=None, input=text, env={"CRIA_FAKE": "nobos"},
                          err=b"story: 98 tokens scored in windows of 64\n").stdout
        self.assertAlmostEqual(float(out), math.exp(loss / count), delta=1e-4)

    def test_errors(self):
        self.expect("--perplexity", "/dev/null", out=b"", code=1,
                    err="expects at least 1 tokens in a context of at least 2, but got 0 in 64")
        self.expect("--perplexity", "/no/file", out=b"", code=1, err="cannot open '/no/file'")
        self.expect("--perplexity", self.story, out=b"", code=1, env={"CRIA_FAKE_NAN": "9"},
                    err="the logits at position 9 are not finite")

    def on_terminal(self, *arguments):
        """What a terminal gets as standard error."""
        master, slave = pty.openpty()
        process = subprocess.Popen([self.story, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=slave, env=dict(os.environ, CRIA_FAKE="observed"))
        os.close(slave)
        shown = read_all(master)
        os.close(master)
        return process.wait(), shown

    def test_progress(self):
        """A line that is written over, and cleared before anything else is said."""
        path = self.path("long.bin")
        make_artifact.write(path, bytes(i * i % 251 for i in range(20000)))
        code, shown = self.on_terminal("--perplexity", path)
        self.assertEqual(code, 0)
        self.assertIn(b"\rwindow 1 of 318, perplexity ", shown)
        self.assertRegex(shown, rb"\rwindow 318 of 318, perplexity [0-9.]+ (\x1b\[K)?"
                                rb"\r\x1b\[Kstory: 20000 tokens scored in windows of 64\r\n$")
        code, shown = self.on_terminal("--perplexity", path, "--record", "/dev/full")
        self.assertEqual(code, 1)
        self.assertRegex(shown, rb"\rwindow \d+ of 318, perplexity [0-9.]+ (\x1b\[K)?"
                                rb"\r\x1b\[Kstory: cannot write '/dev/full': No space left on device\r\n$")


class Record(Case):
    OBSERVED = {"CRIA_FAKE": "observed"}

    def recorded(self, steps):
        """The file for steps of so many tokens from position 0 on."""
        data = b"cria records 01\0" + struct.pack("<3I", 2, 6, 1)
        position = 0
        for tokens in steps:
            rows = range(position, position + tokens)
            seen = [10 * row + i for row in rows for i in range(6)] + [-row for row in rows]
            data += struct.pack(f"<I{len(seen)}f", tokens, *seen)
            position += tokens
        return data

    def test_steps(self):
        """Chunks and single tokens; of a chunk's rows those with a token are recorded."""
        path = self.path("records")
        for arguments, steps in ((["--ids", "1,2,3,4,5,6,7,8,9,10,11,12", "-n", "0"], [8, 4]),
                                 (["--ids", "1,2,3,4,5,6,7,8,9", "-n", "0"], [8, 1]),
                                 (["--ids", "1,2", "-n", "2", "--ignore-eos"], [2, 1])):
            for threads in ("1", "3"):
                self.expect(*arguments, "--record", path, "--threads", threads, env=self.OBSERVED, err=None)
                self.assertEqual(make_artifact.read(path), self.recorded(steps), arguments)

    def test_perplexity(self):
        text, path = self.path("text.txt"), self.path("records")
        make_artifact.write(text, bytes(range(66)))
        self.expect("--perplexity", text, "--record", path, env=self.OBSERVED, err=None)
        first = self.recorded([8] * 8)
        self.assertEqual(make_artifact.read(path)[:len(first)], first)
        rest = make_artifact.read(path)[len(first):]
        self.assertEqual(rest, self.recorded([4])[28:])  # BOS and three tokens, from position 0

    def test_errors(self):
        path = self.path("none")
        self.expect("--ids", "1", "--record", path, code=1, out=b"",
                    err="--record expects a model that was compiled to be observed")
        self.assertFalse(os.path.exists(path))
        self.expect("--ids", "1", "--record", self.path("no/such"), code=1, out=b"", env=self.OBSERVED,
                    err="cannot create '.*/no/such'")
        self.expect("--ids", "1", "-n", "0", "--record", "/dev/full", code=1, env=self.OBSERVED,
                    err="cannot write '/dev/full'")
        self.expect("--ids", "1", code=1, out=b"", env={"CRIA_FAKE": "unseen"},
                    err=r"expects its observations within the \d+ bytes of state, but got 192 bytes at \d+")


class Interactive(Case):
    def talk(self, lines, *arguments, **options):
        return self.expect("-i", "--temperature", "0", *arguments, stdin=None, input=lines,
                           **options)

    def test_same_context(self):
        out = self.talk(b"ab\ncd\n", "--print-ids", "-n", "3").stdout.decode().splitlines()
        first = greedy([BOS, *b"ab"], 3)
        second = greedy([*first, *b"cd"], 3)
        self.assertEqual(out, [comma(first), comma(second[len(first):])])

    def test_eos_belongs_to_the_context(self):
        env = {"CRIA_FAKE_SCRIPT": comma([EOS])}
        path = self.path("talk.bin")
        self.talk(b"ab\ncd", "--logits", path, out=b"\n\n", env=env)
        rows = array.array("f", make_artifact.read(path))
        wanted = logits([BOS, *b"ab", EOS, *b"cd"])
        self.assertEqual(len(rows), len(wanted) * V)
        self.assertEqual(rows[-5:].tolist(), wanted[-1][-5:])

    def test_after_a_prompt(self):
        out = self.talk(b"c\n", "--print-ids", "-p", "ab", "-n", "2").stdout.decode().splitlines()
        first = greedy([BOS, *b"ab"], 2)
        second = greedy([*first, *b"c"], 2)
        self.assertEqual(out, [comma(first), comma(second[len(first):])])

    def test_long_line(self):
        self.talk(b"a" * 70 + b"\nab\n", "--print-ids", "-n", "1",
                  out=(comma(greedy([BOS, *b"ab"], 1)) + "\n").encode(),
                  code=1, err=b"story: the line expects at most the 64 tokens of the context, but got 71\n")
        # 61 positions are taken, and the token that was printed last takes one more.
        self.talk(b"a" * 60 + b"\nabcdef\n", "-n", "1", code=1,
                  err=b"story: the line expects at most the 2 tokens left of the context of 64, "
                      b"but got 6\n")
        self.talk(b"a" * 60 + b"\nab\n", "-n", "1", err=self.FULL)

    def test_lines_of_other_systems(self):
        """Lines may end in CR LF, which is no text."""
        self.talk(b"ab\r\ncd\r\n", "--print-ids", "-n", "3",
                  out=self.talk(b"ab\ncd\n", "--print-ids", "-n", "3").stdout)
        self.talk(b"%063d\r\n\r\n" % 0, "-n", "0", err=self.FULL)
        self.talk(b"\rab\r", "--print-ids", "-n", "1", out=(comma(greedy([BOS, *b"\rab\r"], 1)) + "\n").encode())

    FULL = b"story: the context of 64 positions is full\n"
    LEFT = FULL + b"story: cannot go on with the rest of standard input: the context has no position left\n"

    def test_context_ends(self):
        """Whatever ends it (a token beyond it, EOS, no token at all), that is said, and whether lines are left."""
        eos = {"CRIA_FAKE_SCRIPT": comma([EOS])}
        self.talk(b"ab\n", "--ignore-eos", err=self.FULL)
        self.talk(b"ab\ncd\n", "--ignore-eos", code=1, err=self.LEFT)
        line = b"%063d" % 0
        for arguments, env in ((["--ignore-eos"], {}), (["-n", "1"], {}), ([], eos), (["-n", "0"], {})):
            for rest in (b"", b"\n", b"\n\n\n"):
                self.talk(line + rest, *arguments, env=env, err=self.FULL)
                self.talk(rest, "-p", line, *arguments, env=env, err=self.FULL)
            for rest in (b"\nmore\n", b"\nm", b"\n\n\nmore"):
                self.talk(line + rest, *arguments, env=env, code=1, err=self.LEFT)
                self.talk(rest, "-p", line, *arguments, env=env, code=1, err=self.LEFT)
        # One position less, and the same as ever.
        self.talk(line[1:] + b"\n", "-n", "0", out=b"\n")
        self.talk(line + b"0\n", "-n", "0", out=b"", code=1,
                  err=b"story: the line expects at most the 64 tokens of the context, but got 65\n")

    def test_context_ends_on_a_terminal(self):
        """Who sits there sees it, and is told of no line that is still to be read."""
        master, slave = pty.openpty()
        os.write(master, b"%063d\nmore\n" % 0)
        self.expect("-i", "-n", "0", stdin=slave, out=b"\n", err=b"> \n" + self.FULL)
        os.close(slave)
        os.close(master)

    def test_full_context_ends_the_text(self):
        """Who wrote a line, and keeps the pipe open, sees that no more text comes."""
        process = subprocess.Popen([self.story, "-i", "-n", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdin.write(b"%063d\n" % 0)
        process.stdin.flush()
        text = part = b" "
        while part:
            ready, _, _ = select.select([process.stdout], [], [], 20)
            self.assertTrue(ready, "the text does not end")
            part = os.read(process.stdout.fileno(), 4096)
            text += part
        self.assertEqual(text, b" \n")
        self.assertEqual(process.communicate(b"more\n"), (b"", self.LEFT))
        self.assertEqual(process.returncode, 1)

    def test_unreadable_input(self):
        for words in (["-i"], ["-f", "-"], ["--tokenize"], ["--perplexity", "-"]):
            self.expect(*words, code=1, preexec_fn=lambda: os.close(0), out=b"",
                        err=b"story: cannot read standard input: Bad file descriptor\n")
            folder = os.open(self.folder, os.O_RDONLY)
            self.expect(*words, code=1, stdin=folder, out=b"",
                        err=b"story: cannot read standard input: Is a directory\n")
            os.close(folder)

    def test_needs_a_tokenizer(self):
        self.talk(b"ab\n", program=self.bare, out=b"", code=1, err="compiled without a tokenizer")


if __name__ == "__main__":
    Case.elf = make_artifact.read(sys.argv[1])
    with tempfile.TemporaryDirectory() as Case.folder:
        unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
