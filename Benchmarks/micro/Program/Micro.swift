import CAllocations
import Glibc

/// Does one thing so many times, after a warm-up that allocates what is kept, and counts what it allocates. Benchmarks/micro/run counts its instructions from outside.
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

  static func main() {
    let words = CommandLine.arguments
    guard words.count == 4, let type = operation(words[1]), let warmUp = Int(words[2]), let count = Int(words[3]),
      warmUp >= 0, count >= 0
    else {
      print("usage: stt-micro OPERATION WARM-UP COUNT; started by Benchmarks/micro/run")
      exit(64)
    }
    do {
      let operation = try type.init()
      try operation.run(warmUp)
      let before = callocations_count()
      try operation.run(count)
      let after = callocations_count()
      print("allocations=\(after - before)")
    } catch {
      print("\(error)")
      exit(1)
    }
  }
}
