"""Where the pinned jars of Apache Kafka lie, and how a JVM with them is started."""

import hashlib
import os
import pathlib
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parents[3]
ORACLE = ROOT / "dev" / "oracle"
JAVA_SOURCES = ORACLE / "java"

# Short-lived programs: the serial collector and the first compiler tier start a second sooner.
QUICK_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx512m")


class Skipped(Exception):
    """What this test needs cannot be had here; the text is the reason."""


_jars: pathlib.Path | None = None
_compile_lock = threading.Lock()


def jar_directory() -> pathlib.Path:
    """The directory of jars. Raises Skipped offline without a cache, RuntimeError if Maven fails."""
    global _jars
    if _jars is None:
        done = subprocess.run([ORACLE / "fetch-jars"], capture_output=True, text=True)
        if done.returncode == 77:
            raise Skipped(done.stderr.strip().splitlines()[-1])
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        _jars = pathlib.Path(done.stdout.strip())
    return _jars


def log_config(level: str = "INFO") -> pathlib.Path:
    """A log4j2 file that logs to standard output at `level`."""
    path = jar_directory().parent / f"log4j2-{level.lower()}.properties"
    text = f"""rootLogger.level = {level}
rootLogger.appenderRef.out.ref = Out
appender.out.type = Console
appender.out.name = Out
appender.out.target = SYSTEM_ERR
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c{{1}})%n
"""
    if not path.exists() or path.read_text() != text:
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(text)
        temporary.rename(path)
    return path


def compiled(source: str, sources: pathlib.Path = JAVA_SOURCES) -> pathlib.Path:
    """The class directory of <sources>/<source>.java, compiled when the source or the jars changed."""
    path = sources / f"{source}.java"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    target = jar_directory().parent / "classes" / f"{source}-{digest}"
    with _compile_lock:
        if not target.exists():
            fresh = target.with_name(f"{target.name}.{os.getpid()}")
            fresh.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(
                ["javac", "-nowarn", "-proc:none", "-cp", f"{jar_directory()}/*", "-d", fresh, path], capture_output=True, text=True
            )
            if done.returncode != 0:
                raise RuntimeError(f"javac {path}:\n{done.stdout}{done.stderr}")
            try:
                fresh.rename(target)
            except OSError:  # another process was quicker
                pass
    return target


def java_command(main: str, *arguments: str, jvm: tuple[str, ...] = QUICK_JVM, log_level: str = "WARN",
                 sources: pathlib.Path = JAVA_SOURCES) -> list[str]:
    """The command line of a class in the jars, or of one of our own programs in `sources`."""
    class_path = f"{jar_directory()}/*"
    if (sources / f"{main}.java").exists():
        class_path = f"{compiled(main, sources)}:{class_path}"
    return [
        "java",
        *jvm,
        f"-Dlog4j2.configurationFile={log_config(log_level)}",
        "-cp",
        class_path,
        main,
        *(str(argument) for argument in arguments),
    ]


def run_java(main: str, *arguments, input: bytes | None = None, timeout: float = 300) -> subprocess.CompletedProcess:
    """Runs a class to its end; output as bytes, no check of the exit code."""
    return subprocess.run(java_command(main, *arguments), input=input, capture_output=True, timeout=timeout)
