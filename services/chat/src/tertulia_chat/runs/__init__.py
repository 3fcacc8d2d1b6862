"""Runs of the bot: who may ask where, what the model gets to read, and the one answer. Internal.

chat alone writes events and messages, so it opens and finishes runs in the transactions that check the asker's seat. An
answer is posted for the asker, who must still be able to write there at that moment.
"""
