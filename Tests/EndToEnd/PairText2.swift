/// A pair file of version 2, taken apart so that tests can change when its seeds end.
struct PairText2 {
  private struct Epoch {
    var number: UInt32 = 0
    var state = ""
    var overlap: UInt32 = 0
    var made: UInt64 = 0
    var seed = ""
  }

  private var root: [Substring: String] = [:]
  private var epochs: [Epoch] = []

  init(_ path: String) throws {
    for line in Files.text(path).split(separator: "\n") where !line.hasPrefix("#") {
      if line == "[[epoch]]" {
        epochs.append(Epoch())
        continue
      }
      let parts = line.split(separator: " = ", maxSplits: 1)
      guard parts.count == 2 else { throw PairText.Malformed() }
      let value = String(parts[1].filter { $0 != "\"" })
      guard let last = epochs.indices.last else {
        root[parts[0]] = value
        continue
      }
      switch parts[0] {
      case "number": epochs[last].number = UInt32(value) ?? 0
      case "state": epochs[last].state = value
      case "overlap": epochs[last].overlap = UInt32(value) ?? 0
      case "made": epochs[last].made = UInt64(value) ?? 0
      default: epochs[last].seed = value
      }
    }
  }

  mutating func setOverlap(ofEpoch number: UInt32, to seconds: UInt32) {
    for index in epochs.indices where epochs[index].number == number { epochs[index].overlap = seconds }
  }

  mutating func setMade(ofEpoch number: UInt32, to seconds: UInt64) {
    for index in epochs.indices where epochs[index].number == number { epochs[index].made = seconds }
  }

  var text: String {
    var covered = Array((root["name"] ?? "").utf8) + [0]
    covered += PairText.anyBytes(root["device-id"]) + PairText.anyBytes(root["collector-id"])
    var sections = ""
    for epoch in epochs {
      covered += withUnsafeBytes(of: epoch.number.littleEndian) { [UInt8]($0) } + Array(epoch.state.utf8)
      covered += withUnsafeBytes(of: epoch.overlap.littleEndian) { [UInt8]($0) }
      covered += withUnsafeBytes(of: epoch.made.littleEndian) { [UInt8]($0) }
      covered += PairText.anyBytes(epoch.seed)
      sections += "[[epoch]]\nnumber = \(epoch.number)\nstate = \"\(epoch.state)\"\n"
      if epoch.overlap > 0 { sections += "overlap = \(epoch.overlap)\n" }
      if epoch.made > 0 { sections += "made = \(epoch.made)\n" }
      sections += "seed = \"\(epoch.seed)\"\n"
    }
    let check = PairText.crc(covered)
    let digits = PairText.digits((0..<4).map { UInt8(truncatingIfNeeded: check >> (24 - 8 * $0)) })
    let head = ["name", "device-id", "collector-id"].map { "\($0) = \"\(root[Substring($0)] ?? "")\"\n" }.joined()
    return "stt-pair = 2\n\(head)check = \"\(digits)\"\n\(sections)"
  }
}
