"""From one event to the sockets: frames, the ring, connections and their routing."""
