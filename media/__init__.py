"""Media of calls: SDP, RTP and the relay between WebRTC and G.711 legs."""
