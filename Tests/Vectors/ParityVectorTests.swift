import Foundation
import STC
import STTIngest
import STTSession
import STTWire
import SimulationWorld
import Testing

/// What a stream under parity puts into its datagrams, frozen before encryption, so that another implementation of
/// docs/protocol.md 2.15 can be held against it.
@Suite struct ParityVectorTests {
  private typealias File = [String: [String: String]]
  private static let file = TranscriptTests.folder.deletingLastPathComponent().appendingPathComponent("parity/blocks.json")

  /// Blocks of five frames and two of parity: one that is full, and two that ended early.
  private static func make() throws -> File {
    let shape = try #require(ParityShape(dataCount: 5, parityCount: 2))
    let world = try World(seed: 7, modes: [.seed])
    var datagrams: [[UInt8]] = []
    world.onSent = { datagrams.append($0) }
    let stream = world.open("vector", durable: false, parity: .always(shape))
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    for sizes in [[2500, 20, 1000], [300, 0], [77]] {
      for size in sizes { _ = world.send(stream, byteCount: size) }
      world.run(limit: .seconds(1))
    }
    let sessions = world.collectorEvents.compactMap { event in
      if case .established(_, _, _, let established) = event { established } else { nil }
    }
    let session = try #require(sessions.first)
    var opener = PacketOpener<InPlaceEngine>(session.keys.initiatorToResponder, suite: session.suite)
    var file: File = ["shape": ["fec": String(shape.byte)]]
    for var datagram in datagrams {
      guard let header = try? FrameHeader(datagram: datagram.span.bytes), header.type == .data else { continue }
      let outcome = datagram.withUnsafeMutableBytes { opener.open(unsafe: $0, header: header) }
      guard case .opened = outcome else { throw Transcripts.Stuck(at: "a datagram does not open") }
      let text = datagram[SealedDatagram.additionalByteCount..<datagram.count - SealedDatagram.tagByteCount]
      let name = "frame_\(file.count < 11 ? "0" : "")\(file.count - 1)"
      file[name] = [
        "sequence": String(header.sequence), "flags": String(header.flags.packed), "payload": hex(Array(text)),
      ]
    }
    return file
  }

  @Test("the code makes the frozen blocks, byte for byte")
  func blocksAreReproduced() throws {
    let made = try Self.make()
    if ProcessInfo.processInfo.environment["STT_WRITE_VECTORS"] != nil { try Transcripts.write(made, to: Self.file) }
    let frozen = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: Self.file)) as? File)
    #expect(frozen.count == 14, "five, two and one frames, two, two and one of parity, and the shape")
    #expect(made == frozen)
  }

  @Test(
    "a decoder in another language makes the same parity, and every frame from the others",
    .enabled(
      if: ProcessInfo.processInfo.environment["STT_TEST_PYTHON"] != nil,
      "STT_TEST_PYTHON names no Python with the package cryptography (make test sets it)"))
  func independentDecoderAgrees() throws { try TranscriptTests.expectAgreement(of: "blocks", Self.file) }
}
