import STC
import STTIngest
import STTKeyring
import STTSession
import STTWire

/// The pair as it lies on the disks of both ends, and the device's identity.
package struct SeedFiles {
  package var device: PairFile
  package var collector: PairFile
  package var identity: IdentityKey?
  /// Whether each end's next write to its disk fails.
  package var deviceDiskFails = false
  /// Ran after each write, and before anything that follows from it: where machines die.
  package var onWrite: ((_ atDevice: Bool) -> Void)?
  /// Epochs the collector made sessions with.
  package var proven: [UInt32] = []
  package var stored: [UInt32] = []

  /// A pair of epoch 1, the same at both ends.
  package init(name: String = "device", pair: Pair, seed: [UInt8], identity: IdentityKey?) throws {
    guard let secret = SecretBytes.copy(of: seed) else { throw PairFlaw.noMemory }
    device = try PairFile(
      name: name, deviceID: pair.initiatorID, collectorID: pair.responderID, epoch: 1, seed: secret)
    collector = device
    self.identity = identity
  }
}

/// What agent and collector do with their pair files, in the order in which they do it.
extension World {
  package var deviceIsConnected: Bool { device.isConnected }
  package var sessionCount: Int { collector.sessionCount }

  /// From now on both ends live by pair files, and the device has an identity.
  package func keepSeeds(_ files: SeedFiles, asksIdentity: Bool = true) {
    seeds = files
    asksIdentityForSeeds = asksIdentity
    device = DeviceEndpoint(
      keys: keys, offer: offer, settings: settings, bootID: 7, identity: files.identity, now: deviceNow)
    startSeedsOfDevice()
    startSeedsOfCollector()
  }

  func startSeedsOfDevice() {
    guard let seeds else { return }
    device.setEpochs(seeds.device.live.compactMap { try? seeds.device.keys(of: $0) }, now: deviceNow)
  }

  func startSeedsOfCollector() {
    guard let seeds else { return }
    if asksIdentityForSeeds { collector.askIdentity(of: 0) }
    liveAtCollector = [1]
    matchCollector(seeds.collector)
  }

  /// Somebody put another file in the collector's place, and told it.
  package func replaceCollectorFile(_ file: PairFile) {
    seeds?.collector = file
    matchCollector(file)
  }

  package func replaceDeviceFile(_ file: PairFile) {
    seeds?.device = file
    startSeedsOfDevice()
  }

  private func matchCollector(_ file: PairFile) {
    let live = file.live
    for epoch in liveAtCollector where !live.contains(where: { $0.number == epoch }) {
      collector.removeEpoch(epoch, of: 0)
    }
    for epoch in live where !liveAtCollector.contains(epoch.number) {
      guard let keys = try? file.keys(of: epoch) else { continue }
      collector.addEpoch(
        .init(keys: keys, epoch: epoch.number, lastCounter: acceptedCounters[epoch.number] ?? 0), of: 0,
        now: collectorClock.monotonic(now))
    }
    liveAtCollector = live.map(\.number)
  }

  /// The collector makes a seed, keeps it, and offers it.
  package func rotate(seed: [UInt8], overlapSeconds: UInt32 = 1000) throws {
    guard let secret = SecretBytes.copy(of: seed), var file = seeds?.collector else { return }
    try file.addNext(secret, overlapSeconds: overlapSeconds, madeSeconds: 1)
    seeds?.collector = file
    matchCollector(file)
    seeds?.onWrite?(false)
    offerNext()
  }

  package func offerNext() {
    guard let next = seeds?.collector.next else { return }
    _ = collector.offerSeed(
      epoch: next.number, overlapSeconds: next.overlapSeconds, seed: next.seed.withUnsafeBytes { [UInt8]($0) }, to: 0)
  }

  /// The collector's overlap passes.
  package func spendOverlap(_ seconds: UInt32) {
    guard var file = seeds?.collector, file.spendOverlap(seconds) else { return }
    replaceCollectorFile(file)
  }

  package func spendOverlapOfDevice(_ seconds: UInt32) {
    guard var file = seeds?.device, file.spendOverlap(seconds) else { return }
    replaceDeviceFile(file)
  }

  func noteSeeds(_ event: CollectorEvent) {
    guard var file = seeds?.collector else { return }
    switch event {
    case .identity(_, let session, let id, _): collector.admit(session: session, id: id)
    case .proven(_, _, let epoch):
      seeds?.proven.append(epoch)
      if file.promote(epoch) {
        seeds?.collector = file
        matchCollector(file)
        seeds?.onWrite?(false)
      }
      if let next = seeds?.collector.next, next.number > epoch { offerNext() }
    case .seedStored(_, let epoch): seeds?.stored.append(epoch)
    default: break
    }
  }

  func note(_ event: DeviceEvent) {
    guard var file = seeds?.device else { return }
    switch event {
    case .proven(let epoch):
      guard file.promote(epoch) else { return }
      seeds?.device = file
      seeds?.onWrite?(true)
      startSeedsOfDevice()
    case .seedOffered:
      guard let offer = device.takeSeedOffer(), let seed = SecretBytes.copy(of: offer.seed) else { return }
      if seeds?.deviceDiskFails == true { return device.refuseSeed(offer.epoch, .notWritten) }
      do {
        _ = try file.store(
          SeedEpoch(number: offer.epoch, seed: seed, state: .next, overlapSeconds: offer.overlapSeconds))
      } catch { return device.refuseSeed(offer.epoch, .notNewer) }
      seeds?.device = file
      let before = device.isConnected
      seeds?.onWrite?(true)
      guard before, device.isConnected else { return }
      startSeedsOfDevice()
      device.keepSeed(offer.epoch, now: deviceNow)
    default: break
    }
  }
}
