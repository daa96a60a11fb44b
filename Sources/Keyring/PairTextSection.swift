/// The `key = value` lines of a pair file's beginning, or of one of its epochs.
struct PairTextSection {
  /// Where it begins.
  let line: Int
  let keys: Set<String>
  private(set) var values: [String: String] = [:]
  /// The seed never becomes a String: its copies could not be overwritten.
  private(set) var seed: SecretBytes?

  init(line: Int, keys: Set<String>) {
    self.line = line
    self.keys = keys
  }

  mutating func take(_ bytes: UnsafeRawBufferPointer, _ number: Int) throws(PairFlaw) {
    guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { throw .line(number, "has no \"=\"") }
    let key = String(decoding: trimmed(UnsafeRawBufferPointer(rebasing: bytes[..<equals])), as: UTF8.self)
    let value = unquoted(trimmed(UnsafeRawBufferPointer(rebasing: bytes[(equals + 1)...])))
    guard keys.contains(key) else { throw .line(number, "has an unknown key") }
    guard values.updateValue("", forKey: key) == nil else { throw .line(number, "repeats the key \"\(key)\"") }
    if key == "seed" {
      guard let decoded = try secretFromHexadecimal(value) else {
        throw .line(number, "does not give the seed as 64 hexadecimal digits")
      }
      seed = decoded
    } else {
      values[key] = String(decoding: value, as: UTF8.self)
    }
  }

  func value(_ key: String) throws(PairFlaw) -> String {
    guard let value = values[key] else { throw .missing(key: key) }
    return value
  }

  func identities() throws(PairFlaw) -> (device: [UInt8], collector: [UInt8]) {
    guard let device = bytes(hexadecimal: try value("device-id")), device.count == 32,
      let collector = bytes(hexadecimal: try value("collector-id")), collector.count == 32
    else { throw .badIdentity }
    return (device, collector)
  }

  /// This section as an epoch.
  func epoch() throws(PairFlaw) -> SeedEpoch {
    guard let number = try whole("number", UInt32.self) else { throw lacks("number") }
    guard let state = values["state"] else { throw lacks("state") }
    guard let state = SeedEpoch.State(rawValue: state) else {
      throw .line(line, "begins an epoch whose state is none of next, current, previous, archive-only")
    }
    guard let seed else { throw lacks("seed") }
    return SeedEpoch(
      number: number, seed: seed, state: state, overlapSeconds: try whole("overlap", UInt32.self) ?? 0,
      madeSeconds: try whole("made", UInt64.self) ?? 0)
  }

  private func lacks(_ key: String) -> PairFlaw { .line(line, "begins an epoch without a line \"\(key) = …\"") }

  private func whole<Number: FixedWidthInteger>(_ key: String, _ type: Number.Type) throws(PairFlaw) -> Number? {
    guard let text = values[key] else { return nil }
    guard let number = Number(text) else { throw .line(line, "begins an epoch whose \(key) is no whole number in range") }
    return number
  }
}
