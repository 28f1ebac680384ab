"""Runs functions side by side and shows what they print in their order, as if one by one."""
import multiprocessing
import multiprocessing.connection
import os
import pickle
import sys
import tempfile

FORK = multiprocessing.get_context("fork")


def default_jobs():
    """JOBS of the environment; else one for each processor, but not more than four."""
    return int(os.environ.get("JOBS") or min(4, len(os.sched_getaffinity(0))))


class Running:
    """A function in a process of its own; what it prints goes to a file until it may be shown."""

    def __init__(self, function):
        self.shown = 0
        # pylint: disable=consider-using-with
        self.output, self.result = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        sys.stdout.flush()
        # Daemons are ended with whoever started them.
        self.process = FORK.Process(target=self.work, args=(function,), daemon=True)
        self.process.start()

    def work(self, function):
        for number in (1, 2):
            os.dup2(self.output.fileno(), number)
        result = function()
        sys.stdout.flush()
        pickle.dump(result, self.result)
        self.result.flush()

    def show(self):
        """Passes on what was printed since the last call."""
        while data := os.pread(self.output.fileno(), 65536, self.shown):
            self.shown += len(data)
            sys.stdout.buffer.write(data)
        sys.stdout.flush()

    def finish(self):
        """Shows the rest; the function's result, None if it came to no end."""
        self.process.join()
        self.show()
        self.result.seek(0)
        with self.output, self.result:
            return None if self.process.exitcode else pickle.load(self.result)


def run_in_order(functions, jobs=None):
    """Runs functions without arguments, some at a time; yields their results in their order."""
    functions, running = list(functions), []
    jobs = jobs or default_jobs()
    for number in range(len(functions)):
        while True:
            alive = [task.process.sentinel for task in running if task and task.process.is_alive()]
            while len(alive) < jobs and len(running) < len(functions):
                running.append(Running(functions[len(running)]))
                alive.append(running[-1].process.sentinel)
            running[number].show()
            if not running[number].process.is_alive():
                break
            multiprocessing.connection.wait(alive, 0.2)
        yield running[number].finish()
        running[number] = None
