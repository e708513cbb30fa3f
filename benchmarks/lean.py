"""The floor: the least that loads, checks, fetches, compares and prints, with pyyaml, jsonschema, httpx and deepdiff.

python benchmarks/lean.py --models FOLDER --schema FILE --url http://127.0.0.1:PORT/api/v1

No product: it has no errors to explain, believes every answer, and reads nothing but what the benchmark wrote.
"""

import gc

gc.disable()

# The imports are part of what is measured, and the collector would walk them.
import argparse  # noqa: E402
import json  # noqa: E402
import ssl  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import httpx  # noqa: E402
import jsonschema  # noqa: E402
import yaml  # noqa: E402

_COMPARED = ("name", "description", "query_type", "primary_key", "connector_id", "configuration")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def value(node: Any) -> Any:  # noqa: ANN401 - libyaml's nodes, and any YAML value
    """What a node says: the C parser's nodes, read without PyYAML's constructor, at half the cost."""
    if node.id == "mapping":
        made = {key.value: value(inner) for key, inner in node.value}
        if len(made) != len(node.value):
            sys.exit(f"duplicate key{node.start_mark}")
        return made
    if node.id == "sequence":
        return [value(inner) for inner in node.value]
    kind, text = node.tag.rpartition(":")[2], node.value
    if kind == "str":
        return text
    return {"int": int, "float": float}[kind](text) if kind in {"int", "float"} else _WORDS.get(text.lower())


def load(file: Path) -> Any:  # noqa: ANN401 - any YAML value
    """The definition in a file."""
    loader = yaml.CSafeLoader(file.read_bytes())
    try:
        return value(loader.get_single_node())
    finally:
        loader.dispose()


def fetch(client: httpx.Client, url: str) -> dict[str, dict[str, Any]]:
    """The attributes of every live model, by name."""
    live = {}
    page = f"{url}/models?page=1&per_page=10000"
    while page:
        answer = client.get(page).raise_for_status().json()
        page = answer["links"]["next"]
        for row in answer["data"]:
            attributes = row["attributes"]
            if "connector" in attributes:
                attributes["connector_id"] = attributes.pop("connector")["id"]
            attributes["id"] = row["id"]
            live[attributes["name"]] = attributes
    return live


def show(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Print what differs in each pair of live and desired."""
    import difflib  # noqa: PLC0415 - half a plan's time if nothing differs

    import deepdiff  # noqa: PLC0415 - the same

    for before, after in pairs:
        print(f"  ~ {after['name']} (id {before['id']})")
        tree = deepdiff.DeepDiff(
            {field: before.get(field) for field in _COMPARED},
            {field: after.get(field) for field in _COMPARED},
            view="tree",
            verbose_level=2,
        )
        for changes in tree.values():
            for change in changes:
                print(f"      {change.path()}: {change.t1!r} -> {change.t2!r}")
        if before["query"] != after["query"]:
            old, new = before["query"].split("\n"), after["query"].split("\n")
            for line in difflib.unified_diff(old, new, "live", "desired", lineterm=""):
                print(f"      {line}")


def main() -> None:
    """Plan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--models", "--schema", "--url"):
        parser.add_argument(name, required=True)
    flags = parser.parse_args()

    desired = [load(file) for file in sorted(Path(flags.models).rglob("*.yaml"))]
    validator = jsonschema.Draft202012Validator(json.loads(Path(flags.schema).read_bytes()))
    for model in desired:
        if not validator.is_valid(model):
            sys.exit("\n".join(error.message for error in validator.iter_errors(model)))
    # The server is on loopback, without TLS: a context that trusts nobody saves loading certificates.
    with httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False) as client:
        live = fetch(client, flags.url)
    compared = (*_COMPARED, "query")
    pairs = [
        (live[model["name"]], model)
        for model in desired
        if any(model.get(field) != live[model["name"]].get(field) for field in compared)
    ]
    if pairs:
        show(pairs)
    print(f"Plan: 0 to add, {len(pairs)} to change, 0 to destroy.")


if __name__ == "__main__":
    main()
