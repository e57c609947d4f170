"""Files -> the project and its desired sites. Knows YAML and the schemas; knows nothing of the remote API."""
