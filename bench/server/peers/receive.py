# Connects, or listens where the port is 0, and receives so many MiB as fast as
# it can: receive.py PORT MIB. Prints its port, and at the end the seconds it took.
import socket
import sys
import time

port, mib = map(int, sys.argv[1:])
chunk = bytearray(256 * 1024)
left = mib * 1024 * 1024
if port == 0:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        conn, _ = listener.accept()
else:
    conn = socket.create_connection(("127.0.0.1", port))
    print(port, flush=True)
begun = time.monotonic()
with conn:
    while left > 0:
        # Linux does not copy what is only thrown away.
        count = conn.recv_into(chunk, 0, socket.MSG_TRUNC)
        if count == 0:
            sys.exit(f"ended {left} bytes early")
        left -= count
    print(time.monotonic() - begun, flush=True)
