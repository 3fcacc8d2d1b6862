"""What an operator types: looking at dead letters, handling them again, and replaying a range of the stream.

`command` reads the words and is the same under `python -m tertulia_<service>` and `tertulia`; `dead_letters` and
`replay` do it; `errors` has the codes that scripts may rely on. Nothing here changes what a service does by itself.
"""
