"""Reading a document: strict JSON, its schema, and every error at once with its JSON path."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from xnat_pixelanon.errors import DocumentError

SCHEMAS = ("templates", "policy", "accepts", "receipt", "report", "line")


@cache
def schema(name: str) -> Mapping[str, Any]:
    """The JSON Schema `name` of the package."""
    text = resources.files("xnat_pixelanon.schemas").joinpath(f"{name}.schema.json").read_text("utf-8")
    loaded: Mapping[str, Any] = json.loads(text)
    return loaded


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name))


def parse(text: str, where: str) -> Any:
    """JSON text as Python values; DocumentError says line and column, and refuses a key given twice."""
    twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        twice.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return dict(pairs)

    try:
        value = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise DocumentError(where, [f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}"]) from None
    except RecursionError:
        raise DocumentError(where, ["$: nested too deeply"]) from None
    if twice:
        raise DocumentError(where, [f"$: the key {key!r} is given twice in one object" for key in twice])
    return value


def schema_problems(name: str, value: Any) -> list[str]:
    """Each schema error as `JSON path: what was expected`, in the order of the paths."""
    errors = sorted(_leaves(_validator(name).iter_errors(value)), key=lambda error: error.json_path)
    return list(dict.fromkeys(f"{error.json_path}: {_expected(error)}" for error in errors))


def _leaves(errors: Iterable[ValidationError]) -> Iterable[ValidationError]:
    for error in errors:
        if error.validator in ("anyOf", "oneOf") and error.context:
            yield from _leaves(error.context)
        else:
            yield error


def _expected(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    found: Any = error.instance
    rule: Any = error.schema
    match error.validator:
        case "type":
            kinds = wanted if isinstance(wanted, list) else [wanted]
            return f"expected {' or '.join(kinds)}"
        case "required":
            missing = [key for key in wanted if key not in found]
            return f"expected the key{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        case "additionalProperties":
            known = rule.get("properties", {})
            unknown = sorted(str(key) for key in found if key not in known)
            return f"unknown key{'s' if len(unknown) > 1 else ''} {', '.join(unknown)}; expected {', '.join(known)}"
        case "enum":
            return f"expected one of {', '.join(json.dumps(value) for value in wanted)}"
        case "const":
            return f"expected {json.dumps(wanted)}"
        case "minimum":
            return f"expected a number of at least {wanted}"
        case "maximum":
            return f"expected a number of at most {wanted}"
        case "minItems":
            return f"expected at least {wanted} item{'s' if wanted > 1 else ''}"
        case "maxItems":
            return f"expected at most {wanted} items"
        case "minLength":
            return "expected a text that is not empty" if wanted == 1 else f"expected at least {wanted} characters"
        case "maxLength":
            return f"expected at most {wanted} characters"
        case "pattern":
            return str(rule.get("description") or f"expected a text like {wanted}")
        case "uniqueItems":
            return "expected each item once"
        case "minProperties":
            return f"expected at least {wanted} key{'s' if wanted > 1 else ''}"
        case other:
            return f"does not satisfy {other}"
