"""panveil with a trap in one of its callbacks. panveil itself has no known way to crash."""

EXPORT, IMPORT, CODE = 7, 2, 10


def trapping(module, callback):
    """Module in which this callback crashes the VM at its first instruction."""
    sections = list(_sections(module))
    imported = sum(kind == 0 for kind in _imports(dict(sections)[IMPORT]))
    index = _exports(dict(sections)[EXPORT])[callback] - imported
    made = module[:8]
    for number, content in sections:
        if number == CODE:
            content = _with_trap(content, index)
        made += bytes([number]) + _size(len(content)) + content
    return made


def _with_trap(content, index):
    count, at = _number(content, 0)
    bodies = []
    for _ in range(count):
        length, at = _number(content, at)
        bodies.append(content[at : at + length])
        at += length
    # No locals, `unreachable`, `end`.
    bodies[index] = b"\x00\x00\x0b"
    return _size(count) + b"".join(_size(len(body)) + body for body in bodies)


def _sections(module):
    at = 8
    while at < len(module):
        number, (length, begin) = module[at], _number(module, at + 1)
        yield number, module[begin : begin + length]
        at = begin + length


def _imports(content):
    """Kinds of the imports; 0 is a function. Such a module imports only functions."""
    count, at = _number(content, 0)
    for _ in range(count):
        for _ in range(2):
            length, at = _number(content, at)
            at += length
        kind = content[at]
        if kind != 0:
            raise ValueError("the module imports other things than functions")
        _, at = _number(content, at + 1)
        yield kind


def _exports(content):
    """Indexes of the exported functions, by name."""
    count, at = _number(content, 0)
    found = {}
    for _ in range(count):
        length, at = _number(content, at)
        name, kind = content[at : at + length].decode(), content[at + length]
        index, at = _number(content, at + length + 1)
        if kind == 0:
            found[name] = index
    return found


def _number(data, at):
    """Unsigned LEB128 number, and the offset behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _size(value):
    data = b""
    while value > 0x7F:
        data += bytes([value & 0x7F | 0x80])
        value >>= 7
    return data + bytes([value])
