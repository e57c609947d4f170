"""Files -> the project and its desired sites. Knows YAML and the schemas, and nothing about the remote API."""
