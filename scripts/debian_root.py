"""Debian's root, started on the Linux judge and on xv39, with files of ours in its /compat."""
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = re.compile(r"^== (\S+)\n(.*?)^== exit (\d+)\n", re.M | re.S)


def image_make(args, folder, *sources):
    """A copy of the root args.image with the files, and what is in the folders, in /compat."""
    image, compat = os.path.join(folder, "root.img"), os.path.join(folder, "tree", "compat")
    os.makedirs(compat)
    for source in sources:
        if os.path.isdir(source):
            shutil.copytree(source, compat, dirs_exist_ok=True)
        else:
            shutil.copy(source, compat)
    subprocess.run(["cp", "--sparse=always", args.image, image], check=True)
    subprocess.run([os.path.join(HERE, "image"), "add", "--output", image, "--extra",
                    os.path.dirname(compat)], check=True)
    return image


def on_linux(args, image, names, options=(), limit=600):
    """Runs /compat/NAME.sh for each name: {name: (output, status)}.

    options: for linux-judge. limit: seconds for each in the machine, 0 without end.
    """
    copy = image + ".linux"
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)
    busybox = os.path.join(os.path.dirname(image), "busybox")
    subprocess.run(["debugfs", "-R", f"dump /usr/bin/busybox {busybox}", image], check=True,
                   stderr=subprocess.DEVNULL)
    os.chmod(busybox, 0o755)
    line = [os.path.join(HERE, "linux-judge"), "--dir", args.linux, "--mem", "1G",
            "--timeout", str(args.timeout), "--disk", copy, "--add", busybox, *options]
    # A second command in any case: with one alone the judge prints no marks.
    for name in names + ["nothing"]:
        line += ["--", "/bin/busybox", "chroot", "/mnt", "/bin/sh", "/compat/enter", name,
                 str(limit)]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          errors="replace", check=False)
    # The name is the last word but one of the judge's command.
    text = re.sub(r"^== /bin/busybox .* (\S+) \d+$", r"== \1", done.stdout, flags=re.M)
    return {name: (output, int(status)) for name, output, status in RUN.findall(text)}


def on_xv39(args, image, names, smp, options=(), limit=600):
    """The same on xv39, with options of run."""
    script = "; ".join(f"echo == {name}; sh /compat/enter {name} {limit}; echo == exit $?"
                       for name in names)
    line = [os.path.join(HERE, "run"), "--kernel", args.kernel, "--root", "", "--image", image,
            "--smp", str(smp), "--mem", "1G", "--timeout", str(args.timeout), "--quiet",
            "--log", os.path.join(os.path.dirname(args.image), f"run-{smp}.log"), *options,
            "--", script]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          errors="replace", check=False)
    return {name: (output, int(status)) for name, output, status in RUN.findall(done.stdout)}
