"""The one loader of the files that pass between the stages: JSON in, dataclasses out, and back.

The loader checks every field of a file against the dataclass: its type, its range or its list of
values, and that no field is missing or unknown. A file that differs is refused in words:

    plan.json: units[1].id: expected 1, found 2

Types of fields: `str`, `int`, `bool`, `Literal`, `list`, `dict` with names as keys, a dataclass, a
union with None, and a union of dataclasses that differ in the `Literal` of their `kind`.
`Annotated[int, Range(1, 12)]` limits a number, `Annotated[list[int], Length(1)]` a list. A field
with a default may be missing, and is not written if its value is the default.
"""

import collections.abc
import dataclasses
import json
import types
import typing

from ..base import atomic
from ..base.failure import Failure

T = typing.TypeVar("T", bound="Format")
Reader = collections.abc.Callable[[object, str], typing.Any]


@dataclasses.dataclass(frozen=True)
class Range:
    """The values that a whole number may have; `last` None: without a limit."""

    first: int
    last: int | None = None

    def __str__(self) -> str:
        upper = f" from {self.first} to {self.last}" if self.last is not None else ""
        lower = " that is not negative" if self.first == 0 else f" from {self.first} on"
        return "a whole number" + (upper or lower)

    def holds(self, value: int) -> bool:
        return value >= self.first and (self.last is None or value <= self.last)


@dataclasses.dataclass(frozen=True)
class Length:
    """How many items a list has; `last` None: without a limit."""

    first: int
    last: int | None = None
    noun: str = "items"

    def __str__(self) -> str:
        if self.last == self.first:
            return f"{self.first} {self.noun}"
        upper = f"{self.first} to {self.last}" if self.last is not None else None
        return f"{upper or f'{self.first} or more'} {self.noun}"

    def holds(self, value: int) -> bool:
        return value >= self.first and (self.last is None or value <= self.last)


NULL = type(None)


class Fault(Exception):
    """A field of a file is not what it must be."""

    def __init__(self, field: str, expected: str, found: object):
        super().__init__(f"{field}: " if field else "")
        self.field, self.expected, self.found = field, expected, found

    def __str__(self) -> str:
        place = f"{self.field}: " if self.field else ""
        return f"{place}expected {self.expected}, found {_shown(self.found)}"


class _Nothing:
    """What is found where a field is missing."""


NOTHING = _Nothing()


class Format:
    """The base of a file's dataclass. A subclass says which file that is, which version of it this
    kit knows, and what to do about a file that cannot be used."""

    FILE: typing.ClassVar[str]
    VERSION: typing.ClassVar[int] = 1
    REMEDY: typing.ClassVar[str]

    def check(self) -> None:
        """Raises Fault if fields do not agree with one another."""


def load(kind: type[T], path: str) -> T:
    """What is in `path`. Failure, with the field and what was expected of it, if the file is
    missing, is not of this version or is not as `kind` says."""
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream, object_pairs_hook=_unique)
    except FileNotFoundError:
        raise Failure("is missing", path, kind.REMEDY) from None
    except OSError as error:
        raise Failure(f"cannot be read: {error.strerror}", path, kind.REMEDY) from None
    except Fault as fault:
        raise Failure(str(fault), path, kind.REMEDY) from None
    except ValueError as error:
        raise Failure(f"is not JSON: {error}", path, kind.REMEDY) from None
    try:
        return checked(kind, value)
    except Fault as fault:
        other = fault.field == "version" and fault.expected == str(kind.VERSION)
        remedy = f"another version of the kit made the file: {kind.REMEDY}" if other else None
        raise Failure(str(fault), path, remedy or kind.REMEDY) from None


def checked(kind: type[T], value: object) -> T:
    """The dataclass `kind` of parsed JSON. Raises Fault."""
    if not isinstance(value, dict):
        raise Fault("", "an object", value)
    version = value.get("version", NOTHING)
    if not _is_whole(version) or version != kind.VERSION:
        raise Fault("version", str(kind.VERSION), version)
    fields = {name: field for name, field in value.items() if name != "version"}
    made = typing.cast(T, _reader(kind)(fields, ""))
    made.check()
    return made


def save(value: Format, path: str) -> None:
    """Writes `value`, atomically. Equal values make equal bytes."""
    atomic.write_json(path, as_json(value))


def as_json(value: Format) -> dict[str, typing.Any]:
    """What `save` writes."""
    return {"version": value.VERSION, **_plain(value)}


def whole(field: str, value: int, first: int, last: int) -> None:
    """Raises Fault unless first <= value <= last."""
    limits = Range(first, last)
    if not limits.holds(value):
        raise Fault(field, str(limits), value)


def position(field: str, value: int, wanted: int) -> None:
    """Raises Fault unless the number of an entry is its position in the list."""
    if value != wanted:
        raise Fault(field, str(wanted), value)


# Writing. ----------------------------------------------------------------------------------------


def _plain(value: typing.Any) -> typing.Any:
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not _is_default(field, getattr(value, field.name))
        }
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _is_default(field: "dataclasses.Field[typing.Any]", value: object) -> bool:
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return field.default is not dataclasses.MISSING and value == field.default


# Reading. ----------------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Fault(twice, "each field once", _Words("it twice"))
    return made


class _Words(str):
    """Words of a message, not a value of the file."""


def _shown(value: object) -> str:
    if isinstance(value, _Words):
        return str(value)
    if value is NOTHING:
        return "nothing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:56] + '..."'


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_READERS: dict[typing.Any, Reader] = {}


def _reader(kind: typing.Any) -> Reader:
    """A function that turns a JSON value, at a field that it is told, into a value of type
    `kind`."""
    if kind not in _READERS:
        _READERS[kind] = _made_reader(kind)
    return _READERS[kind]


def _made_reader(kind: typing.Any) -> Reader:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _limited(arguments[0], arguments[1])
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin is typing.Literal:
        return _one_of(arguments)
    if origin is list:
        return _list(arguments[0])
    if origin is dict:
        return _named(arguments[1])
    if dataclasses.is_dataclass(kind):
        return _record(kind)
    return _scalar(kind)


def _expected(kind: typing.Any) -> str:
    """What a message says of a type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return str(arguments[1]) if isinstance(arguments[1], Range) else _expected(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_expected(each) for each in arguments)
    if origin is typing.Literal:
        words = [json.dumps(each) for each in arguments]
        return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    if origin is list:
        return "a list"
    if origin is dict or dataclasses.is_dataclass(kind):
        return "an object"
    names = {str: "a string", int: "a whole number", bool: "true or false", NULL: "null"}
    return names[kind]


def _scalar(kind: type) -> Reader:
    def read(value: object, field: str) -> object:
        if _is_whole(value) if kind is int else isinstance(value, kind):
            return value
        raise Fault(field, _expected(kind), value)

    return read


def _one_of(values: tuple[object, ...]) -> Reader:
    expected = _expected(typing.Literal[values])

    def read(value: object, field: str) -> object:
        if isinstance(value, str) and value in values:
            return value
        raise Fault(field, expected, value)

    return read


def _limited(kind: typing.Any, limits: Range | Length) -> Reader:
    inner = _reader(kind)

    def read(value: object, field: str) -> object:
        if isinstance(limits, Range) and not _is_whole(value):
            raise Fault(field, str(limits), value)
        made = inner(value, field)
        if not limits.holds(made if isinstance(limits, Range) else len(made)):
            raise Fault(field, str(limits), value)
        return made

    return read


def _union(kinds: tuple[typing.Any, ...]) -> Reader:
    if NULL in kinds:
        others = [each for each in kinds if each is not NULL]
        inner = _reader(others[0] if len(others) == 1 else typing.Union[tuple(others)])
        expected = _expected(others[0]) + " or null"

        def read_optional(value: object, field: str) -> object:
            try:
                return None if value is None else inner(value, field)
            except Fault as fault:
                raise fault if fault.field != field else Fault(field, expected, value) from None

        return read_optional
    by_kind = {
        name: _reader(each)
        for each in kinds
        for name in typing.get_args({f.name: f.type for f in dataclasses.fields(each)}["kind"])
    }
    words = _expected(typing.Literal[tuple(by_kind)])

    def read(value: object, field: str) -> object:
        if not isinstance(value, dict):
            raise Fault(field, "an object", value)
        name = value.get("kind", NOTHING)
        if not isinstance(name, str) or name not in by_kind:
            raise Fault(f"{field}.kind", words, name)
        return by_kind[name](value, field)

    return read


def _list(kind: typing.Any) -> Reader:
    inner = _reader(kind)

    def read(value: object, field: str) -> object:
        if not isinstance(value, list):
            raise Fault(field, "a list", value)
        return [inner(item, f"{field}[{index}]") for index, item in enumerate(value)]

    return read


def _named(kind: typing.Any) -> Reader:
    inner = _reader(kind)

    def read(value: object, field: str) -> object:
        if not isinstance(value, dict):
            raise Fault(field, "an object", value)
        return {name: inner(item, f"{field}.{name}") for name, item in value.items()}

    return read


def _record(kind: typing.Any) -> Reader:
    fields = dataclasses.fields(kind)
    readers = {field.name: _reader(field.type) for field in fields}
    needed = {
        field.name: _expected(field.type)
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    def read(value: object, field: str) -> object:
        if not isinstance(value, dict):
            raise Fault(field, "an object", value)
        prefix = f"{field}." if field else ""
        for name in value.keys() - readers.keys():
            raise Fault(prefix + name, "no field of this name", value[name])
        for name, expected in needed.items():
            if name not in value:
                raise Fault(prefix + name, expected, NOTHING)
        return kind(**{name: readers[name](item, prefix + name) for name, item in value.items()})

    return read
