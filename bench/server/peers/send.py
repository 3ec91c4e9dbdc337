# Connects and sends so many MiB as fast as it can: send.py PORT MIB
import socket
import sys

port, mib = map(int, sys.argv[1:])
chunk = bytes(256 * 1024)
left = mib * 1024 * 1024
with socket.create_connection(("127.0.0.1", port)) as conn:
    while left > 0:
        left -= conn.send(chunk[:left])
