"""The command line: options, questions and exit codes. The parts are put together in `wiring.py`."""
