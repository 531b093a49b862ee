"""What happens to messages, told to the operator: over MQTT, to a webhook, into an archive."""
