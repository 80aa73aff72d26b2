#!/usr/bin/env python3
"""The simulator as a test: many seeds without a fault, every wanted branch reached; equal seeds give equal traces.

usage: tests/sim/sim_test.py [--sim BINARY] [--seeds N]     (MOLDAU_BUILD names the build directory)
"""

import argparse
import os
import pathlib
import re
import resource
import subprocess
import sys

SECONDS_MAX = 60  # of one core, for all seeds


def simulate(binary, *arguments):
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, errors="replace")
    return done.returncode, done.stdout + done.stderr


def trace_hash(binary, seed):
    code, output = simulate(binary, "--seed", str(seed))
    found = re.search(rf"^seed {seed} hash ([0-9a-f]{{16}})", output, re.M)
    return found[1] if code == 0 and found else f"seed {seed} failed"


def say(good, name, detail=""):
    print(f"{'PASS' if good else 'FAIL'} {name}" + (f": {detail}" if detail else ""), flush=True)
    return good


def many_seeds(binary, seeds):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code, output = simulate(binary, "--seeds", f"1..{seeds}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    name = f"{seeds} seeds without a fault, every probe reached"
    if code != 0:
        print(output[-6000:])
        faults = re.findall(r"^(?:FAIL|replay:) ?(.*)$", output, re.M)
        return say(False, name, "; ".join(faults) or f"exit {code}")
    print(output)
    return say(seconds <= SECONDS_MAX, name, f"{seconds:.1f} s of one core")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sim", default=os.path.join(os.environ.get("MOLDAU_BUILD", "build/dev"), "moldau-sim"))
    parser.add_argument("--seeds", type=int, default=500)
    options = parser.parse_args()
    binary = pathlib.Path(options.sim).resolve()
    if binary.parent.name == "tsan":
        print("SKIP simulator: it has one thread, ThreadSanitizer sees nothing in it")
        return 0
    good = many_seeds(binary, options.seeds)
    hashes = [trace_hash(binary, seed) for seed in range(1, 9)]
    good &= say(all(re.fullmatch(r"[0-9a-f]{16}", h) for h in hashes) and len(set(hashes)) == len(hashes),
                "other seeds give other traces", " ".join(hashes))
    good &= say(hashes == [trace_hash(binary, seed) for seed in range(1, 9)], "equal seeds give equal traces in two processes")
    code, output = simulate(binary, "--seeds", "1..20", "--twice")
    good &= say(code == 0, "equal seeds give equal traces in one process", "" if code == 0 else output[-500:])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
