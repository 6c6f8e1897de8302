"""Upsert, update and delete, and what each leaves in the table.

After a sync the table ``people`` holds three rows:

* ``ada`` was replaced as a whole by her second upsert, so that her ``city`` is NULL;
* ``grace`` had one column changed by an update;
* ``alan`` was deleted: the row is kept and marked in ``_sluice_deleted``.
"""

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


def schema(configuration):
    return [
        {
            "table": "people",
            "primary_key": ["id"],
            "columns": {"id": "STRING", "name": "STRING", "city": "STRING", "born": "NAIVE_DATE"},
        }
    ]


def update(configuration, state):
    op.upsert("people", {"id": "ada", "name": "Ada", "city": "London", "born": "1815-12-10"})
    op.upsert("people", {"id": "grace", "name": "Grace", "city": "New York", "born": "1906-12-09"})
    op.upsert("people", {"id": "alan", "name": "Alan", "city": "London", "born": "1912-06-23"})

    op.upsert("people", {"id": "ada", "name": "Ada Lovelace", "born": "1815-12-10"})
    op.update("people", {"id": "grace", "city": "Arlington"})
    op.delete("people", {"id": "alan"})

    op.checkpoint({})


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    connector.debug()
