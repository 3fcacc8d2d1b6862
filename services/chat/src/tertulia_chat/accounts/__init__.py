"""People: how they register, prove who they are, stay logged in on several devices and log out again."""
