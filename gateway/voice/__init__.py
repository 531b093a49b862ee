"""What happens to a call: admitted, routed, joined of two legs, recorded."""
