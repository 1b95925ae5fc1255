"""A network for the demo, all of it on 127.0.0.1: a DNS server that answers every name with
127.0.0.1, and a web server. Prints "DNS-PORT WEB-PORT", then serves until it is killed."""

import http.server
import socket
import struct
import threading


def answer(query):
    """The query with one A record behind it; without answer for other types."""
    end = query.index(0, 12) + 5  # behind the name: type and class
    wants_address = query[end - 4:end] == b"\x00\x01\x00\x01"
    header = query[:2] + struct.pack("!5H", 0x8180, 1, int(wants_address), 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1])
    return header + query[12:end] + (record if wants_address else b"")


def serve_dns(server):
    while True:
        query, client = server.recvfrom(4096)
        server.sendto(answer(query), client)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello from " + self.headers["Host"].encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
dns.bind(("127.0.0.1", 0))
threading.Thread(target=serve_dns, args=(dns,), daemon=True).start()
web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
print(dns.getsockname()[1], web.server_port, flush=True)
web.serve_forever()
