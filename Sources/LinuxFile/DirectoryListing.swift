import Glibc

/// Names in a directory without `.` and `..`, in no order; empty when it can't be read.
func entries(of directory: String) -> [String] {
  guard let stream = opendir(directory) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names
}

/// The path without links; `nil` when there is nothing.
func resolved(_ path: String) -> String? {
  guard let real = realpath(path, nil) else { return nil }
  defer { free(real) }
  return String(cString: real)
}

/// The names that are `prefix` and a number, in the number's order.
func numbered(_ names: [String], _ prefix: String) -> [String] {
  names.compactMap { name -> (number: Int, name: String)? in
    guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)) else { return nil }
    return (number, name)
  }.sorted { $0.number < $1.number }.map(\.name)
}

/// A text of at most 64 KiB without the line end, or `nil` when it can't be read or is empty.
func smallText(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 65_536)
  var count = 0
  while count < bytes.count {
    let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count) }
    if got < 0, errno == EINTR { continue }
    if got <= 0 { break }
    count += got
  }
  while count > 0, bytes[count - 1] == UInt8(ascii: "\n") || bytes[count - 1] == 0 { count -= 1 }
  return count == 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
}

/// `text` as a protobuf identifier: lower case, everything but letters and digits as `_`.
func identifier(_ text: String) -> String {
  var result = ""
  for character in text.lowercased().utf8 {
    switch character {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      result.unicodeScalars.append(Unicode.Scalar(character))
    default:
      // A unit's micro sign is several bytes and still one gap.
      if !result.hasSuffix("_") { result += "_" }
    }
  }
  while result.hasSuffix("_") { result.removeLast() }
  guard let first = result.utf8.first else { return "x" }
  return first >= UInt8(ascii: "a") ? result : "x" + result
}

/// Gives names that came before a number: `core`, `core_2`.
struct UniqueNames {
  private var taken: Set<String> = []

  mutating func unique(_ name: String) -> String {
    var candidate = name
    var number = 2
    while !taken.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }
}
