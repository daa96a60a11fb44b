import Logging
import STC
import STTBoard
import STTKeyring

/// Decides whether the identity that a device shows is that device's (docs/protocol.md 2.12).
struct IdentityGate {
  enum Decision {
    case admit
    /// `reason` goes to the device and into the recording.
    case refuse(reason: String)
    /// The session waits until the device shows who it is.
    case wait
  }

  private let pins: IdentityPins
  private let log: Logger
  private(set) var refusedCount: UInt64 = 0

  init(stateDirectory: String, log: Logger) {
    pins = IdentityPins(stateDirectory: stateDirectory)
    self.log = log
  }

  /// A session of `device` began, and nothing of it is heard yet.
  mutating func arrived(_ device: KnownDevice) -> Decision {
    guard device.identity == .pin else { return .wait }
    do {
      let pin = try pins.find(deviceID: device.pair.deviceID, collectorID: device.pair.collectorID)
      return pin == nil ? .admit : .wait
    } catch {
      return refuse(device, "its pinned identity cannot be read", "\(error)")
    }
  }

  /// `device` shows `key`, and has the private half of it.
  mutating func shown(_ key: IdentityPublicKey, by device: KnownDevice) -> Decision {
    let name = device.pair.name
    let words = identityWords(key.fingerprint)
    do {
      switch try pins.judge(
        IdentityPin(
          name: name, deviceID: device.pair.deviceID, collectorID: device.pair.collectorID, fingerprint: key.fingerprint))
      {
      case .accepted:
        return .admit
      case .pinned:
        log.notice("\(name) shows an identity for the first time, which is pinned now: \(words)")
        return .admit
      case .refused(let pinned):
        return refuse(
          device, "another identity is pinned for it",
          "it shows \(words), and \(identityWords(pinned)) is pinned. Either the device has a new identity, then run: stt identity unpin \(name); or somebody else has its seed, then run: stt seed rotate --now"
        )
      }
    } catch {
      return refuse(device, "its pinned identity cannot be read or written", "\(error)")
    }
  }

  /// `device` showed nothing that proves an identity.
  mutating func missing(_ reason: String, of device: KnownDevice) { _ = refuse(device, reason, reason) }

  private mutating func refuse(_ device: KnownDevice, _ reason: String, _ detail: String) -> Decision {
    refusedCount += 1
    log.critical("ALARM: \(device.pair.name) is refused: \(detail)")
    return .refuse(reason: reason)
  }
}
