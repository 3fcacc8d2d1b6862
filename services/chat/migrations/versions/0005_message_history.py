"""Former texts of messages, and which of them a workspace keeps."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the room that needs it."""
