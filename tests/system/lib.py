"""What a system test needs: a machine to boot and talk to, the `run` door, disk images.

Every wait has a deadline.  A test fails by an exception; the runner then prints the console.
"""
import codecs
import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(TOP, "scripts")
# The build folder; the Makefile says where it is.  To make it goes back as it came: what is noted
# there of dependencies has the very path that it was given.
MAKE_O = "O=" + os.environ.get("O", "build")
OUT = os.path.join(TOP, MAKE_O[2:])
# A slow host stretches all times alike.  The times below are for an idle machine of today; a
# deadline that is too long costs time only where something hangs.
SCALE = float(os.environ.get("TIME_SCALE", "4"))
BOOT_TIME = 60
# The shell's prompt at the very end of the output; the line editor may clear the rest of the line.
# U-Boot's "StarFive # " and "## Flattened Device Tree" are none.
PROMPT = r"(?<![ #])[#$] (?:\x1b\[[0-9;]*[A-Za-z])*$"
MIB = 1 << 20


class Failure(Exception):
    """What a test found wrong."""


class Skip(Exception):
    """The test cannot run here; the text says why."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def equal(found, wanted, what):
    if found != wanted:
        raise Failure(f"{what}: wanted {wanted!r}, found {found!r}")


# --- how a test is declared -------------------------------------------------------------------

def cases(*values, full=False):
    """Runs the test once for each dictionary of arguments; may be repeated.

    full: these are part of `make test-full` only.
    """
    def mark(function):
        known = getattr(function, "cases", [])
        function.cases = [(dict(value), full) for value in values] + known
        return function
    return mark


def full_only(function):
    """The test is part of `make test-full` only."""
    function.full_only = True
    return function


# --- files of the build -----------------------------------------------------------------------

def kernel(debug=False):
    return os.path.join(OUT, "debug" if debug else "release", "Image")


def root_image():
    return os.path.join(OUT, "root.img")


def scratch():
    """A folder for the files of one test; the runner removes it."""
    return scratch.folder


scratch.folder = None


# Cases of a test: both kinds of root that copy_of_root makes.
ROOTS = ({"journal": True}, {"journal": False})


def copy_of_root(name="root.img", journal=True):
    path = os.path.join(scratch(), name)
    subprocess.run(["cp", "--sparse=always", root_image(), path], check=True)
    if not journal:
        host(["tune2fs", "-O", "^has_journal", path])
    return path


def host(argv, text=None, ok=(0,)):
    """Runs a tool of the host and returns its output; any status not in ok fails the test."""
    env = dict(os.environ, LC_ALL="C")
    env["PATH"] += ":/usr/sbin:/sbin"
    done = subprocess.run(argv, env=env, input=text, text=True, errors="replace", check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120 * SCALE)
    check(done.returncode in ok, f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def fsck(image):
    """Fails the test unless e2fsck finds the image clean."""
    host(["e2fsck", "-fn", image])


def debugfs(image, command):
    return host(["debugfs", "-R", command, image])


def new_image(name, size=16 * MIB, tree=None, options=()):
    """A fresh ext2 image, with the files of a folder if one is given."""
    path = os.path.join(scratch(), name)
    with open(path, "wb") as image:
        image.truncate(size)
    host(["mke2fs", "-q", "-F", "-t", "ext2", *options, *(["-d", tree] if tree else []), path])
    return path


def tree_of(files, name="tree"):
    """A folder made from a dictionary of paths and contents (text or bytes)."""
    folder = os.path.join(scratch(), name)
    for path, content in files.items():
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    return folder


# --- the machine ------------------------------------------------------------------------------

class Machine:
    """A booted machine with its console; use it with `with`."""

    current = []

    # pylint: disable=too-many-arguments
    def __init__(self, smp=2, mem="128M", append="", disks=None, debug=False, dtb=None,
                 legacy=False, qemuflags="", no_reboot=True, limit=180, qemu=None, argv=None):
        """argv: a whole command line, for machines other than QEMU's `virt`."""
        disks = [root_image() + ",snapshot"] if disks is None else disks
        line = ["setpriv", "--pdeathsig", "KILL", os.path.join(SCRIPTS, "qemu"), "--batch",
                "--kernel", kernel(debug), "--smp", str(smp), "--mem", str(mem),
                f"--append={append}",
                f"--qemuflags={qemuflags}"]
        for disk in disks:
            line += ["--disk", disk]
        line += ["--dtb", dtb] if dtb else []
        line += ["--qemu", qemu] if qemu else []
        line += ["--legacy"] if legacy else []
        line += ["--no-reboot"] if no_reboot else []
        if argv:
            line = ["setpriv", "--pdeathsig", "KILL", *argv]
        self.deadline = time.monotonic() + limit * SCALE
        self.text, self.seen = "", 0
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        Machine.current.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def read_some(self, deadline):
        """Takes what the console has to say; False at its end."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure("time is up")
        if select.select([self.process.stdout], [], [], left)[0]:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return False
            self.text += self.decoder.decode(data)
        return True

    def expect(self, pattern, timeout=30):
        """Waits for a pattern in what came after the last match; returns the match."""
        deadline = min(self.deadline, time.monotonic() + timeout * SCALE)
        regex = re.compile(pattern)
        while True:
            match = regex.search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            try:
                more = self.read_some(deadline)
            except Failure:
                raise Failure(f"no {pattern!r} within {timeout} s") from None
            if not more:
                raise Failure(f"the machine stopped before {pattern!r} came")

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def prompt(self, timeout=BOOT_TIME):
        """Waits for the shell to be ready for a line."""
        self.expect(PROMPT, timeout)

    def command(self, line, timeout=30):
        """Types a line, waits until it is done; returns (status, output).

        The mark is typed in two parts, so that the echo of the line is not taken for it.
        """
        self.send(line + '; echo "@@"done:$?:\r')
        self.expect(r'"@@"done:[^\r\n]*\r*\n', timeout)
        start = self.seen
        match = self.expect(r"@@done:(\d+):\r*\n", timeout)
        self.prompt(timeout)
        output = self.text[start:match.start()].replace("\r\n", "\n")
        return int(match[1]), output

    def wait_stop(self, timeout=30):
        """Waits until the machine has stopped; returns QEMU's exit status."""
        deadline = min(self.deadline, time.monotonic() + timeout * SCALE)
        try:
            while self.read_some(deadline):
                pass
        except Failure:
            raise Failure(f"the machine did not stop within {timeout} s") from None
        return self.process.wait(30 * SCALE)


class Monitor:
    """QEMU's monitor, of a machine that was started with Monitor.words()."""

    def __init__(self):
        deadline = time.monotonic() + 60 * SCALE
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60 * SCALE)
        while self.socket.connect_ex(self.path()):
            check(time.monotonic() < deadline, "QEMU opens no monitor")
            time.sleep(0.1)
        self.lines = self.socket.makefile()
        self.lines.readline()
        self.do("qmp_capabilities")

    @staticmethod
    def path():
        return os.path.join(scratch(), "qmp")

    @staticmethod
    def words():
        return ["-qmp", f"unix:{Monitor.path()},server=on,wait=off"]

    def do(self, command, **arguments):
        """What QEMU returns for a command of QMP; fails the test if it refuses."""
        text = json.dumps({"execute": command, "arguments": arguments})
        self.socket.sendall(text.encode() + b"\n")
        while True:
            answer = json.loads(self.lines.readline())
            if "event" not in answer:
                check("return" in answer, f"{command}: {answer}")
                return answer["return"]

    def human(self, line):
        """What QEMU answers to a command of its monitor for people."""
        return self.do("human-monitor-command", **{"command-line": line})


# --- the run door -----------------------------------------------------------------------------

class Result:
    """What a run gave: status, stdout and stderr (bytes), and the console log (text)."""

    def __init__(self, status, stdout, stderr, log):
        self.status, self.stdout, self.stderr, self.log = status, stdout, stderr, log

    @property
    def text(self):
        return self.stdout.decode(errors="replace")


# pylint: disable=too-many-arguments
def run(command, smp=2, mem="128M", append="", root="", extra="", disks=(), debug=False, dtb="",
        legacy=False, qemuflags="", timeout=90, status=None, image=""):
    """
    Runs a command in a machine through scripts/run; checks the status if one is given.  The root
    is image, or the usual one, and stays as it is; or root, which changes.
    """
    log = os.path.join(scratch(), "run.log")
    line = [os.path.join(SCRIPTS, "run"), "--kernel", kernel(debug), "--image",
            image or root_image(), "--smp", str(smp), "--mem", str(mem),
            f"--append={append}", "--log", log,
            f"--root={root}", f"--extra={extra}", f"--qemuflags={qemuflags}",
            "--timeout", str(timeout * SCALE), "--quiet"]
    for disk in disks:
        line += ["--disk", disk]
    line += ["--dtb", dtb] if dtb else []
    line += ["--legacy"] if legacy else []
    done = subprocess.run(line + ["--", command], cwd=TOP, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout * SCALE + 60)
    text = ""
    if os.path.exists(log):
        with open(log, encoding="utf-8", errors="replace") as file:
            text = file.read()
    result = Result(done.returncode, done.stdout, done.stderr, text)
    run.last = result
    if status is not None and done.returncode != status:
        raise Failure(f"{command!r}: wanted status {status}, found {done.returncode}\n"
                      f"{done.stderr.decode(errors='replace')[-2000:]}")
    return result


run.last = None


@contextlib.contextmanager
def building():
    """
    Holds the build folder for one test, beside which others run: what a test has made there is
    as it made it until the end of the block.  May be nested.
    """
    if building.depth == 0:
        # pylint: disable=consider-using-with
        building.file = open(os.path.join(OUT, ".tests-build"), "w", encoding="ascii")
        fcntl.flock(building.file, fcntl.LOCK_EX)
    building.depth += 1
    try:
        yield
    finally:
        building.depth -= 1
        if building.depth == 0:
            building.file.close()


building.depth, building.file = 0, None


@building()
def make(*words, timeout=300):
    """Calls make as a person would, not as a part of the make that runs the tests."""
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "XV39_CMD")}
    return subprocess.run(["make", "-s", MAKE_O, *words], cwd=TOP, env=env, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout * SCALE)


def begin_test():
    """Called by the runner before each test."""
    scratch.folder = tempfile.mkdtemp(prefix="xv39-test-")
    Machine.current, run.last = [], None


def end_test():
    """Called by the runner after each test: nothing a test started outlives it."""
    for machine in Machine.current:
        machine.close()
    shutil.rmtree(scratch.folder, ignore_errors=True)


def consoles():
    """The consoles of the machines of the test, for the report of a failure."""
    texts = [machine.text for machine in Machine.current]
    if run.last:
        texts.append(run.last.log)
    return texts
