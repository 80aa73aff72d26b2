"""Configurations by chance: which resources are described and altered, which keys they are asked for, which values they get.

What concerns every case is only tried: settings of brokers and levels of loggers.
"""

import random

UNKNOWN, TOPIC, BROKER, LOGGER, METRICS, GROUP = 0, 2, 4, 8, 16, 32
TYPES = (TOPIC,) * 6 + (BROKER,) * 3 + (LOGGER, METRICS, METRICS, GROUP, GROUP, UNKNOWN, 3, 99)
KNOWN = {TOPIC, BROKER, LOGGER, METRICS, GROUP}

TOPIC_CONFIGS = {
    "cleanup.policy": ("delete", "compact", "compact,delete", "none", "", "delete,", ",compact", "compact,compact"),
    "retention.ms": ("-1", "1000000000000000", "-2", "x"), "retention.bytes": ("-1", "1000000000000", "x"),
    "segment.bytes": ("1048576", "1073741824", "13", "-1"), "segment.ms": ("1", "604800000", "0"),
    "max.message.bytes": ("100", "1000", "1048588", "0", "-1"), "min.insync.replicas": ("1", "2", "0"),
    "message.timestamp.type": ("CreateTime", "Never"), "message.timestamp.before.max.ms": ("1000", "9223372036854775807", "-1"),
    "message.timestamp.after.max.ms": ("1000", "x"), "compression.type": ("producer", "uncompressed", "lzma"),
    "compression.gzip.level": ("-1", "9", "10"), "compression.lz4.level": ("17", "18"), "compression.zstd.level": ("3", "99"),
    "index.interval.bytes": ("0", "4096", "-1"), "flush.messages": ("1", "0"), "flush.ms": ("1000", "-1"),
    "delete.retention.ms": ("0", "-1"), "min.cleanable.dirty.ratio": ("0.5", "1.5", "a"), "preallocate": ("false", "maybe"),
    "unclean.leader.election.enable": ("true", "false", "2"), "file.delete.delay.ms": ("0", "60000"), "no.such.key": ("1",),
    "max.compaction.lag.ms": ("1", "0"), "min.compaction.lag.ms": ("0", "-1"), "segment.jitter.ms": ("0", "-1"),
    "segment.index.bytes": ("1048576", "3"), "remote.storage.enable": ("false",), "local.retention.ms": ("-2", "-3"),
    "leader.replication.throttled.replicas": ("0:1", "*", "none", "", "0:1,0:2", "x"),
}
BROKER_CONFIGS = {
    "log.retention.ms": ("1000", "-1", "-2", "x"), "log.segment.bytes": ("2000000", "1", "x"), "log.roll.ms": ("1", "0"),
    "num.io.threads": ("8", "9", "16", "17", "4", "3", "0"), "background.threads": ("10", "20", "21", "5", "4"),
    "num.network.threads": ("3", "6", "7", "1"), "num.recovery.threads.per.data.dir": ("2", "4", "5", "1"),
    "log.cleaner.threads": ("1", "2", "3", "0"), "log.cleanup.policy": ("delete", "compact,delete", "none", "", "compact,compact"),
    "message.max.bytes": ("1000000", "-1"), "compression.type": ("gzip", "lzma"), "min.insync.replicas": ("1", "0"),
    "max.connections": ("100", "-1", "x"), "max.connections.per.ip": ("10", "-1"), "max.connection.creation.rate": ("5", "-1"),
    "unclean.leader.election.enable": ("true", "2"), "log.message.timestamp.type": ("LogAppendTime", "Never"),
    "log.flush.interval.messages": ("1", "0"), "log.index.interval.bytes": ("4096", "-1"), "log.preallocate": ("true", "maybe"),
    "node.id": ("1", "2"), "broker.rack": ("r",), "no.such.key": ("1",), "follower.replication.throttled.rate": ("100", "-1"),
    "leader.replication.throttled.rate": ("100", "x"), "log.message.timestamp.after.max.ms": ("0", "-1"),
    "log.cleaner.io.max.bytes.per.second": ("1000", "x"), "log.cleaner.backoff.ms": ("1", "-1"), "num.partitions": ("2",),
    "log.cleaner.min.cleanable.ratio": ("0.5", "2"), "auto.create.topics.enable": ("false",),
}
METRICS_CONFIGS = {"interval.ms": ("1000", "3600000", "99", "x", ""), "metrics": ("a.b", "a.b,c.d", "a,a", "", "*"),
                   "match": ("client_id=app.*", "colour=red", "", "client_id"), "no.such.key": ("1",)}
GROUP_CONFIGS = {"consumer.session.timeout.ms": ("45000", "50000", "1", "x"), "consumer.heartbeat.interval.ms": ("5000", "10000", "1000000"),
                 "share.isolation.level": ("read_committed", "dirty"), "share.record.lock.duration.ms": ("30000", "1"),
                 "share.auto.offset.reset": ("earliest", "by_duration:PT1H", "by_duration:x", "x"), "no.such.key": ("1",),
                 "streams.session.timeout.ms": ("50000", "1"), "streams.num.standby.replicas": ("1", "-1"),
                 "share.heartbeat.interval.ms": ("5000", "x"), "share.session.timeout.ms": ("45000", "0")}
LOGGER_CONFIGS = {"root": ("INFO", "WARN", "LOUD", ""), "no.such.logger": ("INFO",)}
OF_TYPE = {TOPIC: TOPIC_CONFIGS, BROKER: BROKER_CONFIGS, METRICS: METRICS_CONFIGS, GROUP: GROUP_CONFIGS, LOGGER: LOGGER_CONFIGS}


def set_configs(configs, chance: random.Random, of_type: int = TOPIC) -> None:
    """Keys and values for what is to be configured."""
    table = OF_TYPE.get(of_type, TOPIC_CONFIGS)
    for config in configs or ():
        config["name"] = chance.choice((*table, *table, ""))
        config["value"] = chance.choice((*table.get(config["name"], ("x",)), None))


def name_resource(resource: dict, topics: tuple[str, ...], own: str, chance: random.Random) -> None:
    """One that may be there. `own` begins the names of what only this case has."""
    names = {TOPIC: (*topics, *topics, "2", "absent", "bad/name", ""), METRICS: (f"{own}m", f"{own}m", f"{own}m2", ""),
             GROUP: (f"{own}g", f"{own}g", f"{own}g2", "")}
    resource["resourceName"] = chance.choice(names.get(resource.get("resourceType"), ("1", "1", "1", "", "", "2", "x")))


def choose_keys(resource: dict, chance: random.Random) -> None:
    """What is described of it: all where both brokers have the same keys."""
    kind = resource.get("resourceType")
    if kind == LOGGER:
        resource["configurationKeys"] = ["root"]
    elif kind == BROKER and resource["resourceName"]:
        resource["configurationKeys"] = chance.sample((*BROKER_CONFIGS,), chance.randint(1, 4))
    elif kind in OF_TYPE and resource.get("configurationKeys"):
        table = (*OF_TYPE[kind], "retention.ms")
        resource["configurationKeys"] = [chance.choice(table) for _ in resource["configurationKeys"]]


def is_mutable(body: dict) -> bool:
    """Whether nothing that other bytes may ask for is different by nature: all keys of a broker, all loggers."""
    return not any(resource.get("resourceType") in (BROKER, LOGGER) for resource in body.get("resources", ()))


def tame(body: dict, repeats: bool, chance: random.Random) -> None:
    """An alteration of resources that have names; without `repeats` none of them twice, whatever their unknown types are."""
    seen, kept = set(), []
    for resource in body.get("resources", ()):
        kind = resource.get("resourceType", 0)
        key = (kind if kind in KNOWN else UNKNOWN, resource["resourceName"])
        if repeats or key not in seen:
            kept.append(resource)
        seen.add(key)
        set_configs(resource.get("configs"), chance, kind)
        if kind not in (TOPIC, METRICS, GROUP):
            body["validateOnly"] = True
    if "resources" in body:
        body["resources"] = kept


def clean_up(own: str) -> str:
    """The step that takes away what a case has set, its topics' settings excepted."""
    resources = [f'{{"resourceType":{kind},"resourceName":"{own}{suffix}","configs":[]}}'
                 for kind, suffix in ((METRICS, "m"), (METRICS, "m2"), (GROUP, "g"), (GROUP, "g2"))]
    return f'AlterConfigs v2 {{"resources":[{",".join(resources)}]}}'
