"""Who follows which thread, how far everybody has read, and what they want to be told of."""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the room that needs it."""
