"""A test case with a folder of its own, for what `cria` writes."""
import os
import tempfile
import unittest


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.output = os.path.join(self.folder, "story")
