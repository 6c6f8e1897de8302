"""What tables have in common."""

from abc import ABC, abstractmethod


class Table(ABC):
    name: str
    key: tuple = ("id",)

    def declaration(self):
        return {"table": self.name, "primary_key": list(self.key)}

    @abstractmethod
    def rows(self, api): ...
