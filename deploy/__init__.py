"""How Rapport is run: containers, the stack without them, gateway, topics, metrics and dashboards."""
