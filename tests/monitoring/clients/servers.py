"""Real servers on loopback for the prober to meet: honest, broken and hostile ones."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import socket
import ssl
import threading
from collections.abc import Callable
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Visit:
    """One accepted connection and what it asked for."""

    def __init__(self, connection, request, stop):
        self.connection = connection
        self.request = request
        self.stop = stop

    def send(self, *parts):
        for part in parts:
            self.connection.sendall(part)


Behaviour = Callable[[Visit], None]


class LocalServer:
    """Serves `routes` (path to behaviour) on loopback, one thread per connection, and counts connections."""

    def __init__(self, routes=None, host="127.0.0.1", tls=None, port=0):
        self.routes = routes or {}
        self.host = host
        self.requests = []
        self.connections = 0
        self._tls = tls
        self._stop = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(512)
        self.port = self._listener.getsockname()[1]
        self._threads = []

    def __enter__(self):
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def url(self, path="/", host=None, scheme="http"):
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        # A probe breaks hostile transfers off in the middle of them: that is not this server's failure.
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                request = read_request(connection)
                self.requests.append(request)
                path = request.split(b" ")[1].partition(b"?")[0].decode()
                self.routes[path](Visit(connection, request, self._stop))


def read_request(connection):
    """Read one request with its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError("the other side left before its request was complete")
        received += chunk
        if received[:1] == b"\x16":  # a TLS greeting on a plain port, answered as web servers do
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            raise ConnectionError("TLS on a plain port")
    head, _, body = received.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            while len(body) < int(value):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reply(status=200, body=b'{"ok": true}', headers=()) -> Behaviour:
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}", "Connection: close", *headers]
    raw = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return lambda visit: visit.send(raw + body)


def redirect(location, status=302) -> Behaviour:
    return reply(status, b"", (f"Location: {location}",))


def drop(visit):
    """Close without a word."""


def hang(visit):
    visit.stop.wait(30)


def after(seconds, then) -> Behaviour:
    def behave(visit):
        visit.stop.wait(seconds)
        then(visit)

    return behave


def cut_short(visit):
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"only this")


def babble(visit):
    visit.send(b"220 mail.example ESMTP ready\r\n")


def endless_body(visit):
    visit.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while not visit.stop.is_set():
        visit.send(b"x" * 65536)


def endless_chunks(visit):
    visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not visit.stop.is_set():
        visit.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def big_length(visit):
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", b"x")
    visit.stop.wait(30)


def drip(visit):
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not visit.stop.wait(0.1):
        visit.send(b"x")


def drip_headers(visit):
    visit.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not visit.stop.wait(0.1):
        visit.send(b"x")


def big_header(visit):
    visit.send(b"HTTP/1.1 200 OK\r\nX-Big: ", b"x" * 1_000_000, b"\r\nContent-Length: 2\r\n\r\nok")


def many_headers(visit):
    visit.send(b"HTTP/1.1 200 OK\r\n")
    while not visit.stop.is_set():
        visit.send(b"X-More: more and more and more\r\n" * 1000)


def endless_continue(visit):
    while not visit.stop.is_set():
        visit.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


_BOMB = gzip.compress(bytes(50_000_000), 9)  # 48 kB that unpack to 50 MB


def gzip_bomb(visit):
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(_BOMB)}\r\n\r\n"
    visit.send(head.encode() + _BOMB)


class Authority:
    """A certificate authority of our own, and the certificates that it or nobody signed."""

    def __init__(self, folder):
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.bundle = str(folder / "authority.pem")
        certificate = self._build(self._name, self._key.public_key(), days=30, ca=True)
        self._write(self.bundle, certificate.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _write(path, text):
        with open(path, "wb") as file:
            file.write(text)

    def _build(self, name, public_key, *, days, ca=False, hosts=(), key=None):
        now = datetime.datetime.now(datetime.UTC)
        names = [
            x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts
        ]
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name if key is None else name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=60))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(key or self._key, hashes.SHA256())

    def server_context(self, hosts, *, days=20, self_signed=False):
        """Return a server's TLS context with a fresh certificate for `hosts`, `days` from its end."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        certificate = self._build(
            name, key.public_key(), days=days, hosts=hosts, key=key if self_signed else None
        )
        path = self.folder / f"{certificate.serial_number}.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._write(path, secret + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context
