"""What deciding tells Prometheus."""

from prometheus_client import Counter

DECIDED = Counter("chat_notifications", "People told of a message, by why.", ["reason"])
WITHDRAWN = Counter("chat_notifications_withdrawn", "Unread notifications of messages that were deleted.")
EXPIRED = Counter("chat_notifications_expired", "Notifications forgotten because of their age.")
