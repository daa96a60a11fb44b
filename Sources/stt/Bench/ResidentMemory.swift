import Glibc

/// What of this process is in memory.
enum ResidentMemory {
  static var byteCount: UInt64 {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 128, file) != nil else { return 0 }
    let words = line.split(separator: 32).map { part in
      part.prefix { $0 >= 48 && $0 <= 57 }.reduce(0) { $0 * 10 + UInt64($1 - 48) }
    }
    return words.count > 1 ? words[1] * UInt64(sysconf(Int32(_SC_PAGESIZE))) : 0
  }
}
