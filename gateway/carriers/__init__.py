"""Where traffic goes out: the binds to carriers."""
