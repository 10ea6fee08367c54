# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what `uftrace replay --srcline -f time,tid` prints and tells the trip: see trips.sh."""
import re
import sys

title, since, until = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
LINE = re.compile(r'\s*\[\s*(\d+)\]\s+([\d.]+)\s\|\s+([\w.]+)\(.*?(?:/\* (\S+?):\d+ \*/)?$')

seen, files, returns, steps = set(), [], 0, []
current = {}  # thread: the file it is in
for line in sys.stdin:
    m = LINE.match(line.rstrip())
    if not m or not m.group(4):
        continue
    thread, when, name = m.group(1), float(m.group(2)), m.group(3)
    path = re.sub(r'^.*?((?:cmd|common)/)', r'\1', m.group(4))
    if not since <= when <= until or path.startswith('common/base/'):
        continue
    before = current.get(thread)
    current[thread] = path
    if path == before:
        continue
    if path in files:
        returns += 1
    else:
        files.append(path)
    if (path, name) not in seen:
        seen.add((path, name))
        steps.append(f'{path}:{name}')
print(f'{title}\n{len(files)} files, {returns} returns to one seen before')
for step in steps:
    print('    ' + step)
print()
