"""Stand-in for what componentize-py generates from wit/connector.wit."""

from abc import abstractmethod
from typing import Protocol


class WitWorld(Protocol):
    @abstractmethod
    def schema(self, configuration: str) -> list:
        raise NotImplementedError

    @abstractmethod
    def sync(self, configuration: str, state: str) -> None:
        raise NotImplementedError

    @abstractmethod
    def form(self) -> object:
        raise NotImplementedError

    @abstractmethod
    def test(self, name: str, configuration: str) -> object:
        raise NotImplementedError
