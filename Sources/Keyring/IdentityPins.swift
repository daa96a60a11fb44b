import Glibc

/// Which device identity belongs to a pair, as far as the collector knows.
public struct IdentityPin: Hashable, Sendable {
  /// The device's name for people.
  public var name: String
  /// 32 bytes each.
  public var deviceID: [UInt8]
  public var collectorID: [UInt8]
  /// SHA-256 over the identity's public key.
  public var fingerprint: [UInt8]

  public init(name: String, deviceID: [UInt8], collectorID: [UInt8], fingerprint: [UInt8]) {
    self.name = name
    self.deviceID = deviceID
    self.collectorID = collectorID
    self.fingerprint = fingerprint
  }
}

/// The collector's memory of its devices' identities: the first one a device shows is pinned, and
/// another one is refused from then on, until a person unpins it (docs/protocol.md 2.12).
///
/// One small file for each device in a directory of their own beside the collector's state, read when
/// a device shows its identity: a person changes pins while the collector runs. A pin is on the disk
/// before the device it admits is heard, and survives new seeds.
public struct IdentityPins: Sendable {
  /// What showing an identity came to.
  public enum Verdict: Hashable, Sendable {
    /// It is the one that is pinned.
    case accepted
    /// It was the first, and is pinned now.
    case pinned
    /// Another one is pinned.
    case refused(pinned: [UInt8])
  }

  public let path: String

  /// The pins of the collector with this state directory.
  public init(stateDirectory: String) { path = "\(stateDirectory)/identities" }

  /// Judges the identity of a device: pins the first, refuses any other. Blocks on one small file, and
  /// for the first on the disk.
  public func judge(_ claim: IdentityPin) throws(StateError) -> Verdict {
    if let known = try find(deviceID: claim.deviceID, collectorID: claim.collectorID) {
      return known.fingerprint == claim.fingerprint ? .accepted : .refused(pinned: known.fingerprint)
    }
    if try write(claim, replacing: false) { return .pinned }
    // Somebody pinned one a moment ago.
    let known = try find(deviceID: claim.deviceID, collectorID: claim.collectorID)
    return known?.fingerprint == claim.fingerprint ? .accepted : .refused(pinned: known?.fingerprint ?? [])
  }

  /// Pins an identity that a person vouches for, in place of any other.
  public func pin(_ pin: IdentityPin) throws(StateError) { _ = try write(pin, replacing: true) }

  /// The pin of a device, or `nil`.
  public func find(deviceID: [UInt8], collectorID: [UInt8]) throws(StateError) -> IdentityPin? {
    guard let descriptor = try directory(creating: false) else { return nil }
    defer { close(descriptor) }
    let name = Self.fileName(deviceID, collectorID)
    guard let pin = try read(name, in: descriptor) else { return nil }
    guard pin.deviceID == deviceID, pin.collectorID == collectorID else {
      throw damaged(name, "it belongs to another pair")
    }
    return pin
  }

  /// All pins by their devices' names, and what is wrong with files that hold none.
  public func all() throws(StateError) -> (pins: [IdentityPin], failures: [StateError]) {
    guard let descriptor = try directory(creating: false) else { return ([], []) }
    defer { close(descriptor) }
    guard let stream = opendir(path) else { throw .cannotRead(path: path, code: errno) }
    defer { closedir(stream) }
    var pins: [IdentityPin] = []
    var failures: [StateError] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasSuffix(".pin"), !name.hasPrefix(".") else { continue }
      do throws(StateError) {
        if let pin = try read(name, in: descriptor) { pins.append(pin) }
      } catch {
        failures.append(error)
      }
    }
    return (pins.sorted { ($0.name, hexadecimal($0.deviceID)) < ($1.name, hexadecimal($1.deviceID)) }, failures)
  }

  /// Forgets a device's identity: the next one it shows is pinned. `false`: there was none.
  public func unpin(_ pin: IdentityPin) throws(StateError) -> Bool {
    guard let descriptor = try directory(creating: false) else { return false }
    defer { close(descriptor) }
    let name = Self.fileName(pin.deviceID, pin.collectorID)
    guard unlinkat(descriptor, name, 0) == 0, fsync(descriptor) == 0 else {
      if errno == ENOENT { return false }
      throw .cannotWrite(path: "\(path)/\(name)", code: errno)
    }
    return true
  }

  // MARK: - Files

  /// `false`: it was not to be replaced, and there is one.
  private func write(_ pin: IdentityPin, replacing: Bool) throws(StateError) -> Bool {
    guard let descriptor = try directory(creating: true) else { return false }
    defer { close(descriptor) }
    let record = StateRecord([
      "stt-identity-pin": "1", "name": pin.name, "device-id": hexadecimal(pin.deviceID),
      "collector-id": hexadecimal(pin.collectorID), "fingerprint": hexadecimal(pin.fingerprint),
    ])
    let name = Self.fileName(pin.deviceID, pin.collectorID)
    let code = record.bytes.withUnsafeBytes {
      writeAtomically($0, named: name, in: descriptor, replacing: replacing)
    }
    if code == EEXIST { return false }
    if code != 0 { throw .cannotWrite(path: "\(path)/\(name)", code: code) }
    return true
  }

  private func read(_ name: String, in directory: CInt) throws(StateError) -> IdentityPin? {
    let file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw .cannotRead(path: "\(path)/\(name)", code: errno)
    }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: StateRecord.maximumByteCount + 1)
    let count = pread(file, &buffer, buffer.count, 0)
    guard count >= 0 else { throw .cannotRead(path: "\(path)/\(name)", code: errno) }
    guard let record = StateRecord(parsing: Array(buffer[..<count])), record.values["stt-identity-pin"] == "1",
      let device = record.values["device-id"].flatMap({ bytes(hexadecimal: $0) }), device.count == 32,
      let collector = record.values["collector-id"].flatMap({ bytes(hexadecimal: $0) }), collector.count == 32,
      let fingerprint = record.values["fingerprint"].flatMap({ bytes(hexadecimal: $0) }), fingerprint.count == 32,
      let deviceName = record.values["name"]
    else { throw damaged(name, "it is cut or altered") }
    return IdentityPin(name: deviceName, deviceID: device, collectorID: collector, fingerprint: fingerprint)
  }

  private func damaged(_ name: String, _ what: String) -> StateError {
    .damagedPin(path: "\(path)/\(name)", reason: what)
  }

  /// `nil`: there is none, and none was to be made.
  private func directory(creating: Bool) throws(StateError) -> CInt? {
    if creating {
      if mkdir(path, 0o700) == 0 {
        try syncParent()
      } else if errno != EEXIST {
        throw .cannotWrite(path: path, code: errno)
      }
    }
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw .cannotRead(path: path, code: errno)
    }
    return descriptor
  }

  private func syncParent() throws(StateError) {
    let parent = open("\(path)/..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard parent >= 0 else { throw .cannotWrite(path: path, code: errno) }
    defer { close(parent) }
    guard fsync(parent) == 0 else { throw .cannotWrite(path: path, code: errno) }
  }

  /// The whole ids are inside and compared.
  private static func fileName(_ deviceID: [UInt8], _ collectorID: [UInt8]) -> String {
    "\(hexadecimal(Array(deviceID.prefix(8))))-\(hexadecimal(Array(collectorID.prefix(8)))).pin"
  }
}
