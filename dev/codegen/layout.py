"""Where the code of each schema folder goes: directory below src/ (and its module), namespace, and who owns the bytes.

Messages of an RPC live as long as their frame, so their strings and bytes are views. Records outlive the frame they
were read from, so theirs are owned.
"""

from __future__ import annotations

from dataclasses import dataclass

from model import Message, SchemaError


@dataclass(frozen=True)
class Place:
    directory: str  # below src/ and below the generated tree; also the module's name
    namespace: str
    owned: bool
    any_record: str = ""  # the name of the set, if its records share one log and are read by type id

    @property
    def cmake_name(self) -> str:
        return self.directory.replace("/", "_").upper()


MESSAGES = Place("protocol/messages", "moldau::protocol", owned=False)
HEADERS = Place("protocol/api", "moldau::protocol", owned=False)
_RECORDS = {
    "metadata": Place("metadata/records", "moldau::metadata::records", owned=True, any_record="MetadataRecord"),
    "group": Place("coordinator/group/records", "moldau::group::records", owned=True),
    "transaction": Place("coordinator/txn/records", "moldau::txn::records", owned=True),
    "share": Place("coordinator/share/records", "moldau::share::records", owned=True),
    "raft": Place("raft/records", "moldau::raft::records", owned=True),
    "control": Place("protocol/control", "moldau::protocol::control", owned=True),
    "consumer": Place("protocol/consumer", "moldau::protocol::consumer", owned=True),
    "storage": Place("storage/records", "moldau::storage::records", owned=True, any_record="RemoteLogMetadataRecord"),
    "principal": Place("security/records", "moldau::security::records", owned=True),
    "streams": Place("streams/records", "moldau::streams::records", owned=True),
}
ALL_PLACES = (HEADERS, MESSAGES, *_RECORDS.values())


def place_of(message: Message) -> Place:
    if message.kind == "header":
        return HEADERS
    if message.kind in ("request", "response"):
        return MESSAGES
    parts = message.source.split("/")
    if len(parts) != 3 or parts[1] not in _RECORDS:
        raise SchemaError(f"{message.source}: no place for its code; see dev/codegen/layout.py")
    return _RECORDS[parts[1]]
