"""Properties and owners as JSON, in both dialects. Called on the draw thread; the result is plain data."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.properties import Property, PropertyOwner
from openspace_server.instance.api.dialects import Dialect


def value(found: Property) -> Any:
    return list(found.value) if isinstance(found.value, tuple) else found.value


def metadata(found: Property) -> dict[str, Any]:
    """``metaData`` of 0.21 and later."""
    data: dict[str, Any] = {
        "identifier": found.identifier,
        "description": found.description,
        "guiName": found.name,
        "group": found.group,
        "isReadOnly": found.read_only,
        "needsConfirmation": found.needs_confirmation,
        "type": found.type,
        "visibility": found.visibility.value,
    }
    if found.view_options:
        data["viewOptions"] = found.view_options
    additional = _additional(found, ("min", "max", "step", "exponent"))
    return data | ({"additionalData": additional} if additional else {})


def description(found: Property) -> dict[str, Any]:
    """``Description`` of 0.20 and before."""
    return {
        "Type": found.type,
        "Identifier": found.uri,
        "Name": found.name,
        "MetaData": {
            "Group": found.group,
            "Visibility": found.visibility.value,
            "isReadOnly": found.read_only,
            "needsConfirmation": found.needs_confirmation,
            "ViewOptions": found.view_options,
        },
        "AdditionalData": _additional(found, ("MinimumValue", "MaximumValue", "SteppingValue", "Exponent")),
        "description": found.description,
    }


def property_json(found: Property, dialect: Dialect) -> dict[str, Any]:
    """A property in full; in the legacy dialect with the keys of 0.20 as well."""
    data = {"uri": found.uri, "value": value(found), "metaData": metadata(found)}
    if dialect is Dialect.LEGACY:
        data |= {"Description": description(found), "Value": data["value"]}
    return data


def owner_json(owner: PropertyOwner, dialect: Dialect) -> dict[str, Any]:
    """An owner with everything below it."""
    data: dict[str, Any] = {
        "uri": owner.uri,
        "identifier": owner.identifier,
        "guiName": owner.name,
        "description": owner.description,
        "properties": [property_json(each, dialect) for each in owner.properties],
        "subowners": [owner_json(each, dialect) for each in owner.owners],
        "tags": list(owner.tags),
    }
    return data | ({"tag": data["tags"], "name": owner.name} if dialect is Dialect.LEGACY else {})


def _additional(found: Property, names: tuple[str, str, str, str]) -> dict[str, Any]:
    if found.kind.name == "Option":
        key = "options" if names[0] == "min" else "Options"
        if names[0] == "min":
            return {key: {str(number): label for number, label in found.options.items()}}
        return {key: [{str(number): label} for number, label in found.options.items()]}
    if found.kind.name == "Selection":
        return {"options": list(found.labels)}
    if not found.kind.numeric:
        return {}

    def spread(number: float | None) -> Any:
        return [number] * found.kind.size if found.kind.size else number

    low, high, step, exponent = names
    values = {low: found.low, high: found.high, step: found.step}
    return {name: spread(number) for name, number in values.items() if number is not None} | {exponent: found.exponent}
