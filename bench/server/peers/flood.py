# Opens connections and resets each at once, every other one after a request:
# flood.py PORT COUNT
import socket
import struct
import sys

port, count = map(int, sys.argv[1:])
reset_on_close = struct.pack("ii", 1, 0)
for i in range(count):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as conn:
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_on_close)
        if i % 2 == 1:
            conn.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
