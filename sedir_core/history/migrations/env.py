"""Run by alembic: migrates the connection that `database.migrate` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from sedir_core.history.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
