# Servers and clients on 127.0.0.1: python's of several kinds, perl, bash, git's daemon.
python3 - <<'END'
import asyncio, errno, http.server, select, socket, socketserver, threading, urllib.error
import urllib.request
HOST = "127.0.0.1"
def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]
class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass
open("page", "w").write("a page\n" * 3)
web = http.server.ThreadingHTTPServer((HOST, 0), Quiet)
base = f"http://localhost:{serve(web)}/"
with urllib.request.urlopen(base + "page") as r: print(r.status, r.read())
try: urllib.request.urlopen(base + "nothing")
except urllib.error.HTTPError as e: print(e.code, e.reason)
web.shutdown(); web.server_close()
try: urllib.request.urlopen(base)
except urllib.error.URLError as e: print(e.reason)
class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile: self.wfile.write(line.upper())
tcp = socketserver.ThreadingTCPServer((HOST, 0), Lines); port = serve(tcp); said = []
def client(i):
    with socket.create_connection((HOST, port)) as s:
        s.sendall(b"line %d\n" % i * 100); s.shutdown(socket.SHUT_WR)
        said.append((i, len(b"".join(iter(lambda: s.recv(999), b"")))))
threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]; print(sorted(said))
tcp.shutdown(); tcp.server_close()
class Packet(socketserver.BaseRequestHandler):
    def handle(self): self.request[1].sendto(self.request[0][::-1], self.client_address)
udp = socketserver.UDPServer((HOST, 0), Packet); port = serve(udp)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.sendto(b"packet", (HOST, port)); print(s.recvfrom(99) == (b"tekcap", (HOST, port)))
udp.shutdown(); udp.server_close()
async def echo(reader, writer):
    writer.write(await reader.read()); await writer.drain(); writer.close()
async def ask(port, i):
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(bytes([i]) * 50000); writer.write_eof()
    back = await reader.read(); writer.close(); await writer.wait_closed()
    return len(back), back[0]
async def main():
    server = await asyncio.start_server(echo, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    print(await asyncio.gather(*(ask(port, i) for i in range(20))))
    server.close()
    try: await asyncio.open_connection(HOST, 1)
    except OSError as e: print(errno.errorcode[e.errno])
asyncio.run(main())
server = socket.create_server((HOST, 0)); a = socket.create_connection(server.getsockname())
b, name = server.accept(); print(name == a.getsockname(), b.getsockname() == a.getpeername())
a.settimeout(0.01)
try: a.recv(1)
except TimeoutError as e: print(e)
print(select.select([a], [a], [], 0)[1] == [a])
b.sendall(b"last words"); b.close(); print(a.recv(4), a.recv(99), a.recv(1))
a.send(b"?")
try:
    while True: a.send(b"?")
except OSError as e: print(errno.errorcode[e.errno])
for where in ("10.0.0.1", 80), ("127.0.0.1", 70000), ("nowhere.invalid", 1):
    try: socket.create_connection(where)
    except (OSError, OverflowError) as e: print(type(e).__name__)
print(socket.gethostbyname("localhost"), socket.gethostbyname("debian"))
END
perl -MIO::Socket::INET -e '
	$| = 1;
	my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die $!;
	if (!fork) {
		my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $s->sockport);
		print $c "hello\n"; print "client: ", scalar <$c>; exit 0;
	}
	my $c = $s->accept; my $line = <$c>; print "server: $line"; print $c "bye\n";
	close $c; wait;'
python3 -c '
import socket
s = socket.create_server(("127.0.0.1", 8123)); open("ready", "w").close()
c = s.accept()[0]; c.sendall(c.recv(99)[::-1])' &
until [ -e ready ]; do sleep 0.1; done
bash -c 'exec 3<> /dev/tcp/127.0.0.1/8123; printf olleh >&3; cat <&3; echo; exec 3>&-
	{ : > /dev/tcp/127.0.0.1/1; } 2> /dev/null || echo refused'
wait
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
git init -q -b main r; cd r; seq 1000 > f; git add f
git -c user.name=n -c user.email=e@x commit -qm one; cd ..
git daemon --base-path=. --export-all --listen=127.0.0.1 --port=8124 --reuseaddr > log 2>&1 &
until git ls-remote git://127.0.0.1:8124/r > refs 2> log2; do sleep 0.1; done
cut -f2 refs; git clone -q git://127.0.0.1:8124/r c
git -C c --no-pager log --format='%H %s'; tail -1 c/f
kill $!
