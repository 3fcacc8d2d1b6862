"""What channels are for, who writes in them, and which everybody joins."""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the room that needs it."""
