import STC
import STTRecord
import STTRecorder

/// A keystore in memory.
public final class TrialKeys {
  private static let recipient = RecipientKey(seed: (0..<32).map { $0 &* 11 &+ 3 })
  private static let collector = [UInt8](repeating: 9, count: 32)
  private static let day = (0..<32).map { UInt8($0) &* 5 &+ 2 }

  public let isSealed: Bool
  public var heads: [String: ChainHead] = [:]
  /// Called before the keystore is used: a test's way to let it fail.
  var gate: () throws(RecorderError) -> Void = {}
  var remembered: (_ folder: String, ChainHead) -> Void = { _, _ in }

  public init(isSealed: Bool) { self.isSealed = isSealed }

  public var recording: RecordingKeys {
    RecordingKeys(
      suite: .aes256GCM, seals: isSealed, seed: { _ in nil },
      recipients: [Self.recipient?.publicKey].compactMap { $0 },
      day: { (_: String) throws(RecorderError) -> SlotKey in
        try self.gate()
        return SlotKey(day: Self.day)
      },
      collector: { () throws(RecorderError) -> [UInt8] in
        try self.gate()
        return Self.collector
      },
      remember: { (folder: String, head: ChainHead) throws(RecorderError) in
        try self.gate()
        self.heads[folder] = head
        self.remembered(folder, head)
      })
  }

  /// What opens everything.
  public var sources: KeySources {
    KeySources(
      days: { _ in [SlotKey(day: Self.day)] }, recipients: [Self.recipient].compactMap { $0 },
      collectors: [Self.collector])
  }
}
