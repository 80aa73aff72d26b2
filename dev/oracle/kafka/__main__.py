"""Runs Apache Kafka 4.3.1 from the command line.

usage: python3 dev/oracle/kafka start DIRECTORY [KEY=VALUE ...]   a broker in DIRECTORY until Ctrl-C or SIGTERM
       python3 dev/oracle/kafka tool CLASS [ARGUMENT ...]         a tool, e.g. org.apache.kafka.tools.TopicCommand
"""

import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import kafka  # noqa: E402


def start(arguments: list[str]) -> int:
    settings = dict(argument.split("=", 1) for argument in arguments[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with kafka.ApacheKafka(arguments[0], settings) as broker:
        print(f"ready {broker.bootstrap} controller {broker.controller} data {broker.data} pid {broker.pid}", flush=True)
        signal.pause()
    return 0


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) >= 2 and arguments[0] == "start" and all("=" in item for item in arguments[2:]):
            return start(arguments[1:])
        if len(arguments) >= 2 and arguments[0] == "tool":
            command = kafka.java_command(*arguments[1:])
            os.execvp(command[0], command)
    except kafka.Skipped as reason:
        print(reason, file=sys.stderr)
        return 77
    except KeyboardInterrupt:
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
