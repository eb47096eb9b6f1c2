"""Random signatures: who calls whom how, with what. The same seed gives the same ones, whatever
else is asked for."""

import random
from dataclasses import dataclass, replace

from tests.fuzz.abi_fuzz import c_types
from tests.fuzz.abi_fuzz.c_types import (
    BOOL,
    COMPLEX,
    DOUBLE,
    ENUMS,
    FLOAT,
    FLOAT16,
    FLOAT128,
    INT,
    INTEGERS,
    LONG_DOUBLE,
    POINTERS,
    WIDE,
    CType,
    Field,
)

# How the caller (by name) reaches the callee.
DIRECT = "direct"  # by the function's name
CALLBACK = "callback"  # by a pointer that it was given
RETURNED = "returned pointer"  # by a pointer that it asked for
VARIADIC = "variadic"
VARIADIC_CALLBACK = "variadic callback"
VA_LIST = "va_list"
UNPROTOTYPED = "unprototyped"  # declared f(), defined in the old style
UNPROTOTYPED_CALLBACK = "unprototyped callback"
MODES = {
    DIRECT: 34,
    CALLBACK: 18,
    RETURNED: 14,
    VARIADIC: 14,
    VARIADIC_CALLBACK: 6,
    VA_LIST: 5,
    UNPROTOTYPED: 5,
    UNPROTOTYPED_CALLBACK: 4,
}
WITH_LIST = (VARIADIC, VARIADIC_CALLBACK, VA_LIST)
OLD_STYLE = (UNPROTOTYPED, UNPROTOTYPED_CALLBACK)


@dataclass(frozen=True)
class Signature:
    """`fixed`: how many of the parameters have a name; the others are an argument list. `caller`: 1
    or 2. The values that are passed follow from `seed`."""

    number: int
    mode: str
    caller: int
    result: CType | None
    parameters: tuple
    fixed: int
    seed: str

    def types(self) -> list[CType]:
        return [*self.parameters, *([self.result] if self.result else [])]

    def callee(self) -> int:
        return 3 - self.caller

    def text(self) -> str:
        words = [it.name for it in self.parameters]
        if self.mode in WITH_LIST:
            words.insert(self.fixed, "...")
        return f"{self.result.name if self.result else 'void'} ({', '.join(words)})"


def pick(rng, weighted: dict):
    return rng.choices(list(weighted), weights=list(weighted.values()))[0]


class Types:
    """The types of one group of signatures. `widest`: bytes of the largest vector."""

    def __init__(self, rng, prefix: str, widest: int, count: int = 60):
        self.rng, self.vectors = rng, c_types.vectors(widest)
        self.records: list = []
        for n in range(count):
            self.records.append(self.record(f"{prefix}_{n}"))

    def scalar(self) -> CType:
        kind = pick(
            self.rng,
            {
                "int": 9,
                "bool": 1,
                "enum": 1,
                "pointer": 3,
                "wide": 1.5,
                "float": 2,
                "double": 3,
                "long double": 1.5,
                "__float128": 0.5,
                "_Float16": 0.4,
                "complex": 2,
                "vector": 3,
            },
        )
        single = {
            "bool": BOOL,
            "float": FLOAT,
            "double": DOUBLE,
            "long double": LONG_DOUBLE,
            "__float128": FLOAT128,
            "_Float16": FLOAT16,
        }
        many = {
            "int": INTEGERS,
            "enum": ENUMS,
            "pointer": POINTERS,
            "wide": WIDE,
            "complex": COMPLEX,
            "vector": self.vectors,
        }
        return single.get(kind) or self.rng.choice(many[kind])

    def member(self) -> CType:
        small = self.records[-12:]
        if small and self.rng.random() < 0.25:
            return self.rng.choice(small)
        return (
            self.scalar()
            if self.rng.random() < 0.6
            else self.rng.choice([*INTEGERS, FLOAT, DOUBLE, FLOAT, DOUBLE])
        )

    def field(self, n: int, union: bool) -> Field:
        rng = self.rng
        if rng.random() < 0.2:
            base = rng.choice([*INTEGERS, BOOL, INTEGERS[5], INTEGERS[6]])
            width = 1 if base is BOOL else rng.randrange(0, 8 * base.size + 1)
            unnamed = not width or rng.random() < 0.15
            if not union or not unnamed:
                return Field("" if unnamed else f"m{n}", base, bits=width)
        it = self.member()
        while union and it is BOOL:  # which may hold only two values
            it = self.member()
        count = rng.choice((1, 2, 3, 4, 7)) if rng.random() < 0.2 else None
        aligned = rng.choice((8, 16, 32)) if rng.random() < 0.03 else 0
        return Field(f"m{n}", it, count, aligned=aligned)

    def record(self, name: str):
        rng = self.rng
        kind = pick(
            rng,
            {
                "small": 10,
                "medium": 5,
                "large": 2,
                "huge": 0.6,
                "union": 4,
                "empty": 0.4,
                "homogeneous": 4,
            },
        )
        union = kind == "union"
        count = {
            "small": (1, 4),
            "medium": (3, 7),
            "large": (4, 9),
            "huge": (1, 3),
            "union": (1, 4),
            "empty": (0, 0),
            "homogeneous": (1, 4),
        }[kind]
        packed = rng.random() < 0.12
        aligned = rng.choice((8, 16, 32, 64)) if rng.random() < 0.08 and kind != "empty" else 0
        largest = 1000 if kind == "huge" else 300
        while True:
            fields = [self.field(n, union) for n in range(rng.randint(*count))]
            if kind == "homogeneous":
                it = rng.choice([*INTEGERS, FLOAT, DOUBLE, FLOAT, DOUBLE, LONG_DOUBLE])
                fields = [Field(f"m{n}", it) for n in range(len(fields))]
            if kind == "huge":
                fields.append(
                    Field("tail", rng.choice([*INTEGERS, FLOAT, DOUBLE]), rng.randrange(20, 110))
                )
            made = c_types.record(
                f"{'union' if union else 'struct'} {name}", fields, packed, aligned
            )
            if made.size <= largest and (made.size or kind == "empty"):
                return made

    def parameter(self) -> CType:
        return self.rng.choice(self.records) if self.rng.random() < 0.35 else self.scalar()


def is_promoted(it: CType) -> bool:
    """Whether a call without prototype passes it as it is."""
    return it not in (BOOL, FLOAT, FLOAT16) and getattr(it, "promoted", True)


class Group:
    """Signatures that share types. `accepts(signature)`: what the caller wants of them."""

    def __init__(
        self, seed: str, first: int, count: int, widest: int, accepts=lambda signature: True
    ):
        self.rng = random.Random(seed)
        self.seed, self.first = seed, first
        self.types = Types(self.rng, f"t{first}", widest)
        self.signatures: list[Signature] = []
        self.refused = 0
        while len(self.signatures) < count:
            made = self.signature(first + len(self.signatures))
            if accepts(made):
                self.signatures.append(made)
            else:
                self.refused += 1

    @staticmethod
    def tag(mode: str, number: int) -> CType:
        """A pointer that is in a function's type so that not all calls without prototype are calls
        through one type: a function whose address is taken has a gate for each list that the
        program passes through its type."""
        if mode in (VARIADIC_CALLBACK, UNPROTOTYPED_CALLBACK):
            number //= 50
        return CType(
            f"struct tag{number} *",
            8,
            8,
        )

    def signature(self, number: int) -> Signature:
        rng = self.rng
        mode = pick(rng, MODES)
        count = pick(rng, {0: 1, 1: 3, 2: 4, 3: 4, 4: 4, 5: 3, 6: 3, 8: 3, 10: 3, 13: 2, 18: 1})
        parameters = [self.types.parameter() for _ in range(count)]
        result = None if rng.random() < 0.1 else self.types.parameter()
        fixed = len(parameters)
        if mode in WITH_LIST:
            fixed = rng.randint(0 if mode == VA_LIST else 1, max(1, min(len(parameters), 7)))
            if mode != VA_LIST:
                parameters.insert(0, self.tag(mode, number))
            fixed = min(fixed, len(parameters))
            while not all(
                map(is_promoted, parameters[max(fixed - 1, 0) :])
            ):  # the last named one too (C11 7.16.1.4)
                parameters = [
                    it if n < fixed - 1 or is_promoted(it) else self.types.parameter()
                    for n, it in enumerate(parameters)
                ]
        if mode == UNPROTOTYPED_CALLBACK:
            result = self.tag(mode, number)
        elif mode == VARIADIC_CALLBACK and fixed == 1:
            result = INT  # so that several have one type, and call through it with other lists
        return Signature(
            number,
            mode,
            rng.choice((1, 2)),
            result,
            tuple(parameters),
            fixed,
            f"{self.seed}/{number}",
        )


def without(signature: Signature, index: int) -> Signature:
    """With one parameter less."""
    return replace(
        signature,
        parameters=signature.parameters[:index] + signature.parameters[index + 1 :],
        fixed=signature.fixed - (index < signature.fixed),
    )
