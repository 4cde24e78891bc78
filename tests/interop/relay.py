# SPDX-License-Identifier: GPL-2.0-or-later
"""What the proxies and the servers of these tests have in common."""
import socket


def receive(conn, length):
    """So many bytes. EOFError."""
    data = b""
    while len(data) < length:
        more = conn.recv(length - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def connections(port, to):
    """Listens on 127.0.0.1:port and says "ready"; then, for ever, each client that
    came with its connection to 127.0.0.1:to. Without that it is sent away."""
    accepted = socket.create_server(("127.0.0.1", port))
    print("ready", flush=True)
    while True:
        client, _ = accepted.accept()
        server = socket.socket()
        try:
            server.connect(("127.0.0.1", to))
        except OSError:
            client.close()
            server.close()
            continue
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client, server
