#!/usr/bin/python3
"""Slow clients against iotapi: N connections from 127.0.0.2 each send a byte of a request's head every 0.3 s, and
come again when they are closed; meanwhile one client asks for a page as usual, each time over a connection of its
own.

	slow_clients.py URL TOKEN [N [SECONDS]]

Prints a line for the quiet server and one under attack: requests, how many were not answered 200, and median, p99
and the longest in milliseconds. The attack runs in a process of its own; so that the machine has as much to do in the
quiet round, there it goes to a listener that nobody serves."""
import os
import random
import resource
import select
import signal
import socket
import sys
import time

HEAD = b'GET /api/devices/ HTTP/1.1\r\nHost: a\r\nX: ' + b'a' * 4000


def attack(where, n):
    """Keeps n connections that send a byte each 0.3 s."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    poll = select.epoll()
    live, due = {}, []

    def begin(at):
        s = socket.socket()
        s.setblocking(False)
        s.bind(('127.0.0.2', 0))
        try:
            s.connect(where)
        except BlockingIOError:
            pass
        live[s.fileno()] = [s, 0]
        poll.register(s, select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR)
        due.append((at, s.fileno(), s))

    now = time.monotonic()
    for _ in range(n):
        begin(now + random.random() * 0.3)
    while True:
        now = time.monotonic()
        due.sort(key=lambda d: d[0])
        while due and due[0][0] <= now:
            at, fd, s = due.pop(0)
            if live.get(fd, [None])[0] is not s:
                continue
            try:
                s.send(HEAD[live[fd][1]:live[fd][1] + 1])
                live[fd][1] += 1
            except OSError:
                pass
            due.append((at + 0.3, fd, s))
        for fd, _ in poll.poll(0.01):
            poll.unregister(fd)
            live.pop(fd)[0].close()
            begin(time.monotonic())


def ask(where, token):
    """Seconds until the answer is there; None: it is not 200."""
    begun = time.monotonic()
    got = b''
    try:
        with socket.create_connection(where, timeout=30) as s:
            s.sendall(b'GET /api/devices/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer '
                      + token.encode() + b'\r\n\r\n')
            while more := s.recv(65536):
                got += more
    except OSError:
        return None
    return time.monotonic() - begun if got.startswith(b'HTTP/1.1 200 ') else None


def measure(word, where, token, seconds, attacked, n):
    pid = os.fork()
    if pid == 0:
        attack(attacked, n)
    took, bad, end = [], 0, time.monotonic() + 2 + seconds
    time.sleep(2)
    while time.monotonic() < end:
        t = ask(where, token)
        if t is None:
            bad += 1
        else:
            took.append(t * 1000)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    took.sort()
    at = [took[min(len(took) - 1, int(len(took) * q))] if took else float('nan') for q in (0.5, 0.99, 1)]
    print(f'{word}\t{len(took) + bad} requests\t{bad} bad\tmedian {at[0]:.2f} ms\tp99 {at[1]:.2f} ms\tmost {at[2]:.2f} ms',
          flush=True)


def main():
    url, token = sys.argv[1:3]
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 10
    host, port = url.split('//')[1].rsplit(':', 1)
    where = (host, int(port))
    nobody = socket.socket()
    nobody.bind(('127.0.0.1', 0))
    nobody.listen(4096)
    measure('quiet', where, token, seconds, nobody.getsockname(), n)
    measure('slow', where, token, seconds, where, n)


main()
