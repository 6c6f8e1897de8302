from .base import Table


class Teams(Table):
    name = "team"

    def rows(self, api):
        yield from api.get("teams")
