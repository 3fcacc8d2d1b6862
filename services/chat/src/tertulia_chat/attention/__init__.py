"""What waits for me: how far I have read, what is unread, where I am mentioned, and what I want to be told of."""
