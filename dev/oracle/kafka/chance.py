"""Seeded requests, legal and half legal, as conversations in the language of tests/oracle.

A case has topics of its own, which other cases do not see; what it changes it changes there. What would differ by chance is left
out: requests that must wait, answers that name every topic, the broker's own settings.
"""

import fnmatch
import json
import random

from . import config_chance, schema_codec
from .replay import NO_UUID as NO_ID
from .replay import NOBODYS_UUID as UNKNOWN_ID

FIRST = 1_700_000_000_000
BAD_NAMES = ("", ".", "..", "bad/name", "x" * 250, "with space")
OTHER_NAMES = (*BAD_NAMES, "x" * 249, "absent", "__consumer_offset")  # none is a topic
EXTREMES = {"int8": 127, "int16": 32767, "uint16": 65535, "int32": (1 << 31) - 1, "uint32": (1 << 32) - 1, "int64": (1 << 63) - 1}
HEADER_SIZE = 8 + 2 + len("replay")
MUTABLE_FROM = HEADER_SIZE + 13  # behind what says how long to wait and whether to answer

# Requests whose bytes may be changed at random: they change nothing beyond records, whatever they become.
MUTABLE = ("Produce", "Fetch", "ListOffsets", "DeleteRecords", "OffsetForLeaderEpoch", "DescribeConfigs", "DescribeCluster",
           "DescribeQuorum", "InitProducerId", "DescribeTopicPartitions", "DescribeLogDirs", "DescribeProducers",
           "ListPartitionReassignments", "DescribeClientQuotas", "ListConfigResources")
WEIGHTS = {"Produce": 5, "Fetch": 5, "ListOffsets": 4, "Metadata": 3, "IncrementalAlterConfigs": 3, "CreateTopics": 3}
SETTLE_MS = 40  # until the broker has seen what its controller has changed
CHANGES = ("IncrementalAlterConfigs", "AlterConfigs", "AlterClientQuotas", "CreatePartitions", "AlterPartitionReassignments",
           "ElectLeaders")

BATCHES = (
    "@ (k,v)", "@ (a,1) (b,2,h=x)", "@ (-,-) (,)", "@ n=5 size=20", "@ n=2 size=300 codec=gzip", "@ n=3 codec=snappy",
    "@ n=3 codec=lz4", "@ n=3 codec=zstd", "@ codec=snappy-raw (k,v)", "@ (k,v) crc=bad", "@ (k,v) magic=1", "@ (k,v) magic=3",
    "@ (k,v) count=2", "@ (k,v) count=0", "@ (k,v) lastdelta=3", "@ (k,v) base=7", "@ (k,v) leader=3", "@ (k,v) length=40",
    "@ (k,v) tail=00", "@ (k,v) cut=1", "@ (k,v) after=00", "@ (k,v) @ (k,v)", "@ (k,v) attributes=5", "@ (k,v) attributes=7",
    "@ (k,v) control", "@ (k,v) transactional", "@ nobatch after=", "@ nobatch after=0000",
    "@ (k,v) codec=gzip body=1f8b", "@ (k,v,ts=-1)", "@ (k,v,ts=0)", "@ (k,v,ts=9223372036854775807)", "@ (k,v) max=5", "@ (k,v,delta=1)",
    "@ (k,v) pid=900 pepoch=0 seq=0", "@ (k,v) pid=900 pepoch=0 seq=1", "@ (k,v) pid=900 pepoch=0 seq=5", "@ (k,v) pid=900 pepoch=1 seq=0",
    "@ (k,v) pid=900 pepoch=-1 seq=0", "@ n=2 pid=901 pepoch=0 seq=2147483647", "@ (k,v) body=", "@ (k,v) body=00",
    "@ attributes=8 (k,v)", "@ attributes=64 (k,v)", "@ attributes=128 (k,v)", "@ (k,v) first=5 max=5", "@ count=0",
)


def prefix_of(number: int) -> str:
    """Begins the names of a case's topics; of one length, so that frames can be renamed."""
    return f"g{number:06}"


class Scene:
    """The topics of one case."""

    def __init__(self, prefix: str, chance: random.Random):
        self.prefix = prefix
        self.used = {f"{prefix}a": chance.randint(1, 3), f"{prefix}b": 1}
        self.spare = [f"{prefix}s{index}" for index in range(2)]  # to be deleted and created
        self.fresh = [f"{prefix}n{index}" for index in range(6)]  # not there yet

    def lines(self) -> list[str]:
        return [f"topic {name} partitions={count}" for name, count in self.used.items()] + [f"topic {name}" for name in self.spare]

    def clean(self) -> str:
        return clean_up([*self.used, *self.spare, *self.fresh])


def clean_up(names: list[str]) -> str:
    """The step that deletes them."""
    return f"DeleteTopics v4 {json.dumps({'topicNames': names, 'timeoutMs': 10000})}"


class Values:
    """Chooses a value for a field of a request."""

    def __init__(self, scene: Scene, chance: random.Random):
        self._scene, self._chance = scene, chance
        one = chance.choice
        self._rules = (
            ("*.timeoutMs", lambda: one((5000, 10000))),
            ("*.validateOnly", lambda: one((True, False))),
            ("*.correlationId", lambda: 1),
            ("CreateTopics.topics.name", lambda: one((*scene.fresh, *scene.fresh, *scene.spare, *BAD_NAMES))),
            ("CreateTopics.topics.numPartitions", lambda: one((1, 1, 2, 3, -1, 0, -2))),
            ("CreateTopics.topics.replicationFactor", lambda: one((1, 1, 1, -1, 2, 0, -2))),
            ("DeleteTopics.topics.topicId", lambda: one((UNKNOWN_ID, NO_ID, NO_ID, *(f"${name}.id" for name in scene.spare)))),
            ("DeleteTopics.topic*", lambda: one((*scene.spare, *scene.fresh, *OTHER_NAMES))),
            ("CreatePartitions.topics.name", lambda: one((*scene.spare, *scene.fresh, *OTHER_NAMES))),
            ("CreatePartitions.topics.count", lambda: one((1, 2, 3, 4, 0, -1, 5000))),
            ("*.brokerIds*", lambda: one((1, 1, 1, 2, -1))),
            ("*.replicas*", lambda: one((1, 1, 1, 2, -1))),
            ("Produce.acks", lambda: one((1, 1, -1, -1, 2, -2))),
            ("*.transactionalId", lambda: None),
            ("Produce.*.records", lambda: one(BATCHES)),
            ("*.records", lambda: None),
            ("*.replicaId", lambda: one((-1, -1, -1, -2))),
            ("*.replicaState*", None), ("Fetch.clusterId", None), ("*.replicaDirectoryId", None), ("*.highWatermark", None),
            ("Fetch.maxWaitMs", lambda: one((0, 0, 10))),
            ("Fetch.minBytes", lambda: one((0, 1, 1, 3000))),
            ("*.maxBytes", lambda: one((0, 1, 100, 1 << 20, (1 << 31) - 1))),
            ("*.partitionMaxBytes", lambda: one((0, 1, 100, 1 << 20))),
            ("*.isolationLevel", lambda: one((0, 0, 1))),
            ("Fetch.sessionId", lambda: 0), ("Fetch.sessionEpoch", lambda: one((-1, -1, -1, -1, 0, 1))),
            ("Fetch.forgottenTopicsData", lambda: []),
            ("*.fetchOffset", lambda: one((0, 0, 0, 1, 2, 5, -1, 1000))),
            ("*.logStartOffset", lambda: one((-1, -1, 0))),
            ("*.currentLeaderEpoch", lambda: one((-1, -1, -1, 0, 1, 5))),
            ("*.lastFetchedEpoch", lambda: one((-1, -1, 0, 1))),
            ("*.leaderEpoch", lambda: one((-1, 0, 1, 5))),
            ("ListOffsets.*.timestamp", lambda: one((-1, -1, -2, -2, -3, -4, -5, -6, -7, 0, FIRST, FIRST + 1, FIRST + 2, 1 << 62))),
            ("*.maxNumOffsets", lambda: one((1, 0, 5))),
            ("DeleteRecords.*.offset", lambda: one((-1, 0, 1, 3, -2, 1000))),
            ("Metadata.allowAutoTopicCreation", lambda: False),
            ("InitProducerId.producer*", lambda: one((-1, -1, 0, 5))),
            ("InitProducerId.transactionTimeoutMs", lambda: one((60000, 1, 0, -1))),
            ("ApiVersions.clientSoftware*", lambda: one(("moldau", "1.0", "", "-bad-", "a b", "x" * 300))),
            ("*.features", lambda: []),
            ("*.featureUpdates*.feature", lambda: one(("no.such.feature", "metadata.version"))),
            ("DescribeQuorum.*.topicName", lambda: one(("__cluster_metadata", "__cluster_metadata", *OTHER_NAMES))),
            ("DescribeQuorum.*.partitionIndex", lambda: one((0, 0, 1, -1))),
            ("*.endpointType", lambda: one((1, 1, 2, 0, 3))),
            ("*.resourceTypes*", lambda: one((2, 4, 8, 16, 32, 0, 1))),
            ("*.resourceType", lambda: one(config_chance.TYPES)),
            ("*.resourceName", lambda: "later"), ("DescribeConfigs.*.configurationKeys*", lambda: "later"),
            ("*.configOperation", lambda: one((0, 0, 0, 1, 2, 3))),
            ("UnregisterBroker.brokerId", lambda: one((2, 99, -1))),
            ("AlterReplicaLogDirs.dirs.path", lambda: one(("/no/such/directory", "relative", ""))),
            ("*Quotas.*.entityType", lambda: one(("user", "client-id", "ip", "planet", ""))),
            ("*Quotas.*.entityName", lambda: one(("gen-one", "gen-two", "127.0.0.9", "not an address", "", None))),
            ("*Quotas.*.match", lambda: one(("gen-one", None, ""))), ("*Quotas.*.matchType", lambda: one((0, 1, 2, 3, -1))),
            ("*Quotas.*.key", lambda: one(("producer_byte_rate", "consumer_byte_rate", "request_percentage", "connection_creation_rate",
                                           "controller_mutation_rate", "x"))),
            ("*Quotas.*.value", lambda: one((1e9, 1e8, 0.0, -1.0, 1e9, 1.5e9, 1e300))),
            ("ElectLeaders.electionType", lambda: one((0, 1, 2, -1))),
            # Kafka fails inside on an empty name.
            ("DescribeTopicPartitions.topics.name", lambda: one((*scene.used, *scene.used, *OTHER_NAMES[1:]))),
            ("*.responsePartitionLimit", lambda: one((1, 2, 100, 0, -1))), ("*.cursor*", None),
            ("*.allowReplicationFactorChange", lambda: one((True, False))),
        )

    def topics(self) -> tuple[str, ...]:
        return tuple(self._scene.used)

    def prefix(self) -> str:
        return self._scene.prefix

    def rule(self, path: str):
        """(True, value chooser or None for the default) if a rule knows the field."""
        for pattern, choose in self._rules:
            if fnmatch.fnmatchcase(path, pattern):
                return True, choose
        return False, None

    def plain(self, item, path: str):
        """By what the schema says of the field."""
        one, name = self._chance.choice, item.type.name
        if item.entity == "topicName":
            return one((*self._scene.used, *self._scene.used, *self._scene.used, *OTHER_NAMES))
        if name == "uuid":
            ids = [f"${topic}.id" for topic in self._scene.used]
            return one((*ids, *ids, UNKNOWN_ID, NO_ID))
        if "artition" in path.rpartition(".")[2] or path.endswith((".index", ".partitions", ".partitionIndexes")):
            return one((0, 0, 0, 1, 2, 7, -1))
        if name == "bool":
            return one((True, False))
        if name == "string":
            return one(("", "x", "y z", "x" * 300))
        if name == "bytes":
            return one(("", "AA==", "//79"))
        if name == "float64":
            return one((0.0, 1.0, -1.0))
        return one((0, 1, -1, 2, EXTREMES.get(name, 1)))


class Body(schema_codec._Walk):  # noqa: SLF001  the walk over a message, of which only the values are ours
    """A random body of one request."""

    def __init__(self, api: int, version: int, values: Values, chance: random.Random):
        super().__init__(schema_codec.message("request", api), version)
        self._values, self._chance, self._name = values, chance, schema_codec.api_name(api)
        self._has_id = (self._name == "Fetch" and version >= 13) or (self._name == "Metadata" and version >= 10)

    def make(self) -> dict:
        body = self._struct(self.owner.fields, self._name)
        if self._name in ("DescribeConfigs", "IncrementalAlterConfigs", "AlterConfigs"):
            self._finish_configs(body)
        if self._name == "CreateTopics":
            for topic in body.get("topics", ()):
                config_chance.set_configs(topic.get("configs", ()), self._chance)
        if self._name == "Metadata" and self.version < 4:
            # These versions create what they name.
            kept = [topic for topic in body["topics"] if topic.get("name", "") in (*self._values.topics(), *BAD_NAMES)]
            body["topics"] = kept or [{"name": "."}]  # version 0 answers all topics to an empty list
        if self._name == "Fetch" and body.get("sessionEpoch") == 0:
            # No session keeps a name that no topic can have.
            body["topics"] = [topic for topic in body.get("topics", ()) if len(topic.get("topic", "")) < 250]
        if self._name in ("Metadata", "Fetch"):
            # Neither name nor id: Kafka fails inside, on a null.
            for topic in body.get("topics") or ():
                if topic.get("topicId", NO_ID) == NO_ID and self._has_id and topic.get("name") is None:
                    topic["topicId"] = UNKNOWN_ID
        if self._name == "UpdateFeatures":
            if self.version == 0:
                body["featureUpdates"] = [update | {"feature": "no.such.feature"} for update in body.get("featureUpdates", ())]
            else:
                body["validateOnly"] = True
        return body

    def _finish_configs(self, body: dict) -> None:
        for resource in body.get("resources", ()):
            config_chance.name_resource(resource, self._values.topics(), self._values.prefix(), self._chance)
            if self._name == "DescribeConfigs":
                config_chance.choose_keys(resource, self._chance)
        if self._name != "DescribeConfigs":
            # Kafka never answers an AlterConfigs that names a resource twice.
            config_chance.tame(body, self._name != "AlterConfigs", self._chance)

    def _struct(self, fields, path: str) -> dict:
        out = {}
        for item in fields:
            if self.version not in item.versions:
                continue
            name = schema_codec.json_name(item.name)
            known, choose = self._values.rule(f"{path}.{name}")
            if (known and choose is None) or (self.is_tagged(item) and self._chance.random() < 0.7):
                continue
            if not known and self._chance.random() < 0.05 and not item.type.array:
                continue
            out[name] = self._value(item, f"{path}.{name}")
        return out

    def _value(self, item, path: str):
        known, choose = self._values.rule(path)
        if item.type.array:
            if known and not item.type.is_struct and path.endswith(("features", "forgottenTopicsData")):
                return choose()
            if self.is_nullable(item) and path != "Metadata.topics" and self._chance.random() < 0.1:
                return None
            count = self._chance.choice((1, 1, 1, 1, 2, 2, 3, 0))
            return [self._element(item, path) for _ in range(count)]
        if item.type.is_struct:
            if self.is_nullable(item) and self._chance.random() < 0.5:
                return None
            return self._struct(self.fields_of(item), path)
        return self._scalar(item, path)

    def _element(self, item, path: str):
        return self._struct(self.fields_of(item), path) if item.type.is_struct else self._scalar(item, path)

    def _scalar(self, item, path: str):
        known, choose = self._values.rule(path)
        if not known and self.is_nullable(item) and self._chance.random() < 0.1:
            return None
        value = choose() if known else self._values.plain(item, path)
        return "" if value is None and not self.is_nullable(item) and item.type.name in ("string", "bytes") else value


class Generator:
    """Cases of a seed for the APIs and versions that are offered."""

    def __init__(self, seed: int, offered: list[tuple[int, int, int]], requests_a_case: int = 40):
        self._seed, self._requests = seed, requests_a_case
        self._offered = [(api, low, high) for api, low, high in offered]
        self._weights = [WEIGHTS.get(schema_codec.api_name(api), 2) for api, _, _ in self._offered]

    def case(self, number: int) -> list[str]:
        """The lines of a case; those that ask come one by one."""
        chance = random.Random(f"{self._seed}/{number}")
        scene = Scene(prefix_of(number), chance)
        values = Values(scene, chance)
        lines = [f"case {self._seed}/{number}", *scene.lines()]
        for _ in range(self._requests):
            lines += self._request(values, chance)
        return [*lines, config_chance.clean_up(scene.prefix), scene.clean()]

    def _request(self, values: Values, chance: random.Random) -> list[str]:
        ((api, low, high),) = chance.choices(self._offered, self._weights)
        version, name = chance.randint(low, high), schema_codec.api_name(api)
        if version not in schema_codec.message("request", api).versions:
            return []  # offered for old clients' sake, and closed upon
        body = Body(api, version, values, chance).make()
        text = json.dumps(body, separators=(",", ":"))
        if name in MUTABLE and "$" not in text and name != "Produce" and config_chance.is_mutable(body) and chance.random() < 0.1:
            return [self._mutated(api, version, body, chance)]
        lines = [f"{name} v{version} {text}"]
        return [*lines, f"sleep {SETTLE_MS}"] if name in CHANGES else lines

    @staticmethod
    def _mutated(api: int, version: int, body: dict, chance: random.Random) -> str:
        header = {"requestApiKey": api, "requestApiVersion": version, "correlationId": 77, "clientId": "replay"}
        frame = bytearray(schema_codec.encode("request", api, version, header, body))
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(min(MUTABLE_FROM, len(frame)), len(frame) + 1)
            how = chance.random()
            if how < 0.25:
                del frame[at:]
            elif how < 0.5:
                frame[at:at] = chance.randbytes(chance.choice((1, 2, 4)))
            elif at < len(frame):
                frame[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, frame[at] ^ 1 << chance.randrange(8)))
        return f"frame {frame.hex()} as={schema_codec.api_name(api)}:v{version} correlation=77"
