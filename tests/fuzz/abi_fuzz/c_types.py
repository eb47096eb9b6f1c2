"""C types as the System V ABI lays them out: size, alignment, and which bytes of an object mean
something.

A value is made as bytes, so that the generated program need not spell it in C. Padding is not part
of a value. The sizes and alignments worked out here are asserted in the generated program."""

from __future__ import annotations

from dataclasses import dataclass, replace


def round_up(value: int, to: int) -> int:
    return (value + to - 1) // to * to


@dataclass(frozen=True)
class CType:
    """`name`: as it is written in a declaration."""

    name: str
    size: int
    align: int

    def mask(self) -> bytearray:
        """Which bits of an object are its value's."""
        return bytearray(b"\xff" * self.size)

    def value(self, random) -> bytearray:
        return bytearray(random.randbytes(self.size))

    def definition(self) -> str:
        """What has to be in front of its use."""
        return ""

    def parts(self) -> list[CType]:
        return []


@dataclass(frozen=True)
class Integer(CType):
    signed: bool = True
    promoted: bool = True  # passed to a variadic function as it is


@dataclass(frozen=True)
class Bool(CType):
    def value(self, random):
        return bytearray([random.randrange(2)])


@dataclass(frozen=True)
class Enum(CType):
    constants: str = ""

    def definition(self):
        return f"enum {self.name[5:]} {{ {self.constants} }};\n"


@dataclass(frozen=True)
class Floating(CType):
    """Ordinary numbers only: a conversion (an unprototyped float) would quieten a signalling
    NaN."""

    def value(self, random):
        made = bytearray(random.randbytes(self.size))
        if self.name == "_Float16":
            made[1] = made[1] & 0x80 | random.randrange(1, 0x7C)
        elif self.name == "float":
            made[3] = made[3] & 0x80 | random.randrange(1, 0x7F)
        elif self.name == "long double":
            made[7] |= 0x80
            made[8], made[9] = random.randrange(256), random.randrange(1, 0x7F) | made[9] & 0x80
            made[10:16] = bytes(6)
        else:
            made[-1] = made[-1] & 0x80 | random.randrange(1, 0x7F)
        return made

    def mask(self):
        return bytearray(b"\xff" * 10 + bytes(6)) if self.name == "long double" else super().mask()


@dataclass(frozen=True)
class Complex(CType):
    part: CType = None

    def value(self, random):
        return self.part.value(random) + self.part.value(random)

    def mask(self):
        return self.part.mask() * 2


@dataclass(frozen=True)
class Vector(CType):
    element: CType = None

    def definition(self):
        return (
            f"typedef {self.element.name} {self.name} __attribute__((vector_size({self.size})));\n"
        )

    def value(self, random):
        made = bytearray()
        while len(made) < self.size:
            made += self.element.value(random)
        return made


@dataclass(frozen=True)
class Field:
    """`count`: None, or elements of an array. `bits`: None, or the width of a bit-field; an unnamed
    one has name ""."""

    name: str
    type: CType
    count: int | None = None
    bits: int | None = None
    aligned: int = 0

    def text(self) -> str:
        if self.bits is not None:
            return f"{self.type.name} {self.name} : {self.bits};"
        attribute = f" __attribute__((aligned({self.aligned})))" if self.aligned else ""
        array = "" if self.count is None else f"[{self.count}]"
        return f"{self.type.name} {self.name}{array}{attribute};"

    def size(self) -> int:
        return self.type.size * (1 if self.count is None else self.count)

    def value(self, random) -> bytes:
        return b"".join(
            self.type.value(random) for _ in range(1 if self.count is None else self.count)
        )

    def mask(self) -> bytes:
        return bytes(self.type.mask()) * (1 if self.count is None else self.count)


@dataclass(frozen=True)
class Record(CType):
    """A struct or a union; made by `record`. `places`: of each field its offset in bits."""

    fields: tuple = ()
    places: tuple = ()
    packed: bool = False
    aligned: int = 0

    def definition(self):
        attributes = [
            word
            for word, on in (("packed", self.packed), (f"aligned({self.aligned})", self.aligned))
            if on
        ]
        attribute = f" __attribute__(({', '.join(attributes)}))" if attributes else ""
        fields = " ".join(field.text() for field in self.fields)
        return f"{self.name} {{ {fields} }}{attribute};\n"

    def parts(self):
        return [field.type for field in self.fields]

    def is_union(self) -> bool:
        return self.name.startswith("union")

    def fill(self, of_field, of_bits) -> bytearray:
        bits = 0
        for field, place in zip(self.fields, self.places):
            if field.bits is None:
                width, part = 8 * field.size(), int.from_bytes(of_field(field), "little")
            else:
                width, part = field.bits, of_bits(field.bits) if field.name else 0
            if not width or field.bits is not None and not field.name:
                continue
            bits = bits & ~(((1 << width) - 1) << place) | part << place
        return bytearray(bits.to_bytes(self.size, "little"))

    def value(self, random):
        return self.fill(lambda field: field.value(random), random.getrandbits)

    def mask(self):
        if not self.is_union():
            return self.fill(Field.mask, lambda width: (1 << width) - 1)
        made = bytearray(self.size)
        for field in self.fields:
            own = (
                field.mask()
                if field.bits is None
                else ((1 << field.bits) - 1).to_bytes((field.bits + 7) // 8, "little")
            )
            for i, byte in enumerate(own):
                made[i] |= byte
        return made


def record(name: str, fields, packed=False, aligned=0) -> Record:
    """Lays it out. `name`: with "struct" or "union" in front."""
    union, end, widest, align, places = name.startswith("union"), 0, 0, 1, []
    for field in fields:
        own = 1 if packed else field.type.align
        own = max(own, field.aligned)
        width = 8 * field.size() if field.bits is None else field.bits
        begin = 0 if union else end
        if field.bits is None:
            begin = round_up(begin, 8 * own)
        elif not field.bits:
            begin = round_up(begin, 8 * field.type.align)
        elif not packed and begin // (8 * field.type.size) != (begin + width - 1) // (
            8 * field.type.size
        ):
            begin = round_up(begin, 8 * field.type.align)
        places.append(begin)
        end, widest = begin + width, max(widest, begin + width)
        if field.bits is None or field.name:
            align = max(align, own)
    align = max(align, aligned)
    return Record(
        name,
        round_up((widest + 7) // 8, align),
        align,
        tuple(fields),
        tuple(places),
        packed,
        aligned,
    )


def rebuilt(old: Record, fields) -> Record:
    """The same record with other fields."""
    return record(old.name, fields, old.packed, old.aligned)


def renamed(field: Field, **changes) -> Field:
    return replace(field, **changes)


def closure(types) -> list[CType]:
    """The types and their parts, each after what it is made of, by name once."""
    found: dict[str, CType] = {}

    def visit(it: CType):
        if it.name not in found:
            for part in it.parts() + [getattr(it, "element", None), getattr(it, "part", None)]:
                if part is not None:
                    visit(part)
            found[it.name] = it

    for it in types:
        if it is not None:
            visit(it)
    return list(found.values())


INTEGERS = [
    Integer("char", 1, 1, True, False),
    Integer("signed char", 1, 1, True, False),
    Integer("unsigned char", 1, 1, False, False),
    Integer("short", 2, 2, True, False),
    Integer("unsigned short", 2, 2, False, False),
    Integer("int", 4, 4),
    Integer("unsigned", 4, 4, False),
    Integer("long", 8, 8),
    Integer("unsigned long", 8, 8, False),
    Integer("long long", 8, 8),
    Integer("unsigned long long", 8, 8, False),
]
INT, LONG = INTEGERS[5], INTEGERS[7]
BOOL = Bool("_Bool", 1, 1)
POINTERS = [
    CType("void *", 8, 8),
    CType("const char *", 8, 8),
    CType("struct opaque *", 8, 8),
    CType("double **", 8, 8),
]
WIDE = [Integer("__int128", 16, 16), Integer("unsigned __int128", 16, 16, False)]
FLOAT16, FLOAT, DOUBLE = (
    Floating("_Float16", 2, 2),
    Floating("float", 4, 4),
    Floating("double", 8, 8),
)
LONG_DOUBLE, FLOAT128 = Floating("long double", 16, 16), Floating("__float128", 16, 16)
COMPLEX = [
    Complex("_Complex float", 8, 4, FLOAT),
    Complex("_Complex double", 16, 8, DOUBLE),
    Complex("_Complex long double", 32, 16, LONG_DOUBLE),
    Complex("_Complex int", 8, 4, INT),
    Complex("_Complex long", 16, 8, LONG),
]
ENUMS = [
    Enum("enum plain", 4, 4, "PLAIN_A, PLAIN_B = 7"),
    Enum("enum negative", 4, 4, "NEGATIVE_A = -1, NEGATIVE_B = 7"),
    Enum("enum wide", 8, 8, "WIDE_A = -1, WIDE_B = 0x100000000"),
]


def vectors(bytes_at_most: int) -> list[Vector]:
    made = []
    for size in (8, 16, 32, 64):
        for letter, element in (
            ("c", INTEGERS[1]),
            ("s", INTEGERS[3]),
            ("i", INT),
            ("l", LONG),
            ("f", FLOAT),
            ("d", DOUBLE),
        ):
            if size <= bytes_at_most:
                made.append(Vector(f"v{letter}{size}", size, size, element))
    return made
