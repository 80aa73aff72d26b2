"""C++ names, types, default values and version tests for fields."""

from __future__ import annotations

from model import Field, Message, Struct, Versions, snake

_KEYWORDS = {
    "auto", "bool", "break", "case", "catch", "char", "class", "const", "continue", "default", "delete", "do", "double",
    "else", "enum", "explicit", "export", "false", "float", "for", "friend", "goto", "if", "inline", "int", "long",
    "namespace", "new", "operator", "private", "protected", "public", "register", "requires", "return", "short",
    "signed", "sizeof", "static", "struct", "switch", "template", "this", "throw", "true", "try", "typedef", "typename",
    "union", "unsigned", "using", "virtual", "void", "volatile", "while",
}  # fmt: skip

SCALARS = {
    "bool": "bool",
    "int8": "std::int8_t",
    "int16": "std::int16_t",
    "uint16": "std::uint16_t",
    "int32": "std::int32_t",
    "uint32": "std::uint32_t",
    "int64": "std::int64_t",
    "float64": "double",
    "uuid": "Uuid",
    "records": "wire::Records",
}


def member(item: Field) -> str:
    name = snake(item.name)
    return name + "_" if name in _KEYWORDS else name


def call_name(type_name: str) -> str:
    """The Reader's and Writer's function for a scalar."""
    return "boolean" if type_name == "bool" else type_name


class Names:
    """The types of one message: views or owned values."""

    def __init__(self, message: Message, owned: bool) -> None:
        self.message = message
        self.owned = owned
        self.unknown_tags = "wire::OwnedUnknownTags" if owned else "wire::UnknownTags"

    def nullable(self, item: Field) -> bool:
        return not item.nullable.intersect(self.message.versions).empty

    def element(self, item: Field) -> str:
        name = item.type.name
        if name == "string":
            return "std::string" if self.owned else "std::string_view"
        if name == "bytes":
            return "ByteVector" if self.owned else "Bytes"
        return SCALARS.get(name, name)

    def type(self, item: Field) -> str:
        text = self.element(item)
        if item.type.array:
            text = f"std::vector<{text}>"
        return f"std::optional<{text}>" if self.nullable(item) else text

    def initializer(self, item: Field) -> str:
        """What follows the member's name in its declaration."""
        nullable = self.nullable(item)
        if item.default == "null" or item.type.name == "records":
            return ""
        if item.type.array or item.type.is_struct or item.type.name in ("bytes", "uuid"):
            return "{std::in_place}" if nullable else ""
        if item.type.name == "string":
            if item.default or nullable:
                return f'{{"{item.default}"}}'
            return ""
        return f" = {literal(item)}"

    def is_default(self, item: Field, target: str) -> str:
        """A C++ expression: the member `target` has its default value."""
        name, nullable = item.type.name, self.nullable(item)
        if nullable and (item.default == "null" or name == "records"):
            return f"!{target}.has_value()"
        if item.type.array or name == "bytes" or (name == "string" and not item.default):
            return f"({target} && {target}->empty())" if nullable else f"{target}.empty()"
        if item.type.is_struct:
            return f"({target} && is_default(*{target}))" if nullable else f"is_default({target})"
        if name == "string":
            return f'{target} == "{item.default}"'
        if name == "records":
            return f"{target}.size_bytes() == 0"
        if name == "uuid":
            return f"{target}.is_zero()"
        if name == "bool":
            return target if item.default == "true" else f"!{target}"
        return f"{target} == {literal(item)}"


def literal(item: Field) -> str:
    """The default of a number or bool."""
    if item.type.name == "bool":
        return item.default or "false"
    if item.type.name == "float64":
        return "0.0"
    number = int(item.default or "0")
    if number == -(1 << 31) or number == -(1 << 63):
        return f"std::numeric_limits<{SCALARS[item.type.name]}>::min()"
    if number == (1 << 31) - 1 or number == (1 << 63) - 1:
        return f"std::numeric_limits<{SCALARS[item.type.name]}>::max()"
    return str(number)


def version_test(wanted: Versions, possible: Versions) -> str:
    """"true", "false", or a C++ test of `v`, given that v lies in `possible`."""
    both = wanted.intersect(possible)
    if both.empty:
        return "false"
    tests = []
    if both.low > possible.low:
        tests.append(f"v >= {both.low}")
    if both.high < possible.high:
        tests.append(f"v <= {both.high}")
    return " && ".join(tests) if tests else "true"


def struct_versions(message: Message, struct: Struct) -> Versions:
    return message.versions.intersect(struct.versions)


def needs_default_test(message: Message) -> set[str]:
    """Structures whose equality with the default is asked: those in a tagged or not always present field that has a
    structure as its default, and all that they contain."""
    structs = {struct.name: struct for struct in message.all_structs()}
    wanted: set[str] = set()

    def add(name: str) -> None:
        if name not in wanted:
            wanted.add(name)
            for item in structs[name].fields:
                if item.type.is_struct and not item.type.array and item.default != "null":
                    add(item.type.name)

    def look(fields: tuple[Field, ...], possible: Versions) -> None:
        for item in fields:
            if not item.type.is_struct or item.type.array or item.default == "null":
                continue
            missing = not item.versions.contains_all(possible) and not item.ignorable
            if item.tag is not None or missing:
                add(item.type.name)

    look(message.fields, message.versions)
    for struct in structs.values():
        look(struct.fields, struct_versions(message, struct))
    return wanted

