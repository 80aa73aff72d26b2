#!/usr/bin/env python3
"""Plants a violation of each module gate in a scratch project and sees it refused.

Prints PASS/FAIL lines for dev/run-tests.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

TOP = """cmake_minimum_required(VERSION 3.25)
project(gates LANGUAGES CXX C)
include(cmake/Toolchain.cmake)
include(cmake/MoldauModule.cmake)
foreach(module low other high)
  add_subdirectory(src/${module})
endforeach()
moldau_finish()
"""

GOOD = {
    "src/low/CMakeLists.txt": "moldau_module(low PURE)\n",
    "src/low/low.h": "#pragma once\nint low();\n",
    "src/low/low.cpp": '#include "low/low.h"\nint low() { return 1; }\n',
    "src/other/CMakeLists.txt": "moldau_module(other)\n",
    "src/other/other.h": "#pragma once\nint other();\n",
    "src/other/other.cpp": '#include "other/other.h"\nint other() { return 2; }\n',
    "src/high/CMakeLists.txt": "moldau_module(high PURE DEPS low)\n",
    "src/high/high.h": "#pragma once\nint high();\n",
    "src/high/high.cpp": '#include "high/high.h"\n#include "low/low.h"\nint high() { return low(); }\n',
}

# name -> (files to overwrite, the gate that must refuse: "build" or "check", text that must appear)
VIOLATIONS = {
    "undeclared include": (
        {"src/high/high.cpp": '#include "high/high.h"\n#include "other/other.h"\nint high() { return 3; }\n'},
        "check", "module other, which high does not declare"),
    "PURE module includes a thread": (
        {"src/low/low.cpp": '#include "low/low.h"\n#include <thread>\nint low() { return 1; }\n'},
        "check", "<thread> in a PURE module"),
    "PURE module depends on one that is not": (
        {"src/high/CMakeLists.txt": "moldau_module(high PURE DEPS low other)\n"},
        "check", "PURE high depends on other"),
    "a clock is read past the seams": (
        {"src/other/other.cpp": '#include "other/other.h"\n#include <chrono>\n'
                                "int other() { return std::chrono::steady_clock::now().time_since_epoch().count() > 0; }\n"},
        "check", "reaches past the seams"),
    "modules include each other": (
        {"src/low/CMakeLists.txt": "moldau_module(low PURE DEPS high)\n"},
        "build", "Impossible to link target"),
    "a symbol of an undeclared module": (
        {"src/high/high.cpp": '#include "high/high.h"\nint other();\nint high() { return other(); }\n'},
        "build", "undefined symbol: other()"),
    "a header that needs another one": (
        {"src/low/size.h": "#pragma once\nusing LowSize = int;\n",
         "src/low/low.h": "#pragma once\nLowSize low();\n",
         "src/low/low.cpp": '#include "low/low.h"\n#include "low/size.h"\nint low() { return 1; }\n',
         "src/high/high.cpp": '#include "high/high.h"\n#include "low/size.h"\n#include "low/low.h"\n'
                              "int high() { return low(); }\n"},
        "build", "unknown type name 'LowSize'"),
    "a header without a source that needs another one": (
        {"src/low/alone.h": "#pragma once\ninline LowSize alone() { return 1; }\n"},
        "build", "unknown type name 'LowSize'"),
    "a header that leans on another one for a std header": (
        {"src/low/low.h": "#pragma once\n#include <string>\nint low();\nstd::vector<int> lows();\n"},
        "check", "std::vector without <vector>"),
    "a source that does not include its header first": (
        {"src/high/high.cpp": '#include "low/low.h"\n#include "high/high.h"\nint high() { return low(); }\n'},
        "check", "'high/high.h' is not included first"),
}


def write(project, files):
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def gate(kind, project, build):
    code, output = run(["cmake", "-S", project, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Dev",
                        "-DCMAKE_CXX_COMPILER=clang++-19", "-DCMAKE_C_COMPILER=clang-19"])
    if code != 0:
        return code, output
    if kind == "build":
        return run(["cmake", "--build", build])
    return run([sys.executable, ROOT / "dev/check-includes", build, "--root", project])


def check(name, files, kind, expected, work):
    project, build = work / "project", work / "build"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    shutil.copytree(ROOT / "cmake", project / "cmake")
    write(project, {"CMakeLists.txt": TOP} | GOOD | files)
    code, output = gate(kind, project, build)
    refused = code != 0
    if refused == bool(expected) and (not expected or expected in output):
        print(f"PASS gates: {name}")
        return True
    print(f"FAIL gates: {name}: exit {code}, expected {expected!r} in:\n{output[-2000:]}")
    return False


def check_other_compiler(work):
    code, output = run(["cmake", "-S", ROOT, "-B", work / "gcc", "-G", "Ninja", "-DCMAKE_CXX_COMPILER=g++",
                        "-DCMAKE_C_COMPILER=gcc"])
    if code != 0 and "Moldau builds with clang 19 only" in output:
        print("PASS gates: another compiler is refused in one clear line")
        return True
    print(f"FAIL gates: another compiler is refused in one clear line: exit {code}\n{output[-500:]}")
    return False


def main():
    with tempfile.TemporaryDirectory(prefix="moldau-gates-") as directory:
        work = pathlib.Path(directory)
        results = [check("a clean project builds", {}, "build", "", work),
                   check("a clean project passes the include check", {}, "check", "", work)]
        results += [check(name, files, kind, expected, work) for name, (files, kind, expected) in VIOLATIONS.items()]
        if shutil.which("g++"):
            results.append(check_other_compiler(work))
        else:
            print("SKIP gates: another compiler is refused: no g++ on this machine")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
