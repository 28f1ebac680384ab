# The interpreter: files, mmap, threads, processes, signals, numbers.
python3 - <<'END'
import hashlib, json, math, mmap, os, signal, struct, subprocess, sys
import tempfile, threading, time, zlib
from concurrent.futures import ThreadPoolExecutor
print(sum(i * i for i in range(1000)), 2 ** 100, math.pi)
with tempfile.TemporaryFile() as f:
    f.truncate(3 * 4096)
    with mmap.mmap(f.fileno(), 0) as m:
        m[4096:4099] = b"abc"; m.flush(); print(m.find(b"b"), m.size())
    f.seek(4096); print(f.read(3))
m = mmap.mmap(-1, 8192); pid = os.fork()
if pid == 0:
    m[0] = 7; os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), m[0])
total = []
threads = [threading.Thread(target=lambda i=i: total.append(i)) for i in range(50)]
[t.start() for t in threads]; [t.join() for t in threads]; print(sum(total))
with ThreadPoolExecutor(4) as pool: print(list(pool.map(lambda x: x * 2, range(5))))
print(subprocess.run(["sh", "-c", "cat; echo err >&2; exit 4"], input=b"in", capture_output=True))
got = []
signal.signal(signal.SIGUSR1, lambda s, f: got.append(s))
os.kill(os.getpid(), signal.SIGUSR1)
print(got == [signal.SIGUSR1])
signal.signal(signal.SIGALRM, lambda s, f: (_ for _ in ()).throw(TimeoutError))
try: signal.alarm(1); time.sleep(600)
except TimeoutError: print("alarm")
print(json.dumps({"a": [1, 2.5, None]}), hashlib.sha256(b"x" * 1000).hexdigest()[:16])
print(zlib.crc32(b"abc"), struct.pack("<IH", 1, 2))
r, w = os.pipe()
os.write(w, b"pipe")
print(os.read(r, 9))
os.mkdir("d")
os.rename("d", "e")
print(os.listdir("."), os.stat("e").st_nlink)
try: open("/nothing")
except OSError as e: print(e)
def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
sys.setrecursionlimit(20000); print(deep(9000))
END
python3 -c 'import sys; sys.exit(5)'; echo $?
