#!/usr/bin/env python3
"""What benchmarks/compare makes of its samples and of programs that fail. No timing.

usage: compare_test.py BENCHMARKS
"""
import importlib.machinery
import importlib.util
import contextlib
import io
import os
import sys
import tempfile
import unittest

BENCHMARKS = sys.argv[1]
loader = importlib.machinery.SourceFileLoader("compare", BENCHMARKS + "/compare")
compare = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", loader))
loader.exec_module(compare)
engines, report = compare.engines, compare.report

# Answers every line by its second word times ten; dies of "die".
ECHO = """
import sys
print('{"backend": "echo"}', flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == 'die':
        sys.exit(3)
    print(10 * float(words[1]), flush=True)
"""


class Fixed:
    """An engine or a machine whose answers are given."""
    faults = (1, 20)

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def seconds(self, *words):
        self.asked.append(words)
        return self.answers.pop(0)

    limit = seconds


class ReportTest(unittest.TestCase):
    def test_sample(self):
        # 20 tokens of 5 and of 6 bytes, in 2 and in 4 seconds; limits 40, 60 and 100.
        sample = report.Sample(20, (5, 6), 2.0, 4.0, (40, 60, 100))
        self.assertEqual(sample.speeds, (10, 5))
        self.assertEqual(sample.ratio, 2)
        self.assertEqual(sample.rates, (50, 30))
        self.assertEqual(sample.shares(), [50 / 50, 30 / 80])

    def test_which_runs_count(self):
        enough = report.Sample(1, (50, 100), 1, 1, (140, 140, 140))
        short = report.Sample(1, (50, 100), 1, 1, (139, 139, 139))
        self.assertTrue(enough.counts("decode"))
        self.assertFalse(short.counts("decode"))
        self.assertTrue(short.counts("prefill"))

    def test_row(self):
        def sample(ours, theirs, limit):
            return report.Sample(1, (1e9, 1e9), 1 / ours, 1 / theirs, (limit * 1e9,) * 3)

        # Of ratios 2, 3 and 1.1, the last is of a run without room.
        samples = [sample(20, 10, 40), sample(30, 10, 40), sample(11, 10, 13.9)]
        cells = report.row("m", "q4_0", "decode", 48, 2, samples)
        self.assertEqual(cells, ["m", "q4_0", "decode", "2", "20.0 ± 48 %", "10.0 ± 0 %", "2.50×", "2 of 3", "20.0",
                                 "10.0", "40.0 ± 38 %", "75 %", "25 %"])
        self.assertEqual(report.row("m", "q4_0", "decode", 48, 2, samples[2:])[6:8], ["(1.10×)", "0 of 1"])
        more = [*samples[1:], sample(12, 10, 13.9)]  # 3, 1.1 and 1.2, of which only the first counts
        self.assertEqual(report.row("m", "q4_0", "decode", 48, 2, more)[6:8], ["(1.20×)", "1 of 3"])
        cells = report.row("m", "f16", "prefill", 128, 1, samples[2:])
        self.assertEqual(cells[2:4] + cells[6:8], ["prefill (128)", "1", "1.10×", "1 of 1"])
        self.assertEqual(report.row("m", "f16", "prefill", 8, 1, [sample(6492.4, 400, 1)])[4], "6,492 ± 0 %")

    def test_table(self):
        rows = [[str(i) for i in range(len(report.HEADER))], ["wide cell"] * len(report.HEADER)]
        lines = report.table(rows).splitlines()
        self.assertEqual(len(lines), 4)
        self.assertEqual(len({len(line) for line in lines}), 1)
        self.assertTrue(lines[2].startswith("| 0         | 1 "))

    def test_interleaves(self):
        machine, a, b = Fixed(8, 10, 12, 14, 16), Fixed(1, 2), Fixed(3, 4)
        samples = compare.measure(machine, a, b, "decode", 48, "read", 2, (1, 1), 2)
        self.assertEqual(a.asked, [("decode", 48, 2)] * 2)
        self.assertEqual(machine.asked, [("read", 2)] * 5)
        self.assertEqual([sample.speeds for sample in samples], [(48, 16), (24, 12)])
        self.assertEqual([sample.limits for sample in samples], [(9, 11), (13, 15)])
        self.assertEqual([sample.faults for sample in samples], [((1, 20), (1, 20))] * 2)

    def test_prices(self):
        cost = {"decode_bytes": 100, "head_bytes": 40, "prefill_operations": 7}
        whole, screened = Fixed(), Fixed()
        whole.rough_bytes, screened.rough_bytes = 0, 10
        self.assertEqual(compare.prices(cost, whole, "decode"), (100, 100))
        self.assertEqual(compare.prices(cost, screened, "decode"), (70, 100))
        self.assertEqual(compare.prices(cost, screened, "prefill"), (7, 7))

    def test_rereads(self):
        def sample(ours, theirs):
            return report.Sample(1, (1, 1), 1, 1, (1, 1, 1), ((ours, 400), (theirs, 0)))

        self.assertEqual(list(report.rereads([sample(0, 0)])), [])
        self.assertEqual(list(report.rereads([sample(0, 3), sample(0, 0)])),
                         ["B met major page faults, as not all of its file was in memory: 3, 0"])


class OptionsTest(unittest.TestCase):
    def phases(self, options, weights, context, *left_out):
        lines = []
        rows = list(compare.phases(options, weights, context, lines.append))
        self.assertEqual(lines, list(left_out))
        return rows

    def test_default(self):
        options = compare.parse([])
        self.assertIn(("tinyllama-1.1b", "q4_k_m"), options.models)
        self.assertEqual(self.phases(options, "q4_0", 512),
                         [("decode", 48, "read"), ("prefill", 128, "bytes"), ("prefill", 512, "bytes")])
        self.assertEqual([limit for _, _, limit in self.phases(options, "bf16", 512)], ["read", "bf16", "bf16"])
        self.assertEqual([limit for _, _, limit in self.phases(options, "f16", 512)], ["read", "f32", "f32"])

    def test_choices(self):
        options = compare.parse(["--models", "a/q8_0", "--threads", "1,4", "--prefill", "64", "--only", "prefill"])
        self.assertEqual((options.models, options.threads), ([("a", "q8_0")], [1, 4]))
        self.assertEqual(self.phases(options, "q8_0", 64), [("prefill", 64, "bytes")])
        options = compare.parse(["--only", "decode", "--decode", "5"])
        self.assertEqual(self.phases(options, "q8_0", 6), [("decode", 5, "read")])

    def test_leaves_out_what_does_not_fit(self):
        options = compare.parse(["--prefill", "47,128,512"])
        long = "left out: prefill of 512 tokens, as there are 256 positions"
        self.assertEqual([row[:2] for row in self.phases(options, "f32", 256, long)],
                         [("decode", 48), ("prefill", 47), ("prefill", 128)])
        few = [f"left out: {what} tokens, as there are 48 positions"
               for what in ("decode of 48", "prefill of 128", "prefill of 512")]
        self.assertEqual([row[:2] for row in self.phases(options, "f32", 48, *few)], [("prefill", 47)])

    def test_positions(self):
        for words, expected in (([], 512), (["--decode", "1500"], 1501), (["--prefill", "2048,6"], 2048)):
            self.assertEqual(compare.positions(compare.parse(words)), expected)

    def test_refuses(self):
        for words in (["--models", "tinyllama"], ["--threads", "0"], ["--repetitions", "0"], ["--decode", "x"]):
            with self.assertRaises(SystemExit) as exit_, contextlib.redirect_stderr(io.StringIO()):
                compare.parse(words)
            self.assertEqual(exit_.exception.code, 2)


class ServerTest(unittest.TestCase):
    def server(self):
        return engines.Server(sys.executable, "-c", ECHO, greets=True)

    def test_answers(self):
        with self.server() as server:
            self.assertEqual(server.greeting, {"backend": "echo"})
            self.assertEqual(server.ask("read", 2), 20)
            self.assertEqual(server.ask("decode", 3, 1), 30)
        self.assertEqual(server.process.returncode, 0)

    def test_counts_page_faults(self):
        # 64 MB that the answer to `decode 2` writes, in pages of at most 2 MB.
        program = ECHO.replace("print(10", "data = bytearray(b'x') * ((64 << 20) * (words[1] == '2'))\n    print(10")
        with engines.Server(sys.executable, "-c", program, greets=True) as server:
            self.assertEqual(server.warm_seconds("decode", 2, 1), 20)
            self.assertGreaterEqual(server.faults[1], 32)
            server.warm_seconds("decode", 3, 1)
            self.assertLess(server.faults[1], 32)

    def test_gets_huge_pages(self):
        program = "import os\ninput()\nprint(int('glibc.malloc.hugetlb=1' in os.environ['GLIBC_TUNABLES']), flush=True)"
        with engines.Server(sys.executable, "-c", program) as server:
            self.assertEqual(server.ask("read", 1), 1)

    def test_warm(self):
        lines = "import sys\nfor n, line in enumerate(sys.stdin): print(1000 * n + float(line.split()[1]), flush=True)"
        with engines.Server(sys.executable, "-c", lines) as server:
            self.assertEqual(server.warm_seconds("prefill", 7, 2), 1007)

    def test_tells_of_a_death(self):
        with self.server() as server, self.assertRaisesRegex(engines.Failed, "ended with exit code 3"):
            server.ask("die", 1)

    def test_tells_what_a_program_said(self):
        with self.assertRaisesRegex(engines.Failed, "no such thing"):
            engines.run(sys.executable, "-c", "import sys; sys.exit('no such thing')")
        with self.assertRaises(engines.Failed) as failure:
            engines.run("false", "1," * 500)
        self.assertLess(len(str(failure.exception)), 200)


# Tells what an artifact would of -n new tokens, behind the ids of a prompt.
ARTIFACT = """#!{python}
import json, sys
words = sys.argv[1:]
prompt, new = len(words[words.index('--ids') + 1].split(',')), int(words[words.index('-n') + 1])
json.dump(dict(prompt_tokens=prompt, decoded_tokens=max(new - 1, 0) - {lost}, memory_seconds=1, prompt_seconds=2,
               decode_seconds=3), sys.stderr)
"""


class CriaTest(unittest.TestCase):
    def engine(self, folder, lost=0):
        cria = engines.Cria.__new__(engines.Cria)  # without a model to compile
        cria.program = os.path.join(folder, "program")
        with open(cria.program, "w") as file:
            file.write(ARTIFACT.format(python=sys.executable, lost=lost))
        os.chmod(cria.program, 0o755)
        return cria

    def test_times_what_it_was_asked_for(self):
        with tempfile.TemporaryDirectory() as folder:
            cria = self.engine(folder)
            for count in 1, 7:
                self.assertEqual(cria.seconds("prefill", count, 2), 2)
                self.assertEqual(cria.seconds("decode", count, 2), 3)
            with self.assertRaisesRegex(engines.Failed, "program: expects decoded_tokens of 7, but got 6"):
                self.engine(folder, lost=1).seconds("decode", 7, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
