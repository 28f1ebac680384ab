"""`make run`: the command's output and status, and nothing else."""
import hashlib
import os

from lib import (ROOTS, cases, check, copy_of_root, debugfs, equal, fsck, host, make, root_image,
                 run, tree_of)


@cases(*({"status": n} for n in (0, 1, 3, 42, 127, 255)))
def test_status(status):
    run(f"exit {status}", status=status)


def test_make_status():
    """The status comes through make, too."""
    done = make("run", "CMD=echo out; echo err >&2; exit 3", "SMP=2")
    equal((done.returncode, done.stdout), (3, b"out\nerr\n"), "make run")
    done = make("run", "CMD=true")
    equal((done.returncode, done.stdout), (0, b""), "make run CMD=true")


def test_signal_status():
    """A command that a signal killed has the shell's status for it."""
    run("kill -9 $$", status=128 + 9)


def test_output_is_exact():
    """Every byte value, no carriage returns added, a last line without an end."""
    command = (r"i=0; while [ $i -lt 256 ]; do "
               r"printf \\$((i/64))$((i/8%8))$((i%8)); i=$((i+1)); done")
    equal(run(command, status=0).stdout, bytes(range(256)), "bytes")
    equal(run("printf 'a\\nb\\r\\nc'", status=0).stdout, b"a\nb\r\nc", "line ends")
    equal(run("true", status=0).stdout, b"", "no output")
    equal(run("echo", status=0).stdout, b"\n", "an empty line")


def test_command_is_exact():
    """Quotes, dollars, percent signs, line breaks and other bytes reach the shell."""
    command = "x='a  b%41\"'\necho \"$x\" '$HOME' \\\\ # not this\nprintf %s\\\\n \u00e4;"
    equal(run(command, status=0).stdout.decode(), "a  b%41\" $HOME \\\n\u00e4\n", "output")
    done = make("run", "CMD=echo '$HOME' \"a b\" $((1+1)) `echo x` 100%")
    equal((done.returncode, done.stdout), (0, b"$HOME a b 2 x 100%\n"), "through make")


def test_input_is_empty():
    """Nobody types: a command that reads its input ends at once."""
    equal(run("cat; read x; echo $? [$x]; [ -t 0 ] || echo no terminal", timeout=40,
              status=0).text, "1 []\nno terminal\n", "output")


def test_markers_in_output():
    """Output that looks like the end is output."""
    text = "@@xv39-run-@@ @@xv39-run-end @@ @"
    equal(run(f"printf '%s' '{text}'", status=0).text, text, "output")


def test_much_output():
    """A console that sends as fast as it can loses nothing."""
    result = run("i=0; while [ $i -lt 4000 ]; do echo line $i of many; i=$((i+1)); done",
                 timeout=120, status=0)
    equal(result.text, "".join(f"line {i} of many\n" for i in range(4000)), "lines")


def test_log_has_the_boot():
    result = run("echo only this", status=0)
    equal(result.text, "only this\n", "output")
    check("OpenSBI" in result.log and "only this" in result.log, "the log is the whole console")


def test_background_is_ended():
    """The end of the command is the end, even if it left processes behind."""
    equal(run("sleep 1000 & echo started", status=0, timeout=60).text, "started\n", "output")


def test_panic():
    """A panic is 126, with the console shown."""
    result = run("echo before; echo c > /proc/sysrq-trigger; sleep 100", timeout=60)
    equal(result.status, 126, "status")
    check(b"panic" in result.stderr.lower(), "the console is not shown")
    check(result.stdout.startswith(b"before\n"), "output before the panic")


def test_hang():
    """A command that does not end is 124, with the console shown."""
    result = run("echo before; while true; do :; done", timeout=5)
    equal(result.status, 124, "status")
    equal(result.stdout, b"before\n", "output")
    check(b"OpenSBI" in result.stderr, "the console is not shown")


def test_extra():
    """EXTRA adds files, folders, links and modes, and they are root's."""
    tree = tree_of({"opt/a b/hello": "hello\n", "bin/tool": "#!/bin/sh\necho tool $*\n",
                    "etc/motd": "new\n"})
    os.chmod(os.path.join(tree, "bin/tool"), 0o755)
    os.symlink("a b/hello", os.path.join(tree, "opt/link"))
    before = digest(root_image())
    result = run("cat /opt/link /etc/motd; tool 1 2; ls -ln '/opt/a b/hello'", extra=tree, status=0)
    lines = result.text.splitlines()
    equal(lines[:3], ["hello", "new", "tool 1 2"], "files")
    equal(lines[3].split()[2:4], ["0", "0"], "owner")
    equal(digest(root_image()), before, "the pristine image")


def test_extra_is_big():
    """The image grows for a big tree."""
    tree = tree_of({"big": b"\xa5" * (100 << 20)})
    equal(run("wc -c < /big", extra=tree, status=0).text.split(), [str(100 << 20)], "size")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


@cases(*ROOTS)
def test_root_stays(journal):
    """ROOT is used in place: what a run wrote, the next one finds; the image is clean."""
    image = copy_of_root(journal=journal)
    run("echo kept > /root/file; mkdir -p /a/b; ln -s x /a/b/l; rm /etc/motd", root=image, status=0)
    fsck(image)
    equal(debugfs(image, "cat /root/file").splitlines()[-1], "kept", "the file")
    result = run("cat /root/file; readlink /a/b/l; test -e /etc/motd || echo gone", root=image)
    equal(result.text, "kept\nx\ngone\n", "second run")
    fsck(image)


def test_root_and_extra():
    """EXTRA with ROOT goes into that very image."""
    image = copy_of_root()
    tree = tree_of({"new/deep/file": "x\n", "etc/motd": "other\n"})
    os.symlink("deep/file", os.path.join(tree, "new/link"))
    equal(run("cat /new/link /etc/motd", root=image, extra=tree, status=0).text, "x\nother\n",
          "files")
    fsck(image)
    equal(debugfs(image, "cat /etc/motd").splitlines()[-1], "other", "the image")


def test_pristine():
    """Without ROOT each run starts from the same image."""
    before = digest(root_image())
    run("echo x > /root/changed; sync", status=0)
    equal(digest(root_image()), before, "the image")
    equal(run("test -e /root/changed", timeout=60).status, 1, "the next run")


def test_image_is_right():
    """The root image belongs to root, with the modes that a system has."""
    fsck(root_image())
    listing = debugfs(root_image(), "ls -l /")
    modes = {line.split()[-1]: line.split()[1:5] for line in listing.splitlines()
             if len(line.split()) > 6}
    for name, mode in (("tmp", "41777"), ("bin", "40755"), ("root", "40700"), (".", "40755")):
        equal(modes[name][0], mode, f"mode of {name}")
        equal(modes[name][2:], ["0", "0"], f"owner of {name}")
    features = host(["dumpe2fs", "-h", root_image()])
    check("Block size:               4096" in features, "block size")
    check("Inode size:	          256" in features, "inode size")


def test_qemuflags():
    """QEMUFLAGS come last, so they win."""
    result = run("grep -c ^processor /proc/cpuinfo", smp=1, qemuflags="-smp 3", status=0)
    equal(result.text, "3\n", "processors")


def test_append():
    equal(run("grep -c 'some.word=x' /proc/cmdline", append="some.word=x", status=0).text, "1\n",
          "the word in /proc/cmdline")


def test_long_command():
    """A command of 28,000 bytes, most of which need encoding."""
    text = run("echo " + "'\"$%&()'" * 3500 + " | wc -c", status=0).text
    equal(text.strip(), str(3500 * len('"$%&()') + 1), "bytes")
