"""Content encodings with third-party encoders, cut at chosen places, and lenient decoders for receivers."""

import struct
import zlib

import brotli
import zstandard

# Header value for each content encoding in the draw.
HEADER = {
    "none": None, "identity": "identity", "gzip": "gzip", "gzip-members": "gzip", "gzip-flush": "gzip", "x-gzip": "x-gzip",
    "gzip-garbage": "gzip", "deflate-zlib": "deflate", "deflate-raw": "deflate", "br": "br", "br-flush": "br",
    "br-window": "br", "zstd": "zstd", "zstd-frames": "zstd", "zstd-skippable": "zstd", "zstd-window": "zstd",
    "gzip+br": "gzip, br", "br+gzip-members": "br, gzip", "gzip+gzip+zstd": "gzip, gzip, zstd", "four-layers": "gzip, gzip, gzip, gzip",
    "gzip-upper": "GZIP", "utf-8": "utf-8", "word-none": "none", "7bit": "7bit", "binary": "binary", "media-type": "application/json",
    "aws-chunked": "aws-chunked", "compress": "compress",
}
# Receivers read these without decoding: they are no registered content encodings.
NO_CODING = {"identity", "utf-8", "utf8", "none", "7bit", "8bit", "binary", "application/json"}


def encode(name, parts):
    """Encodes a body in parts, each of which the receiver can decode as far as the encoding permits. Returns
    segments.
    """
    if name in ("none", "identity", "utf-8", "word-none", "7bit", "binary", "media-type", "compress"):
        return parts
    if name == "aws-chunked":
        sent = []
        for part in parts:
            if part:
                sent.append(b"%x;chunk-signature=%s\r\n" % (len(part), b"abcdef" * 4) + part + b"\r\n")
        sent.append(b"0;chunk-signature=%s\r\n\r\n" % (b"fedcba" * 4))
        return sent
    if name in ("gzip", "x-gzip", "gzip-upper"):
        return [_deflate([b"".join(parts)], 31)]
    if name == "gzip-members":
        return [_deflate([part], 31) for part in parts]
    if name == "gzip-flush":
        return _flushed(parts, zlib.compressobj(1, zlib.DEFLATED, 31), zlib.Z_SYNC_FLUSH)
    if name == "gzip-garbage":
        return [_deflate([b"".join(parts)], 31), b"\r\n"]
    if name == "deflate-zlib":
        return [_deflate([b"".join(parts)], 15)]
    if name == "deflate-raw":
        return [_deflate([b"".join(parts)], -15)]
    if name in ("br", "br-flush", "br-window"):
        coder = brotli.Compressor(quality=1, lgwin=24 if name == "br-window" else 18)
        if name != "br-flush":
            return [coder.process(b"".join(parts)) + coder.finish()]
        sent = [coder.process(part) + coder.flush() for part in parts]
        return sent + [coder.finish()]
    if name in ("zstd", "zstd-window"):
        parameters = zstandard.ZstdCompressionParameters(window_log=23 if name == "zstd-window" else 17)
        coder = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        return [coder.compress(b"".join(parts)) + coder.flush()]
    if name == "zstd-frames":
        return [zstandard.ZstdCompressor(level=1).compress(part) for part in parts]
    if name == "zstd-skippable":
        skip = struct.pack("<II", 0x184D2A53, 5) + b"hello"
        return [skip] + [zstandard.ZstdCompressor(level=1).compress(part) + skip for part in parts]
    if name == "gzip+br":
        return encode("br-flush", encode("gzip-flush", parts))
    if name == "br+gzip-members":
        return encode("gzip-members", encode("br-flush", parts))
    if name == "gzip+gzip+zstd":
        return encode("zstd-frames", encode("gzip-flush", encode("gzip-members", parts)))
    if name == "four-layers":
        for _ in range(4):
            parts = encode("gzip", parts)
        return parts
    raise ValueError(name)


def _deflate(parts, bits):
    coder = zlib.compressobj(1, zlib.DEFLATED, bits)
    return b"".join(coder.compress(part) for part in parts) + coder.flush()


def _flushed(parts, coder, mode):
    sent = [coder.compress(part) + coder.flush(mode) for part in parts]
    sent[-1] += coder.flush()
    return sent


def decode(headers, body):
    """Decodes a body as a receiver does, also a truncated one: (text, whether it was complete)."""
    names = []
    for name, value in headers:
        if name == "content-encoding":
            names += [one.strip().lower() for one in value.split(",") if one.strip()]
    whole = True
    for name in reversed(names):
        if name in NO_CODING or name == "compress":
            continue
        body, complete = DECODERS[name](body)
        whole = whole and complete
    return body, whole


def _gunzip(body):
    text = b""
    while body:
        decoder = zlib.decompressobj(31)
        try:
            text += decoder.decompress(body)
        except zlib.error:
            # Bytes behind the last member are not part of the text: gzip(1) and curl ignore them.
            return text, bool(text)
        if not decoder.eof:
            return text, False
        body = decoder.unused_data
    return text, True


def _inflate(body):
    for bits in (15, -15):
        decoder = zlib.decompressobj(bits)
        try:
            return decoder.decompress(body), decoder.eof
        except zlib.error:
            continue
    return b"", False


def _unbrotli(body):
    decoder = brotli.Decompressor()
    try:
        text = decoder.process(body)
        return text, decoder.is_finished()
    except brotli.error:
        return b"", False


def _unzstd(body):
    text = b""
    while body:
        if len(body) >= 8 and body[1:4] == b"\x2a\x4d\x18" and body[0] & 0xF0 == 0x50:
            body = body[8 + struct.unpack_from("<I", body, 4)[0] :]
            continue
        decoder = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        try:
            text += decoder.decompress(body)
        except zstandard.ZstdError:
            return text, False
        if not decoder.eof:
            return text, False
        body = decoder.unused_data
    return text, True


def _aws(body):
    text = b""
    while body:
        line, found, body = body.partition(b"\r\n")
        if not found:
            return text, False
        try:
            length = int(line.split(b";")[0], 16)
        except ValueError:
            return text, False
        if length == 0:
            return text, True
        text += body[:length]
        if len(body) < length:
            return text, False
        body = body[length + 2 :]
    return text, False


DECODERS = {"gzip": _gunzip, "x-gzip": _gunzip, "deflate": _inflate, "br": _unbrotli, "zstd": _unzstd, "aws-chunked": _aws}
