"""`system_calls` of a compartment: the words of a policy and the mask that the runtime has of them.

The bits are those of enum ia2_call_class (runtime/containment/call_table.h).
"""

WORDS = {
    "memory": 1 << 1,
    "files-read": 1 << 2,
    "files": 1 << 2 | 1 << 3,
    "network": 1 << 4,
    "threads": 1 << 5,
    "signals": 1 << 6,
}
ALL = 0x7FFFFFFF
SAID = 1 << 31
"""Set in the mask of a compartment whose policy says something."""


def words(value: int) -> str:
    """What a mask allows, in words."""
    if not value & SAID:
        return "all"
    if value & ALL == ALL:
        return "all, contained"
    found = [word for word, bits in WORDS.items() if value & bits == bits]
    return ", ".join(found) or "none"


class UnknownWord(ValueError):
    """The word is none of a policy's."""


def mask(said: str | list[str] | None) -> int:
    """The mask of "none", "all", one word, or a list of words; None: the policy says nothing.
    Raises UnknownWord."""
    if said is None:
        return ALL
    if said == "all":
        return ALL | SAID
    value = SAID
    for word in [said] if isinstance(said, str) else said:
        if word not in WORDS and not (word == "none" and isinstance(said, str)):
            raise UnknownWord(word)
        value |= WORDS.get(word, 0)
    return value
