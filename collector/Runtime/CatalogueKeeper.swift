import LinuxEvents
import Logging
import STTCatalogue
import STTRecorder
import Synchronization

/// Keeps the catalogue beside the recordings, on a thread of its own: the recorder only says which folders changed.
///
/// What goes wrong with it is logged, and recording goes on. A catalogue that can't be used is made anew.
final class CatalogueKeeper: Sendable {
  /// Nanoseconds between attempts while the catalogue is locked or can't be written.
  private static let retryInterval: UInt64 = 10_000_000_000

  private let scan: RecordingScan
  private let log: Logger
  private let wakeup: WakeupDescriptor
  /// Folders to be looked at, each `device/purpose`.
  private let changed = Mutex<Set<String>>([])
  private let isStopping = Atomic<Bool>(false)

  init(root: String, log: Logger) throws(SystemFailure) {
    scan = RecordingScan(root: root)
    self.log = log
    wakeup = try WakeupDescriptor()
  }

  /// Any thread's.
  func note(_ folders: [String]) {
    guard !folders.isEmpty else { return }
    changed.withLock { $0.formUnion(folders) }
    wakeup.signal()
  }

  /// Lets ``run()`` end once what was noted is in the catalogue, or can't be.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    wakeup.signal()
  }

  /// Brings the catalogue to what lies in the folders, then up to date whenever one changes.
  func run() throws {
    var poller = try Poller()
    try poller.add(wakeup.descriptor, .readable, token: 0)
    var isKnown = false
    var lastTrouble: String?
    while true {
      wakeup.clear()
      let stops = isStopping.load(ordering: .acquiring)
      let folders = changed.withLock { folders in
        defer { folders = [] }
        return folders
      }
      var deadline = UInt64.max
      if !isKnown || !folders.isEmpty {
        do {
          try bringUpToDate(isKnown ? folders.sorted() : nil)
          isKnown = true
          if lastTrouble != nil { log.notice("the catalogue is up to date again") }
          lastTrouble = nil
        } catch {
          // After a while everything is looked at: what was noted meanwhile is part of it.
          isKnown = false
          deadline = Clocks.monotonic + Self.retryInterval
          if lastTrouble != error.description { log.warning("\(error); recordings don't need it") }
          lastTrouble = error.description
        }
      }
      if stops { return }
      try poller.wait(until: deadline)
    }
  }

  /// - Parameter folders: those that changed; `nil`: all, after a check of the catalogue.
  private func bringUpToDate(_ folders: [String]?) throws(CatalogueError) {
    do { try update(folders) } catch {
      guard error.isDamage else { throw error }
      log.warning("\(error); making it anew")
      try Catalogue.remove(root: scan.root)
      try update(nil)
    }
  }

  private func update(_ folders: [String]?) throws(CatalogueError) {
    let catalogue = try Catalogue(root: scan.root, folders == nil ? .checking : .keeping)
    let names = folders ?? scan.folders()
    if folders == nil { try catalogue.keepOnly(names) }
    for name in names {
      try catalogue.update(name, scan.listing(name).map { ($0.folder, $0.files) }) { try scan.segment(name, $0) }
    }
  }
}
