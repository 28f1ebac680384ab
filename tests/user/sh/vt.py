"""A program on a pseudo-terminal, and the picture that a terminal would make of its output."""
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

# For what happens at once; less than the "sleep 100" that some tests interrupt.
TIMEOUT = 60


class Screen:
    """As much of a VT100 as the shell and the editor use."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.clear()
        self.pending = ""

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.rows)]
        self.row = self.column = 0

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def line(self, number):
        return "".join(self.cells[number]).rstrip()

    def feed(self, data):
        data, self.pending = self.pending + data, ""
        while data:
            match = re.match(r"\x1b(\[\??([0-9;]*)([A-Za-z])|[78])", data)
            if match:
                if match.group(3):
                    self.sequence(match.group(2), match.group(3))
                data = data[match.end():]
            elif data[0] == "\x1b" and len(data) < 12:
                self.pending = data
                return
            else:
                self.char(data[0])
                data = data[1:]

    def char(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.down()
        elif c == "\b":
            self.column = max(0, self.column - 1)
        elif c >= " ":
            width = 2 if unicodedata.east_asian_width(c) in "WF" else 1
            if self.column + width > self.columns:
                self.column = 0
                self.down()
            self.cells[self.row][self.column] = c
            if width == 2:
                self.cells[self.row][self.column + 1] = ""
            self.column += width

    def down(self):
        if self.row + 1 < self.rows:
            self.row += 1
        else:
            self.cells = self.cells[1:] + [[" "] * self.columns]

    def sequence(self, arguments, letter):
        numbers = [int(n) if n else 0 for n in arguments.split(";")]
        count = max(1, numbers[0])
        column = min(self.column, self.columns - 1)
        if letter == "A":
            self.row = max(0, self.row - count)
        elif letter == "B":
            self.row = min(self.rows - 1, self.row + count)
        elif letter == "C":
            self.column = min(self.columns - 1, column + count)
        elif letter == "D":
            self.column = max(0, column - count)
        elif letter == "H":
            self.row = min(self.rows, count) - 1
            self.column = min(self.columns, max(1, (numbers + [1])[1])) - 1
        elif letter == "K":
            self.cells[self.row][column:] = [" "] * (self.columns - column)
        elif letter == "J":
            if numbers[0] == 2:
                self.cells = [[" "] * self.columns for _ in range(self.rows)]
            else:
                self.cells[self.row][column:] = [" "] * (self.columns - column)
                for row in range(self.row + 1, self.rows):
                    self.cells[row] = [" "] * self.columns


class Failure(Exception):
    pass


class Terminal:
    """A child with a pseudo-terminal of its own."""

    def __init__(self, argv, env=None, rows=24, columns=80, cwd=None, answer_size=None):
        self.output = ""
        self.at = 0             # where expect() goes on
        self.screen = Screen(rows, columns)
        self.answer_size = answer_size
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            size = (0, 0) if answer_size else (rows, columns)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
            if cwd:
                os.chdir(cwd)
            # Whoever runs the tests in the background has these ignored; a login has not.
            for number in (signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)
            try:
                os.execve(argv[0], argv, env or {})
            finally:
                os._exit(127)

    def pump(self, wait):
        """Take in what there is; False at the end of the output."""
        if not select.select([self.fd], [], [], wait)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            return False
        text = data.decode(errors="replace")
        self.output += text
        self.screen.feed(text)
        if self.answer_size and "\x1b[6n" in text:
            os.write(self.fd, b"\x1b[%d;%dR" % self.answer_size)
        return True

    def until(self, condition, what):
        """Wait until condition() holds; there is no other kind of waiting here."""
        end = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > end:
                raise Failure(f"waited in vain for {what}\noutput: {self.output[-1500:]!r}\n"
                              f"screen:\n{self.screen.text().rstrip()}")
            if not self.pump(0.1) and not condition():
                raise Failure(f"ended instead of {what}\noutput: {self.output[-1500:]!r}")

    def expect(self, pattern):
        """Wait for a regular expression in the output that was not matched before."""
        found = []

        def look():
            found[:] = [re.search(pattern, self.output[self.at:], re.S)]
            return found[0] is not None
        self.until(look, repr(pattern))
        self.at += found[0].end()
        return found[0]

    def expect_line(self, text):
        """Wait until some row of the screen is exactly `text`."""
        self.until(lambda: text in self.screen.text().split("\n"), f"the row {text!r}")

    def expect_screen(self, condition, what):
        self.until(lambda: condition(self.screen), what)

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait(self):
        """The status of the child, as a shell counts."""
        end = time.monotonic() + TIMEOUT
        while not self.reap(os.WNOHANG):
            if time.monotonic() > end:
                raise Failure(f"did not end\noutput: {self.output[-1500:]!r}")
            self.pump(0.05)
        return self.status

    def reap(self, flags):
        if self.status is None:
            pid, status = os.waitpid(self.pid, flags)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def close(self):
        if not self.reap(os.WNOHANG):
            os.kill(self.pid, signal.SIGKILL)
            self.reap(0)
        os.close(self.fd)
