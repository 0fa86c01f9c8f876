"""What `make bench` prints: speeds, each beside a stated reference measured in the same run. Nothing here fails a test."""
