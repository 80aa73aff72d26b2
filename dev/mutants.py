"""Planted bugs: a patch for one source file, applied to a copy in the build directory and linked before the library, which so
stays as it is."""

import json
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def compile_command(build, source):
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if pathlib.Path(entry["file"]) == source:
            return entry
    sys.exit(f"{source} is not in {build}/compile_commands.json")


def link_command(build, target):
    listed = subprocess.run(["ninja", "-C", build, "-t", "commands", "-s", target], check=True, capture_output=True,
                            text=True).stdout.strip().splitlines()[-1]
    match = re.search(rf"(\S*clang\+\+\S* .*-o {target} .*?)(?: && :)?$", listed)
    if not match:
        sys.exit(f"cannot read how {target} is linked: {listed}")
    return shlex.split(match.group(1))


def build_mutant(build, patch, target):
    """The path of `target` with the bug in it."""
    source = pathlib.Path(re.search(r"^\+\+\+ b/(\S+)", patch.read_text(), re.M).group(1))
    work = build / "mutants" / patch.stem
    work.mkdir(parents=True, exist_ok=True)
    copy = work / source.name
    copy.write_bytes((ROOT / source).read_bytes())
    subprocess.run(["patch", "--quiet", "--no-backup-if-mismatch", copy, patch], check=True)
    entry = compile_command(build, ROOT / source)
    arguments = shlex.split(entry["command"])
    arguments[arguments.index("-o") + 1] = str(work / "mutant.o")
    arguments[arguments.index("-c") + 1] = str(copy)
    subprocess.run(arguments, cwd=entry["directory"], check=True)
    link = link_command(build, target)
    link[link.index("-o") + 1] = str(work / target)
    first_library = next(i for i, word in enumerate(link) if word.endswith(".a"))
    link.insert(first_library, str(work / "mutant.o"))
    subprocess.run(link, cwd=build, check=True)
    return work / target
