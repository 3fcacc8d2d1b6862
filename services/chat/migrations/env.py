"""Runs the migrations on the connection that `tertulia_chat.migrate` hands over, inside its transaction.

Started by hand through `alembic`, it takes POSTGRES_URL and the same path.
"""

from alembic import context
from sqlalchemy import Connection

from tertulia_chat import migrate
from tertulia_shared.settings import PostgresSettings, load


def run_on(connection: Connection) -> None:
    context.configure(connection=connection, transactional_ddl=True)
    context.run_migrations()


given = context.config.attributes.get("connection")
if given is None:
    migrate.run_locked(load(PostgresSettings).postgres_url.get_secret_value(), run_on)
else:
    run_on(given)
