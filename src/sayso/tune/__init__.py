"""What `sayso tune` searches, and the study that remembers what was tried."""
