"""A person at the terminal: editing, job control, and what the keys do."""
import re
import time

from lib import SCALE, Machine, check, equal

CTRL_C, CTRL_D, CTRL_U, CTRL_W, CTRL_Z, BACKSPACE, RETURN = \
    "\x03", "\x04", "\x15", "\x17", "\x1a", "\x7f", "\r"


def booted(**options):
    machine = Machine(**options)
    machine.prompt()
    return machine


def start(machine, command):
    """Starts a program in the foreground and waits until it has the terminal."""
    machine.send(f'sh -c "echo rea""dy; exec {command}"' + RETURN)
    machine.expect(r"(?<![^\r\n])ready\r*\n")


def expect_output(machine, text):
    """Waits for a line that is exactly this text."""
    machine.expect(r"(?<![^\r\n])" + re.escape(text) + r"\r*\n")
    machine.prompt()


def test_backspace_in_shell():
    with booted() as machine:
        machine.send("echo abcx" + BACKSPACE + "d" + RETURN)
        expect_output(machine, "abcd")


def test_kill_line_in_shell():
    with booted() as machine:
        machine.send("rubbish that is not run" + CTRL_U + "echo fresh" + RETURN)
        expect_output(machine, "fresh")


def test_history_in_shell():
    with booted() as machine:
        machine.command("echo first one")
        machine.send("\x1b[A")
        machine.expect("first one")
        machine.send(RETURN)
        machine.prompt()


def test_canonical_mode():
    """The terminal's own editing, as `cat` sees it: a line at a time, edited by the kernel."""
    with booted() as machine:
        start(machine, "cat")
        machine.send("wrong" + CTRL_U + "one twox" + BACKSPACE + " gone" + CTRL_W + "three" +
                     RETURN)
        # Once as the echo of the keys, once as what cat writes.
        machine.expect(r"\none two three\r*\n")
        machine.send(CTRL_D)
        machine.prompt()
        equal(machine.command("echo $?")[1], "0\n", "status of cat")


def test_end_of_file_in_mid_line():
    """ctrl-D after text hands the text over; a second one is the end."""
    with booted() as machine:
        start(machine, "wc -c")
        machine.send("abc" + CTRL_D + CTRL_D)
        machine.expect(r"abc\s*3\r*\n")
        machine.prompt()


def test_interrupt():
    """ctrl-C ends a program, at once, and the shell goes on."""
    with booted() as machine:
        start(machine, "sleep 100")
        machine.send(CTRL_C)
        machine.prompt(5)
        equal(machine.command("echo $?")[1].strip(), "130", "status after ctrl-C")


def test_interrupt_of_a_loop():
    with booted() as machine:
        machine.send("echo rea''dy; while true; do :; done" + RETURN)
        machine.expect(r"(?<![^\r\n])ready\r*\n")
        machine.send(CTRL_C)
        machine.prompt(10)
        equal(machine.command("echo alive"), (0, "alive\n"), "the shell")


def test_interrupt_of_a_pipeline():
    with booted() as machine:
        machine.send("sleep 100 | cat | sh -c 'echo rea''dy >&2; exec sleep 100'" + RETURN)
        machine.expect(r"(?<![^\r\n])ready\r*\n")
        machine.send(CTRL_C)
        machine.prompt(5)
        _, output = machine.command("ps")
        check("sleep" not in output, "a part of the pipeline is left")


def test_interrupt_drops_the_line():
    with booted() as machine:
        machine.send("echo not run" + CTRL_C)
        machine.prompt(5)
        equal(machine.command("echo next"), (0, "next\n"), "the next line")


def test_stop_and_continue():
    """ctrl-Z stops a job, jobs shows it, bg and fg go on with it."""
    with booted() as machine:
        start(machine, "sleep 100")
        machine.send(CTRL_Z)
        machine.prompt(5)
        _, output = machine.command("jobs")
        check(re.search(r"(?i)stopped.*sleep 100", output), f"jobs says {output!r}")
        machine.command("bg")
        _, output = machine.command("jobs")
        check(re.search(r"(?i)running.*sleep 100", output), f"jobs says {output!r}")
        machine.send("fg" + RETURN)
        machine.expect(r"fg\r*\n[^\r\n]*sleep 100[^\r\n]*\r*\n")
        machine.send(CTRL_C)
        machine.prompt(5)
        _, output = machine.command("jobs")
        check("sleep" not in output, f"jobs says {output!r}")


def test_background_job_may_not_read():
    """A background job that reads the terminal is stopped."""
    with booted() as machine:
        machine.command("cat & true")
        deadline = time.monotonic() + 20 * SCALE
        while time.monotonic() < deadline:
            _, output = machine.command("jobs")
            if re.search(r"(?i)stopped", output):
                return
        check(False, f"jobs says {output!r}")


def test_end_of_the_shell():
    """ctrl-D at the prompt logs out, and init starts a new shell."""
    with booted() as machine:
        machine.command("x=old")
        machine.send(CTRL_D)
        machine.prompt()
        equal(machine.command("echo [$x]"), (0, "[]\n"), "a fresh shell")


def test_long_line():
    """A line of 4,000 characters arrives whole."""
    text = "0123456789" * 400
    with booted() as machine:
        machine.send("sh -c 'echo rea''dy; exec cat >/tmp/line'" + RETURN)
        machine.expect(r"(?<![^\r\n])ready\r*\n")
        machine.send(text + RETURN)
        machine.expect("0123456789[\r\n]", 60)
        machine.send(CTRL_D)
        machine.prompt()
        equal(machine.command("wc -c < /tmp/line")[1].split(), ["4001"], "bytes")


def test_type_ahead():
    """What is typed while a program runs is there for the shell."""
    with booted() as machine:
        machine.send("sleep 1" + RETURN)
        machine.expect(r"sleep 1\r*\n")
        machine.send("echo typed ahead" + RETURN)
        expect_output(machine, "typed ahead")


def test_window_and_modes():
    """stty's view of the terminal, where the tool is there."""
    with booted() as machine:
        status, output = machine.command("test -c /dev/tty && echo yes")
        equal((status, output), (0, "yes\n"), "/dev/tty")


def test_editor():
    """The full-screen editor changes a file."""
    with booted() as machine:
        machine.command("echo second > /tmp/text")
        machine.send("edit /tmp/text" + RETURN)
        machine.expect("second")
        machine.send("first" + RETURN + "\x13")
        machine.expect("(?i)wrote|saved|written|lines|bytes")
        machine.send("\x18")
        machine.prompt()
        equal(machine.command("cat /tmp/text"), (0, "first\nsecond\n"), "the file")


def test_dmesg():
    """The kernel's messages are kept."""
    with booted() as machine:
        status, output = machine.command("dmesg | head -n 5 | wc -l")
        equal((status, output.strip()), (0, "5"), "dmesg")
