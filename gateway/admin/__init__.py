"""For whoever runs the gateway: health, metrics, receipts that found no message."""
