"""docker-compose.yml as Docker Compose would read it: merged, with the values of an .env file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import yaml

from tests.stack import ROOT

FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")
_LINE = re.compile(r"^(?P<set>#?)(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)$", re.M)


class Missing(Exception):
    """A variable that has to be filled in is not."""


def example() -> dict[str, str]:
    """All variables that .env.example names, with the values it shows."""
    return {found["name"]: found["value"] for found in _LINE.finditer(EXAMPLE.read_text())}


def variables() -> set[str]:
    """The names that docker-compose.yml takes from .env, filled in or passed on."""
    text = FILE.read_text()
    raw = yaml.safe_load(text)
    passed = {
        name
        for service in raw["services"].values()
        for name, value in service.get("environment", {}).items()
        if value is None
    }
    return {found["name"] for found in _VARIABLE.finditer(text)} | passed


class Compose:
    """The file with the variables ``env``; raises Missing where one is empty that must not be."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._raw = yaml.safe_load(FILE.read_text())

    @cached_property
    def services(self) -> dict[str, dict[str, Any]]:
        return self._filled(self._raw["services"])

    @cached_property
    def configs(self) -> dict[str, dict[str, Any]]:
        return self._filled(self._raw["configs"])

    @cached_property
    def networks(self) -> dict[str, Any]:
        return self._filled(self._raw["networks"])

    @cached_property
    def volumes(self) -> dict[str, Any]:
        return self._filled(self._raw["volumes"])

    def command(self, service: str) -> list[str]:
        return list(self.services[service]["command"])

    def environment(self, service: str) -> dict[str, str]:
        """What a container is given; what has no value and is not in .env is absent."""
        told = self.services[service].get("environment", {})
        known = {name: self._env.get(name) if value is None else value
                 for name, value in told.items()}  # fmt: skip
        return {name: str(value) for name, value in known.items() if value is not None}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return _VARIABLE.sub(self._value, value)
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if isinstance(value, dict):
            return {key: self._filled(item) for key, item in value.items()}
        return value

    def _value(self, found: re.Match[str]) -> str:
        value = self._env.get(found["name"], "")
        if not value and found["kind"] == "?":
            raise Missing(found["rest"])
        return value or (found["rest"] if found["kind"] == "-" else "")
