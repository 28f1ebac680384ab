"""The full-screen editor on a pseudo-terminal."""
import os
import stat

from vt import Failure, Terminal

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, DELETE = "\x1b[H", "\x1b[F", "\x1b[3~"
PAGE_UP, PAGE_DOWN = "\x1b[5~", "\x1b[6~"
SAVE, SAVE_AS, QUIT, FIND, NEXT, LINE = "\x13", "\x0f", "\x18", "\x17", "\x0e", "\x14"
CUT, PASTE, UNDO, REDO = "\x0b", "\x15", "\x1a", "\x19"


def path(s, name="file"):
    return os.path.join(s.work, name)


def write(s, text, name="file"):
    with open(path(s, name), "wb") as file:
        file.write(text.encode())


def read(s, name="file"):
    with open(path(s, name), "rb") as file:
        return file.read().decode()


def start(s, *args, **more):
    env = {"TERM": "vt100", "PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0"}
    t = Terminal(s.command + list(args), env, cwd=s.work, **more)
    t.expect_screen(lambda screen: "^S Save" in screen.text(), "the help line")
    return t


def expect(condition, text):
    if not condition:
        raise Failure(text)


def saved(t):
    t.send(SAVE)
    t.expect("saved")


def leave(t):
    t.send(QUIT)
    expect(t.wait() == 0, f"status {t.status}")


def type_and_save(s):
    t = start(s, "file")
    t.send("first line\rsecond\r\tthird")
    saved(t)
    leave(t)
    expect(read(s) == "first line\nsecond\n\tthird\n", repr(read(s)))
    return t


def keep_a_file_as_it_is(s):
    text = "a\n\n\tb  \nlast without äöü\n"
    write(s, text)
    t = start(s, "file")
    t.send("x\x7f")
    saved(t)
    leave(t)
    expect(read(s) == text, repr(read(s)))
    return t


def insert_and_delete(s):
    write(s, "abc\ndef\nghi\n")
    t = start(s, "file")
    t.send(END + DELETE + DOWN + HOME + "\x7f" + "X" + RIGHT + DELETE)
    saved(t)
    expect(read(s) == "abcdefXgi\n", repr(read(s)))
    leave(t)
    return t


def save_under_another_name(s):
    write(s, "text\n")
    t = start(s, "file")
    t.send("new " + SAVE_AS)
    t.expect("Save as: ")
    t.send("\x15other\r")
    t.expect("other saved")
    leave(t)
    expect(read(s) == "text\n" and read(s, "other") == "new text\n", "contents")
    return t


def name_a_new_text(s):
    t = start(s)
    t.send("words" + SAVE)
    t.expect("Save as: ")
    t.send("fresh\r")
    t.expect("saved")
    leave(t)
    expect(read(s, "fresh") == "words\n", "contents")
    return t


def warn_before_losing_changes(s):
    write(s, "text\n")
    t = start(s, "file")
    t.send("x" + QUIT)
    t.expect("Save the changes")
    t.send("\x03")
    t.expect("line 1 of 2")
    t.send(QUIT)
    t.expect("Save the changes")
    t.send("n")
    expect(t.wait() == 0, "status")
    expect(read(s) == "text\n", "the file was changed")
    return t


def save_when_leaving(s):
    write(s, "text\n")
    t = start(s, "file")
    t.send("x" + QUIT)
    t.expect("Save the changes")
    t.send("y")
    expect(t.wait() == 0, "status")
    expect(read(s) == "xtext\n", "the file was not saved")
    return t


def search(s):
    write(s, "one two\nthree two\nfour\n")
    t = start(s, "file")
    t.send(FIND)
    t.expect("Search: ")
    t.send("two\r")
    t.expect("line 1 of 4, column 5")
    t.send(NEXT)
    t.expect("line 2 of 4, column 7")
    t.send(NEXT)
    t.expect("line 1 of 4, column 5")
    t.send(FIND + "\x15nothing\r")
    t.expect("Not found: nothing")
    return t


def go_to_line(s):
    write(s, "".join(f"line {i}\n" for i in range(1, 501)))
    t = start(s, "file")
    t.send(LINE + "321\r")
    t.expect("line 321 of 501")
    t.expect_screen(lambda screen: screen.line(screen.row) == "line 321", "the line")
    t.send(LINE + "9999\r")
    t.expect("line 501 of 501")
    return t


def pages(s):
    write(s, "".join(f"line {i}\n" for i in range(1, 101)))
    t = start(s, "file", rows=12)
    t.send(PAGE_DOWN + PAGE_DOWN)
    t.expect("line 19 of 101")
    t.expect_screen(lambda screen: screen.line(screen.row) == "line 19", "the line")
    t.send(PAGE_UP)
    t.expect("line 10 of 101")
    t.send(UP * 20)
    t.expect_screen(lambda screen: screen.row == 0 and screen.line(0) == "line 1", "the top")
    t.send(DOWN * 10)
    t.expect_screen(lambda screen: screen.line(9) == "line 11", "one row scrolled")
    return t


def undo_and_redo(s):
    write(s, "abc\n")
    t = start(s, "file")
    t.send("hello " + END + "\rnext" + UP + HOME + CUT)
    t.expect_screen(lambda screen: screen.line(0) == "next", "the line cut")
    t.send(UNDO)
    t.expect_screen(lambda screen: screen.line(0) == "hello abc", "the line back")
    t.send(UNDO * 3)
    t.expect_screen(lambda screen: screen.line(0) == "abc" and screen.line(1) == "", "the start")
    t.send(UNDO)
    t.expect("Nothing to undo")
    t.send(REDO * 4 + SAVE)
    t.expect("saved")
    expect(read(s) == "next\n", repr(read(s)))
    leave(t)
    return t


def undone_to_the_saved_text(s):
    write(s, "abc\n")
    t = start(s, "file")
    t.send("x")
    t.expect(r"file \*")
    t.send(UNDO)
    t.expect_screen(lambda screen: "file  line" in screen.text(), "an unmodified text")
    leave(t)
    return t


def cut_and_paste(s):
    write(s, "1\n2\n3\n4\n")
    t = start(s, "file")
    t.send(CUT + CUT + DOWN + PASTE + PASTE)
    saved(t)
    expect(read(s) == "3\n1\n2\n1\n2\n4\n", repr(read(s)))
    leave(t)
    return t


def long_lines(s):
    write(s, "x" * 70 + "0123456789abcdefghij\nshort\n")
    t = start(s, "file", columns=40)
    t.expect_screen(lambda screen: screen.line(0) == "x" * 39 + ">", "the cut line")
    t.send(END)
    t.expect("column 91")
    t.expect_screen(lambda screen: screen.line(0).endswith("ghij"), "the end of the line")
    t.send("END" + HOME)
    t.expect_screen(lambda screen: screen.line(0) == "x" * 39 + ">" and screen.column == 0,
                    "the start")
    saved(t)
    expect(read(s).startswith("x" * 70 + "0123456789abcdefghijEND\n"), "contents")
    leave(t)
    return t


def tabs_and_utf8(s):
    write(s, "\tä日x\n")
    t = start(s, "file")
    t.expect_screen(lambda screen: screen.line(0) == " " * 8 + "ä日x", "the text")
    t.send(RIGHT * 3)
    t.expect("column 12")
    t.send("\x7fü" + LEFT * 2 + DELETE)
    saved(t)
    expect(read(s) == "\tüx\n", repr(read(s)))
    leave(t)
    return t


def bytes_that_are_no_text(s):
    data = b"a\xff\xfeb\x01c\x80\nz\n"
    with open(path(s), "wb") as file:
        file.write(data)
    t = start(s, "file")
    t.expect_screen(lambda screen: screen.line(0) == "a??b^Ac?", "the bytes made visible")
    t.send(END + "!")
    saved(t)
    with open(path(s), "rb") as file:
        expect(file.read() == b"a\xff\xfeb\x01c\x80!\nz\n", "contents")
    leave(t)
    return t


def mode_and_links_stay(s):
    write(s, "#!/bin/sh\n")
    os.chmod(path(s), 0o751)
    os.symlink("file", path(s, "link"))
    t = start(s, "link")
    t.send(END + "x")
    saved(t)
    leave(t)
    expect(os.path.islink(path(s, "link")), "the link was replaced")
    expect(stat.S_IMODE(os.stat(path(s)).st_mode) == 0o751, "the mode changed")
    expect(sorted(os.listdir(s.work)) == ["file", "link"], "a temporary file was left")
    return t


def failing_save(s):
    t = start(s, "nowhere/file")
    t.send("text" + SAVE)
    t.expect("nowhere/file: No such file")
    t.send(QUIT + "n")
    expect(t.wait() == 0, "status")
    return t


def told_to_end(s):
    write(s, "abc\n")
    t = start(s, "file")
    t.send("lost? ")
    t.expect(r"file \*  line 1 of 2, column 7")
    os.kill(t.pid, 15)
    expect(t.wait() == 1, f"status {t.status}")
    expect(read(s, "file.save") == "lost? abc\n", "the text was not saved")
    expect(read(s) == "abc\n", "the file was touched")
    return t


def unknown_window_size(s):
    write(s, "".join(f"line {i}\n" for i in range(1, 101)))
    t = start(s, "file", rows=15, columns=50, answer_size=(15, 50))
    t.expect_screen(lambda screen: screen.line(12) == "line 13" and "^S" in screen.line(14),
                    "15 rows")
    return t


def a_folder_is_no_file(s):
    t = Terminal(s.command + ["."], {"TERM": "vt100"}, cwd=s.work)
    t.expect("Is a directory")
    expect(t.wait() == 1, "status")
    return t


QUICK = {"type_and_save", "search", "undo_and_redo", "long_lines"}


def tests():
    named = [type_and_save, keep_a_file_as_it_is, insert_and_delete, save_under_another_name,
             name_a_new_text, warn_before_losing_changes, save_when_leaving, search, go_to_line,
             pages, undo_and_redo, undone_to_the_saved_text, cut_and_paste, long_lines,
             tabs_and_utf8, bytes_that_are_no_text, mode_and_links_stay, failing_save,
             told_to_end, unknown_window_size, a_folder_is_no_file]
    return {test.__name__: test for test in named}
