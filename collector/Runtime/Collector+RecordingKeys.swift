import Glibc
import LinuxEvents
import STC
import STTBoard
import STTKeyring
import STTRecorder

extension Collector {
  /// The keystore of the collector with this state directory.
  private static func keystore(_ configuration: CollectorConfiguration) -> RecordingKeystore {
    RecordingKeystore("\(configuration.stateDirectory)/keys")
  }

  /// Who may open what this collector records, as its configuration says.
  static func recordingKeys(_ configuration: CollectorConfiguration, _ devices: [KnownDevice]) throws -> RecordingKeys {
    let recording = configuration.recording
    let store = keystore(configuration)
    var pairs: [String: LoadedPair] = [:]
    if recording.sealTo.contains(.seed) {
      for device in devices { pairs[device.pair.name] = device.loaded }
    }
    let recipients = try recording.recipients.map { path in
      guard let key = RecipientPublicKey(bytes: try RecipientFile.publicKey(path)) else {
        throw RecipientFlaw(path: path, what: "its bytes are no X-Wing key")
      }
      return key
    }
    var day: ((String) throws(RecorderError) -> SlotKey)?
    if recording.sealTo.contains(.day) {
      day = { (day: String) throws(RecorderError) -> SlotKey in
        SlotKey(
          day: try required(store, "make the key of a day in") { () throws(StateError) in
            try store.dayKey(day, creating: true)
          })
      }
    }
    return RecordingKeys(
      suite: Suite.preferred(aesInstructions: Processor.hasAESInstructions), seals: recording.seal == .sealed,
      seed: { [pairs] device in pairs[device].flatMap { seedKey($0) } }, recipients: recipients, day: day,
      collector: { () throws(RecorderError) -> [UInt8] in
        try required(store, "read the collector's key in") { () throws(StateError) in try store.collectorKey(creating: true)
        }
      },
      remember: { (folder: String, head: ChainHead) throws(RecorderError) in
        _ = try required(store, "remember the newest segment in") { () throws(StateError) in
          try store.setHead(folder, head.text)
          return []
        }
      })
  }

  /// Of the epoch that is current now: seeds change while a collector runs. A file that can't be read at the
  /// moment leaves what it said at the start.
  private static func seedKey(_ loaded: LoadedPair) -> (epoch: UInt32, key: SlotKey)? {
    var pair = loaded.pair
    if case .file = loaded.reference, let now = try? PairFile.load(loaded.reference).pair, now.deviceID == pair.deviceID {
      pair = now
    }
    guard let keys = try? pair.keys(of: pair.current) else { return nil }
    return (pair.epoch, SlotKey(seed: keys.recordWrapKey))
  }

  /// The recorder takes every trouble of the keystore as it takes its disk's: it holds on and tries again.
  private static func required(
    _ store: RecordingKeystore, _ doing: String, _ body: () throws(StateError) -> [UInt8]?
  ) throws(RecorderError) -> [UInt8] {
    let found: [UInt8]?
    do throws(StateError) { found = try body() } catch {
      throw RecorderError(doing: doing, path: store.path, number: error.code)
    }
    guard let found else { throw RecorderError(doing: doing, path: store.path, number: ENOENT) }
    return found
  }
}
