"""Runs a program on a terminal of its own until it shows something, then presses Ctrl-C or sends a signal.

    terminal.py TEXT KEY PROGRAM...     KEY is ctrl-c, or the name of a signal such as TERM

Says its exit status in the first line, negative if a signal ended it, and in those behind all that was on the terminal.
"""

import os
import pty
import signal
import sys

text, key = sys.argv[1].encode(), sys.argv[2]
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[3], sys.argv[3:])
shown = b""
pressed = False
while True:
    try:
        some = os.read(terminal, 65536)
    except OSError:
        # Nobody has it open any more.
        break
    if not some:
        break
    shown += some
    if text in shown and not pressed:
        pressed = True
        if key == "ctrl-c":
            os.write(terminal, b"\x03")
        else:
            os.kill(child, getattr(signal, "SIG" + key))
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.stdout.buffer.write(b"%d\n" % status + shown)
