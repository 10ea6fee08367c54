# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the toolkit's own types in gdb as a person reads them: gdb -x tools/gdb.py build/iotsub core

    span, buf        the bytes, as text
    strv             the strings
    err              the exit status' name and the text
    session          host:port, state, version, its addresses, what is queued, the last error
"""
import gdb
import gdb.printing

SHOWN = 200  # bytes


def text(pointer, n):
    """At most SHOWN bytes of memory as a quoted string, told when there are more."""
    if int(pointer) == 0:
        return 'absent'
    n = int(n)
    data = bytes(gdb.selected_inferior().read_memory(int(pointer), min(n, SHOWN))) if n > 0 else b''
    quoted = data.decode('utf-8', 'backslashreplace').replace('\\', '\\\\').replace('"', '\\"')
    quoted = ''.join(c if c.isprintable() else f'\\x{ord(c):02x}' for c in quoted)
    return f'"{quoted}"' + (f'... ({n} bytes)' if n > SHOWN else '')


class Bytes:
    """struct span, struct buf."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        return text(self.value['p'], self.value['n'])


class Strv:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return f"{int(self.value['n'])} strings"

    def children(self):
        for i in range(min(int(self.value['n']), SHOWN)):
            yield f'[{i}]', self.value['v'][i]

    def display_hint(self):
        return 'array'


class Err:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return f"{self.value['code']}: {self.value['text'].string(errors='backslashreplace')!r}"


class Session:
    SHOWN = ('present', 'keepalive')
    LINK = ('state', 'version', 'reason', 'candidates.addresses', 'candidates.address', 'retry.in_vain')
    PARTS = {
        'socket': ('paused', 'held', 'stopping'),
        'queue': ('n', 'waiting', 'unacknowledged'),
    }

    def __init__(self, value):
        self.value = value
        self.link = value['link']

    def to_string(self):
        name = self.link['broker']['name']
        return f"session {name.string(errors='backslashreplace') if int(name) else 'without a broker'}"

    def children(self):
        for path in self.LINK:
            value = self.link
            for name in path.split('.'):
                value = value[name]
            yield f'link.{path}', value
        for name in self.SHOWN:
            yield name, self.value[name]
        for part, names in self.PARTS.items():
            if int(self.value[part]):
                for name in names:
                    yield f'{part}.{name}', self.value[part].dereference()[name]
        if int(self.link['error']):
            yield 'error', self.link['error'].dereference()


def printers():
    made = gdb.printing.RegexpCollectionPrettyPrinter('iot-utils')
    for name, printer in (('span', Bytes), ('buf', Bytes), ('strv', Strv), ('err', Err), ('session', Session)):
        made.add_printer(name, f'^{name}$', printer)
    return made


gdb.printing.register_pretty_printer(None, printers(), replace=True)
