"""Scenarios as files: YAML read so that an error names its line."""

from __future__ import annotations

from typing import Any

import yaml

from monitoring.domain.scenario import Scenario, UnableToReadScenario, read_scenario

MOST_BYTES = 256 * 1024


def scenario_from_yaml(text: str) -> Scenario:
    """What a person wrote.

    Raises:
        UnableToReadScenario: naming line and entry.
    """
    if len(text.encode()) > MOST_BYTES:
        raise UnableToReadScenario("", f"A scenario has at most {MOST_BYTES:,} bytes.")
    lines: dict[str, int] = {}
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise UnableToReadScenario("", "A scenario has no aliases (*name); write each value out.")
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        written = _plain(loader, root, "", lines) if root is not None else None
        return read_scenario(written)
    except yaml.YAMLError as error:
        raise UnableToReadScenario("", f"This is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise UnableToReadScenario("", "A scenario is not nested so deep.") from None
    except ValueError as error:
        if not isinstance(error, UnableToReadScenario):  # such as a timestamp of the 31st of November
            raise UnableToReadScenario("", f"A value cannot be read: {error}.") from error
        line = _nearest(error.path, lines)
        raise UnableToReadScenario("", f"Line {line}: {error}" if line else str(error)) from error


def _plain(loader: Any, node: yaml.Node, path: str, lines: dict[str, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node)
            inner = f"{path}.{key}" if path else str(key)
            lines[inner] = key_node.start_mark.line + 1
            if key in found:
                raise UnableToReadScenario(inner, "is given twice.")
            found[key] = _plain(loader, value_node, inner, lines)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, inner, f"{path}[{n}]", lines) for n, inner in enumerate(node.value)]
    return loader.construct_object(node)


def _nearest(path: str, lines: dict[str, int]) -> int | None:
    """The line of the entry, or of the entry around it when it is missing."""
    while path:
        if path in lines:
            return lines[path]
        cut = max(path.rfind("."), path.rfind("["))
        path = path[:cut] if cut > 0 else ""
    return lines.get("")
