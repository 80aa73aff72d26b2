"""What the tests of moldau's offline tools share: the directories that Apache Kafka 4.3.1 wrote, and the lines of a run."""

import argparse
import contextlib
import os
import pathlib
import tarfile
import tempfile

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "directories"
DIRECTORIES = ("fresh-format", "first-start", "rich-clean", "rich-killed")


def moldau_of_command_line(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--moldau", default=os.environ.get("MOLDAU"))
    arguments = parser.parse_args()
    if not arguments.moldau:
        parser.error("--moldau, or MOLDAU in the environment")
    return str(pathlib.Path(arguments.moldau).resolve())


@contextlib.contextmanager
def unpacked(name):
    """A golden directory in a place of its own, as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="moldau-golden-") as work:
        with tarfile.open(GOLDEN / f"{name}.tar.gz") as archive:
            archive.extractall(work)
        yield next(path.parent for path in pathlib.Path(work).rglob("meta.properties"))


class Report:
    """Prints a line for each case; `exit_code` is what the run ends with."""

    def __init__(self):
        self.exit_code = 0

    def __call__(self, name, fault):
        if fault is not None:
            self.exit_code = 1
        print(f"PASS {name}" if fault is None else f"FAIL {name}: {fault}".replace("\n", " | "), flush=True)
