"""The commands: each says what it takes, asks the gateway, and shows the answer."""
