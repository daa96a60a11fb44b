import Glibc

/// Where the built programs are.
enum Programs {
  /// The directory that holds `stt`, `stt-agent` and `stt-collector`: the one STT_TEST_PROGRAMS
  /// names, else the nearest above the test bundle.
  static let directory: String? = {
    if let named = getenv("STT_TEST_PROGRAMS") { return String(cString: named) }
    return [CommandLine.arguments.first ?? "", link("/proc/self/exe")].lazy.compactMap(above).first
  }()

  private static func above(_ path: String) -> String? {
    var place = path
    while let slash = place.lastIndex(of: "/") {
      place = String(place[..<slash])
      if access("\(place)/stt-agent", X_OK) == 0 { return place }
    }
    return nil
  }

  private static func link(_ path: String) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &buffer, buffer.count - 1)
    return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
