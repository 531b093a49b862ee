"""What happens to a message: admission, queues, dispatch, receipts, callbacks."""
