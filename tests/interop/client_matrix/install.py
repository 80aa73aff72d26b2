"""Fetches and builds what a client needs, once, into the cache. Raises kafka.Skipped offline, Missing without its toolchain."""

import hashlib
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys

import kafka

CLIENTS = pathlib.Path(__file__).resolve().parent.parent / "clients"
CACHE = pathlib.Path(os.environ.get("MOLDAU_CACHE", pathlib.Path.home() / ".cache" / "moldau")) / "clients"


class Missing(Exception):
    """A toolchain that this machine does not have; the text names it."""


def tool(name: str, version_option: str = "--version") -> str:
    """What the tool says of its version."""
    if shutil.which(name) is None:
        raise Missing(f"{name} is not installed")
    return subprocess.run([name, version_option], capture_output=True, text=True).stdout


def _run(*command, cwd: pathlib.Path, **environment: str) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=os.environ | environment, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command[:4]))}: {done.stdout[-1000:]}{done.stderr[-2000:]}")


def _cached(name: str, files: list[pathlib.Path], toolchain: str, build) -> pathlib.Path:
    """The directory that build(directory) filled, for these files and this toolchain."""
    digest = hashlib.sha256(toolchain.encode())
    for path in files:
        digest.update(path.read_bytes())
    target = CACHE / f"{name}-{digest.hexdigest()[:16]}"
    if target.exists():
        return target
    if os.environ.get("MOLDAU_OFFLINE") == "1":
        raise kafka.Skipped(f"{name} is not in {CACHE}, and MOLDAU_OFFLINE=1 is set")
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    build(fresh)
    try:
        fresh.rename(target)
    except OSError:  # another process was quicker
        shutil.rmtree(fresh)
    return target


def python(name: str) -> tuple[list, dict]:
    """Command and environment of a driver in Python, with the packages of its requirements.txt."""
    home = CLIENTS / name
    pins = home / "requirements.txt"

    if importlib.util.find_spec("pip") is None:
        raise Missing("python3 has no pip")

    def build(directory: pathlib.Path) -> None:
        _run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", directory, "-r", pins,
             cwd=directory)

    return [sys.executable, home / "driver.py"], {"PYTHONPATH": str(_cached(name, [pins], sys.version, build))}


def node(name: str) -> tuple[list, dict]:
    home = CLIENTS / name
    pins = [home / "package.json", home / "package-lock.json"]
    version = tool("node")
    tool("npm")

    def build(directory: pathlib.Path) -> None:
        for path in pins:
            shutil.copy(path, directory)
        _run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=directory)

    modules = _cached(name, pins, version, build) / "node_modules"
    return ["node", home / "driver.js"], {"NODE_PATH": str(modules)}


def go(name: str) -> tuple[list, dict]:
    home = CLIENTS / name
    version = tool("go", "version")
    wanted = re.search(r"^go (\d+)\.(\d+)", (home / "go.mod").read_text(), re.M)
    found = re.search(r"go(\d+)\.(\d+)", version)
    if not found or tuple(map(int, found.groups())) < tuple(map(int, wanted.groups())):
        raise Missing(f"go {wanted[1]}.{wanted[2]} is needed, {version.strip()} is there")

    def build(directory: pathlib.Path) -> None:
        _run("go", "build", "-trimpath", "-modcacherw", "-o", directory / "driver", ".", cwd=home, GOTOOLCHAIN="local",
             GOMODCACHE=str(CACHE / "go-modules"))

    return [_cached(name, sorted(home.iterdir()), version, build) / "driver"], {}


def cargo(name: str) -> tuple[list, dict]:
    home = CLIENTS / name
    version = tool("cargo")
    tool("cc")
    files = [home / "Cargo.toml", home / "Cargo.lock", home / "src" / "main.rs"]

    def build(directory: pathlib.Path) -> None:
        shutil.copytree(home / "src", directory / "src")
        shutil.copy(home / "Cargo.toml", directory)
        # A lock file names its registry: Cargo says how this machine's is called.
        _run("cargo", "generate-lockfile", "--quiet", cwd=directory)
        lock = directory / "Cargo.lock"
        registry = re.search(r'^source = "(.*)"$', lock.read_text(), re.M)[1]
        lock.write_text((home / "Cargo.lock").read_text().replace('source = "registry"', f'source = "{registry}"'))
        _run("cargo", "build", "--quiet", "--locked", cwd=directory, CARGO_TARGET_DIR=str(CACHE / "cargo-target"))
        shutil.copy(CACHE / "cargo-target" / "debug" / "driver", directory)

    return [_cached(name, files, version, build) / "driver"], {}


def java(name: str) -> tuple[list, dict]:
    tool("java")
    tool("javac")
    return kafka.java_command("Driver", sources=CLIENTS / name), {}


def debian(name: str) -> tuple[list, dict]:
    """A driver in Python around a command of Debian's."""
    tool(name, "-V")
    return [sys.executable, CLIENTS / name / "driver.py"], {}
