"""rtpengine's ng control protocol, as a client speaks it: octets and `now` in, octets and replies
out."""
