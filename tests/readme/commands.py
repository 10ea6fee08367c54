#!/usr/bin/env python3
"""What a README tells a reader to type, in the order in which it is read, a line each:

    head    the level of a heading
    sh      a command of a block ```sh, whole, without its comment
    text    a line of a block that is no shell's
    inline  a command in a sentence or a table: `make demo KEEP=1`
    row     the first cell of a table's row

with a tab between. A section that an earlier one links to, as [...](#the-section), comes before that one: who
follows the link is there first. With --as-written it stays where it is."""
import re
import sys

COMMAND = r'(?:sudo |make |man |pkill |iot[a-z]+ )'


def slug(heading):
    return re.sub(r'[^\w-]', '', heading.strip().lower().replace(' ', '-'))


def section_words(lines):
    fence, command = None, ''
    for line in lines:
        if line.startswith('```'):
            fence = None if fence is not None else line[3:]
        elif fence == 'sh':
            command += re.sub(r' +# .*', '', line)
            if command.endswith('\\'):
                command = command[:-1].rstrip() + ' '
                continue
            yield 'sh', re.sub(r' +', ' ', command)
            command = ''
        elif fence is not None:
            yield 'text', line
        elif line.startswith('#'):
            yield 'head', line.split()[0]
        else:
            if line.startswith('| `'):
                yield 'row', line.split('`')[1]
            for span in re.findall(r'`([^`]+)`', line):
                if re.match(COMMAND + r'\S', span):
                    yield 'inline', span


def main():
    path = sys.argv[-1]
    sections = [[]]
    fenced = False
    for line in open(path, encoding='utf-8').read().splitlines():
        fenced ^= line.startswith('```')
        if line.startswith('## ') and not fenced:
            sections.append([])
        sections[-1].append(line)
    if '--as-written' not in sys.argv:
        for n, lines in enumerate(sections):
            for link in re.findall(r'\]\(#([^)]+)\)', '\n'.join(lines)):
                found = [s for s in sections if s and slug(s[0].lstrip('# ')) == link]
                if not found:
                    sys.exit(f'{path}: no section #{link}')
                if sections.index(found[0]) > n:
                    sections.remove(found[0])
                    sections.insert(n, found[0])
    for lines in sections:
        for kind, words in section_words(lines):
            print(f'{kind}\t{words}')


main()
