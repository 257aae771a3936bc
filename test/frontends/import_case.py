"""What the tests of imports share: programs from the command line, models in a folder of their own, and
checks of what `cria compile MODEL --stop-after=import -o -` says.

That is IR on standard output, or exit code 1 and one error on standard error. Anything else (a signal,
another code, a partial output) fails a test. The models are made by ../models/make_model.py.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

for folder in ("models", "tokenizer"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder))
import make_model as models  # noqa: E402
import tokenizer_files as tokenizers  # noqa: E402


class ImportCase(unittest.TestCase):
    programs = {}  # by their options' names

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cria-import-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run_cria(self, model, *options):
        command = [self.programs["cria"], "compile", model, "--stop-after=import", "-o", "-", *options]
        result = subprocess.run(command, capture_output=True, timeout=120)
        out, err = result.stdout.decode(errors="replace"), result.stderr.decode(errors="replace")
        # In a build with sanitizers, their reports may come with exit code 1, too.
        self.assertNotRegex(err, "Sanitizer|runtime error")
        return result.returncode, out, err

    def good(self, model, *options):
        """The IR, with single spaces only: how it is spaced is not the frontends' matter."""
        code, out, err = self.run_cria(model, *options)
        self.assertEqual(code, 0, err)
        return re.sub(" +", " ", out)

    def bad(self, model, expected, *options):
        """The error must match the regular expression `expected`, all in one line."""
        code, out, err = self.run_cria(model, *options)
        self.assertEqual(code, 1, f"expected an error, got code {code}: {err}")
        self.assertEqual(out, "")
        self.assertRegex(err, "error: .*" + expected)

    def make(self, family, **options):
        return models.make_model(family, self.path(options.pop("name", "model")), **options)

    def hash_of(self, model, *options):
        return re.search(r'inputHash = "([0-9a-f]{32})"', self.good(model, *options)).group(1)


def edit_config(model, remove=(), **changes):
    path = os.path.join(model, "config.json")
    with open(path) as file:
        config = json.load(file)
    config.update(changes)
    for key in remove:
        del config[key]
    with open(path, "w") as file:
        json.dump(config, file)


def run_tests(*programs):
    """Takes `--NAME COMMAND` for each of `programs`, and unittest's own options."""
    parser = argparse.ArgumentParser()
    for name in programs:
        parser.add_argument("--" + name, required=True)
    known, rest = parser.parse_known_args()
    ImportCase.programs = {name: os.path.abspath(getattr(known, name)) for name in programs}
    unittest.main(argv=[sys.argv[0], *rest])
