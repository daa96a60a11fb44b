import Glibc
import STC
import STTRecord

/// Seals one segment under its own random key, which is gone when it is closed.
final class SegmentSeal: SegmentSealer {
  let note: [String: String]
  let previousHead: [UInt8]
  private let key: SegmentKey
  private let engine: InPlaceEngine
  private let positions: PositionKey
  private var chain: ChainKey?
  private var running = RunningDigest()

  init(
    key: SegmentKey, suite: Suite, note: [String: String], previousHead: [UInt8], positions: PositionKey, chain: Secret?
  ) {
    self.key = key
    self.note = note
    self.previousHead = previousHead
    self.positions = positions
    self.chain = chain.map { ChainKey($0) }
    engine = InPlaceEngine(suite: suite, key: key.batches)
  }

  var segment: [UInt8] { key.segment }

  func seal(_ text: UnsafeMutableRawBufferPointer, number: UInt64, additional: [UInt8]) {
    let nonce = batchNonce(number)
    additional.withUnsafeBytes { additional in
      nonce.withUnsafeBytes { nonce in
        guard let nonce = nonce.baseAddress else { return }
        engine.seal(
          unsafe: text, body: UnsafeRawBufferPointer(start: nil, count: 0), nonce: nonce, additional: additional)
      }
    }
  }

  func sealPositions(_ list: [UInt8]) -> [UInt8] {
    var nonce = [UInt8](repeating: 0, count: 12)
    // Without random bytes nothing is sealed: positions then begin anew, and no nonce comes twice.
    guard getentropy(&nonce, nonce.count) == 0 else { return [] }
    return positions.seal(list, nonce: nonce)
  }

  func absorb(_ bytes: UnsafeRawBufferPointer) { running.update(RawSpan(_unsafeBytes: bytes)) }

  func digest() -> [UInt8] {
    defer { running = RunningDigest() }
    return running.value
  }

  func hash(_ bytes: [UInt8]) -> [UInt8] { STC.digest(bytes) }

  func attest(_ seal: [UInt8]) -> [UInt8] { chain?.attest(seal) ?? [UInt8](repeating: 0, count: 32) }

  func ending(_ head: [UInt8]) -> [UInt8] { key.ending(head) }
}

/// A batch's number is its nonce: a segment has a key of its own and numbers every batch once.
func batchNonce(_ number: UInt64) -> [UInt8] {
  (0..<12).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> UInt64($0 * 8)) : 0 }
}
