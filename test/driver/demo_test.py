#!/usr/bin/env python3
"""What demo.sh shows: the model that ships, compiled without being named, and on a terminal how far a long
compilation has come.

usage: demo_test.py CRIA STORYTELLER
"""
import os
import pty
import signal
import subprocess
import sys
import time
import unittest

from driver_case import Case

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "runtime"))
from runtime_case import read_all  # noqa: E402

CRIA = STORYTELLER = ""


class DefaultModel(Case):
    def says(self, *words, **options):
        done = subprocess.run(words, capture_output=True, **options)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def test_story(self):
        with open(os.path.join(STORYTELLER, "greedy.txt"), "rb") as file:
            expected = file.read()
        words = ["-p", "Once upon a time", "--temperature", "0", "-n", "24"]
        self.assertEqual(self.says(CRIA, "compile", "-o", self.output), b"")
        text = self.says(self.output, *words)
        self.assertGreater(len(text), 50)
        self.assertEqual(text.rstrip(b"\n"), expected[:len(text.rstrip(b"\n"))])
        self.assertIn(b"model:         storyteller\n", self.says(self.output, "--info"))
        environment = {**os.environ, "XDG_CACHE_HOME": self.folder}
        self.assertEqual(self.says(CRIA, "run", "--", *words, env=environment), text)


class Progress(Case):
    def errors_of_long_work(self, reader, writer):
        """What a compilation says that writes for more than half a second, for it is halted meanwhile."""
        process = subprocess.Popen([CRIA, "compile", "synthetic:stories-110m", "-o", self.output], stderr=writer)
        os.close(writer)
        # Room for the whole file is made when all that is left is to write.
        while not any(os.path.getsize(os.path.join(self.folder, file)) for file in os.listdir(self.folder)):
            self.assertIsNone(process.poll(), "expected an output in the making")
            time.sleep(0.002)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.6)
        process.send_signal(signal.SIGCONT)
        said = read_all(reader)
        os.close(reader)
        self.assertEqual(process.wait(), 0)
        return said

    def test_terminal(self):
        said = self.errors_of_long_work(*pty.openpty())
        self.assertRegex(said, rb"^(\r\x1b\[Kwriting weights: tensor \d+ of \d+, \d+\.\d of 4\d\d\.\d MB, \d+ s left)+"
                               rb"\r\x1b\[K$")

    def test_no_terminal(self):
        self.assertEqual(self.errors_of_long_work(*os.pipe()), b"")


if __name__ == "__main__":
    CRIA, STORYTELLER = map(os.path.abspath, sys.argv[1:3])
    unittest.main(argv=sys.argv[:1], verbosity=2)
