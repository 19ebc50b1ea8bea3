"""The command line around the commands: entry, exit codes, streams, waiting messages, suggestions, explanations."""
