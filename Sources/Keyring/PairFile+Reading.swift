import Glibc
public import STTBoard

/// A pair, and what its owner should know about the way it came.
public struct LoadedPair: Sendable {
  public var pair: PairFile
  /// A sentence to log, or `nil`.
  public var warning: String?
  /// Where it came from.
  public var reference: PairReference
}

extension PairFile {
  /// Reads the pair from where `reference` says. Blocks on files and descriptors. `env:` clears the
  /// variable and `fd:` closes the descriptor, so each can be read once.
  public static func load(_ reference: PairReference) throws(PairStoreError) -> LoadedPair {
    let text = try SecretText.load(reference, what: "pair", atMost: maximumByteCount)
    return LoadedPair(pair: try parse(text.bytes, place: text.place), warning: text.warning, reference: reference)
  }

  /// Reads every `*.pair` file of a directory, in the order of their names. One bad file does not
  /// hide the others: its error stands beside them.
  public static func loadAll(in directory: String) throws(PairStoreError) -> (
    pairs: [LoadedPair], failures: [PairStoreError]
  ) {
    guard let stream = opendir(directory) else { throw .unreadable(place: directory, code: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".pair"), !name.hasPrefix(".") { names.append(name) }
    }
    var pairs: [LoadedPair] = []
    var failures: [PairStoreError] = []
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      do {
        pairs.append(try load(.file(path: "\(directory)/\(name)")))
      } catch {
        failures.append(error)
      }
    }
    return (pairs, failures)
  }

  private static func parse(_ text: SecretBytes, place: String) throws(PairStoreError) -> PairFile {
    do throws(PairFlaw) {
      return try text.withUnsafeBytes { (bytes) throws(PairFlaw) in try PairFile(text: bytes) }
    } catch {
      throw .flawed(place: place, error)
    }
  }
}
