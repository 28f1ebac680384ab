"""Line editing, job control and the editor, as a person at a terminal meets them."""
import os
import tempfile

import edittests
from vt import Failure, Terminal

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, DELETE = "\x1b[H", "\x1b[F", "\x1b[3~"
PROMPT = r"\$> "


class Session:
    """A shell on a terminal, in a folder of its own."""

    def __init__(self, command, work):
        self.command, self.work = command, work

    def env(self, **more):
        return {"PATH": "/usr/bin:/bin", "HOME": self.work, "TERM": "vt100", "PS1": "$> ",
                "LC_ALL": "C", "ASAN_OPTIONS": "detect_leaks=0", **more}

    def start(self, *args, columns=80, rows=24, ready=PROMPT, **env):
        terminal = Terminal(self.command + list(args), self.env(**env), rows, columns, self.work)
        if ready:
            terminal.expect(ready)
        return terminal


def finish(t, status=0):
    t.send("\x04")
    if t.wait() != status:
        raise Failure(f"ended with {t.status}, not {status}\noutput: {t.output[-1000:]!r}")


def check(condition, text):
    if not condition:
        raise Failure(text)


def test_echo_and_exit(s):
    t = s.start()
    t.send("echo hello\r")
    t.expect(r"echo hello\r\nhello\r\n" + PROMPT)
    t.send("exit 3\r")
    check(t.wait() == 3, "exit status")
    return t


def test_end_of_file(s):
    t = s.start()
    t.send("false\r")
    t.expect(PROMPT)
    finish(t, 1)
    return t


def test_cursor_keys(s):
    t = s.start()
    t.send("eco ab" + LEFT * 4 + "h" + END + "d" + LEFT + "c" + "\r")
    t.expect(r"\r\nabcd\r\n" + PROMPT)
    t.send("cho end" + HOME + "e" + "\x05" + "!" + "\x01" + RIGHT * 6 + "\x06" + "X\r")
    t.expect(r"\r\neXnd!\r\n|\r\nenXd!\r\n" + PROMPT)
    return t


def test_deleting(s):
    t = s.start()
    t.send("echo abcd\x7f\x7fx" + HOME + RIGHT * 5 + DELETE + "\r")
    t.expect(r"\r\nbx\r\n" + PROMPT)
    t.send("junk\x15echo one two three\x17\x17done\r")
    t.expect(r"\r\none done\r\n" + PROMPT)
    t.send("echo keep drop" + LEFT * 5 + "\x0b\x19\x19\r")
    t.expect(r"\r\nkeep drop drop\r\n" + PROMPT)
    t.send("echo xyz" + HOME + "\x04" * 8 + "echo gone\r")
    t.expect(r"\r\ngone\r\n" + PROMPT)
    return t


def test_history(s):
    t = s.start()
    for word in ("one", "two", "three"):
        t.send(f"echo {word}\r")
        t.expect(rf"\r\n{word}\r\n" + PROMPT)
    t.send(UP + UP + "x\r")
    t.expect(r"\r\ntwox\r\n" + PROMPT)
    t.send("echo dra" + UP + DOWN + "ft\r")
    t.expect(r"\r\ndraft\r\n" + PROMPT)
    t.send("\x10\x10\r")
    t.expect(r"\r\ntwox\r\n" + PROMPT)
    return t


def test_history_file(s):
    t = s.start()
    t.send("echo remember me\r")
    t.expect(r"\r\nremember me\r\n" + PROMPT)
    finish(t)
    t.close()
    t = s.start()
    t.send(UP + "\r")
    t.expect(r"\r\nremember me\r\n" + PROMPT)
    return t


def test_history_search(s):
    t = s.start()
    for word in ("apple", "banana", "cherry"):
        t.send(f"echo {word}\r")
        t.expect(rf"\r\n{word}\r\n" + PROMPT)
    t.send("\x12ban")
    t.expect_screen(lambda screen: "(search)`ban': echo banana" in screen.text(), "the match")
    t.send("\r")
    t.expect(r"\r\nbanana\r\n" + PROMPT)
    t.send("\x12echo\x12")
    t.expect_screen(lambda screen: "echo': echo cherry" in screen.text(), "an older match")
    t.send("\x03")
    t.expect(PROMPT)
    return t


def test_long_lines(s):
    t = s.start(columns=20)
    word = "".join(chr(ord("a") + i % 26) for i in range(50))
    t.send("echo " + word)
    t.expect_screen(lambda screen: screen.line(2) == word[32:], "three rows")
    t.send(HOME)
    t.expect_screen(lambda screen: (screen.row, screen.column) == (0, 3), "the cursor at the start")
    t.send("x" + DELETE)
    t.expect_screen(lambda screen: screen.line(0) == "$> xcho " + word[:12], "the change")
    t.send("\x7fe" + END + "\x171234567890123\r")
    t.expect_line("1234567890123")
    # The prompt and the text fill the row to the last column.
    t.send("echo " + "z" * 12)
    t.expect_screen(lambda screen: screen.column == 0, "the cursor on a row of its own")
    t.send("\x7fy\r")
    t.expect_line("z" * 11 + "y")
    return t


def test_long_line_in_history(s):
    t = s.start(columns=30)
    t.send("echo " + "q" * 60 + "\r")
    t.expect(r"q\r\n" + PROMPT)
    t.send("echo short" + UP)
    t.expect_screen(lambda screen: "$> echo " + "q" * 22 in screen.text(), "the long line")
    t.send(DOWN)
    t.expect_screen(lambda screen: screen.text().rstrip().endswith("\n$> echo short"),
                    "no remains of the long line")
    return t


def test_utf8(s):
    t = s.start()
    t.send("echo äöü€日x" + LEFT * 2 + "\x7f" + "é" + "\r")
    t.expect("\r\näöüé日x\r\n" + PROMPT)
    return t


def test_completion(s):
    for name in ("alpha.txt", "alpha.dat", "beta file"):
        with open(os.path.join(s.work, name), "w", encoding="ascii") as file:
            file.write(name + "\n")
    os.mkdir(os.path.join(s.work, "subfolder"))
    t = s.start()
    t.send("cat be\t\r")
    t.expect(r"\r\nbeta file\r\n" + PROMPT)
    t.send("cat al\tt\t\r")
    t.expect(r"\r\nalpha.txt\r\n" + PROMPT)
    t.send("cat al\t\t")
    t.expect_screen(lambda screen: "alpha.dat  alpha.txt" in screen.text(), "the choices")
    t.send("d\t\r")
    t.expect(r"\r\nalpha.dat\r\n" + PROMPT)
    t.send("cd sub\t; pw\t\r")
    t.expect(r"/subfolder\r\n" + PROMPT)
    t.send("cat ~/\"be\t | wc\t -l\r")
    t.expect(r"\r\n1\r\n" + PROMPT)
    return t


def test_interrupt_a_line(s):
    t = s.start()
    t.send("echo no\x03")
    t.expect(r"\^C\r\n" + PROMPT)
    t.send("echo $?\r")
    t.expect(r"\r\n130\r\n" + PROMPT)
    t.send("if true\r")
    t.expect("> ")
    t.send("\x03")
    t.expect(PROMPT)
    t.send("echo fine\r")
    t.expect(r"\r\nfine\r\n" + PROMPT)
    return t


def test_interrupt_a_command(s):
    t = s.start()
    t.send("echo go; sleep 100; echo not reached\r")
    t.expect(r"\r\ngo\r\n")
    foreground_wait(t)
    t.send("\x03")
    t.expect(PROMPT)
    t.send("echo $?\r")
    t.expect(r"\r\n130\r\n" + PROMPT)
    check("\r\nnot reached" not in t.output, "the list went on")
    return t


def test_interrupt_a_loop(s):
    t = s.start()
    t.send("echo go; while :; do :; done\r")
    t.expect(r"\r\ngo\r\n")
    t.send("\x03")
    t.expect(PROMPT)
    t.send("echo alive\r")
    t.expect(r"\r\nalive\r\n" + PROMPT)
    return t


def test_continued_line(s):
    t = s.start()
    t.send("echo 'a\r")
    t.expect("> ")
    t.send("b'\r")
    t.expect(r"\r\na\r\nb\r\n" + PROMPT)
    t.send("cat <<END\r")
    t.expect("> ")
    t.send("text\r")
    t.expect("> ")
    t.send("END\r")
    t.expect(r"\r\ntext\r\n" + PROMPT)
    return t


def test_syntax_error(s):
    t = s.start()
    t.send("echo )\r")
    t.expect(r"syntax error.*" + PROMPT)
    t.send("echo $?\r")
    t.expect(r"\r\n2\r\n" + PROMPT)
    t.send("echo ${x?gone}; echo no\r")
    t.expect("gone\r\n" + PROMPT)
    return t


def test_stop_and_continue(s):
    t = s.start()
    t.send("sleep 100\r")
    t.expect(r"sleep 100\r\n")
    foreground_wait(t)
    t.send("\x1a")
    t.expect(r"\[1\]\+  Stopped +sleep 100\r\n" + PROMPT)
    t.send("jobs\r")
    t.expect(r"\[1\]\+  Stopped +sleep 100\r\n" + PROMPT)
    t.send("bg\r")
    t.expect(r"\[1\] sleep 100 &\r\n" + PROMPT)
    t.send("jobs\r")
    t.expect(r"\[1\]\+  Running +sleep 100 &\r\n" + PROMPT)
    t.send("fg\r")
    t.expect(r"\r\nsleep 100\r\n")
    foreground_wait(t)
    t.send("\x03")
    t.expect(PROMPT)
    t.send("jobs; echo none\r")
    t.expect(r"none\r\nnone\r\n" + PROMPT)
    return t


def foreground_wait(t):
    """Wait until the terminal belongs to another process group than the shell's."""
    t.until(lambda: os.tcgetpgrp(t.fd) != t.pid, "a job in the foreground")


def test_stopped_pipeline(s):
    t = s.start()
    t.send("cat | cat\r")
    foreground_wait(t)
    t.send("hello\r")
    t.expect(r"hello\r\nhello\r\n")
    t.send("\x1a")
    t.expect("Stopped.*" + PROMPT)
    t.send("fg %cat\r")
    t.expect(r"cat \| cat\r\n")
    foreground_wait(t)
    t.send("again\r")
    t.expect(r"again\r\nagain\r\n")
    t.send("\x04")
    t.expect(PROMPT)
    check(os.tcgetpgrp(t.fd) == t.pid, "the terminal did not come back")
    return t


def test_background(s):
    t = s.start()
    t.send("mkfifo g; sh -c 'read x < g; exit 3' &\r")
    t.expect(r"\[1\] \d+\r\n" + PROMPT)
    t.send("echo > g; wait $!; echo status $?\r")
    t.expect(r"status 3\r\n" + PROMPT)
    t.send("mkfifo f; cat f &\r")
    t.expect(r"\[1\] \d+\r\n" + PROMPT)
    t.send("echo x > f; while kill -0 $! 2> /dev/null; do jobs > jobs.out; done\r")
    t.expect(PROMPT)
    t.send("sleep 100 & kill %1; wait\r")
    t.expect(PROMPT)
    t.send("jobs; echo empty\r")
    t.expect(r"empty\r\n" + PROMPT)
    return t


def test_background_reader_stops(s):
    t = s.start()
    t.send("cat &\r")
    # It may have stopped before the prompt, and then the shell says so first.
    t.expect(r"\[1\] \d+\r\n(\[1\]\+  Stopped +cat\r\n)?" + PROMPT)
    t.send("while jobs > out; grep -q Running out; do :; done; cat out\r")
    t.expect(r"\[1\]\+  Stopped +cat")
    t.send("kill %1; wait\r")
    t.expect(PROMPT)
    return t


def test_exit_with_stopped_jobs(s):
    t = s.start()
    t.send("sleep 100\r")
    foreground_wait(t)
    t.send("\x1a")
    t.expect("Stopped.*" + PROMPT)
    t.send("exit\r")
    t.expect("There are stopped jobs.*" + PROMPT)
    t.send("kill -9 %1; wait %1\r")
    t.expect(PROMPT)
    t.send("exit 5\r")
    check(t.wait() == 5, "exit status")
    return t


def test_modes_come_back(s):
    t = s.start()
    t.send("sh -c 'stty -echo -icanon; kill -9 $$'\r")
    t.expect(PROMPT)
    t.send("stty -a | grep -c ' echo '\r")
    t.expect(r"\r\n1\r\n" + PROMPT)
    return t


def test_type_ahead(s):
    t = s.start()
    t.send("read x\rfor read\recho got $x\r")
    t.expect(r"\r\ngot for read\r\n" + PROMPT)
    return t


def test_dumb_terminal(s):
    t = s.start(TERM="dumb")
    t.send("echo pla\x7fain\r")
    t.expect(r"\r\nplain\r\n" + PROMPT)
    check("\x1b" not in t.output, "an escape sequence on a dumb terminal")
    t.send("\x03")
    t.expect(PROMPT)
    finish(t, 130)
    return t


def test_default_prompt(s):
    env = s.env()
    del env["PS1"]
    t = Terminal(s.command, env, cwd=s.work)
    t.expect(r"/[^ ]*[#$] ")
    check(t.output.endswith(("# ", "$ ")), repr(t.output))
    t.send("cd /; PS1='[$PWD] '\r")
    t.expect(r"\[/\] ")
    return t


def test_login_shell(s):
    with open(os.path.join(s.work, ".profile"), "w", encoding="ascii") as file:
        file.write("PS1='login> '\n")
    t = Terminal(s.command + ["-l"], s.env(), cwd=s.work)
    t.expect("login> ")
    return t


def test_colours_in_the_prompt(s):
    t = s.start(PS1="\x1b[1;32m$>\x1b[m ", ready=r"\$>\x1b\[m ", columns=20)
    t.send("echo " + "w" * 20 + HOME)
    t.expect_screen(lambda screen: (screen.row, screen.column) == (0, 3), "the cursor in place")
    return t


def test_trap_in_an_interactive_shell(s):
    t = s.start()
    t.send("trap 'echo caught' INT\r")
    t.expect(PROMPT)
    t.send("kill -INT $$\r")
    t.expect(r"\r\ncaught\r\n" + PROMPT)
    return t


def test_clear_screen(s):
    t = s.start()
    t.send("echo abc\r")
    t.expect(r"\r\nabc\r\n" + PROMPT)
    t.send("echo x\x0c")
    t.expect_screen(lambda screen: screen.text().strip() == "$> echo x", "a clear screen")
    return t


QUICK = {"echo_and_exit", "cursor_keys", "history", "interrupt_a_command", "stop_and_continue",
         "long_lines", "completion", "type_ahead"}


def run(name, folder, emulated, only, count):
    """Run all tests under one build; under emulation only those that cover the most."""
    prefix = ["/usr/bin/qemu-riscv64", "-0", "sh"] if emulated else []
    tests = {key[5:]: value for key, value in globals().items() if key.startswith("test_")}
    before = count.passed + count.failed, count.failed
    for key, test in tests.items():
        if only in key and (not emulated or key in QUICK):
            one_run(f"terminal: {key} [{name}]", test, prefix + [os.path.join(folder, "sh")], count)
    for key, test in edittests.tests().items():
        if only in key and (not emulated or key in edittests.QUICK):
            one_run(f"edit: {key} [{name}]", test, prefix + [os.path.join(folder, "edit")], count)
    print(f"terminal and edit [{name}]: {count.passed + count.failed - before[0]} tests, "
          f"{count.failed - before[1]} failed", flush=True)


def one_run(name, test, command, count):
    with tempfile.TemporaryDirectory(prefix="xv39-pty-") as work:
        terminal = None
        try:
            terminal = test(Session(command, os.path.realpath(work)))
            problem = None
            if "Sanitizer" in terminal.output or "runtime error" in terminal.output:
                problem = terminal.output[:1500]
        except Failure as failure:
            problem = str(failure)
        finally:
            if terminal:
                terminal.close()
        count.add(name, problem)
