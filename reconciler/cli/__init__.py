"""The command line: options, questions and exit codes."""
