"""A demo workspace that looks like a real team's week.

- `people`   who they are and which channels they have
- `talk/`    what they say: conversations and recipes in YAML; the quiz and the jokes are from chatterbot-corpus
- `week`     turns that into a week of timed messages; pure, the same for the same start
- `load`     puts people, channels and messages into a running stack
"""
