import CAllocations
import Glibc

/// Does one thing so many times, and counts what it allocates. Benchmarks/micro/run counts its instructions from outside.
@main
enum Micro {
  /// One thing, done `count` times.
  protocol Operation: AnyObject {
    init() throws
    func run(_ count: Int) throws
  }

  struct Unexpected: Error, CustomStringConvertible {
    let description: String
  }

  private static func operation(_ name: String) -> (any Operation.Type)? {
    switch name {
    case "header": HeaderLoop.self
    case "seal": SealLoop.self
    case "open": OpenLoop.self
    case "message": MessageLoop.self
    case "sample": SampleLoop.self
    case "record": RecordLoop.self
    default: nil
    }
  }

  /// Long enough for everything that is kept to have been allocated.
  private static let warmUp = 3000

  static func main() {
    let words = CommandLine.arguments
    guard words.count == 3, let type = operation(words[1]), let count = Int(words[2]), count >= 0 else {
      print("usage: stt-micro OPERATION COUNT; started by Benchmarks/micro/run")
      exit(64)
    }
    do {
      let operation = try type.init()
      try operation.run(warmUp)
      let before = callocations_count()
      try operation.run(count)
      print("allocations=\(callocations_count() - before)")
    } catch {
      print("\(error)")
      exit(1)
    }
  }
}
