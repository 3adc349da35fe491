# Watches what programs show who connects to them, until /tmp/stop is there: a new connection each second, verified against the
# platform's roots, and one that is kept. Reads [[host, port], ...] from standard input, writes /tmp/seen.json.
import http.client, json, os, socket, ssl, struct, sys, threading, time

TRUSTED = ssl.create_default_context(cafile="/trust/ca.crt")
TRUSTED.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
SPOKEN = {5432: "postgres", 6379: "redis", 26379: "redis"}


def connect(host, port):
    plain = socket.create_connection((host, port), timeout=5)
    try:
        if SPOKEN.get(port) == "postgres":
            plain.sendall(struct.pack("!ii", 8, 80877103))
            if plain.recv(1) != b"S":
                raise OSError("no TLS here")
        return TRUSTED.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def ask(kept, host, port):
    "One question on a connection that is kept; an answer is an answer, whatever it says."
    if SPOKEN.get(port) == "redis":
        kept.sendall(b"PING\r\n")
        if not kept.recv(200):
            raise OSError("closed")
        return
    connection = http.client.HTTPConnection(host)
    connection.sock = kept
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    if answer.will_close:
        raise OSError("closed after each answer")


class Watch(threading.Thread):
    def __init__(self, host, port):
        super().__init__(daemon=True)
        self.host, self.port, self.kept = host, port, None
        self.seen = {"serial": "", "tries": 0, "untrusted": "", "longest": 0, "answers": 0, "cuts": 0}

    def run(self):
        good = time.monotonic()
        while True:
            try:
                with connect(self.host, self.port) as fresh:
                    self.seen["serial"] = fresh.getpeercert()["serialNumber"]
                self.seen["longest"] = max(self.seen["longest"], round(time.monotonic() - good, 1))
                good = time.monotonic()
            except ssl.SSLCertVerificationError as error:
                self.seen["untrusted"] = str(error)
            except OSError:
                pass  # the time between two that succeeded tells
            self.keep()
            self.seen["tries"] += 1
            time.sleep(1)

    def keep(self):
        if SPOKEN.get(self.port) == "postgres":
            return
        try:
            self.kept = self.kept or connect(self.host, self.port)
            ask(self.kept, self.host, self.port)
            self.seen["answers"] += 1
        except (OSError, http.client.HTTPException):
            self.kept, was = None, self.kept
            self.seen["cuts"] += was is not None


watches = {f"{host}:{port}": Watch(host, port) for host, port in json.load(sys.stdin)}
for watch in watches.values():
    watch.start()
while not os.path.exists("/tmp/stop"):
    with open("/tmp/seen.new", "w") as file:
        json.dump({name: watch.seen for name, watch in watches.items()}, file)
    os.replace("/tmp/seen.new", "/tmp/seen.json")
    time.sleep(0.5)
