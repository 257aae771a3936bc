"""The model of FakeModel.c said again, and a test case that runs its artifacts."""
import array
import os
import subprocess
import unittest

import make_artifact

V, CONTEXT, BOS, EOS = 300, 64, 256, 257
WEIGHTS = array.array("f", [(j % 7) / 8 for j in range(V)]).tobytes()
TABLES = b"fakeTables"


def logits(ids):
    """The row of logits after each of `ids`: FakeModel.c said again."""
    rows, state = [], 0
    for token in ids:
        state = (state * 31 + token + 1) % 65521
        rows.append([(j % 7) / 8 + (state + 17 * j) % 97 / 16 for j in range(V)])
    return rows


def greedy(ids, count):
    """`ids` and the `count` best tokens after them, lowest id first among equals."""
    ids = list(ids)
    for _ in range(count):
        row = logits(ids)[-1]
        ids.append(row.index(max(row)))
    return ids


def comma(ids):
    return ",".join(map(str, ids))


def read_all(descriptor):
    """What comes until the other end is closed, which a terminal calls an error."""
    data = b""
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:
            part = b""
        if not part:
            return data
        data += part


class Case(unittest.TestCase):
    """`elf` and `folder` are set before the tests run."""
    elf = b""
    folder = ""

    @classmethod
    def setUpClass(cls):
        cls.story = cls.make("story")
        cls.bare = cls.make("bare", tables=b"")

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def make(cls, name, tables=TABLES, **changes):
        """Writes an artifact; `changes` are to its trailer."""
        data = make_artifact.artifact(cls.elf, WEIGHTS, tables, **changes)
        make_artifact.write(cls.path(name), data)
        return cls.path(name)

    def isolated(self, *words):
        """A command that runs another in namespaces of its own. Skips the test where there can be none."""
        command = ["unshare", "--user", "--map-root-user", *words]
        if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no namespaces here")
        return command

    def run_story(self, *arguments, program=None, env=None, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([program or self.story, *arguments], stderr=subprocess.PIPE,
                              timeout=60, env=dict(os.environ, **(env or {})), **options)

    def expect(self, *arguments, out=None, err=b"", code=0, **options):
        """Runs and compares; bytes are exact, a pattern is searched for."""
        result = self.run_story(*arguments, **options)
        for got, wanted in ((result.stdout, out), (result.stderr, err)):
            if isinstance(wanted, bytes):
                self.assertEqual(got, wanted, result)
            elif wanted is not None:
                self.assertRegex(got.decode(), wanted, result)
        self.assertEqual(result.returncode, code, result)
        return result
