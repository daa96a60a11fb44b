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
    var seeds: [String: (epoch: UInt32, key: SlotKey)] = [:]
    if recording.sealTo.contains(.seed) {
      for device in devices {
        seeds[device.pair.name] = (device.pair.epoch, SlotKey(try keys(device.pair)))
      }
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
        SlotKey(day: try required(store, "make the key of a day in") { try store.dayKey(day, creating: true) })
      }
    }
    return RecordingKeys(
      suite: Suite.preferred(aesInstructions: Processor.hasAESInstructions), seals: recording.seal == .sealed,
      seeds: seeds, recipients: recipients, day: day,
      collector: { () throws(RecorderError) -> [UInt8] in
        try required(store, "read the collector's key in") { try store.collectorKey(creating: true) }
      },
      remember: { (folder: String, head: ChainHead) throws(RecorderError) in
        _ = try required(store, "remember the newest segment in") {
          try store.setHead(folder, head.text)
          return []
        }
      })
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
