/// NACK: packets the receiver believes lost, `count u16 | packet number u64 …` (docs/protocol.md 2.2).
public struct Nack: Hashable, Sendable {
  public static let mostPackets = 64

  public var packets: [UInt64]

  public init(packets: [UInt64]) { self.packets = packets }

  public init(_ reader: inout ByteReader) throws(WireError) {
    let count = Int(try reader.u16())
    guard count >= 1, count <= Self.mostPackets else { throw .invalidValue }
    packets = []
    packets.reserveCapacity(count)
    for _ in 0..<count { packets.append(try reader.u64()) }
    guard reader.left == 0 else { throw .trailingBytes }
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u16(UInt16(truncatingIfNeeded: packets.count))
    for packet in packets { writer.u64(packet) }
  }
}
