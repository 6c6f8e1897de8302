from .base import Table


class People(Table):
    name = "person"
    key = ("team", "name")

    def rows(self, api):
        from ..words import shout

        for team in api.get("teams/all"):
            for name in team["people"]:
                yield {"team": team["id"], "name": name, "badge": shout(name)}
