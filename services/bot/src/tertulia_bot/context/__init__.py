"""What the model is given to read: the question, the conversation around it, and sources that all the room may read."""
