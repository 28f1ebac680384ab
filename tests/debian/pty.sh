# Pseudo-terminals: script, python's pty, jobs of a shell at a terminal of its own.
set -v
script -qec 'tty | cut -d/ -f1-3; stty -a | head -1; exit 5' log < /dev/null; echo $?
head -2 log | tail -1; grep -c COMMAND_EXIT_CODE=.5 log
cat > spawn.py <<'EOF'
import os, pty, select, signal, struct, fcntl, termios, tty
pid, fd = pty.fork()
if pid == 0:
    os.execlp("sh", "sh", "-c",
              "stty -echo; echo ready; read line; echo got $line; stty size; exec cat")
def until(what):
    data = b""
    while not data.endswith(what):
        data += os.read(fd, 100)
    return data
print(until(b"ready\r\n"))
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 11, 22, 0, 0))
os.write(fd, b"words\n"); print(until(b"22\r\n"))
os.write(fd, b"line\n"); print(until(b"line\r\n"))
os.write(fd, b"\x03"); print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
try:
    print(os.read(fd, 100))
except OSError as error:
    print(error.strerror)
master, slave = os.openpty()
tty.setraw(slave); os.write(slave, b"raw\n"); print(os.read(master, 10), os.isatty(slave))
os.close(slave); print(select.select([master], [], [], 60)[0] == [master])
EOF
python3 spawn.py
cat > jobs.py <<'EOF'
import os, pty
pid, fd = pty.fork()
if pid == 0:
    os.execlp("bash", "bash", "--norc", "--noprofile", "-i")
def until(what):
    data = b""
    while what not in data:
        data += os.read(fd, 100)
    return data
os.write(fd, b"PS1='%'; stty -echo; set -m; bind 'set enable-bracketed-paste off'; echo be''gin\n")
until(b"begin\r\n")
os.write(fd, b"cat\n"); os.write(fd, b"echoed\n"); until(b"echoed\r\n")
os.write(fd, b"\x1a"); print(b"Stopped" in until(b"Stopped"))
os.write(fd, b"jobs | grep -c Stopped\n"); print(b"1" in until(b"1\r\n"))
os.write(fd, b"fg\n"); os.write(fd, b"again\n"); until(b"again\r\n")
os.write(fd, b"\x03"); os.write(fd, b"echo st''atus $?\n"); print(until(b"status 130")[-10:])
os.write(fd, b"exit 3\n"); print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF
python3 jobs.py; ls -l /dev/ptmx | cut -c1-10; stat -fc %T /dev/pts
