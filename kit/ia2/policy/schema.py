"""The policy as a JSON schema, for editors that complete and check compartments.toml.

`python3 -m ia2.policy.schema` prints it. What a schema cannot say is left to the reader: keys
without a gap, names of other compartments, names of the program's own functions.
"""

import json
import typing

from . import policy, system_calls

IDENTIFIER = policy.IDENTIFIER.pattern.removesuffix(r"\Z")
Schema = dict[str, typing.Any]


def text(description: str, **more: object) -> Schema:
    return {"type": "string", "description": description, **more}


def names(description: str, pattern: str | None = None, **more: object) -> Schema:
    """A list of strings, each once."""
    item: Schema = {"type": "string"} | ({"pattern": pattern} if pattern else {})
    return {
        "type": "array",
        "items": item,
        "uniqueItems": True,
        "description": description,
        **more,
    }


def compartment() -> Schema:
    return {
        "type": "object",
        "description": "Sources whose memory the other compartments cannot touch.",
        "properties": {
            "pkey": {
                "type": "integer",
                "minimum": policy.FIRST_KEY,
                "maximum": policy.LAST_KEY,
                "description": "Protection key. 1 is the compartment that defines main().",
            },
            "sources": names(
                "Globs on paths relative to the top of the source tree. A glob that begins with"
                " `!` takes sources out.",
                contains={"type": "string", "pattern": "^(?!!)"},
            ),
            "reads": names("Compartments whose memory this one may read, never write."),
            "guests": {
                "type": "boolean",
                "default": True,
                "description": "Whether it may load libraries that no compartment names.",
            },
            "system_calls": {
                "description": "What it may have the kernel do.",
                "anyOf": [
                    {"enum": ["none", "all", *system_calls.WORDS]},
                    {"type": "array", "items": {"enum": list(system_calls.WORDS)}},
                ],
            },
            "plugin": text(
                "The compartment is this shared library of the build, and comes with dlopen.",
                pattern=r'^(?!/)(?!\.\.)[^"\\]+$',
            ),
            "entries": names(
                "What dlsym finds in the plugin.", pattern=f"^{IDENTIFIER}$", minItems=1
            ),
        },
        "required": ["pkey", "sources"],
        "additionalProperties": False,
        "dependentRequired": {"plugin": ["entries"], "entries": ["plugin"]},
    }


def schema() -> Schema:
    direction = {"enum": list(policy.DIRECTIONS)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "compartments.toml",
        "description": "How IA2 splits a program into compartments.",
        "type": "object",
        "properties": {
            "compartment": {
                "type": "object",
                "propertyNames": {"pattern": f"^(?!shared$){IDENTIFIER}$"},
                "additionalProperties": compartment(),
                "minProperties": 1,
                "maxProperties": policy.LAST_KEY,
            },
            "allocations": {
                "type": "object",
                "description": "Where the blocks are that a function allocates.",
                "propertyNames": {"pattern": rf"^{IDENTIFIER}(\.{IDENTIFIER}(\[\])?)?$"},
                "additionalProperties": text('"shared", or the name of a compartment.'),
            },
            "shared": {
                "type": "object",
                "properties": {
                    "variables": names(
                        "Global variables that every compartment may use.",
                        pattern=f"^{IDENTIFIER}$",
                    )
                },
                "additionalProperties": False,
            },
            "parameters": {
                "type": "object",
                "description": "Parameters of calls through a pointer that go by copy.",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": direction,
                    "minProperties": 1,
                },
            },
        },
        "required": ["compartment"],
        "additionalProperties": False,
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))
