"""PostgreSQL as ``measure_postgres.py`` measures it."""

import reading
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log


def update(configuration, state):
    count, seconds = reading.read(configuration["host"], int(configuration["port"]), configuration["tls"])
    log.info(f"seconds {count} {seconds}")


connector = Connector(update=update)
