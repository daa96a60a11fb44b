#!/usr/bin/env python3
"""Opens a frozen STT-1 transcript with nothing but the seed and the ephemeral secrets written beside it, or makes
the parity of frozen blocks again, and their frames from it.

A second implementation of the handshake's key schedule and layouts, from docs/protocol.md: it shares no
code with the first. Prints "NAME: agrees" and exits with 0, or says what does not.

    python3 decode.py transcripts/*.json parity/*.json
"""
import binascii
import hashlib
import hmac
import itertools
import json
import struct
import sys
import zlib

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

ZERO32, NONCE0 = bytes(32), bytes(12)


def check(condition, what):
    if not condition:
        sys.exit(f"disagrees: {what}")


def extract(salt, secret):
    return hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()


def expand(secret, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(secret, block + info + bytes([counter]), hashlib.sha256).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def label(secret, name, context=b"", length=32):
    full = b"stt1 " + name.encode()
    return expand(secret, struct.pack("<HB", length, len(full)) + full + bytes([len(context)]) + context, length)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def opened(cipher, key, nonce, sealed, additional, what):
    try:
        return cipher(key).decrypt(nonce, sealed, additional)
    except Exception:
        sys.exit(f"disagrees: {what} does not open")


def frame(datagram, kind, handshake=True, allowed=0):
    """Checks header and checksums (2.2); answers session id, header with its checksum zeroed, payload."""
    version, got, flags, sid, stream, sequence, length, crc16 = struct.unpack("<BBHQHIIH", datagram[:24])
    check(version == 1 and got == kind, f"type {got:#x} instead of {kind:#x}")
    check(crc16 == binascii.crc_hqx(datagram[:22], 0xFFFF), "the header's CRC-16")
    payload = datagram[24:]
    if handshake:
        check(struct.unpack("<I", datagram[-4:])[0] == zlib.crc32(datagram[:-4]), "the frame's CRC-32")
        payload = datagram[24:-4]
        check(flags == allowed and stream == 0 and sequence == 0, "a handshake header has nothing else set")
    check(length == len(payload), "the header's length")
    return sid, datagram[:22] + b"\0\0", payload


def parameters(data, what):
    """Session parameters (2.8): known types once each, at their size; unknown ones are skipped."""
    check(len(data) <= 56, f"{what} is at most 56 bytes")
    sizes, found = {1: 4, 2: 2, 3: 2}, {}
    while data:
        check(len(data) >= 2 and len(data) >= 2 + data[1], f"{what} is cut off")
        kind, value, data = data[0], data[2:2 + data[1]], data[2 + data[1]:]
        check(sizes.get(kind, len(value)) == len(value), f"{what}: size of type {kind}")
        found[kind] = int.from_bytes(value, "little")
    check(set(found) == {1, 2, 3} and found[1] > 0 and found[3] > 0, f"{what} says window, delay and streams")


def open_retry(inputs, datagram, nonce):
    """RETRY (2.5): the nonce back, and a token that is a MAC over the address."""
    sid, _, payload = frame(datagram, 0x02, allowed=1 << 9)
    check(sid == 0 and len(datagram) == 92, "RETRY's size and session")
    address = bytes.fromhex(inputs["address"]) + struct.pack("<H", int(inputs["port"]))
    check(payload[:32] == nonce, "RETRY's nonce")
    check(payload[32:] == b"\0" + mac(bytes.fromhex(inputs["cookie_key"]), address)[:31], "RETRY's token")


def pair_keys(inputs):
    seed, device, collector = (bytes.fromhex(inputs[k]) for k in ("seed", "device_id", "collector_id"))
    prk = extract(b"STT-1 seed v1", seed)
    low, high = sorted([device, collector])
    psk = label(prk, "psk", sha256(b"stt1 pair", low, high, struct.pack("<I", int(inputs["epoch"]))))
    return psk, device + collector


def open_hello(inputs, datagram, psk, roles):
    sid, header, payload = frame(datagram, 0x01)
    check(sid == 0 and len(payload) == 412, "HELLO's size")
    version, modes, suites, max_udp, reserved = struct.unpack("<BBHHH", payload[:8])
    wanted = (2 if inputs["mode"] == "hybrid" else 1, 2 if inputs["suite"] == "aes-256-gcm" else 1)
    check((version, reserved) == (1, 0) and (modes, suites) == wanted and max_udp >= 1200, "HELLO's offer")
    nonce, ephemeral, tag, salt = payload[8:40], payload[40:72], payload[72:80], payload[80:88]
    check(nonce.hex() == inputs["initiator_nonce"] and salt.hex() == inputs["hint_salt"], "HELLO's nonce and salt")
    hint_key = label(psk, "hint", roles)
    check(tag == label(hint_key, "ctr", struct.pack("<Q", int(inputs["counter"])), 8), "HELLO's key hint")
    check(payload[364:396] == ZERO32 and not any(payload[136:364]), "HELLO's padding and retry token")
    check(payload[396:] == mac(label(psk, "mac1", roles), header, payload[:396])[:16], "mac1")
    secret = opened(
        ChaCha20Poly1305, label(psk, "hello", roles), nonce[:12], payload[88:136], header + payload[:88], "HELLO's sealed part")
    check(secret == struct.pack(
        "<QQQQ", int(inputs["counter"]), int(inputs["boot_id"]), int(inputs["wall_ms"]), 0), "HELLO's secret")
    public = X25519PrivateKey.from_private_bytes(bytes.fromhex(inputs["initiator_x25519"])).public_key()
    check(ephemeral == (public.public_bytes_raw() if inputs["mode"] == "hybrid" else ZERO32), "HELLO's X25519 key")
    return nonce, ephemeral, sha256(b"stt1 hs", header, payload[:364]), wanted, max_udp


def open_biscuit(inputs, biscuit, h1, nonce_i, nonce_r, ephemeral_i, chosen, max_udp):
    key_id, salt, sealed = biscuit[0], biscuit[4:20], biscuit[20:]
    check(biscuit[1:4] == b"\0\0\0" and salt.hex() == inputs["biscuit_salt"], "the biscuit's head")
    key = label(bytes.fromhex(inputs["biscuit_key"]), "biscuit", salt)
    state = opened(ChaCha20Poly1305, key, NONCE0, sealed, bytes([key_id]), "the biscuit")
    check(len(state) == 216 and state[:4] == bytes([1, *chosen, 0]), "the biscuit's version, mode and suite")
    check(state[28:60] == nonce_r, "the biscuit's copy of RESPONSE's nonce")
    pair, epoch, counter = struct.unpack("<IIQ", state[4:20])
    check((pair, epoch, counter) == (0, int(inputs["epoch"]), int(inputs["counter"])), "the biscuit's numbers")
    check(state[20:28] == nonce_i[:8] and state[60:92] == ephemeral_i, "the biscuit's copy of HELLO")
    check(state[92:124].hex() == inputs["responder_x25519"], "the biscuit's ephemeral secret")
    public = X25519PrivateKey.from_private_bytes(state[92:124]).public_key().public_bytes_raw()
    check(state[124:156] == public and state[156:188] == h1, "the biscuit's public key and transcript")
    address = bytes.fromhex(inputs["address"])
    check(state[188:196] == sha256(b"stt1 addr", address, struct.pack("<H", int(inputs["port"])))[:8], "the address hash")
    issued, largest = struct.unpack("<QH", state[196:206])
    check(issued == int(inputs["now_ns"]) // 10**9 and largest == max_udp and not any(state[206:]), "the biscuit's end")
    return public


def agreement(private_hex, public, hybrid):
    if not hybrid:
        return ZERO32
    return X25519PrivateKey.from_private_bytes(bytes.fromhex(private_hex)).exchange(X25519PublicKey.from_public_bytes(public))


def decapsulated(inputs, public_key, ciphertext):
    """By the library where it has ML-KEM, else the frozen secret; says which."""
    frozen = bytes.fromhex(inputs["kem_secret"])
    try:
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
        private = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(inputs["kem_seed"]))
        check(private.public_key().public_bytes_raw() == public_key, "the ML-KEM public key")
        check(private.decapsulate(ciphertext) == frozen, "the ML-KEM secret")
        return frozen, "ML-KEM decapsulated"
    except ImportError:
        return frozen, "ML-KEM secret as frozen (this Python has no ML-KEM)"
    except Exception as error:
        if type(error).__name__ == "UnsupportedAlgorithm":
            return frozen, "ML-KEM secret as frozen (this OpenSSL has no ML-KEM)"
        raise


def packet(datagram, secret, cipher, number, sid, text):
    header, body = datagram[:24], datagram[24:]
    frame(datagram, 0x10, handshake=False)
    flags = struct.unpack("<H", header[2:4])[0]
    check(flags & 2 and (flags >> 4 & 3) == number, "a packet's flags")
    check(struct.unpack("<Q", header[4:12])[0] == sid and struct.unpack("<Q", body[:8])[0] == number, "a packet's numbers")
    for _ in range(number):
        secret = label(secret, "ku")
    iv = label(secret, "iv", length=12)
    nonce = bytes(a ^ b for a, b in zip(iv, bytes(4) + body[:8]))
    check(opened(cipher, label(secret, "key"), nonce, body[8:], header + body[:8], "a packet") == text, "a packet's text")


def times(a, b):
    """The product in GF(256) with the polynomial 0x11D (2.15)."""
    product = 0
    while b:
        product, a, b = product ^ (a if b & 1 else 0), a << 1 ^ (0x11D if a & 0x80 else 0), b >> 1
    return product


def quotient(a, b):
    return next(q for q in range(256) if times(q, b) == a)


def coefficient(parity, data):
    return quotient(32 ^ data, (32 + parity) ^ data)


def scaled(factor, row):
    table = [times(factor, value) for value in range(256)]
    return bytes(table[value] for value in row)


def added(rows, length):
    total = bytes(length)
    for row in rows:
        total = bytes(x ^ y for x, y in zip(total, row.ljust(length, b"\0")))
    return total


def solved(matrix, rows):
    """Gauss and Jordan: the unknown rows of matrix * unknown = rows."""
    size = len(matrix)
    for pivot in range(size):
        line = next(i for i in range(pivot, size) if matrix[i][pivot])
        matrix[pivot], matrix[line], rows[pivot], rows[line] = matrix[line], matrix[pivot], rows[line], rows[pivot]
        inverse = quotient(1, matrix[pivot][pivot])
        matrix[pivot] = [times(inverse, value) for value in matrix[pivot]]
        rows[pivot] = scaled(inverse, rows[pivot])
        for i in range(size):
            factor = matrix[i][pivot]
            if i != pivot and factor:
                matrix[i] = [x ^ times(factor, y) for x, y in zip(matrix[i], matrix[pivot])]
                rows[i] = added([rows[i], scaled(factor, rows[pivot])], len(rows[i]))
    return rows


def parity_block(first, frames, most_data, most_parity):
    """One block (2.15): the parity is what the data makes it, and any frames come back from the others."""
    data = [frame for frame in frames if not frame["flags"] & 8]
    parity = [frame for frame in frames if frame["flags"] & 8]
    shards = [struct.pack("<B", frame["flags"]) + frame["payload"] for frame in data]
    count = len(shards)
    check(0 < count <= most_data and [f["sequence"] for f in data] == list(range(first, first + count)), "a block's sequences")
    check(all(f["sequence"] == first and f["flags"] == 8 for f in parity), "parity's sequence and flags")
    check([tuple(f["payload"][:2]) for f in parity] == [(count, i) for i in range(min(most_parity, count))], "parity's heads")
    coded = [struct.pack("<H", len(shard)) + shard for shard in shards]
    length = max(map(len, coded))
    rows = [frame["payload"][2:] for frame in parity]
    for index, row in enumerate(rows):
        check(row == added([scaled(coefficient(index, j), c) for j, c in enumerate(coded)], length), f"parity {index} of {first}")
    for lost_count in range(1, len(rows) + 1):
        for lost in itertools.combinations(range(count), lost_count):
            for used in itertools.combinations(range(len(rows)), lost_count):
                left = [
                    added([rows[i]] + [scaled(coefficient(i, j), c) for j, c in enumerate(coded) if j not in lost], length)
                    for i in used]
                made = solved([[coefficient(i, j) for j in lost] for i in used], left)
                for j, row in zip(lost, made):
                    check(row[2:2 + struct.unpack("<H", row[:2])[0]] == shards[j], f"frame {j} of {first} from parity")
    return data


def parity_blocks(name, frozen):
    fec = int(frozen["shape"]["fec"])
    most_data, most_parity = (fec & 31) + 1, (fec >> 5) + 1
    check(2 <= most_data and most_parity <= most_data, "the shape")
    frames = [
        {"sequence": int(frame["sequence"]), "flags": int(frame["flags"]), "payload": bytes.fromhex(frame["payload"])}
        for key, frame in sorted(frozen.items()) if key.startswith("frame_")]
    messages = {}
    for first in sorted({frame["sequence"] & ~31 for frame in frames}):
        for frame in parity_block(first, [f for f in frames if f["sequence"] & ~31 == first], most_data, most_parity):
            payload, number = frame["payload"], struct.unpack("<Q", frame["payload"][:8])[0]
            if frame["flags"] & 6 == 6:
                total, offset, content = len(payload) - 8, 0, payload[8:]
            else:
                (total, offset), content = struct.unpack("<II", payload[8:16]), payload[16:]
            message = messages.setdefault(number, [total, b""])
            check(message[0] == total and len(message[1]) == offset, f"message {number}'s parts")
            message[1] += content
    check(sorted(messages) == list(range(len(messages))), "the messages' numbers")
    check(all(total == len(content) for total, content in messages.values()), "the messages' lengths")
    print(f"{name}: agrees; {len(frames)} frames, {len(messages)} messages")


def main(path):
    with open(path) as file:
        frozen = json.load(file)
    if "shape" in frozen:
        return parity_blocks(path.rsplit("/", 1)[-1].removesuffix(".json"), frozen)
    inputs = frozen["inputs"]
    messages = {name: bytes.fromhex(text) for name, text in frozen["messages"].items()}
    hybrid = inputs["mode"] == "hybrid"
    cipher = AESGCM if inputs["suite"] == "aes-256-gcm" else ChaCha20Poly1305
    psk, roles = pair_keys(inputs)
    nonce_i, ephemeral_i, h1, chosen, max_udp = open_hello(inputs, messages["hello"], psk, roles)
    open_retry(inputs, messages["retry"], nonce_i)

    sid, header, response = frame(messages["response"], 0x02)
    check(len(response) == 412, "RESPONSE's size")
    check(struct.unpack("<BBHHH", response[:8]) == (1, *chosen, max_udp, 0), "RESPONSE's choice")
    nonce_r, ephemeral_r, biscuit, challenge = response[16:48], response[48:80], response[80:332], response[332:]
    check(sid == struct.unpack("<Q", bytes(a ^ b for a, b in zip(nonce_i[:8], nonce_r[:8])))[0], "the session id")
    check(response[8:16] == nonce_i[:8] and nonce_r.hex() == inputs["responder_nonce"], "RESPONSE's nonces")
    public_r = open_biscuit(inputs, biscuit, h1, nonce_i, nonce_r, ephemeral_i, chosen, max_udp)
    check(ephemeral_r == (public_r if hybrid else ZERO32), "RESPONSE's ephemeral key")
    h2 = sha256(h1, response[:332])
    es = extract(b"", psk + roles)
    check(opened(cipher, label(es, "challenge", h2), NONCE0, challenge, header + response[:332], "the challenge")
          == nonce_i + nonce_r, "the challenge's content")
    dh = agreement(inputs["initiator_x25519"], ephemeral_r, hybrid)
    check(dh == agreement(inputs["responder_x25519"], ephemeral_i, hybrid), "X25519")
    hs1 = extract(label(es, "derived 1", h2), dh)

    whole, payloads, index = b"", [], 0
    while f"auth_proof_{index}" in messages:
        psid, header, payload = frame(messages[f"auth_proof_{index}"], 0x03)
        check(psid == sid and payload[:8] == struct.pack("<Q", sid) and payload[8] >> 4 == index, "AUTH_PROOF's head")
        check(payload[12:264] == biscuit, "AUTH_PROOF's biscuit")
        check(payload[264:280] == mac(label(es, "mac2", h2), header, payload[:264], payload[280:])[:16], "mac2")
        whole += opened(cipher, label(hs1, "auth proof", h2), bytes(11) + bytes([index]), payload[280:],
                        header + payload[:264], "AUTH_PROOF")
        payloads.append(payload)
        index += 1
    check(whole[:8] == struct.pack("<Q", sid) and whole[8:40] == mac(label(hs1, "proof", h2), h2), "the proof")
    check(index == (2 if hybrid else 1) and all(p[8] & 15 == index and p[9:12] == bytes(3) for p in payloads),
          "AUTH_PROOF's parts")
    parameters(whole[1224 if hybrid else 40:], "AUTH_PROOF's parameters")
    h3 = sha256(h2, *payloads)

    fsid, header, final = frame(messages["final"], 0x04)
    check(fsid == sid and final[:12] == struct.pack("<QI", sid, 0), "FINAL's head")
    ciphertext = final[12:1100] if hybrid else b""
    secret, how = decapsulated(inputs, whole[40:1224], ciphertext) if hybrid else (ZERO32, "SEED mode")
    check(ciphertext.hex() == inputs["kem_ciphertext"], "FINAL's ciphertext")
    before = final[:12 + len(ciphertext)]
    h4 = sha256(h3, before)
    master = extract(label(extract(label(hs1, "derived 2", h3), secret), "derived 3", h4), ZERO32)
    parameters(
        opened(cipher, label(master, "final", h4), NONCE0, final[len(before):], header + before, "FINAL"),
        "FINAL's parameters")
    traffic = {direction: label(master, f"{direction} traffic", h4) for direction in ("i2r", "r2i")}
    root = label(master, "ratchet root", h4)
    rekeyed = extract(root, h1 + h2)
    exchange = sha256(messages["response"], messages["final"])
    again = extract(rekeyed, h3 + h4)
    made = {
        "i2r_rekeyed": label(rekeyed, "i2r traffic", exchange), "r2i_rekeyed": label(rekeyed, "r2i traffic", exchange),
        "i2r_rekeyed_again": label(again, "i2r traffic", sha256(messages["final"], messages["response"])),
        "sid_1": label(label(master, "exporter", h4), "sid", struct.pack("<I", 1), 8),
        "psk": psk, "h1": h1, "h2": h2, "h3": h3, "h4": h4, "x25519": dh if hybrid else b"",
        "challenge_key": label(es, "challenge", h2), "auth_proof_key": label(hs1, "auth proof", h2),
        "proof": whole[8:40], "failure_key": label(hs1, "final err", h2), "final_key": label(master, "final", h4),
        "ratchet_root": root, "exporter": label(master, "exporter", h4),
        "i2r_traffic": traffic["i2r"], "i2r_traffic_1": label(traffic["i2r"], "ku"),
        "r2i_traffic": traffic["r2i"], "r2i_traffic_1": label(traffic["r2i"], "ku"),
    }
    check(set(made) == set(frozen["derived"]), "the list of derived values")
    for name, value in made.items():
        check(value.hex() == frozen["derived"][name], name)
    for direction in ("i2r", "r2i"):
        for number in range(2):
            packet(bytes.fromhex(frozen["packets"][f"{direction}_{number}"]), traffic[direction], cipher, number, sid,
                   f"{direction} packet {number}".encode())
    print(f"{path.rsplit('/', 1)[-1].removesuffix('.json')}: agrees; {how}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} TRANSCRIPT.json ...")
    for argument in sys.argv[1:]:
        main(argument)
