"""Runs Apache Kafka 4.3.1 as oracle and peer of Moldau: its broker, its tools, our small Java programs on its classes.

Tests reach it with `sys.path.insert(0, "<checkout>/dev/oracle")` and `import kafka`. Standard library only.
"""

from .broker import ApacheKafka, free_port
from .jars import ROOT, Skipped, jar_directory, java_command, run_java

__all__ = ["ROOT", "ApacheKafka", "Skipped", "free_port", "jar_directory", "java_command", "run_java"]
